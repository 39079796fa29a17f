"""A backup is all of an installation as it was at one moment, or there is none."""

import os
import stat
from contextlib import closing
from pathlib import Path

import pytest

from crmkit.storage.interface.database import InUse, Unusable
from crmkit.storage.sqlite.backup import carried, checking, make
from crmkit.storage.sqlite.engine import migrate
from crmkit.storage.sqlite.engine.connection import connect
from crmkit.storage.sqlite.engine.driver import sqlite3
from crmkit.storage.sqlite.engine.folder import FILE, prepare
from crmkit.storage.sqlite.migrations import MIGRATIONS
from tests.kinds import KINDS
from tests.storage.desk import desk
from tests.storage.sqlite.backup.installation import (
    CONTENT,
    NOW,
    UPLOAD,
    fill,
    hash_of,
    installation,
    names,
    read,
    restored,
    with_upload,
)


def backup(folder: Path, file: Path) -> str:
    """Make a backup and return its hash."""
    return make.make(folder, file, file.with_name(f"{file.name}.part"), NOW).hash


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return installation(tmp_path / "data", "Jane", "José")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "backup.db"


def test_a_backup_is_one_private_file_that_needs_no_log(folder: Path, file: Path) -> None:
    made = make.make(folder, file, file.with_name("part"), NOW)
    assert (made.file, made.size) == (file, file.stat().st_size)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_bytes()[18:20] == b"\1\1"  # no write-ahead log (sqlite.org/fileformat.html, 1.3.3)
    assert sorted(other.name for other in file.parent.iterdir()) == ["backup.db", "data"]
    with read(file) as connection:
        label = carried.label(connection)
        assert label is not None
        assert (label.made_at, label.hash) == (NOW, made.hash)
        assert label.key == (folder / "secret.key").read_text()


def test_what_is_restored_elsewhere_has_the_same_hash_key_and_files(folder: Path, file: Path, tmp_path: Path) -> None:
    hash, other = backup(with_upload(folder), file), tmp_path / "other"
    assert restored(other, file) == hash == hash_of(folder) == hash_of(other)
    assert (other / "uploads" / UPLOAD).read_bytes() == CONTENT
    assert stat.S_IMODE((other / "uploads" / UPLOAD).stat().st_mode) == 0o600
    assert (other / "secret.key").read_text() == (folder / "secret.key").read_text()
    assert {stat.S_IMODE(path.stat().st_mode) for path in (other, other / "uploads")} == {0o700}
    with read(other / FILE) as connection:
        assert carried.label(connection) is None
        assert schema_of(connection) == migrated_schema(tmp_path / "fresh")


def schema_of(connection: sqlite3.Connection) -> list[str]:
    return connection.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name").fetchall()


def migrated_schema(folder: Path) -> list[str]:
    prepare(folder)
    migrate.run(folder / FILE, connect)
    with read(folder / FILE) as connection:
        return schema_of(connection)


def test_what_the_log_of_a_server_that_was_killed_holds_is_in_the_backup(
    folder: Path, file: Path, tmp_path: Path
) -> None:
    with desk(folder) as back:
        fill(back, "Ann")
        (tmp_path / "killed").mkdir()
        for name in (FILE, f"{FILE}-wal"):  # as they are while it runs
            (tmp_path / "killed" / name).write_bytes((folder / name).read_bytes())
    backup(tmp_path / "killed", file)
    restored(tmp_path / "other", file)
    assert names(tmp_path / "other") == ["Ann", "Jane", "José"]


def test_a_backup_beside_a_writer_holds_one_moment(folder: Path, file: Path, tmp_path: Path) -> None:
    """Somebody writes between each two steps of the copy, which would begin anew without a snapshot."""
    with closing(connect(folder / FILE, True)) as writer, pytest.MonkeyPatch.context() as patch:
        writer.execute("CREATE TABLE filler (content BLOB) STRICT")
        writer.execute("INSERT INTO filler VALUES (zeroblob(3000000))")
        steps, real = [], make.copying.os.fsync

        def between(descriptor: int) -> None:
            steps.append(writer.execute("UPDATE contacts SET notes = coalesce(notes, '') || 'x'").rowcount)
            real(descriptor)

        patch.setattr(make.copying, "FLUSH_BYTES", 1)
        patch.setattr(make.copying.os, "fsync", between)
        backup(folder, file)
    assert len(steps) > 4
    assert set(steps) == {2}
    with read(file) as connection:
        assert connection.execute("SELECT DISTINCT notes FROM contacts").fetchall() == [(None,)]


def test_the_hash_is_of_every_table_but_those_that_search_derives(folder: Path) -> None:
    of_search = {"search_words", "search_pieces"}
    of_search |= {f"{kind.plural}_{what}" for kind in KINDS for what in ("texts", "unindexed")}
    of_search |= {f"activities_{what}" for what in ("texts", "unindexed")}
    with read(folder / FILE) as connection:
        listed = (
            "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name <> 'sqlite_schema'"
        )
        made = {name for (name,) in connection.execute(listed) if name not in ("sqlite_sequence", "sqlite_stat1")}
        assert made - set(checking.tables(connection)) == of_search & made
        assert "contacts_texts" in made


