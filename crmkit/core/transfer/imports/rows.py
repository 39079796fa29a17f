"""A row of a file as a unit that writes its record, and what became of some rows that were written together."""

import asyncio
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from crmkit.core import lookup
from crmkit.core.call import Call
from crmkit.core.configuration import fields
from crmkit.core.crm import Crm
from crmkit.core.many import batch
from crmkit.core.records import logged, merging, write
from crmkit.core.records.merging import PostOptions
from crmkit.core.records.settled import Saved
from crmkit.core.transfer.imports.options import CREATE, UPDATE
from crmkit.core.transfer.imports.source import Source
from crmkit.errors import Problem, in_quotes
from crmkit.files.table import Row
from crmkit.model.actor import Asker
from crmkit.model.body import check
from crmkit.model.fields import Invalid
from crmkit.model.names import clean
from crmkit.model.record import Kind
from crmkit.model.times import written as days
from crmkit.records.settings.field import DeclaredField
from crmkit.storage.interface.tx import Tx, Unit
from crmkit.storage.transfer.refused import RefusedRow

if TYPE_CHECKING:
    from crmkit.core.transfer.mapping import Body

AT_ONCE = 10  # rows that are read as fields before other requests have a turn: about a millisecond
TOGETHER = 25  # rows of a transaction: some milliseconds, in which nobody else writes
IN_PEACE = 500  # where nobody else asks for anything
PASSING = ("not_ready", "busy")  # codes of problems that are no row's
_LEFT_OUT = re.compile("[\x00\ud800-\udfff]")  # of the cells of refused rows: what no text holds
LIMIT = "plan_limit_reached"  # the code that ends an import


class Prepared(Struct, frozen=True):
    """A row, with the unit that saves its record, or why it is refused before anything is written.

    `body` is that of the POST that it stands for, empty where it is none; `unread` are the titles of its columns whose
    cells do not fit.
    """

    row: Row
    unit: Unit[Saved] | Problem
    body: Mapping[str, Any] = field(default_factory=dict)
    unread: Sequence[str] = ()


class Written(Struct):
    """What became of some rows; `ended` is the cap at which the others were left."""

    done: int = 0
    creates: int = 0
    updates: int = 0
    alike: int = 0  # of those created
    unread: Counter[str] = field(default_factory=Counter)  # cells, by the titles of their columns
    refused: list[RefusedRow] = field(default_factory=list)
    ended: Problem | None = None


def of_a_transaction(crm: Crm) -> int:
    """Return how many rows are written together at this moment."""
    return IN_PEACE if crm.traffic.is_quiet else TOGETHER


async def prepared(call: Call, source: Source, asker: Asker, rows: Sequence[Row]) -> list[Prepared]:
    """Return the rows as they are written: like the body of a POST each, in the mode that was chosen."""
    found = []
    for row in rows:
        each = _prepared(call.crm, source, asker, row)
        found.append(await _checked(call, source.kind, each) if source.kind.is_setting else each)
        if len(found) % AT_ONCE == 0:
            await asyncio.sleep(0)
    return found


async def _checked(call: Call, kind: Kind, each: Prepared) -> Prepared:
    """Return a row, refused where the POST of a setting refuses its body before it writes."""
    if isinstance(each.unit, Problem) or not each.body:
        return each
    try:
        if issubclass(kind.record, DeclaredField):
            await fields.look(call, kind, each.body)
        if kind.name in call.crm.checks:
            await call.crm.checks[kind.name](call, each.body)
    except Problem as problem:
        if problem.code in PASSING:
            raise
        return Prepared(each.row, problem, each.body)
    return each


def _prepared(crm: Crm, source: Source, asker: Asker, row: Row) -> Prepared:
    from crmkit.core.transfer.mapping import UNREADABLE, Refused  # imported with the first file

    found: Body | Refused = Refused(row.number, {})
    try:
        found = source.plan.body(row)
        if not isinstance(found, Refused) and (odd := _odd(found)):
            found = Refused(row.number, odd)
        if isinstance(found, Refused):
            return Prepared(row, Problem("invalid_value", found.hint, fields=found.fields))
        return Prepared(row, _unit(crm, source, asker, found), found.values, found.unread)
    except Problem as problem:
        return Prepared(row, problem, {} if isinstance(found, Refused) else found.values)
    except UNREADABLE:
        hint = "Correct the cells of this row, of which one cannot be read, and send it again."
        return Prepared(row, Problem("invalid_value", hint))


def _odd(body: "Body") -> dict[str, str]:
    """Return what is wrong with fields that hold what no field can keep, whatever format wrote it so."""
    found = {}
    named = ((each.place, [each.text, each.fields, each.cells]) for each in body.names)
    for name, value in (*body.values.items(), *body.past.items(), *named):
        try:
            check(value, 2, has_long=True)
        except Invalid as error:
            found[name] = str(error)
    return found


