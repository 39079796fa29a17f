"""The job that runs an import: some rows in each of its transactions, all of which are one operation.

What it wrote of a file stands with its place in the file, so after a crash it goes on behind the last row that is
written. A cap of the plan ends it; what is written stays.
"""

from collections import Counter
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from msgspec import Struct, convert, to_builtins

from crmkit.clock import after
from crmkit.core.call import Call
from crmkit.core.crm import Crm
from crmkit.core.jobs.kind import JobKind, Result
from crmkit.core.transfer import uploads
from crmkit.core.transfer.imports import rows, source
from crmkit.core.transfer.imports.rows import Prepared
from crmkit.core.transfer.imports.source import SentFile, Source
from crmkit.errors import Problem
from crmkit.files.table import Table
from crmkit.model.actor import Asker
from crmkit.storage import jobs
from crmkit.storage.interface.lanes import ANYWHERE
from crmkit.storage.interface.tx import Tx
from crmkit.storage.jobs import Job
from crmkit.storage.transfer import imports, refused
from crmkit.storage.transfer.imports import DONE, RUNNING, STOPPED, Import

NAME = "import"
TURN_SECONDS = 60  # between two looks whether an import that runs has ended, which wakes those that wait


class Place(Struct):
    """How many rows are `done` of how many, and the number of the last one.

    Beside it what notes count: records that may be in twice, cells that could not be read by their columns.
    """

    of: int
    done: int = 0
    at: int = 0
    alike: int = 0
    unread: dict[str, int] = {}


class Turn(Struct, frozen=True):
    """What a step is to write; nothing while another import runs."""

    rows: Sequence[Prepared] | None
    at: int = 0


def begin(tx: Tx, found: Import, now: str) -> Import:
    """Start an import: its job is added, and what was expected of the rows is forgotten."""
    place = Place(found.rows)
    job = jobs.add(tx, NAME, {"import": found.id, "now": now}, position=to_builtins(place))
    refused.drop(tx, found.workspace_id, found.id)
    counts = {"tried": 0, "creates": 0, "updates": 0, "refused": 0, "done": 0}
    return imports.change(tx, found, state=RUNNING, job_id=job.id, notes=found.kept.get("notes", ()), **counts)


async def _prepare(call: Call, job: Job) -> Turn:
    """Return the next rows as they are written, or that it is not the job's turn."""
    crm, place = call.crm, convert(job.position, Place)
    files = crm.open_files
    for place_of_other in files.others(job.id, job.workspace_id):
        other = await call.read(jobs.find, *place_of_other)
        if other is None or other.has_ended:  # by the runner, or stopped
            files.close(place_of_other[1])
    if files.others(job.id, job.workspace_id):
        return Turn(None)
    found = await call.read(imports.find, job.workspace_id, job.input["import"])
    if found is None:
        raise Problem("not_found", "This import was dropped.")

    asker = Asker(call.actor.email, ZoneInfo(found.options.zone), call.actor.preferences, job.input["now"])

    async def opened() -> tuple[Source, Table]:
        known: Source | None = crm.planned_files.take(found.file)
        if known is not None and known.options == found.options:
            return known, known.table
        made = await source.opened(call, SentFile.of(crm, found), found.options, asker, found.kept)
        return made, made.table

    most = rows.of_a_transaction(crm)
    held, some = await files.next_rows(job.id, job.workspace_id, place.at, most, opened)
    return Turn(await rows.prepared(call, held, asker, some), place.at)


def _step(crm: Crm, tx: Tx, job: Job) -> Job:
    place, turn = convert(job.position, Place), job.outcome.value
    found = imports.find(tx.connection, job.workspace_id, job.input["import"])
    if found is None:
        raise Problem("not_found", "This import was dropped.")
    if turn.rows is None and not crm.open_files.others(job.id, job.workspace_id):  # they ended meanwhile
        return job.goes_on(job.position)
    if turn.rows is None:
        return job.waits(job.position, after(tx.now, seconds=TURN_SECONDS))
    if turn.at != place.at:
        return job.goes_on(job.position)
    written = rows.written(tx, turn.rows)
    place.done += written.done
    place.alike += written.alike
    place.unread = dict(written.unread + Counter(place.unread))
    if written.done:
        place.at = turn.rows[written.done - 1].row.number
    refused.keep(tx, found.workspace_id, found.id, written.refused)
    kind = crm.kinds.by_word[found.options.kind]
    found = imports.change(
        tx,
        found,
        done=place.done,
        creates=found.creates + written.creates,
        updates=found.updates + written.updates,
        refused=found.refused + len(written.refused),
        notes=[*found.kept.get("notes", ()), *rows.notes_of(kind, place.alike, place.unread)],
        op=tx.operations.get(tx.by.workspace_id),
    )
    job = job.goes_on(to_builtins(place))
    if turn.rows and written.ended is None:
        return job
    if written.ended is None:
        end(crm, tx, found, DONE)
    else:
        end(crm, tx, found, STOPPED, written.ended.text)
    return job.ends(Result(told(found)))


def _ended(crm: Crm, tx: Tx, job: Job) -> None:
    found = imports.find(tx.connection, job.workspace_id, job.input["import"])
    if found is not None and not found.has_ended:
        end(crm, tx, found, STOPPED, job.error)


def end(crm: Crm, tx: Tx, found: Import, state: str, error: str = "") -> Import:
    """Write that an import has ended in this state; its file is removed."""

    async def close() -> None:
        crm.open_files.close(found.job_id)
        if found.job_id:
            await Call(crm).write(lambda tx: jobs.wake(tx, NAME), ANYWHERE, silent=True)

    tx.after(close)
    uploads.remove(tx, crm, [found.file] if found.file else [])
    return imports.change(tx, found, state=state, error=error, file="", ended_at=tx.now)


def told(found: Import) -> str:
    """Return what became of the rows, as a sentence after OK."""
    left = f", {found.rows - found.done} left" if found.done < found.rows else ""
    return f"imported {found.creates} created, {found.updates} updated, {found.refused} refused{left}"


JOB = JobKind(NAME, step_in=_step, prepare=_prepare, ended=_ended, area=lambda job: "imports")
