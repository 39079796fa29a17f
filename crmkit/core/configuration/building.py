"""The jobs that fill the index of a declared key, and empty one that was dropped."""

from crmkit.core.declared.indexing import EMPTY, FILL
from crmkit.core.jobs.kind import JobKind
from crmkit.storage.custom import building
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace, number_of
from crmkit.storage.jobs import Job


def _filled(tx: Tx, job: Job) -> Job:
    place = job.input["place"]
    workspace = Workspace(job.workspace_id, number_of(place))
    last = building.fill(tx, workspace, place, job.input["table"], job.position or workspace.first)
    return job.ends() if last is None else job.goes_on(last)


def _emptied(tx: Tx, job: Job) -> Job:
    place = job.input["place"]
    workspace = Workspace(job.workspace_id, number_of(place))
    return job.goes_on(None) if building.empty(tx, workspace, place) else job.ends()


JOBS = (JobKind(FILL, _filled), JobKind(EMPTY, _emptied))
