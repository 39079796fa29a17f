"""A backup or restore that is killed at any moment leaves the old or the new, whole, and no second try fails."""

import shutil
import subprocess
from pathlib import Path

import pytest

from crmkit.storage import secret
from crmkit.storage.sqlite.backup.make import make
from tests.house import ROOT, command
from tests.storage.desk import desk
from tests.storage.sqlite.backup.installation import (
    CONTENT,
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

pytestmark = pytest.mark.slow

# A process without threads, so that it can fork: each child is killed before another of its statements or changes of a
# file, until one is done before that.
KILLS = """
import contextlib, itertools, os, shutil, signal, sys
from pathlib import Path
from crmkit.storage.interface.database import InUse
from crmkit.storage.sqlite.backup import copying, make, restore
from crmkit.storage.sqlite.backup.copying import SqliteConnection

what, old, place, file = sys.argv[1], *map(Path, sys.argv[2:])
last, count = 0, itertools.count(1)

def step():
    if next(count) == last:
        os.kill(os.getpid(), signal.SIGKILL)

class Dying(SqliteConnection):
    def execute(self, *arguments):
        step()
        return super().execute(*arguments)

def dying(work):
    def run(*arguments, **more):
        step()
        return work(*arguments, **more)
    return run

copying.SqliteConnection = Dying
for name in ("rename", "replace", "link", "unlink", "fsync", "open", "mkdir", "chmod", "ftruncate"):
    setattr(os, name, dying(getattr(os, name)))

def run(number):
    if what == "backup":
        make.make(file, place / str(number), place / f"{number}.part", "2026-06-11T09:00:00Z")
        return
    refused = ()
    if what == "restore beside a reader":
        reader, refused = copying.sqlite3.connect(place / str(number) / "crmkit.db"), (InUse,)
        reader.execute("SELECT count(*) FROM contacts").fetchall()
    with contextlib.suppress(*refused):
        restore.restore(place / str(number), file, "20260611T090000Z")

copying.FLUSH_BYTES = 1
for number in itertools.count(1, 3):
    (shutil.copy if old.is_file() else shutil.copytree)(old, place / str(number))
    child = os.fork()
    if child == 0:
        last, count = number, itertools.count(1)
        run(number)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status != -signal.SIGKILL:
        sys.exit(status)
"""


def killed(what: str, old: Path, place: Path, file: Path) -> list[Path]:
    """Return what `old` became wherever the process was killed that should have replaced a copy of it."""
    place.mkdir()
    line, env = command()
    script = [line[0], "-c", KILLS, what, str(old), str(place), str(file)]
    done = subprocess.run(script, env=env, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    numbers = sorted(int(path.name) for path in place.iterdir() if path.name.isdecimal())
    return [place / str(number) for number in numbers]


def test_a_restore_that_is_killed_anywhere_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    jane, jose = with_upload(installation(tmp_path / "jane", "Jane")), installation(tmp_path / "jose", "José")
    backup = make(jane, tmp_path / "jane.db", tmp_path / "part", NOW)
    old, new = hash_of(jose), backup.hash
    (jose / "crmkit.lock").unlink()
    found = killed("restore", jose, tmp_path / "killed", backup.file)
    hashes = [hash_of(folder) for folder in found]
    changed = hashes.index(new)
    keys = [secret.read(folder) for folder in found]
    assert keys == [secret.read(jose)] * changed + [secret.read(jane)] * (len(found) - changed)
    assert hashes == [old] * changed + [new] * (len(found) - changed)
    assert 10 < changed < len(found) - 1
    for folder in found[:changed]:
        assert restored(folder, backup.file) == new
        kept = list(folder.glob("crmkit.db.before-*"))
        assert len(kept) == 1
        assert (folder / "uploads" / UPLOAD).read_bytes() == CONTENT
        assert {path.name for path in folder.iterdir()} - {kept[0].name, "crmkit.db-wal", "crmkit.db-shm"} == {
            "crmkit.db",
            "crmkit.lock",
            "secret.key",
            "uploads",
            kept[0].name.replace("crmkit.db", "secret.key"),
        }
        shutil.rmtree(folder / "uploads")
        assert restored(folder, kept[0]) == old
        assert secret.read(folder) == secret.read(jose)


def test_beside_a_reader_a_restore_that_is_killed_anywhere_leaves_what_is_in_the_log(tmp_path: Path) -> None:
    jane, jose = installation(tmp_path / "jane", "Jane"), in_the_log(installation(tmp_path / "jose", "José"), "Ann")
    backup = make(jane, tmp_path / "jane.db", tmp_path / "part", NOW)
    found = killed("restore beside a reader", jose, tmp_path / "killed", backup.file)
    old = hash_of(jose)
    assert len(found) > 10
    assert {hash_of(folder) for folder in found} == {old}
    for folder in found:
        assert names(folder) == ["Ann", "José"]
        assert restored(folder, backup.file) == backup.hash
        assert restored(folder, folder / f"crmkit.db.before-{TIME}") == old
        assert len(list(folder.glob("crmkit.db.before-*"))) == 2


def test_a_backup_that_is_killed_anywhere_leaves_the_earlier_one_or_the_new(tmp_path: Path) -> None:
    folder = with_upload(installation(tmp_path / "data", "Jane"))
    earlier = make(folder, tmp_path / "earlier.db", tmp_path / "part", NOW)
    with desk(folder) as back:
        fill(back, "José")
    found = killed("backup", earlier.file, tmp_path / "killed", folder)
    hashes = [restored(tmp_path / "restored" / file.name, file) for file in found]
    changed = hashes.index(hash_of(folder))
    assert hashes == [earlier.hash] * changed + [hash_of(folder)] * (len(found) - changed)
    assert 10 < changed < len(found)
    last = found[0]
    assert make(folder, last, last.with_name(f"{last.name}.part"), NOW).hash == hash_of(folder)
    assert not last.with_name(f"{last.name}.part").exists()
