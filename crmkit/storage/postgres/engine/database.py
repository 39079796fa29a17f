"""The database: pools of connections to one PostgreSQL, which other processes may serve as well."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self, TypeVar

import psycopg
from msgspec.structs import replace
from psycopg import errors

from crmkit.clock import Clock
from crmkit.model.actor import Actor
from crmkit.storage.interface.commits import Commits
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.database import Finding, Gauges, Told, Total, Unusable
from crmkit.storage.interface.lanes import ANYWHERE, Lanes, own_lanes
from crmkit.storage.interface.log_throttle import LogThrottle
from crmkit.storage.interface.texts import Texts
from crmkit.storage.interface.tx import Unit
from crmkit.storage.postgres import migrate
from crmkit.storage.postgres.address import is_pooled
from crmkit.storage.postgres.engine import faults
from crmkit.storage.postgres.engine.connection import connect
from crmkit.storage.postgres.engine.leases import Leases
from crmkit.storage.postgres.engine.notices import Notices
from crmkit.storage.postgres.engine.pool import Connections, Pool
from crmkit.storage.postgres.engine.pooler import PolledNotices
from crmkit.storage.postgres.engine.reading.reader import Reader
from crmkit.storage.postgres.engine.reading.snapshot import snapshot, snapshot_again
from crmkit.storage.postgres.engine.serving import Serving
from crmkit.storage.postgres.engine.transactions import Work
from crmkit.storage.postgres.engine.writer import Writer
from crmkit.storage.postgres.search.texts import TEXTS
from crmkit.storage.postgres.windows import Windows
from crmkit.storage.reads.reading import Reading
from crmkit.storage.reads.scans import Scans
from crmkit.storage.reads.streams import Streams

T = TypeVar("T")

SCANNERS, SHARE = 4, 2  # connections for lists, and those that one workspace may have: PostgreSQL has its own cores
READERS = 2  # for what the event loop does not do: see reader
WRITERS = 8  # some wait for a lane
READ_SECONDS, PROBE_SECONDS = 5, 1  # after which PostgreSQL is taken for silent

log = logging.getLogger("crmkit")


class PostgresDatabase:
    """An open database. `folder` has what is no row: the files of streams."""

    is_shared: ClassVar[bool] = True

    def __init__(self, url: str, folder: Path, clock: Clock) -> None:
        self.url = url
        self.folder = folder
        self._clock = clock
        self._later: dict[Any, asyncio.Task[None]] = {}
        self._version, self._size = "", 0
        self._next: dict[tuple[Any, ...], asyncio.Task[Any]] = {}  # reads that several share and that did not begin
        self._shares: dict[tuple[Any, ...], asyncio.Task[Any]] = {}  # those that run
        self._measures: asyncio.Task[None] | None = None
        self._parts: list[Any] = []  # what is open, in the order in which it is closed
        self._windows = Windows()
        self.commits = Commits()
        self.log_throttle = LogThrottle()
        self.texts: Texts = TEXTS

    async def __aenter__(self) -> Self:
        """Migrate, open. Raises InUse, Newer or Unusable."""
        await asyncio.to_thread(migrate.run, self.url)
        planned = partial(connect, self.url, plan_cache_mode="force_custom_plan")
        reading = Reading(planned, snapshot, faults.failed)
        try:
            self._notices = (PolledNotices if is_pooled(self.url) else Notices)(
                partial(connect, self.url), self.commits
            )
            await self._notices.listen()
            self._parts.append(self._notices)
            short = partial(connect, self.url, statement_timeout=f"{READ_SECONDS}s")  # what nobody waits for ends
            self._threads = Pool(short, READERS)
            self._reader = Reader(short, self._threads)
            self._parts.insert(0, self._reader)
            self._leases = Leases(self._threads, self.commits, self._notices)
            serving = Serving(self._threads, self._leases)
            await serving.open(self.folder)
            self._parts.insert(0, serving)
            await self._measure()
            self._scanners = Connections(planned)
            by_turns = replace(reading, open=lambda: self._scanners, snapshot=snapshot_again)
            self._scans = Scans(by_turns, SCANNERS, SHARE)
            self._parts.insert(0, self._scans)
            self._streams = Streams(reading, self.folder, lambda: None)
            self._parts.insert(0, self._streams)
            self._writer = Writer(Pool(partial(connect, self.url), WRITERS), self._clock, self.commits, self._notices)
            self._parts.insert(0, self._writer)
            await asyncio.to_thread(self._hold)
        except BaseException as error:
            await self._release()
            if isinstance(error, psycopg.Error):
                raise Unusable(faults.line(error, "the database cannot be opened")) from None
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._release()

    async def write(
        self, unit: Unit[T], actor: Actor | None = None, lanes: Lanes | None = None, silent: bool = False
    ) -> T:
        named = own_lanes(actor) if lanes is None else lanes
        found: T = await self._writer.write(Work(unit, actor, tuple(named), silent))
        return found

    async def alone(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        await self._leases.alone(name, work, "work beside requests")

    async def add_up(self, told: Sequence[Told]) -> list[Total]:
        return await self._threads.run(self._windows.add, told)

    def write_later(self, key: Any, unit: Unit[Any]) -> None:
        if key not in self._later:
            self._later[key] = asyncio.create_task(self._written(key, unit))

    async def _written(self, key: Any, unit: Unit[Any]) -> None:
        try:
            await self._writer.write(Work(unit, None, tuple(ANYWHERE), True, True))
        except Exception as error:
            line = self.log_throttle.line(str(error.__cause__ or error))
            if line:
                log.warning("what a request left to be written was not: %s", line)
        finally:
            del self._later[key]

    async def read(self, actor: Actor | None, work: Callable[..., T], *args: Any) -> T:
        return await self._read(self._threads if actor is None else self._reader, work, *args)

    async def _read(self, by: Pool | Reader, work: Callable[..., T], *args: Any) -> T:
        try:
            async with asyncio.timeout(READ_SECONDS):
                return await by.read(work, *args)
        except Exception as error:
            found = faults.failed(error)
            if found is error:
                raise
            raise found from error

    async def read_cached(self, work: Callable[..., T], *args: Any) -> T:
        """Return the same, read each time: another process may have changed it a moment ago.

        While one such read runs, all who ask the same share the next, which begins after they asked.
        """
        key = (work, *args)
        found: asyncio.Task[T] | None = self._next.get(key)
        if found is None:
            found = self._next[key] = asyncio.create_task(self._shared(key, self._shares.get(key)))
        return await asyncio.shield(found)

    async def _shared(self, key: tuple[Any, ...], before: asyncio.Task[Any] | None) -> Any:
        if before is not None:
            await asyncio.wait((before,))
        self._shares[key] = self._next.pop(key)
        try:
            return await self._read(self._reader, *key)
        finally:
            del self._shares[key]

    def cached(self, work: Callable[..., T], *args: Any) -> T | None:
        return None

    async def scan(self, actor: Actor | None, work: Callable[..., T], *args: Any) -> T:
        workspace, user = ("", "") if actor is None else (actor.workspace_id, actor.user_id)
        return await self._scans.run(workspace, user, work, *args)

    def stream(
        self, actor: Actor, work: Callable[..., Iterator[bytes]], *args: Any, is_whole: bool = False
    ) -> AsyncGenerator[bytes, None]:
        return self._streams.run(actor.workspace_id, actor.user_id, is_whole, work, *args)

    async def check(self) -> None:
        """Return if the database can be read, and takes writes; raises `not_ready`, TimeoutError."""
        async with asyncio.timeout(PROBE_SECONDS):
            await self._read(self._reader, _probe)
            try:
                await asyncio.to_thread(self._hold)
            except psycopg.Error as error:
                raise faults.failed(error) from error

    def _hold(self) -> None:
        """Have a connection for each use; more are opened when they are needed. Raises why there is none."""
        for part in (self._threads, self._scanners, self._writer, self._notices):
            part.ready()

    def examine(self) -> Iterator[Finding]:
        """Yield one finding: the version of the PostgreSQL that answers."""
        yield Finding("database", True, self._version)

    def is_backup(self, file: Path) -> bool:
        return False  # what PostgreSQL writes to files is none of ours

    def gauges(self) -> Gauges:
        """Return how the database stands; its size as it was when that was asked for last, its log is the server's."""
        if self._measures is None or self._measures.done():
            self._measures = asyncio.create_task(self._measured())
        return Gauges(self._version, self._size, 0, self._writer.waiting, self._writer.groups)

    async def _measured(self) -> None:
        with suppress(Exception):  # it is told by what reads and writes
            await self._measure()

    async def _measure(self) -> None:
        self._version, self._size = await self.read(None, _measured)

    async def forget_log(self) -> bool:
        """Return True: what the log of the server keeps of deleted rows is a matter of its operator."""
        return True

    async def _release(self) -> None:
        for task in tuple(self._later.values()):
            await asyncio.gather(task, return_exceptions=True)
        if self._measures is not None:
            await self._measures
        for part in self._parts:
            await part.close()
        self._parts = []


def _measured(connection: Connection) -> tuple[str, int]:
    sql = "SELECT current_setting('server_version'), pg_database_size(current_database())"
    version, size = connection.execute(sql).fetchone()
    return f"PostgreSQL {version}", size


def _probe(connection: Connection) -> None:
    (is_standby,) = connection.execute("SELECT pg_is_in_recovery() FROM migrations LIMIT 1").fetchone()
    if is_standby:
        raise errors.ReadOnlySqlTransaction("a standby takes no writes")