def written(tx: Tx, some: Sequence[Prepared]) -> Written:
    """Write the rows, and return what became of them; those after one that a cap refuses are left."""
    found = Written()
    outcomes = batch.some(tx, [each.unit for each in some], until=LIMIT)
    for each, outcome in zip(some, outcomes, strict=False):
        if isinstance(outcome, Problem) and outcome.code == LIMIT:
            found.ended = outcome
            break
        found.done += 1
        if isinstance(outcome, Problem):
            found.refused.append(refused(each.row, outcome))
            continue
        found.unread.update(each.unread)
        if outcome.created:
            found.creates += 1
            found.alike += bool(outcome.potential_duplicate)
        else:
            found.updates += 1
    return found


def notes_of(kind: Kind, alike: int, unread: Mapping[str, int]) -> list[str]:
    """Return what is told of so many records that may be the same as another one, and of cells that do not fit."""
    notes = [_of_unread(title, count, kind.custom is not None) for title, count in unread.items()]
    what = "1 record that is created" if alike == 1 else f"{alike:,} records that are created"
    told = f"{what} may be the same as another: GET /duplicates?kind={kind.plural} lists the pairs"
    return [*notes, told] if alike else notes


def _of_unread(title: str, count: int, is_kept: bool) -> str:
    cells = "1 cell" if count == 1 else f"{count:,} cells"
    where = "went to custom" if is_kept else "was left out" if count == 1 else "were left out"
    return f"{cells} of {in_quotes([clean(title)])} could not be read and {where}"


def refused(row: Row, problem: Problem) -> RefusedRow:
    cells = [_LEFT_OUT.sub("\ufffd", cell) if isinstance(cell, str) else cell for cell in row.cells]
    return RefusedRow(row.number, problem.code, problem.hint, problem.fields, cells)


def _unit(crm: Crm, source: Source, asker: Asker, body: "Body") -> Unit[Saved]:
    past = source.kind.past.draft(body.past, asker) if body.past else {}
    save = partial(_saving, crm, source, asker, body.id, _with_expected(source.kind, asker, body, past))
    unit = (lambda tx: save(source.plan.resolve(tx, crm, body))(tx)) if body.needs_lookup else save(body.values)
    return partial(_advised, crm, source, unit)


def _advised(crm: Crm, source: Source, unit: Unit[Saved], tx: Tx) -> Saved:
    """Return what the unit does; where an id leads nowhere, tell how the file's names find the records."""
    try:
        return unit(tx)
    except Problem as problem:
        if problem.code != "invalid_reference":
            raise
        from crmkit.core.transfer.mapping.target import places_of  # imported with the first file

        titles = {column.field: column.title for column in source.plan.columns}
        named = {column.title for column in source.plan.columns}
        fields = dict(problem.fields)
        for place, link in places_of(crm.kinds, source.kind).items():
            if link.link in fields and link.link in titles and link.name in named:
                maps = f"map.{link.name}={place}&map.{titles[link.link]}="
                fields[link.link] += f"; where its id is of another workspace, send {maps} to find it by name"
        raise Problem("invalid_reference", problem.hint, fields=fields) from None


def _with_expected(kind: Kind, asker: Asker, body: "Body", past: dict[str, str | None]) -> Mapping[str, str | None]:
    """Return the past with the day on which a record was to close, unless that is to come."""
    name = kind.forecast.closes if kind.forecast else ""
    day = days.date_of(text) if isinstance(text := body.values.get(name), str) else None
    if day is None or day >= date.fromisoformat(asker.now[:10]):
        return past
    with suppress(OverflowError):
        past[name], _ = days.seconds_of(day, asker.zone)
    return past


def _saving(
    crm: Crm, source: Source, asker: Asker, id: str, past: Mapping[str, str | None], values: Mapping[str, Any]
) -> Unit[Saved]:
    kind, mode = source.kind, source.mode
    if kind is crm.kinds.activity:
        return _activity(crm, values, asker, id) if id else logged.saving(crm, values, asker)
    options = PostOptions(create=mode != UPDATE, merge=mode != CREATE, change_setting=True, id=id, past=past)
    return write.saving(crm, kind, values, asker, options)


def _activity(crm: Crm, values: Mapping[str, Any], asker: Asker, id: str) -> Unit[Saved]:
    """Return the unit that changes the activity with this id; where there is none, it logs one."""
    kind = crm.kinds.activity

    def unit(tx: Tx) -> Saved:
        before = lookup.find(tx.connection, kind, tx.by, id)
        if before is None:
            return logged.saving(crm, values, asker)(tx)
        found = merging.patched(tx, kind, before, kind.draft(values, asker))
        return write.changed(tx, crm, kind, before, found)

    return unit
