"""All data is copied into an empty place: whole and compared, or not at all. (PostgreSQL: tests/storage/postgres.)"""

import shutil
from pathlib import Path

import pytest

from crmkit import boot
from crmkit.operate import copying, doctor
from crmkit.operate.copying import Copied, Place
from crmkit.storage import secret
from crmkit.storage.interface.database import InUse, Unusable
from crmkit.storage.sqlite.brand import SQLITE
from crmkit.storage.sqlite.engine.folder import FILE
from crmkit.storage.sqlite.migrations import MIGRATIONS
from tests.cli.test_cli import gives_up
from tests.disks import mounted
from tests.house import process, run, settings_of
from tests.storage.sqlite.backup.installation import CONTENT, UPLOAD, files, hash_of, installation, names, with_upload

pytestmark = pytest.mark.sqlite

NOW = "2026-06-10T09:00:00Z"


def place(folder: Path) -> Place:
    return copying.place_of(settings_of(CRMKIT_SERVER_DATA=str(folder)), SQLITE)


def copied(source: Path, target: Path) -> list[Copied]:
    found = [*copying.copy(place(source), place(target), boot.KINDS, NOW, print)]
    copying.index(place(target), boot.KINDS, NOW)
    return found


def test_a_copy_has_the_rows_the_key_and_the_files_of_imports_with_the_modes_of_a_data_folder(tmp_path: Path) -> None:
    source, target = with_upload(installation(tmp_path / "source", "Jane", "Joe")), tmp_path / "target"
    before = hash_of(source)
    tables = copied(source, target)
    assert all(table.is_equal for table in tables)
    assert {table.table: table.rows for table in tables}["contacts"] == 2
    assert names(target) == ["Jane", "Joe"]
    assert secret.read(target) == secret.read(source)
    assert (target / "uploads" / UPLOAD).read_bytes() == CONTENT
    modes = {name: (target / name).stat().st_mode & 0o777 for name in files(target)}
    assert modes == dict.fromkeys(files(target), 0o600)
    assert [(target / name).stat().st_mode & 0o777 for name in ("", "uploads")] == [0o700, 0o700]
    assert hash_of(source) == before


def test_the_doctor_is_content_with_a_copy_whose_texts_are_found(tmp_path: Path) -> None:
    copied(installation(tmp_path / "source", "Jane", "Joe"), target := tmp_path / "target")
    settings = settings_of(CRMKIT_SERVER_DATA=str(target))
    assert [each.line for each in doctor.examine(settings, SQLITE, boot.KINDS) if not each.good] == []
    with SQLITE.reads(target) as read:
        assert not any(read(lambda c, kind=kind: c.texts.waits(c, kind)) for kind in boot.KINDS.searched)


def test_a_copy_has_the_indexes_of_any_other_database(tmp_path: Path) -> None:
    copied(source := installation(tmp_path / "source", "Jane"), target := tmp_path / "target")
    sql = "SELECT name, sql FROM sqlite_schema ORDER BY name"
    found = []
    for folder in (source, target):
        with SQLITE.reads(folder) as read:
            found.append(read(lambda connection: connection.execute(sql).fetchall()))
    assert found[0] == found[1]


def test_a_copy_of_a_copy_has_the_same_hashes(tmp_path: Path) -> None:
    first = copied(installation(tmp_path / "source", "Jane", "Joe"), tmp_path / "one")
    assert copied(tmp_path / "one", tmp_path / "two") == first


def test_a_copy_that_is_broken_off_leaves_no_row_no_key_and_no_file_and_can_be_begun_again(tmp_path: Path) -> None:
    source, target = with_upload(installation(tmp_path / "source", "Jane")), tmp_path / "target"
    begun = copying.copy(place(source), place(target), boot.KINDS, NOW, print)
    while next(begun).table != "users":
        pass
    begun.close()
    assert files(target) == [FILE, "crmkit.lock"]
    assert names(target) == []
    copied(source, target)
    assert names(target) == ["Jane"]


def test_a_target_with_data_or_with_another_key_or_a_server_is_refused_and_stays_as_it_was(tmp_path: Path) -> None:
    source, target = installation(tmp_path / "source", "Jane"), installation(tmp_path / "target", "Joe")
    with pytest.raises(Unusable, match="is the key of another server, which is not replaced"):
        copied(source, target)
    shutil.copy(source / secret.FILE, target / secret.FILE)
    with pytest.raises(Unusable, match=r"holds data already \(rows of audit\), and a copy needs an empty place"):
        copied(source, target)
    assert names(target) == ["Joe"]
    with SQLITE.alone(tmp_path / "held"), pytest.raises(InUse, match="works on the data in .*held; stop it first"):
        copied(source, tmp_path / "held")


def test_an_earlier_schema_is_refused_on_both_sides_and_migrated_on_none(tmp_path: Path) -> None:
    old, new = installation(tmp_path / "old", "Jane"), installation(tmp_path / "new", "Jane")
    shutil.copy(new / secret.FILE, old / secret.FILE)
    with SQLITE.alone(old) as do:
        do(lambda tx: tx.connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) - 1}"), (), NOW)
    with pytest.raises(Unusable, match="does not have the schema of this crmkit: run `crmkit migrate` on it first"):
        copied(old, tmp_path / "target")
    with pytest.raises(Unusable, match="has a database already, of an earlier crmkit: name another folder"):
        copied(new, old)
    assert len(SQLITE.pending(old).names) == 1
    assert not (tmp_path / "target").exists()


@pytest.mark.slow
def test_the_command_beside_a_server_says_what_stays_behind(tmp_path: Path) -> None:
    with process(tmp_path / "source") as served, served.sign_in() as alice:
        alice.post("/contacts", json={"name": "Jane"})
        done = run("copy", "--from", "source", "--to", "target", cwd=tmp_path)
        assert done.returncode == 0
        assert done.stderr == "crmkit: a server runs on source: what it writes from now on is not copied\n"
        lines = done.stdout.splitlines()
        assert all(line.endswith("  equal") for line in lines[:-2])
        assert lines[-1] == "the texts of search are indexed"
        with process(tmp_path / "target") as other, type(alice)(other.url, alice.token) as there:
            assert there.text("GET", "/contacts?search=jan") == alice.text("GET", "/contacts?search=jan")


@pytest.mark.slow
def test_a_place_without_data_or_a_disk_without_room_is_one_line(tmp_path: Path) -> None:
    installation(tmp_path / "source", "Jane")
    explained = run("copy", "--help", cwd=tmp_path)
    assert explained.stdout.startswith("usage: crmkit copy ")
    for option in ("--from PLACE", "--to PLACE", "--files FOLDER", "--config"):
        assert option in explained.stdout
    gives_up(run("copy", "--from", "none", "--to", "target", cwd=tmp_path), "there is no database in none")
    assert not (tmp_path / "target").exists()
    gives_up(run("copy", "--from", "source", "--to", "source", cwd=tmp_path), "source holds data already")
    with mounted(tmp_path, "size=1200k") as disk:
        done = run("copy", "--from", "source", "--to", f"{disk}/target", cwd=tmp_path)
        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        assert line.startswith(f"crmkit: the disk is full where {disk}/target is") or "disk" in line
        assert not (disk / "target" / secret.FILE).exists()
