"""Connections to PostgreSQL. Statements go to libpq directly: psycopg's cursors cost seven times as much as that."""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import lru_cache
from select import POLLIN, POLLOUT, poll
from typing import Any, ClassVar

import psycopg
from psycopg import errors
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import DiagnosticField, ExecStatus, Format
from psycopg.pq.abc import PGresult

from crmkit.storage.interface.dialect import Dialect
from crmkit.storage.interface.texts import Texts
from crmkit.storage.postgres.address import is_pooled, parameters
from crmkit.storage.postgres.dialect import DIALECT
from crmkit.storage.postgres.engine.adapters import ADAPTERS
from crmkit.storage.postgres.search.texts import TEXTS

MOST_PREPARED, MOST_SEEN = 200, 2_000  # statements that a connection keeps planned, and those that it remembers
LOOK_MILLISECONDS = 100  # without an answer, after which it is asked whether anybody waits for it
MOST_SENT = 100  # statements that are sent before their answers are waited for
_AT_ONCE = 100  # rows that are loaded together where they are taken one by one
_LIFE = "SELECT concat(pg_postmaster_start_time(), ' ', pg_stat_get_bgwriter_stat_reset_time())"
NONE_LEFT = (
    "the database has no connection left: raise max_connections of PostgreSQL, or CONNECTION LIMIT of the role or the "
    "database, or put a pooler in between; a process needs 6 and takes up to 30"
)
_NONE_LEFT = re.compile("too many (clients|connections)|connection slots are reserved|no more connections allowed")
_GOOD = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)
_RIGHTS = re.compile(
    r"(INSERT INTO|UPDATE|DELETE FROM) \"?(tokens|memberships|workspaces|users)\b(?! SET last_used_at)"
)


class PostgresRows:
    """What a statement answered; in a pipeline whoever looks first waits for it."""

    __slots__ = ("_at", "_connection", "result")

    def __init__(self, connection: "PostgresConnection", result: PGresult | None = None) -> None:
        self._connection = connection
        self._at = 0
        self.result = result

    @property
    def answer(self) -> PGresult:
        """What PostgreSQL answered; raises why this statement, or an earlier one of the pipeline, failed."""
        if self.result is None:
            self._connection.receive()
        if self.result is None:
            raise psycopg.OperationalError("the connection was lost before this was answered")
        if self.result.status not in _GOOD:
            raise error_of(self.result)
        return self.result

    @property
    def rowcount(self) -> int:
        return self.answer.command_tuples or 0

    @property
    def tag(self) -> bytes:
        """What PostgreSQL says that it did, as in `INSERT 0 1`."""
        return self.answer.command_status or b""

    @property
    def description(self) -> list[tuple[str]]:
        """The names of the columns."""
        return [((self.answer.fname(at) or b"").decode(),) for at in range(self.answer.nfields)]

    def fetchone(self) -> Any:
        rows = self.fetchmany(1)
        return rows[0] if rows else None

    def fetchall(self) -> list[Any]:
        return self.fetchmany(self.answer.ntuples)

    def fetchmany(self, size: int, /) -> list[Any]:
        result, first = self.answer, self._at
        self._at = min(first + size, result.ntuples)
        return self._connection.loaded(result, first, self._at) if first < self._at else []

    def again(self) -> "PostgresRows":
        """Return the same rows, none of which was fetched."""
        return PostgresRows(self._connection, self.result)

    def __iter__(self) -> Iterator[Any]:
        while rows := self.fetchmany(_AT_ONCE):
            yield from rows


class Batch:
    """Statements that were sent together. Of their answers, `failed` is the first that is an error."""

    __slots__ = ("failed", "new", "sent")

    def __init__(self) -> None:
        self.sent: deque[PostgresRows | None] = deque()  # what is not answered yet; None for what nobody looks at
        self.new: list[Any] = []  # the statements that are to be prepared
        self.failed: PGresult | None = None

    def take(self, result: PGresult) -> None:
        rows = self.sent.popleft() if self.sent else None  # none where it is why the connection ends
        if rows is not None:
            rows.result = result
        if self.failed is None and result.status not in _GOOD:
            self.failed = result


