"""What is no whole archive, or does not fit, changes nothing; an import that is cut off is done again."""

import json
import os
import shutil
import signal
import subprocess
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from crmkit import boot, ids
from crmkit.core.transfer.snapshots import archive
from crmkit.core.transfer.snapshots.archive import MANIFEST, File, Manifest, Member, hash_of
from crmkit.settings import Settings
from tests import postgres
from tests.house import ALICE, command, process, run
from tests.kinds import REGISTRY
from tests.storage.desk import desk
from tests.teams.office import Books

pytestmark = pytest.mark.sqlite

CONTACTS = 2_500


@dataclass
class Moving:
    """A workspace with CONTACTS contacts, its archive, and an empty data folder that others are copied from."""

    id: str
    file: Path
    empty: Path


def settings_of(folder: Path) -> Settings:
    return boot.load_settings(None, postgres.environ(folder))


@pytest.fixture(scope="module")
def moving(tmp_path_factory: pytest.TempPathFactory) -> Moving:
    folder = tmp_path_factory.mktemp("refused")
    with desk(folder / "here") as back:
        alice = back.person(ALICE)
        back.save_all(alice, [{"name": f"Jane {n}", "notes": "x" * 200} for n in range(CONTACTS)])
        back.make(alice, REGISTRY.by_word["rule"], name="vip", expression="activities")
    boot.export_workspace(settings_of(folder / "here"), alice.workspace_id, folder / "moving.zip")
    with desk(folder / "empty") as back:
        back.person("charlie@example.com")
    return Moving(alice.workspace_id, folder / "moving.zip", folder / "empty")


@pytest.fixture
def there(moving: Moving, tmp_path: Path) -> Path:
    return Path(shutil.copytree(moving.empty, tmp_path / "there"))


def changed(moving: Moving, to: Path, files: dict[str, Callable[[list[Any]], list[Any]]], **manifest: Any) -> Path:
    """Write the archive with other lines in some files, all hashes of which are right, and other facts in its manifest.

    The hash of the workspace is right too, unless it is given.
    """
    with zipfile.ZipFile(moving.file) as old, zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as new:
        facts = json.loads(old.read(MANIFEST)) | manifest
        contents = {name: old.read(f"{name}.jsonl") for name in (file["name"] for file in facts["files"])}
        for name, change in files.items():
            rows = change([json.loads(line) for line in contents[name].splitlines()])
            contents[name] = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
        for name, content in contents.items():
            new.writestr(f"{name}.jsonl", content)
        facts["files"] = [
            {"name": name, "rows": content.count(b"\n"), "sha256": archive.hashlib.sha256(content).hexdigest()}
            for name, content in contents.items()
        ]
        if "hash" not in manifest:
            members = [Member(**json.loads(line)) for line in contents["members"].splitlines()]
            facts["hash"] = hash_of(facts["workspace"], members, [File(**file) for file in facts["files"]])
        new.writestr(MANIFEST, json.dumps(facts))
    return to


def first(**values: Any) -> Callable[[list[Any]], list[Any]]:
    """Return a change of the first row."""
    return lambda rows: [rows[0] | values, *rows[1:]]


def with_workspace(moving: Moving, **values: Any) -> dict[str, Any]:
    with zipfile.ZipFile(moving.file) as file:
        return {"workspace": json.loads(file.read(MANIFEST))["workspace"] | values}


def refused(folder: Path, file: Path) -> str:
    """Return why an archive is refused; nothing is there of it."""
    with Books(folder) as books:
        erasures, before = books.ask("SELECT number FROM erasures"), books.digest({})
        with pytest.raises(ValueError, match="was not imported: ") as error:
            boot.import_workspace(settings_of(folder), file)
        assert books.ask("SELECT count(*) FROM workspaces") == [(1,)]
        if books.ask("SELECT number FROM erasures") == erasures:  # it was refused before anything was written
            assert books.digest({}) == before
        assert books.ask("SELECT count(*) FROM contacts") == [(0,)]
        assert books.ask("SELECT count(*) FROM users") == [(1,)]
    return str(error.value).partition("was not imported: ")[2]


