"""The verb: take an operation back, in one transaction, or as a job where it wrote more than one should."""

from crmkit.core import path_ids, quotas
from crmkit.core.call import Call
from crmkit.core.jobs.awaited import awaited
from crmkit.core.jobs.kind import Result
from crmkit.core.reading import opened
from crmkit.core.undo import job, scopes, walk
from crmkit.core.undo.reversal import UndoContext
from crmkit.errors import Problem
from crmkit.storage import jobs
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.jobs import Job
from crmkit.storage.log import operations, outdated

MOST = 1_000  # entries that one transaction takes back

WHERE = "The answer to a write names its operation."


async def undo(call: Call, id: str) -> Result | Job:
    """Take the operation with this id back; one of more than MOST entries is taken back by the job that is returned.

    The job has ended, unless it takes longer than a request should (see awaited).

    Raises `not_found`, `undo_conflict` with what stands against it, `admin_required`, `plan_limit_reached`, and
    `scope_required` where the token may not do the reverse of all that was done.
    """
    crm = call.crm
    opened.check_writes(call.actor.access, crm.kinds)
    operation = path_ids.bare(crm.kinds.prefixes, id, "op", WHERE)

    def unit(tx: Tx) -> Result | Job | job.Input:
        workspace = Workspace.of(tx.by)
        first = operations.first(tx.connection, workspace, operation)
        if first is None:
            begin = outdated.begins_at(tx.connection, workspace)
            older = f" The log begins at {begin}: what was done before cannot be undone." if begin else ""
            raise Problem("not_found", f"There is no operation {operation} in this workspace. {WHERE}{older}")
        scopes.check(tx, crm.kinds, first)
        if jobs.writes(tx.connection, workspace.id, first):
            raise Problem("undo_conflict", f"The job that does {operation} has not ended: undo it once it has.")
        walk.check_free(tx, operation)
        caps = crm.settings.plans.caps(tx.by.plan)
        size = operations.size(tx.connection, workspace.id, first)
        if size > MOST + 1:  # an undo has an entry more than it changed
            asked = job.Input(operation, first, size, caps)
            return asked if tx.is_dry else job.add(tx, asked)
        entries = operations.newest_first(tx.connection, workspace.id, first, MOST + 1)
        walk.begin(tx, operation)
        written, more = walk.take_back(UndoContext(tx, crm, first), entries)
        quotas.check_more(tx, caps, more, are_there=True)
        return walk.told(operation, len(written))

    found: Result | Job | job.Input = await call.write(unit)
    if isinstance(found, job.Input):
        return await job.expected_of(call, found)
    return await awaited(call, found) if isinstance(found, Job) else found
