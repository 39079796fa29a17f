"""Days in the zone of who asks, across both changes of its clocks: every operator on the times of every kind.

The reference knows UTC alone, so it is given the wall clock of the zone as if that were UTC.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from crmkit.clock import stamp
from crmkit.model import fields
from crmkit.model.actor import Actor
from crmkit.model.operators.rows import BY_NAME, TAKEN_BY, Operand, Taken
from crmkit.model.record import Kind
from tests.kinds import CONTACT, CONVERSION, KINDS
from tests.storage.desk import Desk
from tests.storage.reference import PERIODS, Filter, Shown, met, moment

# days of 2026 on which the clocks of a zone change
CHANGES = {
    "Europe/Berlin": ("2026-03-29", "2026-10-25"),
    "America/New_York": ("2026-03-08", "2026-11-01"),
    "Australia/Lord_Howe": ("2026-04-05", "2026-10-04"),
}
TIMED = [
    pytest.param(kind, name, id=f"{kind.name}-{name}")
    for kind in KINDS
    for name, field in kind.writable.items()
    if isinstance(field.type, fields.Time)
]


def days_of(zone: str) -> list[date]:
    """Return the days around the changes of a zone."""
    around = (-1, 0, 1, 2)
    return [date.fromisoformat(day) + timedelta(days=step) for day in CHANGES[zone] for step in around]


def moments() -> list[str]:
    """Return the first second, the last one and some others of each day around each change."""
    found = set[str]()
    for zone in CHANGES:
        for day in days_of(zone):
            midnight = datetime.combine(day, time.min, ZoneInfo(zone)).astimezone(UTC)
            found |= {stamp(midnight + timedelta(seconds=seconds)) for seconds in (-1, 0, 9_000)}
    return sorted(found)


def asked(zone: str) -> Iterator[tuple[str, str]]:
    """Yield each operator with operands."""
    days = [day.isoformat() for day in days_of(zone)]
    pairs = [f"{first},{last}" for first, last in pairwise(days)]
    operands = {Operand.NULL: ["null"], Operand.ONE: days, Operand.PERIOD: [*PERIODS]}
    for operator in TAKEN_BY[Taken.TIME]:
        for operand in operands.get(BY_NAME[operator].operand, pairs):
            yield operator, operand


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name"), TIMED)
def test_a_day_is_that_of_the_zone_for_every_operator_and_in_groups(back: Desk, kind: Kind, name: str) -> None:
    alice = back.person()
    made = filled(back, alice, kind, name)
    for zone in CHANGES:
        there, asker = ZoneInfo(zone), replace(alice, own_timezone=zone)
        local = [{**each, name: stamp(moment(each[name]).astimezone(there).replace(tzinfo=UTC))} for each in made]
        today, telling = back.clock.now.astimezone(there).date(), 0
        for filters in (*alone(name, zone), *in_groups(name, zone)):
            expected = {each["id"] for each in met(kind, local, filters, today)}
            pairs = [(spelled, f"{operator}:{operand}") for spelled, operator, operand in filters]
            found = back.find(asker, *pairs, ("limit", "200"), kind=kind)
            assert {record.id for record in found.records} == expected, (zone, pairs)
            telling += 0 < len(expected) < len(made)
        assert telling > 50, "these records tell no right day from a wrong one"


def filled(back: Desk, alice: Actor, kind: Kind, name: str) -> list[Shown]:
    """Return records of a kind, each with another of these moments."""
    needed = {kind.title.name: "X"} if kind.has_title else {}
    if kind is CONVERSION:
        needed = {"contact_id": back.make(alice, CONTACT, name="Jane").id, "platform": "meta"}
    made = [back.make(alice, kind, **needed, **{name: at}) for at in moments()]
    return [{"id": each.id, name: getattr(each, name)} for each in made]


def alone(name: str, zone: str) -> list[list[Filter]]:
    return [[(name, operator, operand)] for operator, operand in asked(zone)]


def in_groups(name: str, zone: str) -> list[list[Filter]]:
    """Return pairs of filters of which one must be met."""
    every = [*asked(zone)]
    return [[(f"or.{name}", *one), (f"or.{name}", *other)] for one, other in zip(every, every[7:], strict=False)]
