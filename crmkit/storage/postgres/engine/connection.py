"""Connections to PostgreSQL, with the types of values as storage expects them."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import Any, ClassVar

import psycopg
from psycopg import adapt, postgres
from psycopg.abc import Buffer
from psycopg.pq import Format
from psycopg.types.numeric import Int8, Int8Dumper, IntDumper, IntNumeric, IntNumericDumper
from psycopg.types.string import TextLoader

from crmkit.storage.interface.connection import Rows
from crmkit.storage.interface.dialect import Dialect
from crmkit.storage.interface.texts import Texts
from crmkit.storage.postgres.dialect import DIALECT
from crmkit.storage.postgres.search.texts import TEXTS

_SECONDS = 10  # to connect
_LIFE = "SELECT concat(pg_postmaster_start_time(), ' ', pg_stat_get_bgwriter_stat_reset_time())"
_DIGITS = 19  # of a whole number that a column may hold, with its sign
_OPTIONS = (
    "-c client_encoding=UTF8 -c timezone=UTC -c lc_messages=C -c default_transaction_isolation=read\\ committed "
    "-c jit=off -c standard_conforming_strings=on -c idle_in_transaction_session_timeout=0"
)


class PostgresConnection:
    """A connection in autocommit mode, used by one thread at a time."""

    __slots__ = ("_open", "driver", "life")

    dialect: ClassVar[Dialect] = DIALECT
    texts: ClassVar[Texts] = TEXTS

    def __init__(self, open_: Callable[[], "psycopg.Connection[Any]"]) -> None:
        self._open = open_
        self._connect()

    def _connect(self) -> None:
        self.driver = self._open()
        # of the server, which ends with a restart, a crash or a failover: after it, ids of transactions are given again
        self.life: str = self.execute(_LIFE).fetchone()[0]

    def revive(self) -> None:
        """Connect again."""
        self.driver.close()
        self._connect()

    def execute(self, sql: str, args: Sequence[Any] = (), /) -> Rows:
        return self.driver.execute(numbered(sql), args or None)

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> Any:
        cursor = self.driver.cursor()
        cursor.executemany(numbered(sql), rows)
        return cursor

    def trial(self) -> AbstractContextManager[None]:
        return nullcontext()

    def close(self) -> None:
        self.driver.close()


@lru_cache(4096)
def numbered(sql: str) -> str:
    """Return a statement with $1, $2 … for the marks in it; no literal has one."""
    first, *others = sql.split("?")
    return first + "".join(f"${number}{part}" for number, part in enumerate(others, 1))


def connect(url: str, plans_anew: bool = False) -> PostgresConnection:
    """Return a new connection; one that `plans_anew` plans each statement for the values that are bound in it."""
    more = " -c plan_cache_mode=force_custom_plan" if plans_anew else ""

    def opened() -> "psycopg.Connection[Any]":
        return psycopg.connect(
            url,
            autocommit=True,
            cursor_factory=psycopg.RawCursor,
            connect_timeout=_SECONDS,
            application_name="crmkit",
            options=_OPTIONS + more,
            context=_ADAPTERS,
        )

    return PostgresConnection(opened)


class _Whole(IntDumper):
    """Whole numbers as bigint whatever their size, so that a statement has one type for each value."""

    _int2_dumper = _int4_dumper = _int8_dumper = Int8Dumper(Int8)  # type: ignore[assignment]
    _int_numeric_dumper = IntNumericDumper(IntNumeric)


class _Flag(adapt.Dumper):
    """True and False as 1 and 0, which columns hold."""

    oid = postgres.types["int8"].oid

    def dump(self, obj: Any) -> Buffer | None:
        return b"1" if obj else b"0"


class _Number(adapt.Loader):
    """Sums of whole numbers, and numbers in JSON: whole where they are written so."""

    format = Format.TEXT

    def load(self, data: Buffer) -> int | float:
        text = bytes(data)
        if b"." in text or len(text) > _DIGITS:
            return float(text)
        return int(text)


def _adapters() -> adapt.AdaptersMap:
    found = adapt.AdaptersMap(psycopg.adapters)
    found.register_dumper(int, _Whole)
    found.register_dumper(bool, _Flag)
    found.register_loader("numeric", _Number)
    for name in ("json", "jsonb"):
        found.register_loader(name, TextLoader)
    return found


class _Context:
    """What psycopg takes the types from."""

    connection = None

    def __init__(self) -> None:
        self.adapters = _adapters()


_ADAPTERS: Any = _Context()
