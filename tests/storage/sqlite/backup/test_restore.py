"""A restore puts a backup in the place of what a folder holds, or changes nothing; what was there is kept."""

import re
import shutil
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from crmkit.storage import secret
from crmkit.storage.interface.database import InUse, Newer, Unusable
from crmkit.storage.sqlite.backup.make import make
from crmkit.storage.sqlite.backup.restore import restore
from crmkit.storage.sqlite.brand import SQLITE
from crmkit.storage.sqlite.engine import migrate
from crmkit.storage.sqlite.engine.connection import connect
from crmkit.storage.sqlite.engine.driver import sqlite3
from crmkit.storage.sqlite.engine.folder import FILE, LOCK, held, prepare
from crmkit.storage.sqlite.migrations import MIGRATIONS
from tests.storage.desk import desk
from tests.storage.sqlite.backup.installation import (
    NOW,
    TIME,
    UPLOAD,
    fill,
    hash_of,
    in_the_log,
    installation,
    names,
    restored,
    with_upload,
)

KEPT = f"{FILE}.before-{TIME}"


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """A backup of an installation with Jane in it."""
    folder = installation(tmp_path / "jane", "Jane")
    return make(folder, tmp_path / "jane.db", tmp_path / "part", NOW).file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An installation with José in it."""
    return installation(tmp_path / "jose", "José")


def edited(backup: Path, sql: str) -> None:
    with closing(sqlite3.connect(backup)) as connection:
        connection.executescript(sql)


def scratched(backup: Path) -> None:
    """Overwrite what a contact is called."""
    content = backup.read_bytes()
    assert content.count(b"Jane") > 1
    backup.write_bytes(content.replace(b"Jane", b"June"))


def overwritten(backup: Path) -> None:
    """Lose a page of the file."""
    with backup.open("r+b") as file:
        file.seek(4096)
        file.write(bytes(4096))


NO_BACKUP: dict[str, tuple[Callable[[Path], object], type[Exception], str]] = {
    "missing": (Path.unlink, Unusable, "cannot be read: No such file.*crmkit backup"),
    "folder": (lambda file: (file.unlink(), file.mkdir()), Unusable, "is a folder: name the file"),
    "empty": (lambda file: file.write_bytes(b""), Unusable, "is no backup of crmkit: name a file"),
    "text": (lambda file: file.write_text("name,email\n" * 100), Unusable, "is no backup of crmkit: name a file"),
    "foreign": (lambda file: edited(file, "DROP TABLE migrations"), Unusable, "a database, but none of crmkit"),
    "cut off": (lambda file: shutil.os.truncate(file, 50_000), Unusable, "is cut off, 50,000 of .* copy it again"),
    "page lost": (overwritten, Unusable, "is damaged.* copy it again .* or take an earlier backup"),
    "scratched": (scratched, Unusable, "is damaged.* copy it again .* or take an earlier backup"),
    "other rows": (lambda file: edited(file, "UPDATE contacts SET notes = 'x'"), Unusable, "does not have the hash"),
    "no owner": (
        lambda file: edited(file, "DELETE FROM users"),
        Unusable,
        "is damaged, a row of .* refers to one of users",
    ),
    "newer": (
        lambda file: edited(file, f"PRAGMA user_version = {len(MIGRATIONS) + 1}"),
        Newer,
        f"is at version {len(MIGRATIONS) + 1}, this crmkit knows {len(MIGRATIONS)}: install the newer crmkit",
    ),
}


@pytest.mark.parametrize(("spoil", "error", "words"), NO_BACKUP.values(), ids=NO_BACKUP)
def test_a_file_that_is_no_whole_backup_is_refused_and_nothing_changes(
    folder: Path, backup: Path, spoil: Callable[[Path], object], error: type[Exception], words: str
) -> None:
    before = hash_of(folder)
    spoil(backup)
    listed = sorted(path.name for path in folder.iterdir())
    with pytest.raises(error, match=words):
        restored(folder, backup)
    assert sorted(path.name for path in folder.iterdir()) == listed
    assert hash_of(folder) == before


def test_what_was_there_is_kept_as_one_file_with_what_its_log_held(folder: Path, backup: Path, tmp_path: Path) -> None:
    with desk(folder) as back:
        fill(back, "Ann")
        copy = tmp_path / "killed"
        copy.mkdir()
        for name in (FILE, f"{FILE}-wal", "secret.key"):  # as they are while it runs
            (copy / name).write_bytes((folder / name).read_bytes())
    hash = hash_of(folder)
    restored(copy, backup)
    assert names(copy) == ["Jane"]
    assert sorted(path.name for path in copy.glob(f"{FILE}*") if path.stat().st_size) == [FILE, KEPT]
    assert stat.S_IMODE((copy / KEPT).stat().st_mode) == stat.S_IMODE((copy / FILE).stat().st_mode) == 0o600
    assert restored(copy, copy / KEPT) == hash
    assert names(copy) == ["Ann", "José"]


def test_a_database_that_cannot_be_read_is_kept_as_it_is_with_its_log(folder: Path, backup: Path) -> None:
    (folder / FILE).write_bytes(b"not a database" * 1000)
    (folder / f"{FILE}-wal").write_bytes(b"its log")
    restored(folder, backup)
    assert names(folder) == ["Jane"]
    assert (folder / KEPT).read_bytes() == b"not a database" * 1000
    assert (folder / f"{KEPT}-wal").read_bytes() == b"its log"


def test_two_restores_in_a_second_keep_both(folder: Path, backup: Path) -> None:
    for _ in range(2):
        restored(folder, backup)
    assert {KEPT, f"{KEPT}-2"} <= {path.name for path in folder.iterdir()}


def test_files_that_the_restored_database_does_not_name_are_told_and_stay(folder: Path, backup: Path) -> None:
    with_upload(folder)
    done = restore(folder, backup, TIME)
    assert done.unnamed == [folder / "uploads" / UPLOAD]
    assert done.unnamed[0].exists()
    assert restore(folder, folder / KEPT, TIME).unnamed == []


def test_nothing_is_restored_under_a_running_server(folder: Path, backup: Path) -> None:
    with held(folder), pytest.raises(InUse, match="stop it first"):
        restored(folder, backup)
    assert names(folder) == ["José"]


def test_beside_another_program_that_reads_nothing_is_restored_and_nothing_lost(folder: Path, backup: Path) -> None:
    in_the_log(folder, "Ann")
    listed = sorted(path.name for path in folder.iterdir())
    with closing(sqlite3.connect(folder / FILE)) as reader:
        reader.execute("SELECT count(*) FROM contacts").fetchall()
        with pytest.raises(InUse, match="another program reads .* stop it first"):
            restored(folder, backup)
        assert {path.name for path in folder.iterdir()} == {*listed, f"{FILE}-shm", LOCK}
    assert names(folder) == ["Ann", "José"]
    restored(folder, backup)
    assert names(folder) == ["Jane"]
    restored(folder, folder / KEPT)
    assert names(folder) == ["Ann", "José"]


def test_each_database_that_was_kept_comes_back_with_its_own_key(folder: Path, backup: Path, tmp_path: Path) -> None:
    key = secret.read(folder)
    own = make(folder, tmp_path / "own.db", tmp_path / "part", NOW)
    restored(folder, own.file)
    restored(folder, backup)
    assert secret.read(folder) != key
    restored(folder, folder / KEPT)
    assert (names(folder), secret.read(folder)) == (["José"], key)


def test_the_database_of_the_folder_itself_is_no_backup_of_it(folder: Path) -> None:
    with pytest.raises(Unusable, match="is the database of .* itself: name a backup"):
        restored(folder, folder / FILE)
    assert names(folder) == ["José"]


def test_a_backup_that_was_copied_to_the_place_of_the_database_is_used_once_it_is_restored(
    folder: Path, backup: Path, tmp_path: Path
) -> None:
    shutil.copy(backup, folder / FILE)
    told = r"is a backup that was copied there, .* move it to another folder, then `crmkit restore` it"
    for start in (SQLITE.migrate, SQLITE.pending, lambda data: make(data, tmp_path / "b.db", tmp_path / "part", NOW)):
        with pytest.raises(Unusable, match=told):
            start(folder)
    (finding,) = [finding for finding in SQLITE.examine(folder) if not finding.good]
    assert re.search(told, finding.what)
    restored(folder, (folder / FILE).rename(tmp_path / "moved.db"))
    assert names(folder) == ["Jane"]
    assert secret.read(folder) == secret.read(tmp_path / "jane")
    assert SQLITE.migrate(folder) == []


def test_a_copy_made_otherwise_is_restored_and_leaves_the_key(folder: Path, tmp_path: Path) -> None:
    """A database with its log beside it, as a file system's snapshot has it."""
    key = (folder / "secret.key").read_text()
    with desk(installation(tmp_path / "ann", "Ann")) as back:
        fill(back, "Eve")
        for end in ("", "-wal"):
            (tmp_path / f"copy.db{end}").write_bytes((tmp_path / "ann" / f"{FILE}{end}").read_bytes())
    restored(folder, tmp_path / "copy.db")
    assert names(folder) == ["Ann", "Eve"]
    assert (folder / "secret.key").read_text() == key


def test_a_backup_of_an_earlier_program_is_restored_and_migrated_by_the_next_start(
    tmp_path: Path, folder: Path
) -> None:
    prepare(tmp_path / "old")
    migrate.run(tmp_path / "old" / FILE, connect, MIGRATIONS[:30])
    made = make(tmp_path / "old", tmp_path / "old.db", tmp_path / "part", NOW)
    assert restored(folder, made.file) == made.hash
    assert migrate.run(folder / FILE, connect) == [migration.name for migration in MIGRATIONS[30:]]
