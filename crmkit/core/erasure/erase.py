"""The verb that erases a person: with a mailed code, then in two steps; what is left is cleared by a job."""

from collections.abc import Sequence
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import replace

from crmkit.core import confirm, lookup
from crmkit.core.call import Call
from crmkit.core.erasure import job, traces
from crmkit.core.jobs.awaited import awaited
from crmkit.core.jobs.kind import Result
from crmkit.core.people import stepup
from crmkit.core.reading import lists
from crmkit.core.records import relations, versions
from crmkit.core.transfer.imports import job as importing
from crmkit.errors import Problem, one_text
from crmkit.model import names
from crmkit.model.access import scope_required
from crmkit.model.actor import Actor
from crmkit.model.fields import Key
from crmkit.model.record import Kind, Record
from crmkit.storage import deleted, jobs
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.lanes import own_lanes
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.jobs import Job
from crmkit.storage.log import entries
from crmkit.storage.transfer import imports

MOST_TOLD = 5  # other records of each kind that are looked for

_AGAIN = "A person was erased, and with them the files that waited: send the file again, without them."


class _Person(Struct, frozen=True):
    """The id of a person, the live record if it is not gone, and the ids of those that were merged into it."""

    id: str
    record: Record | None
    merged: Sequence[str]
    notes: Sequence[str] = ()


async def erase(call: Call, kind: Kind, id: str, if_match: int | None = None) -> Result | Job:
    """Erase a person, live or deleted before; return what that ended with, or the job once it takes long.

    The caller needs a mailed code (see stepup.confirmed), then a confirm token, which stands for the code too. Raises
    `in_progress` while a job that somebody started writes in the workspace.
    """
    crm, sent, named = call.crm, call.confirm, lookup.id_or_key(kind, id)
    known = await call.read(_known, kind, call.actor, named)

    def found(tx: Tx) -> _Person:
        _check_free(tx, kind)
        person = _found(tx, kind, named)
        if person.record is not None:
            versions.check(person.record, [if_match], "DELETE")
        return person

    def bound(person: _Person) -> bytes:
        version = 0 if person.record is None else versions.of(person.record)
        return confirm.binding(f"{kind.name}.erase", [(kind.handle(person.id), version)])

    def check(tx: Tx) -> stepup.Act | None:
        person = found(tx)
        if sent and confirm.waits(tx, bound(person), sent):
            return None
        called = _called(kind, person)
        purpose = f"{kind.name}.erase {tx.by.workspace_id} {person.id}"
        return stepup.Act(purpose, f"erase the {kind.name} {called} for good, with all that tells of them")

    def do(tx: Tx) -> Result | Job | Problem:
        person = found(tx)
        says = " ".join((*(f"{note}." for note in person.notes), _outcome(call, kind, person)))
        again = f"DELETE {kind.path}/{person.id}?erase=1"
        refused = confirm.require(tx, sent, bound(person), says, again)
        if refused is not None:
            return refused
        for planned in imports.planned(tx.connection, tx.by.workspace_id):
            nothing = imports.change(tx, planned, creates=0, updates=0)
            importing.end(crm, tx, nothing, imports.STOPPED, one_text("invalid_file", _AGAIN))
        if tx.is_dry:
            told = job.result(kind, person.id)
            return replace(told, notes=(f"{_looked(kind, person)} finds what mentions them, and stays", *told.notes))
        return job.begin(tx, kind, person.id)

    done: Result | Job = await stepup.confirmed(call, check, do, own_lanes(call.actor))
    if not isinstance(done, Job):
        return done
    ended = await awaited(call, done)
    told = Result.of(ended)
    if not ended.has_ended or told is None:
        return ended
    return replace(told, notes=(*await _mentioned(call, known), *told.notes))


def _found(tx: Tx, kind: Kind, named: str | Key) -> _Person:
    """Return the person that an id or a key names; raises `not_found`, and for one who was erased."""
    connection, workspace_id = tx.connection, tx.by.workspace_id
    record = lookup.find(connection, kind, tx.by, named)
    id = record.id if record is not None else named if isinstance(named, str) else ""
    if record is None:
        id = deleted.successors(connection, workspace_id, (id,)).get(id, id)
        first = entries.first_of(connection, Workspace.of(tx.by), kind.handle(id))  # what a job clears last
        if deleted.find(connection, workspace_id, id) is None or (first is not None and first.is_erased):
            lookup.existing(connection, kind, tx.by, named)  # raises that there is none
    notes = () if record is None else lookup.notes(named, record)
    return _Person(id, record, deleted.predecessors(connection, workspace_id, id), notes)


def _called(kind: Kind, person: _Person) -> str:
    title = "" if person.record is None else str(getattr(person.record, kind.title.name))
    called = names.spoken(title, "")
    return f'"{called}" ({person.id})' if called else person.id


def _outcome(call: Call, kind: Kind, person: _Person) -> str:
    """Return the sentence that says what an erasure takes and what stays."""
    goes = "It was deleted before."
    if person.record is not None:
        goes = relations.outcome_of_delete(call.crm.kinds, kind, person.record)
    merged = f" So does what was known as {', '.join(person.merged)}." if person.merged else ""
    return (
        f"{kind.handle(person.id)} is erased for good, and no undo brings it back. {goes}{merged} The log keeps that "
        "something happened, not what. Files of imports that have not begun go too. Backups stay, and so do other "
        f"records that mention the person: {_looked(kind, person)} finds them."
    )


def _looked(kind: Kind, person: _Person) -> str:
    """Return the request that finds what mentions a person."""
    title = "" if person.record is None else str(getattr(person.record, kind.title.name))
    return f"GET /search?q={quote(title, safe='')}" if title else "GET /search?q= with their name or address"


def _check_free(tx: Tx, kind: Kind) -> None:
    """Raise where a job of somebody may write of the person meanwhile, or this cannot be proposed."""
    if tx.is_proposed:
        raise scope_required(tx.by.access, f"{kind.area}.delete", "An erasure cannot be proposed.")
    running = jobs.unended(tx.connection, tx.by.workspace_id, job.NAME)
    if running is not None:
        hint = f"{running} has not ended: GET /jobs/{running} tells how far it is. Then send this again."
        raise Problem("in_progress", hint)


def _known(connection: Connection, kind: Kind, by: Actor, named: str | Key) -> list[str]:
    """Return the texts by which other records may mention a person; none for one who was deleted before."""
    record = lookup.find(connection, kind, by, named)
    values = (getattr(record, name, None) for name in traces.names(kind))
    return [value for value in values if isinstance(value, str) and (" " in value or len(value) >= traces.SHORTEST_KEY)]


async def _mentioned(call: Call, known: Sequence[str]) -> tuple[str, ...]:
    """Return a note that names the first records which still mention the person by these texts; none if none do."""
    handles: dict[str, None] = {}
    for kind in call.crm.kinds.searched:
        for text in known if call.actor.access.allows(f"{kind.area}.read") else ():
            page = await lists.find_all(call, kind, [("search", text), ("limit", str(MOST_TOLD))])
            if lists.CLOSEST not in page.paging.notes:
                handles |= dict.fromkeys(kind.handle(str(row[0])) for row in page.rows)
    if not handles:
        return ()
    told = ", ".join([*handles][:MOST_TOLD])
    more = " and more" if len(handles) > MOST_TOLD else ""
    return (f"still mentioned in {told}{more}: GET /search?q= with their name or address finds such records",)
