"""`crmkit backup` and `restore` as an operator meets them, beside the real server and on another machine."""

import random
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import httpx
import pytest

from crmkit.storage.sqlite.engine import migrate as engine
from crmkit.storage.sqlite.engine.connection import connect
from crmkit.storage.sqlite.engine.folder import FILE, prepare
from crmkit.storage.sqlite.migrations import MIGRATIONS
from tests.cli.test_cli import gives_up
from tests.disks import mounted
from tests.house import UNLIMITED, Person, Process, command, process, run
from tests.storage.sqlite.backup.installation import installation, names

pytestmark = [pytest.mark.slow, pytest.mark.sqlite]  # it is about the folder

WRITERS = 4
BACKUPS = 4
LEAST = 40  # creates between two backups


def hash_in(done: "subprocess.CompletedProcess[str]") -> str:
    assert (done.returncode, done.stderr) == (0, ""), done
    found = re.search(r"^hash: ([0-9a-f]{64})$", done.stdout, re.MULTILINE)
    assert found, done.stdout
    return found[1]


class Load:
    """People who create contacts, each with a company, until they are told to stop."""

    def __init__(self, served: Process, token: str) -> None:
        self.created: list[str] = []  # as they are acknowledged
        self.failed: list[str] = []
        self._stop = threading.Event()
        self._more = threading.Condition()
        self._threads = [threading.Thread(target=self._work, args=(served.url, token, n)) for n in range(WRITERS)]

    def _work(self, url: str, token: str, number: int) -> None:
        choice = random.Random(number)
        with Person(url, token) as person, suppress(httpx.TransportError):
            while not self._stop.is_set():
                name = f"Jane {choice.randrange(10**12)}"
                answer = person.post("/contacts", json={"name": name, "notes": name * 20})
                with self._more:
                    (self.created if answer.status_code == 201 else self.failed).append(name)
                    self._more.notify_all()

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def grown(self) -> list[str]:
        """Return what was created, once that is more than now."""
        with self._more:
            wanted = len(self.created) + LEAST
            assert self._more.wait_for(lambda: len(self.created) >= wanted, 30)
            return list(self.created)


def test_backups_under_load_hold_all_that_was_acknowledged_and_the_tokens_work_elsewhere(
    served: Process, tmp_path: Path
) -> None:
    with served.sign_in() as alice:
        token = alice.token
    with Load(served, token) as load:
        for number in range(BACKUPS):
            before = load.grown()
            made = run("backup", f"{number}.db", "--data", str(served.folder), cwd=tmp_path)
            back = run("restore", f"{number}.db", "--data", str(tmp_path / str(number)), cwd=tmp_path)
            assert hash_in(back) == hash_in(made)
            found = names(tmp_path / str(number))
            assert set(before) <= set(found)
        after = load.grown()
    assert load.failed == []
    assert len(after) > len(before)
    with process(tmp_path / "0", **UNLIMITED) as elsewhere, Person(elsewhere.url, token) as alice:
        assert alice.get("/contacts").status_code == 200
        assert alice.json_of("GET", "/contacts?limit=1")["total"] == len(names(tmp_path / "0"))
        assert alice.post("/contacts", json={"name": "Ann"}).status_code == 201
        assert elsewhere.stop() == 0
    assert run("doctor", "--data", str(tmp_path / "0"), cwd=tmp_path).returncode == 0


def test_what_is_printed_tells_the_size_how_long_it_took_and_what_was_kept(tmp_path: Path) -> None:
    installation(tmp_path / "data", "Jane")
    made = run("backup", "b.db", "--data", "data", cwd=tmp_path)
    hash = hash_in(made)
    size = f"{(tmp_path / 'b.db').stat().st_size:,}"
    assert re.fullmatch(rf"wrote b\.db: {size} bytes in \d+\.\d s\nhash: {hash}\n", made.stdout)
    back = run("restore", "b.db", "--data", "data", cwd=tmp_path)
    assert hash_in(back) == hash
    first, second, _ = back.stdout.splitlines()
    assert re.fullmatch(r"restored b\.db into data: [\d,]+ bytes, made at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", first)
    assert re.fullmatch(r"kept what was there as data/crmkit\.db\.before-\d{8}T\d{6}Z", second)


def test_keep_leaves_the_newest_and_nothing_of_others_is_removed(tmp_path: Path) -> None:
    installation(tmp_path / "data", "Jane")
    kept = tmp_path / "kept"
    kept.mkdir()
    ours = [f"b-202606{day:02}T090000Z.db" for day in range(1, 5)]
    others = ["b.db", "b-20260601.db", "b-20260601T090000Z.txt", "bb-20260601T090000Z.db", "b-20260601T090000Z.db.part"]
    hash_in(run("backup", "one.db", "--data", "data", cwd=tmp_path))
    for name in ours:
        shutil.copy(tmp_path / "one.db", kept / name)
    for name in others:
        (kept / name).write_text(name)
    done = run("backup", "kept/b.db", "--keep", "3", "--data", "data", cwd=tmp_path)
    hash_in(done)
    made = re.search(r"wrote kept/(b-\d{8}T\d{6}Z\.db):", done.stdout)
    assert made, done.stdout
    assert sorted(path.name for path in kept.iterdir()) == sorted([made[1], *ours[-2:], *others])
    assert [line for line in done.stdout.splitlines() if line.startswith("removed")] == [
        f"removed kept/{name}" for name in reversed(ours[:2])
    ]


