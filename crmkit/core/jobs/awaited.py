"""Waiting for a job: the request that starts one answers with its end, or with how far it is."""

import asyncio

from crmkit.core import path_ids
from crmkit.core.call import Call
from crmkit.errors import Problem
from crmkit.storage import jobs
from crmkit.storage.jobs import Job

WAIT_SECONDS = 20

_WHERE = "The answer to the request that started a job names it."


async def awaited(call: Call, job: Job) -> Job:
    """Return a job of the actor's workspace once it has ended, or as it is after WAIT_SECONDS; at once in a dry run."""
    if call.outcome.is_dry:
        return job
    place = (call.actor.workspace_id, job.id)
    with call.crm.database.commits.listener(job.id) as listener:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while (now := await call.read(jobs.find, *place)) is not None and not now.has_ended:
                    await listener.wait()
        except TimeoutError:
            now = await call.read(jobs.find, *place)
    return now or job


async def find(call: Call, id: str) -> Job:
    """Return the job with this id that a member of the actor's workspace started; raises `not_found`.

    Raises `scope_required` where another token started it, and this one does not read the area of its kind.
    """
    bare = path_ids.bare(call.crm.kinds.prefixes, id, jobs.PREFIX, _WHERE)
    job = await call.read(jobs.find, call.actor.workspace_id, bare)
    kind = None if job is None else call.crm.jobs.get(job.kind)
    if job is None or not (job.token_id or (kind and kind.is_told)):  # without a token it is a job of the system
        raise Problem("not_found", f"There is no job {bare} in this workspace, or it ended over a week ago. {_WHERE}")
    if job.token_id != call.actor.token_id:
        call.actor.access.check(f"{kind.area(job) if kind else '*'}.read")
    return job