def test_a_changed_archive_that_is_right_in_itself_is_taken(moving: Moving, there: Path, tmp_path: Path) -> None:
    """So the tests below fail for what they change."""
    boot.import_workspace(settings_of(there), changed(moving, tmp_path / "same.zip", {}))


def test_what_is_no_archive_is_refused(moving: Moving, there: Path, tmp_path: Path) -> None:
    whole = moving.file.read_bytes()
    file = tmp_path / "wrong.zip"
    for content in (b"", b"hello", b"%PDF-1.4", whole[: len(whole) // 2], whole[:-1]):
        file.write_bytes(content)
        assert refused(there, file).startswith("it is not the whole archive of a workspace (")
    middle = len(whole) // 2
    file.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    assert refused(there, file)
    with zipfile.ZipFile(file, "w") as other:
        other.writestr("hello.txt", "hello")
    assert refused(there, file) == "it is not the archive of a workspace: it has no manifest.json"


def test_a_file_that_is_not_there_is_one_line(moving: Moving, there: Path, tmp_path: Path) -> None:
    done = run("workspace", "import", "nothing.zip", "--data", str(there), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "crmkit: nothing.zip cannot be read: No such file or directory\n"


def test_a_folder_that_is_not_there_is_one_line(moving: Moving, tmp_path: Path) -> None:
    data = moving.file.parent / "here"
    done = run("workspace", "export", moving.id, "nowhere/a.zip", "--data", str(data), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "crmkit: nowhere/a.zip cannot be written: No such file or directory\n"


def test_hashes_that_do_not_fit_are_refused(moving: Moving, there: Path, tmp_path: Path) -> None:
    file = changed(moving, tmp_path / "wrong.zip", {}, hash="0" * 64)
    assert refused(there, file) == "its manifest was changed: the hash in it is not that of the workspace"
    with zipfile.ZipFile(file) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(file, "w") as new:
        for name, content in parts.items():
            new.writestr(name, content.replace(b"Jane 7", b"Joan 7") if name == "contacts.jsonl" else content)
    assert refused(there, file) == "contacts.jsonl was changed: its SHA-256 is not the one in the manifest"


@pytest.mark.parametrize(("by", "advice"), [(1, "install the newer crmkit here"), (-1, "then export again")])
def test_another_schema_is_told_with_what_to_do(
    moving: Moving, there: Path, tmp_path: Path, by: int, advice: str
) -> None:
    with zipfile.ZipFile(moving.file) as file:
        schema = json.loads(file.read(MANIFEST))["schema"]
    told = refused(there, changed(moving, tmp_path / "wrong.zip", {}, schema=schema + by))
    assert f"with schema {schema + by}, and the data here has {schema}: " in told
    assert advice in told


def test_another_format_is_told(moving: Moving, there: Path, tmp_path: Path) -> None:
    told = refused(there, changed(moving, tmp_path / "wrong.zip", {}, crmkit=2))
    assert told == "it is an archive of format 2, and this crmkit reads format 1"


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("contacts", first(seq=1 << 32)),  # in the range of another workspace
        ("contacts", first(seq=-5)),
        ("contacts", first(seq="1")),
        ("contacts", first(seq=None)),
        ("contacts", first(version=1 << 70)),
        ("contacts", first(version="x")),
        ("contacts", first(name=None)),
        ("contacts", first(name=["x"])),
        ("contacts", first(workspace_id="ws_other")),
        ("contacts", first(company_id="co_nowhere")),
        ("contacts", lambda rows: [rows[0], *rows]),
        ("members", first(role="owner")),
        ("members", first(role="member")),  # and so without an admin
        ("members", first(email="nobody")),
        ("members", first(email="Alice@example.com")),
        ("members", first(user_id="1")),
        ("members", lambda rows: []),
        ("members", lambda rows: [rows[0], rows[0]]),
        ("members", lambda rows: [rows[0], {**rows[0], "email": "bob@example.com", "role": "owner"}]),
    ],
)
def test_rows_that_no_crmkit_wrote_are_refused(
    moving: Moving, there: Path, tmp_path: Path, name: str, change: Callable[[list[Any]], list[Any]]
) -> None:
    """Such a file may come from somebody who wants more than a workspace of their own."""
    assert refused(there, changed(moving, tmp_path / "wrong.zip", {name: change}))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("country", "xxxx"),
        ("created_at", "yesterday"),
        ("created_at", "2026-11-28"),
        ("custom", "{not json"),
        ("custom", "[1]"),
        ("custom", 1),
        ("tags", "x"),
        ("timezone", "No/Where"),
        ("notes", 5),
    ],
)
def test_a_row_whose_value_its_field_does_not_hold_is_refused_by_name(
    moving: Moving, there: Path, tmp_path: Path, field: str, value: Any
) -> None:
    told = refused(there, changed(moving, tmp_path / "wrong.zip", {"contacts": first(**{field: value})}))
    assert told.startswith("the row c_")
    assert f" of contacts has a {field} that is not " in told


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"expression": "shoe_size"}, "has an expression that cannot be read: column 1: "),
        ({"expression": "1 + amount_cents"}, "has an expression that cannot be read: column 5: "),
        ({"expression": ""}, "has an expression that cannot be read: column 1: "),
        ({"kind": ""}, "is about no kind"),
        ({"kind": None}, "is about no kind"),
    ],
)
def test_a_rule_that_cannot_be_read_is_refused(
    moving: Moving, there: Path, tmp_path: Path, values: dict[str, Any], why: str
) -> None:
    told = refused(there, changed(moving, tmp_path / "wrong.zip", {"rules": first(**values)}))
    assert told.startswith("the row sr_")
    assert f" of rules {why}" in told


