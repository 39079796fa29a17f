"""A brand of database: what the program asks of it, in one value that is chosen once, at the start."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, TypeVar

from msgspec import Struct

from crmkit.clock import Clock
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.database import Database, Finding
from crmkit.storage.interface.lanes import Lanes
from crmkit.storage.interface.tx import Unit
from crmkit.storage.whole.contents import Source, Target

T = TypeVar("T")


class Pending(Struct, frozen=True):
    """The migrations that a database does not have yet, by number and name, and where a copy will be kept before."""

    names: list[str]
    kept: Path | None


class Backup(Struct, frozen=True):
    """A backup that was made: its file, its size in bytes, the hash of what it holds, what it `lacks` if anything."""

    file: Path
    size: int
    hash: str
    lacks: str = ""


class Restored(Struct, frozen=True):
    """What was restored; `kept` is the file that what was there before is in, None where nothing was.

    `made_at` is empty where the file does not say it; one that `is_older` is yet to be migrated. `unnamed` are files
    that clients sent and that it does not name: the next start removes them.
    """

    size: int
    hash: str
    made_at: str
    is_older: bool
    kept: Path | None
    unnamed: list[Path]


class Run(Protocol):
    """A function that does one unit of work in the data of a folder."""

    def __call__(self, folder: Path, unit: Unit[T], lanes: Lanes, now: str) -> T: ...


class RunNext(Protocol):
    """A function that does one unit of work after another in the data of one folder."""

    def __call__(self, unit: Unit[T], lanes: Lanes, now: str) -> T: ...


class Read(Protocol):
    """A function that returns `work(connection)`, all of whose statements see the data of a folder at one moment."""

    def __call__(self, folder: Path, work: Callable[[Connection], T]) -> T: ...


class ReadNext(Protocol):
    """A function that returns `work(connection)`, of one moment, again and again in the data of one folder."""

    def __call__(self, work: Callable[[Connection], T]) -> T: ...


class Brand(Struct, frozen=True):
    """Each function gets the folder that `[server] data` names.

    `open` makes what is missing there and returns the database, still closed; `async with` opens it.
    `migrate` brings the database up to date and returns the names of the migrations applied.
    `pending` tells what that would do, and changes nothing.
    `examine` looks at the database without changing it; `is_served` tells whether a server runs on it.
    `run` does one unit of work for the operator, whether a server runs or not, and returns what the unit returned.
    `runs` is for many units in a row, each in a transaction of its own; `alone` likewise, where no server runs.
    `renewing` is as `alone`; then the data belongs to the key of the folder, which is made if none is there.
    `read` reads for the operator in the same way; raises Unusable where there is no database yet. `reads` is for many
    reads in a row, each of a moment of its own, of data that is up to date: it writes nothing.
    `backup` writes all that is in the folder to one file, by way of a second one beside it, and raises ValueError for a
    place where none can be. `restore` puts it in the place of what a folder holds; its text is part of the name under
    which that is kept. A server may run beside the first, not beside the second.
    `whole` reads all that there is at one moment, of data that is up to date; a server may run. `filled` writes it
    into a database that is empty, or is made, in one transaction; no server may run.
    `is_backup_of` tells whether a file is a backup that was made of what a folder holds.
    `version` tells which program keeps the data; `caution` is what a server says of it at its start.
    `migrate`, `run`, `alone`, `renewing` and `filled` raise InUse where a running server does not allow that.
    Where the data names its key, what needs it raises Unusable for a folder that has another.
    """

    open: Callable[[Path, Clock], Database]
    migrate: Callable[[Path], list[str]]
    pending: Callable[[Path], Pending]
    examine: Callable[[Path], Iterator[Finding]]
    is_served: Callable[[Path], bool]
    run: Run
    runs: Callable[[Path], AbstractContextManager[RunNext]]
    alone: Callable[[Path], AbstractContextManager[RunNext]]
    renewing: Callable[[Path], AbstractContextManager[RunNext]]
    read: Read
    reads: Callable[[Path], AbstractContextManager[ReadNext]]
    backup: Callable[[Path, Path, Path, str], Backup]
    is_backup_of: Callable[[Path, Path], bool]
    restore: Callable[[Path, Path, str], Restored]
    whole: Callable[[Path], AbstractContextManager[Source]]
    filled: Callable[[Path], AbstractContextManager[Target]]
    version: str
    caution: str = ""
