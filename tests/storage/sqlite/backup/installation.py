"""An installation with records, a key and a file that a client sent; and what a folder holds, seen from outside."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from crmkit.storage.sqlite.backup import checking
from crmkit.storage.sqlite.backup.restore import restore
from crmkit.storage.sqlite.engine.connection import SqliteConnection, connect
from crmkit.storage.sqlite.engine.folder import FILE
from tests.storage.desk import Desk, desk

TIME = "20260610T090000Z"
NOW = "2026-06-10T09:00:00Z"
UPLOAD = "0123456789abcdef"
CONTENT = b"name,email\n" * 200_000  # more than one piece


def installation(folder: Path, *names: str) -> Path:
    """Return a data folder with contacts of these names."""
    with desk(folder) as back:
        fill(back, *names)
    return folder


def fill(back: Desk, *names: str) -> None:
    alice = back.person()
    for name in names:
        back.save(alice, name=name)
    back.index()


def in_the_log(folder: Path, *names: str) -> Path:
    """Save contacts of these names as a server leaves them that is killed: only the log has them."""
    with desk(folder) as back:
        fill(back, *names)
        as_it_runs = {file: file.read_bytes() for file in (folder / FILE, folder / f"{FILE}-wal")}
    for file, content in as_it_runs.items():
        file.write_bytes(content)
    return folder


def with_upload(folder: Path) -> Path:
    """Leave a file in the folder that an import names which has not ended."""
    place = folder / "uploads"
    place.mkdir(mode=0o700)
    (place / UPLOAD).write_bytes(CONTENT)
    with closing(connect(folder / FILE, True)) as connection:
        columns = [name for _, name, *_ in connection.execute("PRAGMA table_info(imports)")][1:]
        known = {"workspace_id": "ws_1", "id": "imp_1", "file": UPLOAD}
        numbers = {"rows", "tried", "done", "creates", "updates", "refused", "op"}
        row = [known.get(name, 0 if name in numbers else "") for name in columns]
        names, marks = ", ".join(f'"{name}"' for name in columns), ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO imports ({names}) VALUES ({marks})", row)
    return folder


@contextmanager
def read(file: Path) -> Iterator[SqliteConnection]:
    with closing(connect(file, False)) as connection:
        yield connection


def names(folder: Path) -> list[str]:
    """Return the names of the contacts that a folder holds."""
    with read(folder / FILE) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM contacts ORDER BY name")]


def hash_of(folder: Path) -> str:
    """Return the hash of what a folder holds, whose pages and rows are whole."""
    with closing(connect(folder / FILE, True)) as connection:
        assert checking.fault(connection) is None
        return checking.hash_of(connection)


def files(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def restored(folder: Path, file: Path) -> str:
    """Restore a file into a folder and return the hash."""
    return restore(folder, file, TIME).hash
