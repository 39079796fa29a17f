"""Change or delete all records that a query finds, in two steps: at once where they are few, else by a job."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from msgspec.structs import replace

from crmkit.core import confirm, quotas
from crmkit.core.call import Call
from crmkit.core.jobs.awaited import awaited
from crmkit.core.jobs.kind import Result
from crmkit.core.many import in_steps
from crmkit.core.many.act import Act
from crmkit.core.many.along import along
from crmkit.core.many.found import Found, find
from crmkit.core.many.tally import Tally
from crmkit.core.reading import feeds, lists
from crmkit.core.reading.lists import Asked
from crmkit.core.records import activities, relations
from crmkit.errors import Problem
from crmkit.model.query.parse import RESERVED, TIMEZONE
from crmkit.model.record import Kind
from crmkit.storage import records
from crmkit.storage.interface.tx import Tx, Unit
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.jobs import Job
from crmkit.storage.lists import members

TRIES = 5  # to find the records anew that others wrote between the read and the write
OF_LISTS = tuple(name for name in RESERVED if name not in ("search", "format"))
BESIDE = ("search", TIMEZONE, "confirm", "dry_run", "format")  # parameters beside filters

Pairs = Sequence[tuple[str, str]]
Body = Mapping[str, Any] | None  # None for a delete


class _Stale(Exception):
    """Others wrote one of the records since they were found."""


async def change(call: Call, kind: Kind, pairs: Pairs, body: Mapping[str, Any], details: bool = False) -> Result | Job:
    """Change all records of a kind that these pairs of a query string find (see `_done`)."""
    asked = await _asked(call, kind, pairs)
    if "version" in body:
        fields = {"version": "is that of one record"}
        raise Problem("invalid_value", "Leave version out: a change of many expects none.", fields=fields)
    if not body:
        raise Problem("missing_field", "Send the fields to change as a JSON object.")
    return await _done(call, Act.of(call.crm, kind, body, call.actor.asker), asked, pairs, body, details)


async def remove(call: Call, kind: Kind, pairs: Pairs, details: bool = False) -> Result | Job:
    """Delete all records of a kind that these pairs of a query string find (see `_done`)."""
    return await _done(call, Act(call.crm, kind), await _asked(call, kind, pairs), pairs, None, details)


async def _done(call: Call, act: Act, asked: Asked, pairs: Pairs, body: Body, details: bool) -> Result | Job:
    """Return what was done, or the job that does it, once it has ended or as it is after a while (see `awaited`).

    Unless `call.confirm` is a token that this session was shown for the same request and the same set of records,
    raises `confirmation_required`, which tells how many they are and shows the first of them: their fields that list
    lines show, or with `details` all. A change of records that `id=in:` alone names needs no token.
    """
    names = act.kind.members if details else act.kind.listed
    query = replace(asked.query, fields=tuple(name for name in names if name != "id"))
    for _ in range(TRIES):
        found = await call.scan(find, act, Workspace.of(call.actor), query)
        notes = await lists.notes_on(call, asked, is_first=True, is_empty=not found.count)
        if not found.count:
            return await call.write(_nothing(act, notes))  # under a key it may have been done before
        act.check_unique(found.count)
        try:
            done: Result | Job = await call.write(_unit(call, act, found, pairs, body, notes))
        except _Stale:
            continue
        return await awaited(call, done) if isinstance(done, Job) else done
    raise Problem("busy", "Others change these records all the time; try again.", headers={"Retry-After": "1"})


def _nothing(act: Act, notes: tuple[str, ...]) -> Unit[Result | Job]:
    return lambda tx: act.result(0, notes)


def _unit(
    call: Call, act: Act, found: Found, pairs: Pairs, body: Body, notes: tuple[str, ...]
) -> Callable[[Tx], Result | Job | Problem]:
    sent, zone, needs_token = call.confirm, str(call.actor.asker.zone), not _names_each(act, found)
    plural, count, query = act.kind.plural, found.count, json.dumps(sorted(pairs))
    body_sent = json.dumps(body, sort_keys=True).encode()
    bound = confirm.binding(f"{plural}.{act.method}", [found.digest], query, body_sent)
    again = f"{act.method} /{plural}?{urlencode(pairs, safe=':,@*/')}"
    says = f"This {'deletes' if act.is_delete else 'changes'} {count} {plural}; the first of them follow."
    if not act.is_delete:
        says += " The body is sent again."
    else:
        says += f" Of each: {relations.outcome_of_delete(act.crm.kinds, act.kind, None)}"

    def unit(tx: Tx) -> Result | Job | Problem:
        refused = confirm.require(tx, sent, bound, says, again) if needs_token else None
        if refused is not None:
            refused.shown = found.shown(act)
            refused.facts["count"] = count
            refused.comments += [f"note: {note}" for note in notes]
            return refused
        if found.are_many and tx.is_dry:
            return act.result(found.count, notes)
        if found.are_many:
            return in_steps.begin(tx, act, found, body, zone, notes)
        return _written(tx, act, found, notes)

    return unit


def _written(tx: Tx, act: Act, found: Found, notes: tuple[str, ...]) -> Result:
    """Write all records in this transaction; raises _Stale if others wrote one of them since it was found."""
    kind, workspace_id, tally, known = act.kind, tx.by.workspace_id, Tally(), found.versions
    if members.versions(tx.connection, kind, workspace_id, [*known]) != known:
        raise _Stale
    linked = along(tx.connection, act, workspace_id, [*known])
    with quotas.as_before(tx, act.crm.settings, [kind.plural]):
        for id in known:
            record = records.fetch(tx.connection, kind, workspace_id, id)
            if record is not None:  # else it went along with one before
                tally.add(act.write(tx, record, id in linked))
    return act.result(found.count, (*notes, *tally.notes()))


async def _asked(call: Call, kind: Kind, pairs: Pairs) -> Asked:
    """Return what the filters ask for; raises `invalid_filter` for what is of lists alone, and without any filter."""
    surplus = {name: "is of lists alone" for name, _ in pairs if name in OF_LISTS}
    if surplus:
        raise Problem("invalid_filter", "Leave it out: all that the filters find is meant.", fields=surplus)
    every = "id=not:null"
    if kind is call.crm.kinds.activity:
        pairs = [pair for pair in pairs if pair[0] != TIMEZONE]
        pairs = feeds.translated(call, kind, pairs, activities.filters(call.crm.kinds))
        every = "since=1970-01-01"
    asked = await lists.asked(call, kind, pairs, BESIDE)
    if not asked.query.filtered:
        raise Problem("invalid_filter", f"Send at least one filter; {every} means all {kind.plural}.")
    return asked


def _names_each(act: Act, found: Found) -> bool:
    """Tell whether this is a change of records each of which was named by its id."""
    query = found.query
    is_listed = [(each.target.name, each.operator) for each in query.conditions] == [("id", "in")]
    return is_listed and not query.search and not act.is_delete
