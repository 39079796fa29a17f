"""The verbs: propose, approve and reject a write; tell which proposals there are."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Generic, TypeVar

from msgspec import Struct, structs

from crmkit.core import path_ids
from crmkit.core.call import Call
from crmkit.core.crm import Crm
from crmkit.core.proposals import differences, trying
from crmkit.core.requests.keyed import SCOPE
from crmkit.errors import Problem, nearest
from crmkit.model.access import scope_required
from crmkit.model.actor import Actor
from crmkit.model.fields import Text
from crmkit.model.form import form_of
from crmkit.model.query.cursor import seal, unseal
from crmkit.model.query.listing import Paging
from crmkit.model.query.parse import limit_of
from crmkit.model.record import Kinds
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx, Unit
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.lists.pages import COUNTED
from crmkit.storage.log import audit, entries
from crmkit.storage.proposals import kept
from crmkit.storage.proposals.kept import Asked
from crmkit.storage.proposals.proposal import APPROVED, OPEN, PREFIX, REJECTED, STATES, Change, Proposal, Request

T = TypeVar("T")

PARAMETERS = ("state", "by", "limit", "cursor")
MOST_OPEN = 1_000  # proposals of a workspace
MOST_MIB = 64  # that those take

_WHERE = "GET /proposals lists them."
_OUTDATED = (400, 404, 409, 412, 413)  # statuses of what a write is refused with that was not when it was proposed
_OF_APPROVAL = ("proposal_closed", "proposal_outdated", "in_progress")  # codes of what is not about the write


class RejectionBody:
    reason: Annotated[str | None, Text(1_000), "why, for whoever proposed it"]


REJECTION = form_of(RejectionBody, "rejection")


class Approved(Struct, Generic[T], frozen=True):
    """A proposal that was approved, what the unit of its write returned, and what makes the answer of that."""

    proposal: Proposal
    value: T
    shows: Callable[[T], Any]


class Page(Struct, frozen=True):
    """A page of proposals."""

    found: Sequence[Proposal]
    paging: Paging


def proposing(crm: Crm, request: Request) -> Callable[[Unit[T]], Unit[T | Proposal]]:
    """Return what makes a unit one that keeps the request in its place, as a proposal; raises what the unit raises.

    Where the unit would change nothing, what it returned is returned, and nothing is kept. Raises `plan_limit_reached`
    past MOST_OPEN or MOST_MIB.
    """

    def around(unit: Unit[T]) -> Unit[T | Proposal]:
        def proposed(tx: Tx) -> T | Proposal:
            found = trying.taken_back(tx, unit, crm.kinds, request.now)
            if not found.changes:
                return found.value
            needs = tuple(dict.fromkeys((*request.needs, *found.needs)))
            whole = structs.replace(request, needs=needs)
            made = kept.new(tx, whole, found.changes, found.says, found.position)
            _check_room(tx)
            return made

        return proposed

    return around


def approving(crm: Crm, id: str, shows: Callable[[T], Any]) -> Callable[[Unit[T]], Unit[Approved[T]]]:
    """Return what makes the unit of a proposed write one that closes the proposal with it.

    Raises `proposal_outdated` unless it writes what was shown, and what `check_may_approve` raises.
    """

    def around(unit: Unit[T]) -> Unit[Approved[T]]:
        def approved(tx: Tx) -> Approved[T]:
            found = _existing(tx.connection, tx.by, id)
            check_may_approve(tx.by, crm.kinds, found)
            if tx.rights is not None:
                tx.rights += [(SCOPE, scope) for scope in (*found.request.needs, *_reads(crm.kinds, found))]
            written = trying.done(tx, unit, crm.kinds, found.request.now)
            if wrong := differences.between(found.changes, written.changes):
                raise outdated(found, wrong)
            request, by = f"{found.request.method} {found.request.path}", found.by
            told = {"state": [OPEN, APPROVED], "request": [None, request], "by": [None, by]}
            audit.append(tx, "proposal.approve", found.handle, told)
            closed = kept.close(tx, found, APPROVED, op=tx.operations[tx.by.workspace_id])
            return Approved(closed, written.value, shows)

        return approved

    return around


async def reject(call: Call, id: str, body: Mapping[str, Any]) -> Proposal:
    """Close a proposal without writing anything; raises as `_check_may_close`, but the token that made it may too."""
    bare = _bare(call, id)
    reason: str | None = REJECTION.filled(body)["reason"]

    def unit(tx: Tx) -> Proposal:
        found = _existing(tx.connection, tx.by, bare)
        if tx.by.token_id == found.token_id:
            _check_open(found)
        else:
            _check_may_close(tx.by, found)
        told = {"state": [OPEN, REJECTED], **({"reason": [None, reason]} if reason else {})}
        audit.append(tx, "proposal.reject", found.handle, told)
        return kept.close(tx, found, REJECTED, reason)

    return await call.write(unit)


async def to_approve(call: Call, id: str) -> Proposal:
    """Return a proposal that the caller may approve; raises as `approving`."""
    found = await find(call, id)
    check_may_approve(call.actor, call.crm.kinds, found)
    return found


async def find(call: Call, id: str) -> Proposal:
    """Return a proposal whose records the caller may read; raises `not_found`."""
    return await call.read(_existing, call.actor, _bare(call, id))


async def find_all(call: Call, parameters: Mapping[str, str]) -> Page:
    """Return a page of proposals whose records the caller may read, the newest first.

    `state` picks those in a state, `by` those of an address.
    """
    crm, actor = call.crm, call.actor
    limit, notes = limit_of(parameters.get("limit"))
    by = parameters.get("by", "").strip().lower()
    state, by = _state(parameters.get("state", "")), actor.email if by == "me" else by
    areas = seen(actor, crm.kinds)
    binding = json.dumps([actor.workspace_id, "proposals", state, by, areas])
    cursor = parameters.get("cursor", "")
    before = unseal(crm.key, binding, cursor)[0] if cursor else None
    asked = Asked(state, by, areas, before)

    def read(connection: Connection) -> tuple[list[Proposal], int | None]:
        workspace = Workspace.of(actor)
        counted = None if cursor else kept.count(connection, workspace, asked, COUNTED + 1)
        return kept.page(connection, workspace, asked, limit + 1), counted

    found, counted = await call.scan(read)
    total, at_least = (None, COUNTED) if counted is not None and counted > COUNTED else (counted, None)

    def cursor_after(rows: int) -> str:
        return seal(crm.key, binding, [found[rows - 1].seq])

    following = cursor_after(limit) if len(found) > limit else None
    paging = Paging(not cursor, total, at_least, following, notes, cursor_after=cursor_after)
    return Page(found[:limit], paging)


async def outdated_by(call: Call, found: Proposal, problem: Problem) -> Problem:
    """Return `proposal_outdated` in place of what the write was refused with, if it was not when it was proposed.

    It names the fields that changed since.
    """
    if problem.status not in _OUTDATED or problem.code in _OF_APPROVAL:
        return problem
    fields = problem.fields or await changed_since(call, found)
    return outdated(found, fields, "" if fields else problem.hint)


def outdated(found: Proposal, wrong: Mapping[str, str], why: str = "") -> Problem:
    """Return `proposal_outdated` with what is different of the fields and records that are named."""
    return Problem(
        "proposal_outdated",
        f"{f'{why} ' if why else ''}Nothing was written, since it is not what {found.handle} shows any more. "
        f"Have it proposed anew, and close this one: POST /proposals/{found.id}/reject",
        fields=wrong,
    )


async def changed_since(call: Call, found: Proposal) -> dict[str, str]:
    """Return what is not as it was, of the fields and records that a proposal would change."""
    return await call.read(_changed_since, Workspace.of(call.actor), found)


def readable(actor: Actor, kinds: Kinds, changes: Sequence[Change]) -> list[Change]:
    """Return the changes of what somebody may read."""
    allows = actor.access.allows
    return [change for change in changes if allows(_read(kinds, change))]


def hidden(actor: Actor, kinds: Kinds, found: Proposal) -> list[str]:
    """Return the scopes that somebody lacks to read all that a proposal would write."""
    return [scope for scope in _reads(kinds, found) if not actor.access.allows(scope)]


def check_may_approve(actor: Actor, kinds: Kinds, found: Proposal) -> None:
    """Raise as `_check_may_close`, and `scope_required` where something that it would write is not shown to them."""
    _check_may_close(actor, found)
    actor.access.check(*_reads(kinds, found))


def may_approve(actor: Actor, kinds: Kinds, found: Proposal) -> bool:
    """Tell whether somebody may approve a proposal."""
    try:
        check_may_approve(actor, kinds, found)
    except Problem:
        return False
    return True


def seen(actor: Actor, kinds: Kinds) -> Sequence[str] | None:
    """Return the areas whose proposals somebody may read, None for all."""
    areas = list(dict.fromkeys(kind.area for kind in kinds.all))
    open_ = [area for area in areas if actor.access.allows(f"{area}.read")]
    return None if len(open_) == len(areas) else open_


def _reads(kinds: Kinds, found: Proposal) -> list[str]:
    """Return the scopes that it takes to read all that a proposal would write."""
    written = [f"{scope.rpartition('.')[0]}.read" for scope in found.request.needs]
    return list(dict.fromkeys((*written, *(_read(kinds, change) for change in found.changes))))


def _read(kinds: Kinds, change: Change) -> str:
    kind = kinds.by_word.get(change.noun)
    return f"{'*' if kind is None else kind.area}.read"


def _check_room(tx: Tx) -> None:
    count, size = kept.waiting(tx.connection, Workspace.of(tx.by))
    if count > MOST_OPEN or size > MOST_MIB * 1024**2:
        hint = (
            f"At most {MOST_OPEN:,} proposals of a workspace wait, of {MOST_MIB} MiB in all. Have somebody approve or "
            "reject some: GET /proposals?state=open"
        )
        raise Problem("plan_limit_reached", hint, facts={"resource": "proposals", "cap": MOST_OPEN, "used": count - 1})


def _check_may_close(actor: Actor, found: Proposal) -> None:
    """Raise `scope_required` where this token may not close a proposal, `proposal_closed` where that is closed."""
    actor.access.check(*found.request.needs)
    if actor.access.proposes or actor.token_id == found.token_id:
        problem = scope_required(actor.access, found.request.needs[0])
        problem.hint = "Another token approves what this one proposed: ask the user to do it."
        raise problem
    _check_open(found)


def _check_open(found: Proposal) -> None:
    if found.state != OPEN:
        by = f" by {found.closed_by}" if found.closed_by else ""
        wrote = f"; it wrote {found.operation}" if found.operation else ""
        raise Problem(
            "proposal_closed",
            f"{found.handle} was {found.state}{by} at {found.closed_at}{wrote}. There is nothing left to do with it.",
            facts={"state": found.state},
        )


def _existing(connection: Connection, actor: Actor, id: str) -> Proposal:
    found = kept.find(connection, actor.workspace_id, id)
    if found is None or not actor.access.allows(f"{found.request.area}.read"):
        raise Problem("not_found", f"There is no such proposal, or it was closed long ago. {_WHERE}")
    return found


def _changed_since(connection: Connection, workspace: Workspace, found: Proposal) -> dict[str, str]:
    first: dict[str, Change] = {}
    for change in found.changes:
        first.setdefault(change.target, change)
    told: dict[str, str] = {}
    for target in [*first][: differences.MOST_TOLD]:
        was = {name: old for name, (old, _) in first[target].changes.items()}
        now: dict[str, Any] = {}
        is_gone = False
        for entry in entries.of_target(connection, workspace, target, found.position, workspace.last):
            is_gone = entry.is_gone
            gone = f"was {entry.verb}d since"
            now |= {name: new for name, (_, new) in entry.changes.items()}
        if is_gone:
            told[target] = gone
            continue
        names = [name for name in now if found.request.expects or (name in was and now[name] != was[name])]
        told |= {f"{target}.{name}": "changed since" for name in names}
    return dict([*told.items()][: differences.MOST_TOLD])


def _bare(call: Call, id: str) -> str:
    return path_ids.bare(call.crm.kinds.prefixes, id, PREFIX, _WHERE)


def _state(text: str) -> str:
    word = text.strip().lower()
    if word and word not in STATES:
        what = f"must be one of {', '.join(STATES)}{nearest(word, STATES)}"
        raise Problem("invalid_value", "Send state=open, or leave state out.", fields={"state": what})
    return word
