"""Tables in memory, and what a plan makes of them."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from crmkit.core.transfer.mapping import Body, Plan, Refused
from crmkit.files.table import Row, Table, distinct
from crmkit.model.actor import Asker
from crmkit.model.preferences import Preferences
from crmkit.model.record import Kind
from crmkit.storage.custom.indexes import CustomIndex
from crmkit.storage.transfer.imports import Options
from tests.kinds import CONTACT, REGISTRY

ASKER = Asker("alice@house.example", ZoneInfo("Europe/Berlin"), Preferences(), "2026-11-28T09:00:00Z")


def table(titles: Sequence[str], *rows: Sequence[Any], format: str = "csv") -> Table:
    read = [Row(number, tuple(cells)) for number, cells in enumerate(rows, 2)]
    return Table(format, distinct(titles), len(read), (), lambda: iter(read))


def planned(found: Table, kind: Kind = CONTACT, declared: Sequence[CustomIndex] = (), **options: Any) -> Plan:
    return Plan.of(found, REGISTRY, Options(kind.plural, **options), ASKER, tuple(declared))


def fields(titles: Sequence[str], kind: Kind = CONTACT, **options: Any) -> list[str]:
    """Return what each column is for, by its title."""
    return [column.field for column in planned(table(titles), kind, **options).columns]


def bodies(titles: Sequence[str], *rows: Sequence[Any], kind: Kind = CONTACT, **options: Any) -> list[Body | Refused]:
    format = options.pop("format", "csv")
    found = table(titles, *rows, format=format)
    plan = planned(found, kind, options.pop("declared", ()), **options)
    return [plan.body(row) for row in found.rows()]


def body(titles: Sequence[str], *cells: Any, **options: Any) -> dict[str, Any]:
    """Return the body of the one row that has these cells."""
    (found,) = bodies(titles, cells, **options)
    assert isinstance(found, Body), found
    return found.values


def faults(titles: Sequence[str], *cells: Any, **options: Any) -> dict[str, str]:
    """Return what is wrong with the one row that has these cells."""
    (found,) = bodies(titles, cells, **options)
    assert isinstance(found, Refused), found
    return found.fields
