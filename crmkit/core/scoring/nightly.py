"""Each night, by the clock of the workspace, rules that tell the time score their records anew: a job of the system."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct, convert, to_builtins

from crmkit.clock import moment
from crmkit.core.crm import Crm
from crmkit.core.jobs.kind import JobKind
from crmkit.core.scoring import steps
from crmkit.core.scoring.steps import Place
from crmkit.model.record import Kinds
from crmkit.model.times import written
from crmkit.storage import jobs
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.jobs import Job
from crmkit.storage.scoring import rules, scores

NIGHTLY = "score_nightly"


class _Night(Struct):
    """The run of a night: the names of its kinds, and where it is."""

    kinds: list[str]
    place: Place


def follow(tx: Tx, kinds: Kinds) -> None:
    """Write what follows from a change of a rule; have the workspace scored each night if a rule tells the time."""
    rules.changed(tx)
    workspace = Workspace.of(tx.by)
    tells_time = any(rules.ages(rules.known(tx, kind, workspace.id)) for kind in kinds.scored)
    if tells_time and not jobs.is_pending(tx.connection, workspace.id, NIGHTLY):
        begin(tx, workspace)


def begin(tx: Tx, workspace: Workspace) -> None:
    """Have a workspace scored each night from the next one on."""
    jobs.add(tx, NIGHTLY, due_at=_next_night(tx, workspace.id), workspace=workspace)


def _step(crm: Crm, tx: Tx, job: Job) -> Job:
    if job.position is None:
        found = [kind for kind in crm.kinds.scored if rules.ages(rules.known(tx, kind, job.workspace_id))]
        if not found:
            return job.ends()
        night = _Night([kind.name for kind in found], steps.start(tx, job.workspace_id, found))
    else:
        night = convert(job.position, _Night)
    if steps.step(crm, tx, job.workspace_id, [crm.kinds.by_word[name] for name in night.kinds], night.place):
        return job.goes_on(to_builtins(night))
    return job.waits(None, _next_night(tx, job.workspace_id))


def _next_night(tx: Tx, workspace_id: str) -> str:
    """Return the stamp of the next midnight in a workspace's zone."""
    zone = ZoneInfo(scores.timezone(tx, workspace_id))
    day = moment(tx.now).astimezone(zone).date() + timedelta(days=1)
    return written.seconds_of(day, zone)[0]


JOB = JobKind(NIGHTLY, step_in=_step)
