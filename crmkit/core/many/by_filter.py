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
from crmkit.core.many.affected import affected
from crmkit.core.many.found import AT_ONCE, SHOWN, Found, find
from crmkit.core.many.tally import Tally
from crmkit.core.reading import feeds, lists
from crmkit.core.reading.lists import Asked
from crmkit.core.records import activities, relations
from crmkit.errors import Problem
from crmkit.model.query import groups
from crmkit.model.query.parse import RESERVED, TIMEZONE, Query
from crmkit.model.record import Kind
from crmkit.storage import records
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.jobs import Job
from crmkit.storage.lists import members

OF_LISTS = tuple(name for name in RESERVED if name not in ("search", "format"))
BESIDE = ("search", TIMEZONE, "confirm", "dry_run", "format")  # parameters beside filters

Pairs = Sequence[tuple[str, str]]
Body = Mapping[str, Any] | None  # None for a delete


async def change(call: Call, kind: Kind, pairs: Pairs, body: Mapping[str, Any], details: bool = False) -> Result | Job:
    """Change all records of a kind that these pairs of a query string find (see `_done`)."""
    asked = await _asked(call, kind, pairs)
    if "version" in body:
        fields = {"version": "is that of one record"}
        raise Problem("invalid_value", "Leave version out: a change of many expects none.", fields=fields)
    if not body:
        raise Problem("missing_field", "Send the fields to change as a JSON object.")
    return await _done(call, Act.of(call.crm, kind, body, call.asker), asked, pairs, body, details)


async def remove(call: Call, kind: Kind, pairs: Pairs, details: bool = False) -> Result | Job:
    """Delete all records of a kind that these pairs of a query string find (see `_done`)."""
    return await _done(call, Act(call.crm, kind), await _asked(call, kind, pairs), pairs, None, details)


async def _done(call: Call, act: Act, asked: Asked, pairs: Pairs, body: Body, details: bool) -> Result | Job:
    """Return what was done, or the job that does it, once it has ended or as it is after a while (see `awaited`).

    Unless `call.confirm` is a token that this session was shown for the same request and the same set of records,
    raises `confirmation_required`, which tells how many they are and shows the first of them, with those fields that
    `lists.columns` tells. A change of records that `id=in:` alone names needs no token.
    """
    query = replace(asked.query, fields=lists.columns(act.kind, call.chosen, details))
    found = await call.scan(find, act, Workspace.of(call.actor), query)
    notes = await lists.notes_on(call, asked, is_first=True, is_empty=not found.count)
    done: Result | Job | Found = await call.write(_unit(call, act, found, query, pairs, body, notes))
    if isinstance(done, Found):
        return await in_steps.expected_of(call, act, done, notes)
    return await awaited(call, done) if isinstance(done, Job) else done


def _unit(
    call: Call, act: Act, read: Found, query: Query, pairs: Pairs, body: Body, notes: tuple[str, ...]
) -> Callable[[Tx], Result | Job | Found | Problem]:
    """Return the unit that does it; in a dry run of very many it returns what it found, of which nothing is checked."""
    asker = call.asker

    def unit(tx: Tx) -> Result | Job | Found | Problem:
        found = _as_of_now(tx, act, read, query)
        if not found.count:
            return act.result(0, notes)
        act.check_unique(found.count)
        if found.are_many and tx.is_proposed:
            hint = f"Propose at most {AT_ONCE:,} records at once, so that each is shown: send more filters."
            raise Problem("too_large", hint)
        refused = None if _names_each(act, found) else _confirmed(call, tx, act, found, pairs, body)
        if refused is not None:
            refused.comments += [f"note: {note}" for note in notes]
            return refused
        if found.are_many and tx.is_dry:
            return found
        if found.are_many:
            return in_steps.begin(tx, act, found, body, asker, notes)
        return _written(tx, act, found, notes)

    return unit


def _as_of_now(tx: Tx, act: Act, found: Found, query: Query) -> Found:
    """Return the set; it is found anew where it is small and others wrote one of its records since it was read."""
    known = {} if found.are_many else found.versions
    if members.versions(tx.connection, act.kind, tx.by.workspace_id, [*known]) == known:
        return found
    return find(tx.connection, act, Workspace.of(tx.by), query)


def _confirmed(call: Call, tx: Tx, act: Act, found: Found, pairs: Pairs, body: Body) -> Problem | None:
    """Return None for a right token, else what asks for one; raises what the first records cannot be changed for."""
    plural, sent = act.kind.plural, json.dumps(body, sort_keys=True).encode()
    bound = confirm.binding(f"{plural}.{act.method}", [found.digest], json.dumps(sorted(pairs)), sent)
    again = f"{act.method} /{plural}?{urlencode(pairs, safe=':,@*/')}"
    says = f"This {'deletes' if act.is_delete else 'changes'} {act.counted(found.count)}"
    if tx.is_proposed:
        says += "."
    else:
        says += f"; {'it follows' if found.count == 1 else 'the first of them follow'}."
        says += "" if act.is_delete else " The body is sent again."
    if act.is_delete:
        says += f" Of each: {relations.outcome_of_delete(act.crm.kinds, act.kind, None)}"
    if not call.confirm:
        act.check_each(tx, found.first_ids(SHOWN))
    refused = confirm.require(tx, call.confirm, bound, says, again)
    if refused is not None:
        refused.shown = found.shown(act)
        refused.facts["count"] = found.count
    return refused


def _written(tx: Tx, act: Act, found: Found, notes: tuple[str, ...]) -> Result:
    """Write all records in this transaction."""
    kind, workspace_id, tally, known = act.kind, tx.by.workspace_id, Tally(), found.versions
    linked = affected(tx.connection, act, workspace_id, [*known])
    with quotas.as_before(tx, act.crm.settings, [kind.plural]):
        for id in known:
            record = records.fetch(tx.connection, kind, workspace_id, id)
            if record is not None:  # else it went along with one before
                tally.add(act.write(tx, record, id in linked))
    return act.result(found.count - tally.same, (*notes, *tally.notes()))


async def _asked(call: Call, kind: Kind, pairs: Pairs) -> Asked:
    """Return what the filters ask for; raises `invalid_filter` for what is of lists alone, and without any filter."""
    surplus = {name: "is of lists alone" for name, _ in pairs if name in OF_LISTS}
    if surplus:
        raise Problem("invalid_filter", "Leave it out: all that the filters find is meant.", fields=surplus)
    if kind is call.crm.kinds.activity:
        pairs = [pair for pair in pairs if pair[0] != TIMEZONE]
        pairs = feeds.translated(call, kind, pairs, activities.filters(call.crm.kinds))
    asked = await lists.asked(call, kind, pairs, BESIDE)
    if not asked.query.filtered:
        raise Problem("invalid_filter", f"Send at least one filter; id=not:null means all {kind.plural}.")
    return asked


def _names_each(act: Act, found: Found) -> bool:
    """Tell whether this is a change of records each of which was named by its id."""
    query = found.query
    is_listed = [(each.target.name, each.operator) for each in groups.flat(query.conditions)] == [("id", "in")]
    return is_listed and not query.search and not act.is_delete