class PostgresConnection:
    """A connection in autocommit mode, used by one thread at a time; one that `prepares` has plans of statements kept.

    `life` is that of the server: it ends with a restart, a crash or a failover; after it, ids of transactions are given
    again. `is_over` tells whether what a pipeline waits for is to be stopped. Each statement that may write sets
    `has_written`, and each that may change who may do what `has_changed_rights`; whoever asks resets them.
    """

    dialect: ClassVar[Dialect] = DIALECT
    texts: ClassVar[Texts] = TEXTS

    def __init__(self, open_: Callable[[], "psycopg.Connection[Any]"], prepares: bool = True) -> None:
        self._open = open_
        self.prepares = prepares
        self._connect()

    def _connect(self) -> None:
        self.driver = self._open()
        self.has_written = self.has_changed_rights = False
        self.is_over: Callable[[], bool] | None = None
        self._wire = self.driver.pgconn
        self._values = Transformer(self.driver)
        self._poll = poll()
        self._poll.register(self._wire.socket, POLLIN)
        self._seen: set[Any] = set()  # statements, with the types of their values: the second time they are prepared
        self._names: dict[Any, bytes] = {}  # of those that are
        self._made = 0  # how often one was
        self._batch = Batch()  # what is sent in a pipeline
        self._batches: deque[Batch] = deque()  # what was sent to its end and is not answered yet
        self._is_left = False  # whether it is a pipeline that nobody waited for
        try:
            self.life: str = self.execute(_LIFE).fetchone()[0]
        except BaseException:
            self.driver.close()
            raise

    def revive(self) -> None:
        """Connect again."""
        self.driver.close()
        self._connect()

    def is_alive(self) -> bool:
        """Tell whether the server is there, as far as is known without asking it."""
        try:
            self._leave()
            if self._poll.poll(0):
                self._wire.consume_input()
        except psycopg.Error:
            return False
        return not self.driver.closed

    def execute(self, sql: str, args: Sequence[Any] = (), /) -> PostgresRows:
        """Run one statement; within `pipelined`, send it."""
        self._leave()
        if not sql.startswith("SELECT"):
            if sql.startswith("ROLLBACK") and self._batch.sent:  # it is to be done whatever failed before it
                self.end_batch()
            self.has_written = True
            if _is_about_rights(sql):
                self.has_changed_rights = True
        values, wire = self._values, self._wire
        bound = values.dump_sequence(args, [PyFormat.AUTO] * len(args))
        types, formats = values.types or (), values.formats
        name = self._name(sql, types) if args else None
        if not wire.pipeline_status:
            if name is not None:
                result = wire.exec_prepared(name, bound, formats, Format.BINARY)  # type: ignore[arg-type]
            else:
                result = wire.exec_params(numbered(sql), bound, types, formats, Format.BINARY)
            rows = PostgresRows(self, result)
            _ = rows.answer
            return rows
        if name is not None:
            wire.send_query_prepared(name, bound, formats, Format.BINARY)
        else:
            wire.send_query_params(numbered(sql), bound, types, formats, Format.BINARY)
        rows = PostgresRows(self)
        self._batch.sent.append(rows)
        if len(self._batch.sent) >= MOST_SENT:
            self.receive()
        return rows

    def script(self, sql: str) -> None:
        """Run several statements, which have no values."""
        _ = PostgresRows(self, self._wire.exec_(sql.encode())).answer

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> None:
        """Run one statement for each row of values; they are sent together, and what fails is raised here."""
        with self.pipelined():
            for row in rows:
                self.execute(sql, row)
            self.receive()

    @contextmanager
    def pipelined(self, is_waited: bool = True) -> Iterator[None]:
        """Within the block statements are sent at once; whoever looks at the rows of one waits for all until then.

        Of those that were sent together the first error is raised, by whoever waits: what came after it was not run.
        Unless it `is_waited` for, how the last ones end is nobody's business.
        """
        self._leave()
        if self._wire.pipeline_status:
            yield
            return
        self._wire.enter_pipeline_mode()
        try:
            yield
            if is_waited:
                self.receive()
        finally:
            with suppress(psycopg.Error):
                self.end_batch()
                self._wire.flush()
            self._is_left = True
            if is_waited:
                self._leave()

    def end_batch(self) -> Batch:
        """Have what was sent in a pipeline answered on its own: what fails in it concerns nothing that comes later."""
        batch, self._batch = self._batch, Batch()
        self._batches.append(batch)
        self._wire.pipeline_sync()
        return batch

    def receive(self) -> None:
        """Wait for the answers to all that was sent; raises the first error."""
        if self._batch.sent:
            batch = self.end_batch()
            self._wait()
            if batch.failed is not None:
                raise error_of(batch.failed)

    def begin(self) -> None:
        """Have PostgreSQL begin with what was sent in a pipeline, whose answers nobody waits for yet."""
        self._wire.flush()

    def take(self) -> Iterator[Batch]:
        """Take the answers that have come, without waiting; yield what is answered as a whole."""
        self._wire.consume_input()
        while self._batches and not self._wire.is_busy():
            batch = self._take(self._wire.get_result())
            if batch is not None:
                yield batch

    def loaded(self, result: PGresult, first: int, last: int) -> list[tuple[Any, ...]]:
        """Return some rows of an answer."""
        self._values.set_pgresult(result)
        return self._values.load_rows(first, last, tuple)

    def trial(self) -> AbstractContextManager[None]:
        return nullcontext()

    def close(self) -> None:
        self.driver.close()

    def _leave(self) -> None:
        """End a pipeline that nobody waited for."""
        if self._is_left:
            self._is_left = False
            with suppress(psycopg.Error):  # whoever uses the connection next finds out
                self._wait()
                self._wire.exit_pipeline_mode()

    def _wait(self) -> None:
        """Wait until all is answered that was sent to the end of its batch."""
        wire = self._wire
        while self._batches:
            while wire.is_busy():
                self._poll.modify(wire.socket, POLLIN | POLLOUT if wire.flush() else POLLIN)
                has_come = self._poll.poll(LOOK_MILLISECONDS)
                if not has_come and self.is_over is not None and self.is_over():
                    self.is_over = None
                    wire.get_cancel().cancel()
                wire.consume_input()
            self._take(wire.get_result())

    def _take(self, result: PGresult | None) -> Batch | None:
        """Note an answer, or that there are no more to a statement (None); return the batch that it ends."""
        if self.driver.closed:
            self._batches.clear()
            raise psycopg.OperationalError(self._wire.get_error_message() or "the connection was lost")
        if result is None:
            return None
        if result.status != ExecStatus.PIPELINE_SYNC:
            self._batches[0].take(result)
            return None
        batch = self._batches.popleft()
        if batch.failed is not None:
            for key in batch.new:  # some may not be prepared
                self._names.pop(key, None)
        return batch

    def _name(self, sql: str, types: tuple[int, ...]) -> bytes | None:
        """Return the name of a statement that is prepared, None of one that is not."""
        key, wire = (sql, types), self._wire
        name = self._names.get(key)
        if name is not None or not self.prepares:
            return name
        if key not in self._seen:
            if len(self._seen) >= MOST_SEEN:
                self._seen.clear()
            self._seen.add(key)
            return None
        if len(self._names) >= MOST_PREPARED:
            self._names.clear()
            self._seen.clear()
            self.execute("DEALLOCATE ALL")
        self._made += 1
        name = b"crmkit_%d" % self._made
        if wire.pipeline_status:
            wire.send_prepare(name, numbered(sql), types)
            self._batch.sent.append(None)
            self._batch.new.append(key)
        else:
            _ = PostgresRows(self, wire.prepare(name, numbered(sql), types)).answer
        self._names[key] = name
        return name


