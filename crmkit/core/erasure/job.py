"""The job that erases a person, a little in each step.

First the record goes (see going). Then the log of what went with it is cleared, then what tells of the person beside
it, last the person's own entries: by these it is known what to look for, so the job goes on wherever it was stopped. It
ends once upkeep has left no byte behind. It is one of the system, and acts as who asked for it: it goes on though the
token is revoked.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, convert, to_builtins

from crmkit.clock import after
from crmkit.core.call import Call
from crmkit.core.crm import Crm
from crmkit.core.erasure import removal, traces
from crmkit.core.erasure.traces import Traces
from crmkit.core.jobs.kind import JobKind, Result
from crmkit.model.actor import Actor
from crmkit.model.record import Kind, Kinds
from crmkit.storage import deleted, jobs
from crmkit.storage.erasure import log, other_rows
from crmkit.storage.erasure.log import Slice, Sought
from crmkit.storage.erasure.other_rows import Row
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace, within
from crmkit.storage.jobs import Job
from crmkit.storage.log import entries, operations
from crmkit.storage.log.chain import Chain
from crmkit.storage.workspaces import erasure, owned

NAME = "erase"
READ_AT_ONCE = 2_000  # rows beside the log that are looked at before a step
SLICES = 10  # of the log, likewise, unless one has something to erase
LOOK_SECONDS = 60  # until it looks again whether upkeep is done, which wakes it

COPIES = (
    "backups, exports and copies of the database from before (crmkit-before-*.db in the data folder) still hold what "
    "they held: ask the operator"
)


GOING, LOG = -1, 0  # stages; those after LOG are of tables, then of the person's own entries


class Input(Struct, frozen=True):
    """Whom it erases, a person of this kind, and `by` whom."""

    kind: str
    id: str
    by: Actor

    @property
    def workspace(self) -> Workspace:
        return Workspace.of(self.by)

    def ids(self, connection: Connection) -> list[str]:
        """Return the id of the person, and those that were merged into it."""
        return [self.id, *deleted.predecessors(connection, self.by.workspace_id, self.id)]


class _Place(Struct):
    """Where the job is: at a `stage`, `after` a key there. It has read `done` of the `of` entries of the log.

    `more` are ids of records of the person that were deleted before. `erasure` is the number that upkeep is to finish.
    """

    of: int = 0
    done: int = 0
    stage: int = GOING
    after: list[Any] = []
    more: list[str] = []
    erasure: int = 0


class _Turn(Struct, frozen=True):
    """What is to be cleared at a place: entries of the log, or rows of a table up to a key, the last if `is_over`."""

    place: _Place
    traces: Traces
    entries: Slice | None = None
    rows: Sequence[Row] = ()
    after: Sequence[Any] = ()
    is_over: bool = False


def begin(tx: Tx, kind: Kind, id: str) -> Job:
    """Return the new job that erases a person for the actor."""
    input = Input(kind.plural, id, tx.by)
    return jobs.add(tx, NAME, to_builtins(input), workspace=input.workspace, position=to_builtins(_Place()))


def result(kind: Kind, id: str) -> Result:
    handle = kind.handle(id)
    return Result(f"erased {handle}", {"id": id, "handle": handle}, (COPIES,))


async def _prepare(call: Call, job: Job) -> _Turn:
    """Return what the next step clears."""
    kinds, place = call.crm.kinds, convert(job.position, _Place)
    tables = owned.telling_of_persons(kinds)
    if place.stage == GOING:
        return _Turn(place, Traces(()))
    known = await call.scan(_traces, kinds, job, place)
    if place.stage == LOG:
        return _Turn(place, known, await _of_log(call, job, place, known))
    if place.stage > len(tables):
        return _Turn(place, known)
    found, key, is_over = list[Row](), place.after, False
    for _ in range(READ_AT_ONCE // other_rows.AT_ONCE):
        rows = await call.scan(other_rows.rows, tables[place.stage - 1], job.workspace_id, key)
        found += [row for row in rows if any(known.tell(_text(value)) for value in row.told)]
        if len(rows) < other_rows.AT_ONCE:
            is_over = True
            break
        key = list(rows[-1].key)
    return _Turn(place, known, rows=found, after=key, is_over=is_over)


def _step(crm: Crm, tx: Tx, job: Job) -> Job:
    place, input, turn = convert(job.position, _Place), convert(job.input, Input), job.outcome.value
    workspace, kind = input.workspace, crm.kinds.by_word[input.kind]
    tables = owned.telling_of_persons(crm.kinds)
    if turn.place != place:  # somebody else took this step
        return job.goes_on(job.position)
    if place.stage == GOING:
        tx.actor = input.by
        if removal.remove_some(tx, crm.kinds, kind, input.id):
            place.stage, place.of = LOG, within(entries.newest(tx.connection, workspace))
    elif place.stage == LOG:
        _clear_log(tx, Chain(crm.key), place, turn, job)
    elif place.stage <= len(tables):
        other_rows.clear(tx, tables[place.stage - 1], workspace.id, turn.rows, turn.traces.tell)
        place.after = list(turn.after)
        if turn.is_over:
            place.stage, place.after = place.stage + 1, []
    elif not place.erasure:
        log.erase_targets(tx, Chain(crm.key), workspace, map(kind.handle, input.ids(tx.connection)))
        place.erasure = erasure.begin(tx)
    if place.erasure and erasure.is_pending(tx.connection, place.erasure):
        return job.waits(to_builtins(place), after(tx.now, seconds=LOOK_SECONDS))
    job = job.goes_on(to_builtins(place))
    return job.ends(result(kind, input.id)) if place.erasure else job


def _clear_log(tx: Tx, chain: Chain, place: _Place, turn: _Turn, job: Job) -> None:
    workspace, found = convert(job.input, Input).workspace, turn.entries
    if found is None:
        raise TypeError("the log is read before it is cleared")
    targets = found.targets[: log.MOST_TARGETS]
    log.erase_targets(tx, chain, workspace, targets)
    own = (tx.connection, workspace.id, job.op or 0)
    place.more += [target.partition("/")[2] for target in targets if not operations.writes(*own, target)]
    if len(targets) < len(found.targets):
        return  # the next look finds the others
    log.erase_entries(tx, chain, found.entries)
    if place.done == (reached := within(found.reached)):
        place.stage = LOG + 1
    place.done, place.of = reached, max(place.of, reached)


def _traces(connection: Connection, kinds: Kinds, job: Job, place: _Place) -> Traces:
    """Return what tells of the person, of whom the log still has all until the last stage.

    The ids of all that went are read where they are looked for: beside the log.
    """
    input = convert(job.input, Input)
    kind, workspace = kinds.by_word[input.kind], input.workspace
    own = input.ids(connection)
    ids = {*own, *place.more}
    if place.stage > LOG:
        ids |= log.ids_in(connection, workspace, job.op or 0)
    names = traces.names(kind)
    values = log.values_of(connection, workspace, map(kind.handle, own), names)
    return traces.traces(kind, ids, values)


async def _of_log(call: Call, job: Job, place: _Place, known: Traces) -> Slice:
    """Return what is to be erased in the next part of the log that has any of it, or how far there is none."""
    input, kinds = convert(job.input, Input), call.crm.kinds
    workspace, links = input.workspace, _links(kinds, kinds.by_word[input.kind])
    found, sought = Slice((), (), workspace.first + place.done), Sought(await call.read(input.ids), links, known.tell)
    for _ in range(SLICES):
        before = found.reached
        found = await call.scan(log.found, workspace, before, sought)
        if found.targets or found.entries or found.reached == before:
            break
    return found


def _links(kinds: Kinds, kind: Kind) -> Mapping[str, Sequence[str]]:
    """Return the fields by which records that go with one of a kind link to it, by the word that handles begin with."""
    found = {kinds.activity.name: [kind.activity_link]} if kind.is_logged else {}
    for reference in kinds.references[kind]:
        if reference.cascades:
            found.setdefault(reference.kind.name, []).append(reference.link)
    return found


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value or "")


JOB = JobKind(NAME, step_in=_step, prepare=_prepare, area=lambda job: str(job.input["kind"]), is_told=True)