def test_the_hash_stays_when_texts_are_indexed_and_changes_with_any_row(folder: Path) -> None:
    with desk(folder) as back:
        back.save(back.person(), name="Ann")
        before = hash_of(folder)
        back.index()
        assert hash_of(folder) == before
    seen = [before]
    with closing(connect(folder / FILE, True)) as connection:
        for change in (
            "UPDATE contacts SET notes = 'x' WHERE name = 'Ann'",
            "UPDATE audit SET action = 'x' WHERE seq = (SELECT max(seq) FROM audit)",
            "UPDATE tokens SET last_used_at = 'x' WHERE id = (SELECT max(id) FROM tokens)",
            "DELETE FROM counts WHERE kind = 'contacts'",
        ):
            assert connection.execute(change).rowcount == 1
            seen.append(hash_of(folder))
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("data/backup.db", "is inside the data folder"),
        ("data/uploads/backup.db", "is inside the data folder"),
        ("link/backup.db", "is inside the data folder"),
        ("other/backup.db", "is inside the data folder"),
        ("folder", "is a folder: name a file in it"),
        ("nowhere/backup.db", "there is no folder"),
        ("foreign.txt", "is there already and is no backup of crmkit"),
        ("foreign.db", "is there already and is no backup of crmkit"),
        ("dangling", "is there already and is no backup of crmkit"),
        ("to-backup", "is there already and is no backup of crmkit"),
    ],
)
def test_a_place_where_none_belongs_is_refused_and_stays_as_it_is(
    folder: Path, tmp_path: Path, place: str, words: str
) -> None:
    installation(tmp_path / "other")
    (folder / "uploads").mkdir()
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(folder)
    (tmp_path / "foreign.txt").write_text("mine")
    (tmp_path / "dangling").symlink_to("nothing")
    backup(folder, tmp_path / "kept.db")
    (tmp_path / "to-backup").symlink_to("kept.db")
    with closing(sqlite3.connect(tmp_path / "foreign.db")) as connection:
        connection.execute("CREATE TABLE mine (x)")
    before = sorted((path, path.lstat().st_mtime_ns) for path in tmp_path.rglob("*"))
    with pytest.raises(ValueError, match=words):
        backup(folder, tmp_path / place)
    assert sorted((path, path.lstat().st_mtime_ns) for path in tmp_path.rglob("*")) == before


def test_a_backup_takes_the_place_of_an_earlier_one(folder: Path, file: Path) -> None:
    first = backup(folder, file)
    with desk(folder) as back:
        fill(back, "Ann")
    assert backup(folder, file) != first


def test_two_backups_to_one_place_exclude_each_other(folder: Path, file: Path) -> None:
    part = file.with_name(f"{file.name}.part")
    with make._held(part), pytest.raises(InUse, match="another backup writes"):
        backup(folder, file)
    backup(folder, file)


@pytest.mark.parametrize("kind", ["link", "second name", "pipe", "of another user"])
def test_a_file_of_others_where_a_backup_is_written_stays_as_it_is(
    folder: Path, file: Path, tmp_path: Path, kind: str
) -> None:
    part, other = file.with_name(f"{file.name}.part"), tmp_path / "other"
    other.write_text("mine")
    if kind == "link":
        part.symlink_to(other)
    elif kind == "second name":
        part.hardlink_to(other)
    elif kind == "pipe":
        os.mkfifo(part)
    elif os.geteuid():
        pytest.skip("makes a file of another user")
    else:
        other.rename(part)
        os.chown(part, 65534, 65534)
        other = part
    with pytest.raises(ValueError, match="remove it|cannot be written"):
        backup(folder, file)
    assert other.read_text() == "mine"
    assert os.path.lexists(part)
    assert not file.exists()


def test_no_backup_is_made_of_a_damaged_database(folder: Path, file: Path) -> None:
    with closing(sqlite3.connect(folder / FILE)) as connection:
        connection.execute("INSERT INTO memberships VALUES ('ws_none', 'u_none', 'admin', ?)", (NOW,))
        connection.commit()
    with pytest.raises(Unusable, match="is damaged, so no backup was made of it: a row of memberships refers to"):
        backup(folder, file)
    assert os.listdir(file.parent) == ["data"]


def test_there_is_nothing_to_back_up_where_there_is_no_database(tmp_path: Path, file: Path) -> None:
    with pytest.raises(Unusable, match="there is no database in .*--data"):
        backup(tmp_path / "nowhere", file)
    assert os.listdir(tmp_path) == []


def test_a_database_of_an_earlier_program_is_backed_up_as_it_is(tmp_path: Path, file: Path) -> None:
    prepare(tmp_path / "data")
    migrate.run(tmp_path / "data" / FILE, connect, MIGRATIONS[:3])
    hash = backup(tmp_path / "data", file)
    assert restored(tmp_path / "other", file) == hash
    with read(tmp_path / "other" / FILE) as connection:
        assert migrate.version(connection) == 3
