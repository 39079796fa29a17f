"""The job that changes or deletes many records: all are checked first, then written in small transactions.

The records are those that were found when it began. What others changed or deleted since, and what can no longer be
written, is left and told.
"""

from collections import Counter
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct, convert, field, to_builtins

from crmkit.core.call import Call
from crmkit.core.crm import Crm
from crmkit.core.jobs.kind import JobKind, Result
from crmkit.core.many.act import Act
from crmkit.core.many.affected import affected
from crmkit.core.many.found import OF_PART, Found
from crmkit.core.many.tally import Tally
from crmkit.core.requests import parts
from crmkit.errors import Problem
from crmkit.model.actor import Asker
from crmkit.model.record import Record
from crmkit.storage import job_records, jobs, records
from crmkit.storage.interface.tx import Tx
from crmkit.storage.jobs import Job
from crmkit.storage.lists.members import Members, members_of
from crmkit.storage.log import entries

NAME = "write_many"
CHECKED = 4  # parts that one step checks: that takes as long as to write one


class _Place(Struct):
    """Where a job is: `done` of `of` records are written or left.

    `checked` and `written` are the numbers of the last parts that are, `at` is how many records of the part after
    `written` are.
    """

    of: int
    done: int = 0
    checked: int = -1
    is_checked: bool = False
    written: int = -1
    at: int = 0
    tally: Tally = field(default_factory=Tally)


def begin(tx: Tx, act: Act, found: Found, body: Any, asker: Asker, notes: tuple[str, ...]) -> Job:
    """Return the new job that does this to the records that were found; `body` is read as the asker means it."""
    place = _Place(found.count, is_checked=act.is_delete)
    input = {"kind": act.kind.plural, "body": body, "zone": str(asker.zone), "now": asker.now, "notes": notes}
    job = jobs.add(tx, NAME, input, position=to_builtins(place))
    job_records.keep(tx, job, found.parts)
    return job


async def expected_of(call: Call, act: Act, found: Found, notes: tuple[str, ...]) -> Result:
    """Return what a dry run tells of the same: it checks all records as the job does, or says how many it checked."""
    plural, every, same = act.kind.plural, found.parts, dict[int, int]()

    def step(at: int, tx: Tx) -> int | None:
        same[at] = act.check_each(tx, [id for part in every[at : at + CHECKED] for id, _ in members_of(part)])
        return at + CHECKED if at + CHECKED < len(every) else None

    if act.is_delete:
        return act.result(found.count, notes)
    reached = await parts.tried(call, step, 0)
    if reached is not None:
        checked = sum(len(members_of(part)) for part in every[:reached])
        some = f"the first {checked:,} of {found.count:,} {plural} were looked at; all are before anything is written"
        notes = (*notes, some)
    tally = Tally(same=sum(same.values()))
    return act.result(found.count - tally.same, (*notes, *tally.notes()))


def _step(crm: Crm, tx: Tx, job: Job) -> Job:
    place, kind = convert(job.position, _Place), crm.kinds.by_word[job.input["kind"]]
    asker = Asker(tx.by.email, ZoneInfo(job.input["zone"]), tx.by.preferences, job.input.get("now", ""))
    act = Act.of(crm, kind, job.input["body"], asker)
    if not place.is_checked:
        _check(tx, job, act, place)
        return job.goes_on(to_builtins(place))
    if _write(tx, job, act, place):
        return job.goes_on(to_builtins(place))
    tally = place.tally
    count, notes = place.done - tally.left - tally.same, (*job.input["notes"], *tally.notes())
    result = act.result(count, notes, tally.left)
    return job.goes_on(to_builtins(place)).ends(result)


def _check(tx: Tx, job: Job, act: Act, place: _Place) -> None:
    """Check some parts; raises the Problem of the first record that cannot be written."""
    for _ in range(CHECKED):
        part = job_records.next_part(tx.connection, job, place.checked)
        if part is None:
            place.is_checked = True
            return
        place.checked, rows = part
        act.check_each(tx, [id for id, _ in rows])


def _write(tx: Tx, job: Job, act: Act, place: _Place) -> bool:
    """Write a part, or as much of it as a step may; tell whether there was one."""
    part = job_records.next_part(tx.connection, job, place.written)
    if part is None:
        return False
    number, rows = part[0], part[1][place.at :]
    linked = affected(tx.connection, act, job.workspace_id, [id for id, _ in rows])
    some = _as_many_as_fit(rows, linked)
    try:
        tally = tx.attempt(lambda tx: _written(tx, act, some, linked, one_by_one=False))
    except Problem:
        tally = _written(tx, act, some, linked, one_by_one=True)
    place.tally.join(tally)
    place.done += len(some)
    place.at += len(some)
    if len(some) == len(rows):
        job_records.forget(tx, job, number)
        place.written, place.at = number, 0
    return True


def _as_many_as_fit(rows: Members, linked: Counter[str]) -> Members:
    """Return the first of the records, which are as many as a step may write together with those that go along."""
    spent = 0
    for index, (id, _) in enumerate(rows):
        spent += 1 + linked[id]
        if spent > OF_PART:
            return rows[: max(1, index)]
    return rows


def _written(tx: Tx, act: Act, rows: Members, linked: Counter[str], one_by_one: bool) -> Tally:
    """Return what became of the records; `one_by_one` those that cannot be written are left, else it raises why."""
    tally = Tally()
    for id, version in rows:
        record = _standing(tx, act, tally, id, version)
        if record is None:
            continue
        write = partial(act.write, record=record, is_linked=id in linked)
        try:
            tally.add(tx.attempt(write) if one_by_one else write(tx))
        except Problem as problem:
            if not one_by_one:
                raise
            tally.leave(act.kind, id, problem)
    return tally


def _standing(tx: Tx, act: Act, tally: Tally, id: str, version: int) -> Record | None:
    """Return the record if it is to be written; one that another operation wrote since it was found is left."""
    kind, workspace_id = act.kind, tx.by.workspace_id
    record = records.fetch(tx.connection, kind, workspace_id, id)
    if record is None or records.version_of(record) != version:
        own = tx.operations.get(workspace_id)
        if entries.was_written_by_others(tx.connection, workspace_id, kind.handle(id), version, own):
            tally.leave(kind, id, "deleted meanwhile" if record is None else "changed meanwhile")
            return None
    return record  # without one it went along with one before


JOB = JobKind(NAME, step_in=_step, area=lambda job: str(job.input["kind"]))
