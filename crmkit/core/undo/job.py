"""The job that takes a large operation back: first it looks at all entries, then it writes, some entries a step.

What stands against it at the look ends the job before anything is written. What others change between the look and the
write of a record is left as it is, and told: the record as a whole, with all that the operation wrote of it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec import Struct, convert, structs, to_builtins

from crmkit.core import quotas
from crmkit.core.call import Call
from crmkit.core.crm import Crm
from crmkit.core.jobs.kind import JobKind, Result
from crmkit.core.requests import parts
from crmkit.core.undo import covered, walk
from crmkit.core.undo.reversal import Reversal, UndoContext
from crmkit.errors import Problem
from crmkit.storage import jobs
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.jobs import Job
from crmkit.storage.log import operations
from crmkit.storage.log.operations import Entry
from crmkit.storage.log.outdated import UNDO

LOOKED_AT, WRITTEN = 100, 40  # entries of a step: some ten milliseconds, in which nobody else writes
MOST_LEFT = 10  # records that are told


class Input(Struct, frozen=True):
    """The operation that is taken back, and the caps of the plan that what comes back must fit in."""

    operation: str
    first: int  # number of its first entry
    of: int  # entries
    caps: Mapping[str, int]


class Position(Struct, frozen=True):
    """Where the job is; it has `done` so many entries of `of`, and takes those before the one numbered `at`."""

    done: int
    of: int
    at: int | None = None
    is_writing: bool = False
    records: int = 0
    more: Mapping[str, int] = {}  # by the plural of the kind
    conflicts: Mapping[str, str] = {}
    untold: int = 0  # conflicts beyond these
    left: Sequence[str] = ()
    left_more: int = 0


def add(tx: Tx, asked: Input) -> Job:
    """Have the operation taken back, step by step."""
    return jobs.add(tx, UNDO, to_builtins(asked), position=to_builtins(Position(0, asked.of)))


async def expected_of(call: Call, asked: Input) -> Result:
    """Return what a dry run tells of the same: it looks at all entries as the job does, or says at how many."""

    def step(held: Position, tx: Tx) -> Position | None:
        reached = _look(tx, call.crm, asked, held)
        return None if reached.is_writing else structs.replace(reached, done=held.done + LOOKED_AT)

    reached = await parts.tried(call, step, Position(0, asked.of))
    told = walk.told(asked.operation, await call.scan(operations.records, call.actor.workspace_id, asked.first))
    if reached is None:
        return told
    walk.Conflicts(dict(reached.conflicts), reached.untold).check()
    some = f"the newest {reached.done:,} of {asked.of:,} changes were looked at; all are before anything is undone"
    return structs.replace(told, notes=(some,))


def _step(crm: Crm, tx: Tx, job: Job) -> Job:
    asked = convert(job.input, Input)
    held = convert(job.position, Position)
    walk.check_free(tx, asked.operation, but=job.op)
    if held.is_writing:
        return _write(tx, crm, job, asked, held)
    reached = _look(tx, crm, asked, held)
    return job.goes_on(to_builtins(reached))


def _look(tx: Tx, crm: Crm, asked: Input, held: Position) -> Position:
    """Return where the look is after the next entries; after the last ones the writing begins, unless they conflict."""
    context, workspace_id = UndoContext(tx, crm, asked.first, is_dry=True), tx.by.workspace_id
    found = walk.Conflicts(dict(held.conflicts), held.untold)
    more = Counter(held.more)
    entries = operations.newest_first(tx.connection, workspace_id, asked.first, LOOKED_AT, held.at)
    for entry in entries:
        kind = crm.kinds.by_word.get(entry.noun)
        if kind is not None:
            more[kind.plural] += (entry.ended is not None) - (entry.begun is not None)
        reversal = covered.reversal(context, entry) if _is_last(context, entry) else None
        if reversal is not None:
            found.add(reversal.conflicts)
    if len(entries) == LOOKED_AT:
        return structs.replace(held, at=entries[-1].seq, conflicts=found.found, untold=found.more, more=dict(more))
    found.check()
    quotas.check_more(tx, asked.caps, more, are_there=False)
    return Position(0, asked.of, is_writing=True)


def _write(tx: Tx, crm: Crm, job: Job, asked: Input, held: Position) -> Job:
    """Take the next entries back; after the last ones the job ends."""
    context, workspace = UndoContext(tx, crm, asked.first), Workspace.of(tx.by)
    if job.op is None:
        walk.begin(tx, asked.operation)
    own = tx.operations[workspace.id]
    entries = operations.newest_first(tx.connection, workspace.id, asked.first, WRITTEN, held.at)
    records, left, left_more = held.records, list(held.left), held.left_more
    for entry in entries:
        is_last = _is_last(context, entry)
        newest = None if is_last else operations.newest_of(tx.connection, workspace.id, entry.target)
        if newest is not None and newest.first != own:
            continue  # its later entries were left
        reversal = _allowed(context, asked.caps, covered.reversal(context, entry))
        if reversal is None:
            continue
        if not reversal.conflicts:
            reversal.write()
            records += is_last
        elif len(left) < MOST_LEFT:
            left.append(entry.target)
        else:
            left_more += 1
    if len(entries) < WRITTEN:
        return job.ends(walk.told(asked.operation, records, left, left_more))
    reached = structs.replace(
        held, done=held.done + len(entries), at=entries[-1].seq, records=records, left=left, left_more=left_more
    )
    return job.goes_on(to_builtins(reached))


def _is_last(context: UndoContext, entry: Entry) -> bool:
    """Tell whether the operation has no later entry of the same record."""
    later = operations.writes(context.tx.connection, context.workspace_id, context.first, entry.target, after=entry.seq)
    return not later


def _allowed(context: UndoContext, caps: Mapping[str, int], found: Reversal | None) -> Reversal | None:
    """Return the same, or a conflict where the plan allows no more records of the kind."""
    if found is None or found.conflicts or found.more[1] <= 0:
        return found
    try:
        quotas.check_more(context.tx, caps, dict([found.more]), are_there=False)
    except Problem as problem:
        return Reversal({found.more[0]: problem.hint})
    return found


JOB = JobKind(UNDO, step_in=_step)