@pytest.mark.parametrize(
    ("field", "value"), [("timezone", "No/Where"), ("currency", "QQQQ"), ("country", "xxxx"), ("language", "?")]
)
def test_a_setting_that_this_server_does_not_know_is_refused_by_name(
    moving: Moving, there: Path, tmp_path: Path, field: str, value: str
) -> None:
    told = refused(there, changed(moving, tmp_path / "wrong.zip", {}, **with_workspace(moving, **{field: value})))
    assert told.startswith(f"the workspace has a {field} that is not ")


@pytest.mark.parametrize("values", [{"number": 1}, {"plan": "unlimited"}, {"id": "ws_1"}, {"name": None}, {"more": 1}])
def test_settings_that_no_crmkit_wrote_are_refused(
    moving: Moving, there: Path, tmp_path: Path, values: dict[str, Any]
) -> None:
    assert refused(there, changed(moving, tmp_path / "wrong.zip", {}, **with_workspace(moving, **values)))


def test_a_table_too_many_or_too_few_is_refused(moving: Moving, there: Path, tmp_path: Path) -> None:
    file = tmp_path / "wrong.zip"
    with zipfile.ZipFile(shutil.copy(moving.file, file), "a") as more:
        more.writestr("users.jsonl", "{}\n")
    assert refused(there, file) == "its files are not those that its manifest names"