def test_a_restore_beside_a_running_server_is_refused(served: Process, tmp_path: Path) -> None:
    hash_in(run("backup", "b.db", "--data", str(served.folder), cwd=tmp_path))
    gives_up(run("restore", "b.db", "--data", str(served.folder), cwd=tmp_path), "works on the data", "stop it first")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["backup", "data/b.db"], "is inside the data folder"),
        (["backup", "data"], "is a folder: name a file in it"),
        (["backup", "nowhere/b.db"], "there is no folder nowhere: make it first"),
        (["backup", "foreign"], "name another file, or remove it"),
        (["restore", "foreign"], "name a file that `crmkit backup` wrote"),
        (["restore", "missing"], "name a file that `crmkit backup` wrote"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_told_in_one_line(tmp_path: Path, arguments: list[str], words: str) -> None:
    installation(tmp_path / "data", "Jane")
    (tmp_path / "foreign").write_text("mine")
    gives_up(run(*arguments, "--data", "data", cwd=tmp_path), words)
    assert (tmp_path / "foreign").read_text() == "mine"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of four MiB."""
    with mounted(tmp_path, "size=4m") as disk:
        yield disk


@pytest.mark.parametrize("free", [0, 500_000])
def test_a_full_disk_is_told_and_nothing_half_is_left(small_disk: Path, tmp_path: Path, free: int) -> None:
    installation(tmp_path / "data", "Jane")
    hash_in(run("backup", "b.db", "--data", "data", cwd=tmp_path))
    with (small_disk / "filler").open("wb", buffering=0) as filler:
        with suppress(OSError):
            while True:
                filler.write(bytes(4096))
        filler.truncate(filler.tell() - free)
    done = run("backup", str(small_disk / "b.db"), "--data", "data", cwd=tmp_path)
    gives_up(done, "has no room for a backup", "free some, or name another")
    assert [path.name for path in small_disk.iterdir()] == ["filler"]
    gives_up(run("restore", "b.db", "--data", str(small_disk / "data"), cwd=tmp_path), "disk is full", "free some")
    assert {path.name for path in (small_disk / "data").iterdir()} <= {"crmkit.lock"}


def test_a_disk_that_takes_no_more_in_the_middle_is_told_and_nothing_half_is_left(tmp_path: Path) -> None:
    installation(tmp_path / "data", "Jane")
    line, env = command("backup", "b.db", "--data", "data")
    limited = ["sh", "-c", 'ulimit -f 1000 && exec "$@"', "sh", *line]  # 512,000 bytes of one file
    done = subprocess.run(limited, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    gives_up(done, "data/crmkit.db could not be copied to b.db", "crmkit doctor")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_dry_run_of_migrate_lists_what_would_be_applied_and_changes_nothing(tmp_path: Path) -> None:
    prepare(tmp_path / "data")
    engine.run(tmp_path / "data" / FILE, connect, MIGRATIONS[:-2])
    before = files_in(tmp_path)
    done = run("migrate", "--dry-run", "--data", "data", cwd=tmp_path)
    copy = f"data/crmkit-before-{len(MIGRATIONS) - 1:04d}.db"
    newest = [*enumerate(MIGRATIONS, 1)][-2:]
    would = [f"would apply {number:04d} {migration.name}" for number, migration in newest]
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [*would, f"would keep a copy as {copy}"]
    assert files_in(tmp_path) == before
    migrated = run("migrate", "--data", "data", cwd=tmp_path)
    assert migrated.returncode == 0
    assert migrated.stderr == f"the database was migrated; {copy} has it as it was: remove that once you are content\n"
    assert (tmp_path / copy).stat().st_size
    again = run("migrate", "--dry-run", "--data", "data", cwd=tmp_path)
    assert (again.returncode, again.stdout) == (0, "the database is up to date\n")
    nothing = run("migrate", "--dry-run", "--data", "nowhere", cwd=tmp_path)
    gives_up(nothing, "there is no database in nowhere: name the data folder with --data")
    assert not (tmp_path / "nowhere").exists()


def files_in(folder: Path) -> dict[Path, tuple[int, bytes]]:
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


def test_going_back_restores_the_copy_from_before_the_migration(tmp_path: Path) -> None:
    prepare(tmp_path / "data")
    engine.run(tmp_path / "data" / FILE, connect, MIGRATIONS[:-2])
    run("migrate", "--data", "data", cwd=tmp_path)
    done = run("restore", f"data/crmkit-before-{len(MIGRATIONS) - 1:04d}.db", "--data", "data", cwd=tmp_path)
    assert done.returncode == 0
    assert "the next `crmkit serve` or `migrate` migrates it" in done.stderr
    with closing(connect(tmp_path / "data" / FILE, True)) as connection:
        assert engine.version(connection) == len(MIGRATIONS) - 2
