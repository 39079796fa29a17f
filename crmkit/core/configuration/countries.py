"""The job that reads phone numbers anew once a workspace has another country, some records a step."""

from crmkit.core.jobs.kind import JobKind
from crmkit.model.record import Kinds
from crmkit.storage import jobs
from crmkit.storage.derived import countries
from crmkit.storage.duplicates import unpaired
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.jobs import Job

READ_ANEW = "read_country"


def begin(tx: Tx, workspace: Workspace) -> None:
    """Have the records of a workspace read in its new country."""
    jobs.add(tx, READ_ANEW, {"number": workspace.number}, workspace=workspace)


def job_of(kinds: Kinds) -> JobKind:
    """Return the kind of job that does so for all kinds with fields that a country reads."""
    read = [kind for kind in kinds.records if kind.by_country]

    def step(tx: Tx, job: Job) -> Job:
        workspace = Workspace(job.workspace_id, job.input["number"])
        at, last = job.position or (0, workspace.first)
        if at >= len(read):
            for kind in read:
                if kind.alike:  # other numbers may be the same now
                    unpaired.add(tx, workspace.id, kind.plural)
            return job.ends()
        reached = countries.read_anew(tx, read[at], workspace, last)
        return job.goes_on([at + 1, workspace.first] if reached is None else [at, reached])

    return JobKind(READ_ANEW, step)