def error_of(result: PGresult) -> psycopg.Error:
    if result.status == ExecStatus.PIPELINE_ABORTED:
        return errors.PipelineAborted("a statement before it failed")
    if result.error_field(DiagnosticField.SQLSTATE):
        return errors.error_from_result(result)
    return psycopg.OperationalError(result.get_error_message())


@lru_cache(4096)
def numbered(sql: str) -> bytes:
    """Return a statement with $1, $2 … for the marks in it; no literal has one."""
    first, *others = sql.split("?")
    return (first + "".join(f"${number}{part}" for number, part in enumerate(others, 1))).encode()


@lru_cache(4096)
def _is_about_rights(sql: str) -> bool:
    return _RIGHTS.match(sql) is not None


def connect(url: str, **settings: str) -> PostgresConnection:
    """Return a new connection, whose session has these settings; behind a pooler it has none.

    Raises Unusable for a URL that cannot be read.
    """
    place = parameters(url, **settings)

    def opened() -> "psycopg.Connection[Any]":
        try:
            return psycopg.connect(**place, autocommit=True, context=ADAPTERS)
        except psycopg.OperationalError as error:  # libpq tells no SQLSTATE of it
            if _NONE_LEFT.search(str(error)):
                raise errors.TooManyConnections(f"{NONE_LEFT} ({str(error).split(': ')[-1].strip()})") from None
            raise

    return PostgresConnection(opened, prepares=not is_pooled(url))