@pytest.mark.parametrize("packing", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_file_that_is_packed_in_another_way_is_refused_by_name(
    moving: Moving, there: Path, tmp_path: Path, packing: int
) -> None:
    file = tmp_path / "wrong.zip"
    with zipfile.ZipFile(moving.file) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name), packing if name == "contacts.jsonl" else zipfile.ZIP_DEFLATED)
    damaged = bytearray(file.read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    for content in (file.read_bytes(), bytes(damaged)):
        file.write_bytes(content)
        assert refused(there, file) == "contacts.jsonl is packed in a way that crmkit does not write"


def test_more_members_than_any_workspace_has_are_refused(
    moving: Moving, there: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MOST_MEMBERS", 2)
    file = changed(moving, tmp_path / "wrong.zip", {"members": lambda rows: rows * 3})
    assert refused(there, file) == "it has more than 2 members"


def test_a_line_without_end_is_refused(
    moving: Moving, there: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MOST_LINE", 5_000)
    file = changed(moving, tmp_path / "wrong.zip", {"contacts": first(notes="x" * 10_000)})
    assert refused(there, file) == "contacts.jsonl has a line that does not end"


def test_an_export_of_a_workspace_that_is_not_there_leaves_no_file(there: Path, tmp_path: Path) -> None:
    unknown = ids.mint("ws")
    for id, says in ((unknown, f"there is no workspace {unknown} in this data"), ("x", "x is no id")):
        done = run("workspace", "export", id, "out.zip", "--data", str(there), cwd=tmp_path)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith(f"crmkit: {says}")
        assert not [file for file in tmp_path.iterdir() if file.name.startswith("out.zip")]
    done = run("workspace", "export", ids.mint("ws"), "out.zip", "--data", "nowhere", cwd=tmp_path)
    assert done.stderr == "crmkit: there is no database in nowhere: name the data folder with --data\n"
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.slow
def test_both_commands_print_the_hash_beside_a_running_server(moving: Moving, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with process(folder) as served:
        done = run("workspace", "import", str(moving.file), "--data", str(folder), cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, ""), done
        told, hash = done.stdout.splitlines()
        assert told.startswith(f"imported workspace/{moving.id}: ")
        assert hash.startswith("hash: ")
        with served.sign_in(ALICE) as alice:
            assert alice.json_of("GET", "/whoami")["workspace"] == moving.id
            assert alice.json_of("GET", "/whoami")["usage"]["contacts"]["used"] == CONTACTS
            assert alice.json_of("GET", "/contacts?search=jane 2499")["items"]
        done = run("workspace", "export", moving.id, "out.zip", "--data", str(folder), cwd=tmp_path)
        assert done.stdout.startswith(f"exported workspace/{moving.id}: ")


@pytest.mark.slow
def test_an_import_that_is_killed_lets_nobody_in_and_is_done_again(moving: Moving, there: Path) -> None:
    killed = 0
    for rows in (1, CONTACTS // 2, CONTACTS):
        line, env = command("workspace", "import", str(moving.file), "--data", str(there))
        popen = subprocess.Popen(line, env=env, stdout=subprocess.DEVNULL)
        with Books(there) as books:
            while popen.poll() is None and books.ask("SELECT count(*) FROM contacts") < [(rows,)]:
                time.sleep(0.001)
            os.kill(popen.pid, signal.SIGKILL) if popen.poll() is None else None
            popen.wait()
            belongs = books.ask("SELECT count(*) FROM memberships WHERE workspace_id = ?", moving.id)
            killed += belongs == [(0,)]
    assert killed
    with Books(there) as books:
        if books.ask("SELECT count(*) FROM memberships WHERE workspace_id = ?", moving.id) == [(0,)]:
            boot.import_workspace(settings_of(there), moving.file)
        assert books.ask("SELECT count(*) FROM contacts") == [(CONTACTS,)]
        assert books.ask("PRAGMA foreign_key_check") == []
    again = boot.export_workspace(settings_of(there), moving.id, there / "again.zip")
    assert again.hash == manifest_of(moving.file).hash


@pytest.mark.slow
def test_of_two_imports_at_once_one_arrives_whole(moving: Moving, there: Path) -> None:
    line, env = command("workspace", "import", str(moving.file), "--data", str(there))
    both = [subprocess.Popen(line, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    ends = [(popen.communicate(), popen.returncode) for popen in both]
    assert sorted(status for _, status in ends) == [0, 1], ends
    again = boot.export_workspace(settings_of(there), moving.id, there / "again.zip")
    assert again.hash == manifest_of(moving.file).hash


def manifest_of(file: Path) -> Manifest:
    with archive.opened(file) as reader:
        return reader.manifest
