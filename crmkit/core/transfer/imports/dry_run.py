"""What would become of the rows of a file: they are written in small transactions, each of which is taken back.

So a row of a later transaction does not find what one of an earlier transaction made: the keys of those are kept here.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

from msgspec import Struct, field, structs

from crmkit.core.call import Call
from crmkit.core.many import batch
from crmkit.core.records.settled import Saved
from crmkit.core.requests.parts import MOST_SECONDS
from crmkit.core.requests.wrapper import DryRun
from crmkit.core.transfer.imports import rows
from crmkit.core.transfer.imports.options import CREATE, MERGE
from crmkit.core.transfer.imports.rows import Prepared
from crmkit.core.transfer.imports.source import Source
from crmkit.errors import Problem
from crmkit.model.actor import Asker
from crmkit.model.record import Kind
from crmkit.storage.interface.tx import Tx
from crmkit.storage.transfer.refused import RefusedRow

MOST_KEPT = 10_000  # refused rows that a plan tells

Outcome = Saved | Problem


class Expected(Struct):
    """What is expected of the rows that were `tried`: the first ones, unless those are all."""

    tried: int = 0
    creates: int = 0
    updates: int = 0
    alike: int = 0  # of the creates
    unread: Counter[str] = field(default_factory=Counter)  # cells of those not refused, by their columns' titles
    refused: int = 0
    rows: list[RefusedRow] = field(default_factory=list)
    limit: Problem | None = None  # that ends the import, unless less is written


async def expected_of(call: Call, source: Source, asker: Asker) -> Expected:
    """Return what would become of the rows, as many as can be tried in MOST_SECONDS."""
    found, seen = Expected(), set[int]()
    ends = time.monotonic() + MOST_SECONDS
    waiting = source.table.rows()
    while time.monotonic() < ends:
        began = time.monotonic()
        most = rows.of_a_transaction(call.crm)
        some = await asyncio.to_thread(list, islice(waiting, most))
        if not some:
            break
        prepared = await rows.prepared(call, source, asker, some)
        outcomes = await _tried(call, prepared)
        for each, outcome in zip(prepared, outcomes, strict=True):
            _count(found, seen, source, asker, each, outcome)
        if not call.crm.traffic.is_quiet:
            await asyncio.sleep(time.monotonic() - began)  # half of the time is for others
    return found


async def _tried(call: Call, prepared: Sequence[Prepared]) -> list[Outcome]:
    """Return what would become of some rows."""
    dry = Call(call.crm, call.actor)
    dry.wrapper = DryRun()

    def unit(tx: Tx) -> list[Outcome]:
        return batch.some(tx, [each.unit for each in prepared])

    return await dry.write(unit, asks_code=True)


def _count(found: Expected, seen: set[int], source: Source, asker: Asker, each: Prepared, outcome: Outcome) -> None:
    kind, found.tried = source.kind, found.tried + 1
    if isinstance(outcome, Problem) and outcome.code == rows.LIMIT:
        found.limit = found.limit or outcome
        found.creates += 1
        return
    if isinstance(outcome, Problem):
        is_told = outcome.code in ("missing_field", "duplicate")
        is_known = is_told and not seen.isdisjoint(_sent(kind, each.body, asker))
        if is_known and source.mode == MERGE:  # only a new record needs the field
            found.updates += 1
            found.unread.update(each.unread)
        else:  # a record that a row before it made is taken back, so it is not named
            _refuse(found, each, _repeated() if is_known and outcome.code == "duplicate" else outcome)
        return
    keys = set(_keys(kind, structs.asdict(outcome.record)))
    if outcome.created and keys.isdisjoint(seen):
        found.creates += 1
        found.alike += bool(outcome.potential_duplicate)
    elif source.mode == CREATE:
        _refuse(found, each, _repeated())
        return
    else:
        found.updates += 1
    found.unread.update(each.unread)
    seen |= keys


def _repeated() -> Problem:
    return Problem("duplicate", "A row before it has the same key, and none is to be changed.")


def _refuse(found: Expected, each: Prepared, problem: Problem) -> None:
    found.refused += 1
    if len(found.rows) < MOST_KEPT:
        found.rows.append(rows.refused(each.row, problem))


def _sent(kind: Kind, body: Mapping[str, Any], asker: Asker) -> Iterator[int]:
    """Yield the keys of a row that is refused for want of a field."""
    sent = {name: body[name] for names in kind.known_by for name in names if name in body}
    with suppress(Problem):
        yield from _keys(kind, kind.changes.draft(sent, asker, True))


def _keys(kind: Kind, values: Mapping[str, Any]) -> Iterator[int]:
    """Yield the keys by which a record is found, as numbers of 64 bits."""
    for names in kind.known_by:
        held = [(kind.by_name[name].type, values.get(name)) for name in names]
        if all(value is not None for _, value in held):
            yield hash((names, *(of.key(value) if of.key_column else value for of, value in held)))
