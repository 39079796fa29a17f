"""The open database as the verbs see it, and why one could not be opened."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, ClassVar, Protocol, Self, TypeVar

from msgspec import Struct

from crmkit.histogram import Histogram
from crmkit.model.actor import Actor
from crmkit.storage.interface.commits import Commits
from crmkit.storage.interface.lanes import Lanes
from crmkit.storage.interface.log_throttle import LogThrottle
from crmkit.storage.interface.texts import Texts
from crmkit.storage.interface.tx import Unit

T = TypeVar("T")


class InUse(Exception):
    """Another process serves this data; the message says which."""


class Newer(Exception):
    """The database was made by a later program; the message says what to do."""


class Unusable(Exception):
    """The database cannot be opened; the message says what to do."""


class Finding(Struct, frozen=True):
    """One thing that `crmkit doctor` looked at; `what` says how it is and, where it is not good, what to do."""

    name: str
    good: bool
    what: str

    @property
    def line(self) -> str:
        return f"{'ok  ' if self.good else 'BAD '} {self.name}: {self.what}"


class Gauges(Struct, frozen=True):
    """How an open database stands, without a read of it."""

    version: str  # of the database: its name and number
    size: int  # bytes
    log_size: int  # bytes
    writes_waiting: int  # units
    groups: Histogram  # of units that were committed together


class Told(Struct, frozen=True):
    """What one process tells others: `sent` more requests under a key, of those that count for so many seconds."""

    key: str
    seconds: int
    sent: int


class Total(Struct, frozen=True):
    """What all processes have told under a key: `ever`, and `lately`, within the last `seconds` or less."""

    key: str
    seconds: int
    ever: int
    lately: int


class Database(Protocol):
    """A database that `async with` opens and closes; opening it raises InUse, Newer or Unusable.

    `work` is a function of a connection and the arguments, `unit` one of a Tx; both run on another thread.
    """

    is_shared: ClassVar[bool]  # with other processes
    commits: Commits
    log_throttle: LogThrottle
    texts: Texts

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def read(self, actor: Actor | None, work: Callable[..., T], *args: Any) -> T:
        """Return `work(connection, *args)`, a read of a few rows by key.

        `actor` is who reads, None for the system or for somebody who is not known yet.
        """

    async def scan(self, actor: Actor | None, work: Callable[..., T], *args: Any) -> T:
        """Return `work(connection, *args)`, a list, search or count; all its statements see one moment.

        Raises `busy` when too many of the actor's workspace wait, `not_ready` past SCAN_SECONDS.
        """

    def stream(
        self, actor: Actor, work: Callable[..., Iterator[bytes]], *args: Any, is_whole: bool = False
    ) -> AsyncGenerator[bytes, None]:
        """Return the bytes that `work(connection, *args)` yields, as they come; all its statements see one moment.

        `work` waits for nobody who takes them: they are kept in a file. So the moment is held as long as `work` runs,
        even where they are taken slowly. They may come in other pieces than `work` yields. Close what is returned
        (`aclose`). If it `is_whole`, none comes before `work` is done.

        Raises `busy` before the first bytes when too many run, and at any time when the reading stands in the way of
        others: it held its moment for too long, or the database closes; `not_ready` when the disk has no room.
        """

    async def read_cached(self, work: Callable[..., T], *args: Any) -> T:
        """Return `work(connection, *args)`, a read of who may do what; cached until a commit changes that."""

    def cached(self, work: Callable[..., T], *args: Any) -> T | None:
        """Return what `read_cached` finds in the cache, None if it is not there."""

    async def write(
        self, unit: Unit[T], actor: Actor | None = None, lanes: Lanes | None = None, silent: bool = False
    ) -> T:
        """Return what `unit` returned, once it is durable; what it raised is raised, and nothing of it stays.

        Unless `lanes` are named, they are the workspace of the actor.

        A unit may run again, so it must touch nothing but its Tx. Whoever listens to `commits` is woken, unless this is
        `silent` work that follows other writes.
        """

    async def alone(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do work that no other process does meanwhile which shares this database, until cancelled or it has ended.

        Where it `is_shared`, this waits until the process that does the work of this `name` stops or is gone for some
        seconds. Then the work is done here. It is cancelled, and begun again later, where this process loses touch.
        """

    async def add_up(self, told: Sequence[Told]) -> list[Total]:
        """Add what this process counted to what all have, and return the sums; a database that is not shared has none.

        They are no data: they may be lost with the database's memory.
        """

    def write_later(self, key: Any, unit: Unit[Any]) -> None:
        """Write beside the request, unless the same `key` is under way already; a failure is logged, not raised."""

    async def check(self) -> None:
        """Return if the database can be read and written; raises `not_ready`."""

    def examine(self) -> Iterator[Finding]:
        """Yield what is found of the open database without reading it: its program, its log, the room on the disk."""

    def gauges(self) -> Gauges:
        """Return how the database stands at this moment."""

    async def forget_log(self) -> bool:
        """Empty the log of the database of what it holds of deleted rows; tell whether that could be done."""
