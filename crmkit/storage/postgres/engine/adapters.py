"""Values as PostgreSQL sends and takes them, with the types that storage expects."""

from typing import Any

import psycopg
from psycopg import adapt, postgres
from psycopg.abc import Buffer
from psycopg.types.numeric import Int8, Int8Dumper, IntDumper, IntNumeric, IntNumericDumper, NumericBinaryLoader
from psycopg.types.string import TextBinaryLoader

from crmkit.model.fields import MAX_INTEGER


class _Whole(IntDumper):
    """Whole numbers as bigint whatever their size, so that a statement has one type for each value."""

    _int2_dumper = _int4_dumper = _int8_dumper = Int8Dumper(Int8)  # type: ignore[assignment]
    _int_numeric_dumper = IntNumericDumper(IntNumeric)


class _Flag(adapt.Dumper):
    """True and False as 1 and 0, which columns hold."""

    oid = postgres.types["int8"].oid

    def dump(self, obj: Any) -> Buffer | None:
        return b"1" if obj else b"0"


class _Number(NumericBinaryLoader):
    """Sums of whole numbers, and numbers in JSON: whole where they are written so."""

    def load(self, data: Buffer) -> int | float:  # type: ignore[override]
        found = super().load(data)
        is_whole = found.as_tuple().exponent == 0 and abs(found) <= MAX_INTEGER
        return int(found) if is_whole else float(found)


class _Document(TextBinaryLoader):
    """JSON as a text, without the number of its version."""

    def load(self, data: Buffer) -> str | bytes:
        return super().load(memoryview(data)[1:])


def _adapters() -> adapt.AdaptersMap:
    found = adapt.AdaptersMap(psycopg.adapters)
    found.register_dumper(int, _Whole)
    found.register_dumper(bool, _Flag)
    found.register_loader("numeric", _Number)
    found.register_loader("json", TextBinaryLoader)
    found.register_loader("jsonb", _Document)
    return found


class _Context:
    """What psycopg takes the types from."""

    connection = None

    def __init__(self) -> None:
        self.adapters = _adapters()


ADAPTERS: Any = _Context()
