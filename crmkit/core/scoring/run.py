"""The run that scores all records anew, by the rules as they are: a job, some records a step.

An admin begins it. Few records are scored at once. It writes one entry of the log, and no version of any record.
"""

from collections.abc import Mapping, Sequence

from msgspec import convert, structs, to_builtins

from crmkit.core import roles
from crmkit.core.call import Call
from crmkit.core.crm import Crm
from crmkit.core.jobs.awaited import awaited
from crmkit.core.jobs.kind import JobKind, Result
from crmkit.core.requests import parts
from crmkit.core.scoring import steps
from crmkit.core.scoring.steps import Place
from crmkit.errors import Problem, nearest
from crmkit.model.record import Kind, Kinds
from crmkit.storage import jobs
from crmkit.storage.interface.tx import Tx
from crmkit.storage.jobs import Job
from crmkit.storage.log import audit

RUN = "score"
PARAMETERS = ("kind",)
AT_ONCE = 200  # records that one transaction scores: some ten milliseconds


async def begin(call: Call, parameters: Mapping[str, str]) -> Result | Job:
    """Score the records of one `kind`, or of all: at once where they are few, else by a job.

    Return the job once it has ended or as it is after a while. Raises `admin_required`.
    """
    crm = call.crm
    chosen = _named(crm.kinds, parameters.get("kind", ""))

    def unit(tx: Tx) -> Result | Job | Place:
        roles.check_admin(tx)
        workspace_id = tx.by.workspace_id
        place = steps.start(tx, workspace_id, chosen)
        if place.of > AT_ONCE:
            return place if tx.is_dry else jobs.add(tx, RUN, {"kinds": [kind.name for kind in chosen]})
        _log(tx, chosen)
        while steps.step(crm, tx, workspace_id, chosen, place):
            pass
        return _result(chosen, place)

    done: Result | Job | Place = await call.write(unit)
    if isinstance(done, Place):
        return await _expected_of(call, chosen, done)
    return await awaited(call, done) if isinstance(done, Job) else done


async def _expected_of(call: Call, kinds: Sequence[Kind], place: Place) -> Result:
    """Return what a dry run tells of the job: it scores all records as that does, or says how many it scored."""

    def step(at: Place, tx: Tx) -> Place | None:
        nonlocal place
        place = structs.replace(at)
        if steps.step(call.crm, tx, tx.by.workspace_id, kinds, place):
            return place
        place.of = place.done
        return None

    await parts.tried(call, step, place)
    return _result(kinds, place)


def _step(crm: Crm, tx: Tx, job: Job) -> Job:
    kinds = [crm.kinds.by_word[name] for name in job.input["kinds"]]
    if job.position is None:
        place = steps.start(tx, job.workspace_id, kinds)
        _log(tx, kinds)
    else:
        place = convert(job.position, Place)
    if steps.step(crm, tx, job.workspace_id, kinds, place):
        place.of = max(place.of, place.done)  # others are created meanwhile
        return job.goes_on(to_builtins(place))
    place.of = place.done
    return job.goes_on(to_builtins(place)).ends(_result(kinds, place))


def _log(tx: Tx, kinds: Sequence[Kind]) -> None:
    only = {"kind": [None, kinds[0].name]} if len(kinds) == 1 else {}
    audit.append(tx, "scoring.run", f"workspace/{tx.by.workspace_id}", only)


def _result(kinds: Sequence[Kind], place: Place) -> Result:
    one, many = (kinds[0].name, kinds[0].plural) if len(kinds) == 1 else ("record", "records")
    notes = () if place.done >= place.of else (f"of {place.of:,}, the first {place.done:,} were looked at",)
    message = f"scored {place.of:,} {one if place.of == 1 else many}, {place.changed:,} changed"
    return Result(message, {"count": place.of, "changed": place.changed}, notes, can_undo=False)


def _named(kinds: Kinds, text: str) -> Sequence[Kind]:
    """Return the kind that a text names, in the singular or the plural; without one all that have a score."""
    word = text.strip().lower()
    if not word:
        return kinds.scored
    kind = kinds.by_word.get(word)
    if kind is None or not kind.is_scored:
        names = [each.plural for each in kinds.scored]
        what = f"must be one of {', '.join(names)}{nearest(word, names)}"
        raise Problem("invalid_value", f"Send kind={names[0]}, or leave kind out.", fields={"kind": what})
    return (kind,)


JOB = JobKind(RUN, step_in=_step, area=lambda job: "scoring")
