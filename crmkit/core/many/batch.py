"""A batch: records created or merged in one transaction, each as a POST of its own would, in order.

An item that is refused takes back what it wrote, and no more. In a batch that is atomic nothing is written then.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from crmkit.core import quotas
from crmkit.core.call import Call
from crmkit.core.records import logged, nested, write
from crmkit.core.records.merging import PostOptions
from crmkit.core.records.settled import Saved
from crmkit.core.rules.rule import Values
from crmkit.errors import Problem
from crmkit.model.record import Kind
from crmkit.storage.duplicates import free
from crmkit.storage.interface.tx import Tx, Unit

AT_ONCE = 25  # items that are checked before other requests have a turn: about a millisecond
WITH_NESTED = 2  # records of a batch, with those that are nested, for each item that it may have
LOOKED_AHEAD = 10  # items from which a look for all of them costs less than one for each
TOGETHER = 100  # items that share a savepoint: one for each costs a third of the whole

Outcome = Saved | Problem  # of an item


async def save(
    call: Call, kind: Kind, items: Sequence[Any], atomic: bool = False, merges_alike: bool = False
) -> list[Outcome]:
    """Return what became of each item, which is the body of a POST, or why it was refused already.

    Raises `too_large` for more items, or records nested in them, than the settings allow; if it is `atomic`, the first
    Problem of an item.
    """
    crm = call.crm
    most = crm.settings.limits.batch_items
    if len(items) > most:
        raise Problem(
            "too_large", f"Send at most {most:,} items in one batch: split these {len(items):,} into several."
        )
    records = sum(nested.records_in(crm.kinds, kind, item) for item in items)
    if records > most * WITH_NESTED:
        hint = f"Write at most {most * WITH_NESTED:,} records in one batch, with those that items nest"
        raise Problem("too_large", f"{hint}: split these {records:,} into several.")
    units = await _checked(_saving(call, kind, merges_alike), items)
    capped = [each.plural for each in (*crm.kinds.records, crm.kinds.activity)]

    def unit(tx: Tx) -> list[Outcome]:
        if not (atomic or tx.is_proposed):  # what is refused is not proposed
            return some(tx, units)
        _look_ahead(tx, units)
        with quotas.as_before(tx, crm.settings, capped), tx.gathering():
            return [_whole(tx, index, each) for index, each in enumerate(units)]

    return await call.write(unit)


async def named(call: Call, units: Sequence[tuple[str, Unit[Saved] | Problem]]) -> list[tuple[str, Outcome]]:
    """Return what became of each of these units, beside its name; all are written in one transaction.

    Raises `too_large` for more than the settings allow.
    """
    most = call.crm.settings.limits.batch_items
    if len(units) > most:
        raise Problem("too_large", f"Name at most {most:,} records in one request: split these {len(units):,}.")
    names, each = [name for name, _ in units], [unit for _, unit in units]

    def unit(tx: Tx) -> list[tuple[str, Outcome]]:
        if tx.is_proposed:  # what is refused is not proposed
            return [(name, _whole(tx, index, one)) for index, (name, one) in enumerate(units)]
        return list(zip(names, some(tx, each), strict=True))

    return await call.write(unit)


def _saving(call: Call, kind: Kind, merges_alike: bool) -> Callable[[Any], Unit[Saved]]:
    """Return what makes the unit of an item."""
    if kind is call.crm.kinds.activity:
        return partial(logged.saving, call.crm, asker=call.asker)
    return partial(write.saving, call.crm, kind, asker=call.asker, options=PostOptions(merge_alike=merges_alike))


async def _checked(saving: Callable[[Any], Unit[Saved]], items: Sequence[Any]) -> list[Unit[Saved] | Problem]:
    """Return the unit of each item, or why it is refused before anything is written."""
    found: list[Unit[Saved] | Problem] = []
    for index, item in enumerate(items, start=1):
        try:
            found.append(saving(item) if isinstance(item, dict) else _refused(item))
        except Problem as problem:
            found.append(problem)
        if index % AT_ONCE == 0:
            await asyncio.sleep(0)
    return found


def _refused(item: Any) -> Problem:
    if isinstance(item, Problem):
        return item
    return Problem("invalid_value", "Send each item as a JSON object, like the body of a single POST.")


def some(tx: Tx, units: Sequence[Unit[Saved] | Problem], until: str = "") -> list[Outcome]:
    """Return what becomes of some items: written together, or one by one those beside one that is refused.

    Those after one that is refused with the code `until` are left.
    """
    outcomes: list[Outcome] = []
    with tx.gathering():
        for start in range(0, len(units), TOGETHER):
            outcomes += _together(tx, units[start : start + TOGETHER], until)
            if until and any(isinstance(outcome, Problem) and outcome.code == until for outcome in outcomes):
                break
    return outcomes


def _together(tx: Tx, units: Sequence[Unit[Saved] | Problem], until: str) -> list[Outcome]:
    _look_ahead(tx, units)
    try:
        return tx.attempt(lambda tx: [unit if isinstance(unit, Problem) else unit(tx) for unit in units])
    except Problem:
        outcomes: list[Outcome] = []
        for unit in units:
            outcomes.append(outcome := _alone(tx, unit))
            if isinstance(outcome, Problem) and outcome.code == until:
                break
        return outcomes


def _look_ahead(tx: Tx, units: Sequence[Unit[Saved] | Problem]) -> None:
    """Find out at once which values of many new records are free; later items see what earlier ones take."""
    found: dict[Kind, list[Values]] = {}
    for unit in units if len(units) >= LOOKED_AHEAD else ():
        for kind, values in unit.parts if isinstance(unit, write.Saving) else ():
            found.setdefault(kind, []).append(values)
    for kind, many in found.items():
        free.look(tx, kind, many)


def _alone(tx: Tx, unit: Unit[Saved] | Problem) -> Outcome:
    try:
        return unit if isinstance(unit, Problem) else tx.attempt(unit)
    except Problem as problem:
        return problem


def _whole(tx: Tx, index: int, unit: Unit[Saved] | Problem) -> Saved:
    """Return an item of an atomic batch as it was written; raises the Problem of the whole batch."""
    try:
        if isinstance(unit, Problem):
            raise unit
        return unit(tx)
    except Problem as problem:
        raise problem.after(f"Item {index} was refused, so nothing was written.") from None
