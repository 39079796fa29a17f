"""Acts on many records: batches, and changes and deletes of all that filters find, at once and by jobs."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from msgspec.structs import replace

from crmkit.core.call import Call
from crmkit.core.jobs import awaited
from crmkit.core.many import by_filter, found, in_steps
from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.storage import jobs
from crmkit.storage.interface.tx import Tx
from crmkit.storage.jobs import Job
from tests.storage.desk import Confirming, Desk

Write = Callable[[Call], Coroutine[Any, Any, Any]]


def confirmed(back: Desk, actor: Actor, write: Write) -> Any:
    """Do a write that may need a second step."""
    try:
        return back.do(write(Call(back.crm, actor)))
    except Problem as problem:
        if problem.code != "confirmation_required":
            raise
        return back.do(write(Confirming(back.crm, actor, problem.facts["confirm"])))


def change_all(back: Desk, actor: Actor, records: list[Any], kind: Any, body: Any, by_job: bool) -> None:
    """Change these records, or delete them without a body."""
    pairs = [("id", f"in:{','.join(record.id for record in records)}")]

    async def write(call: Call) -> Any:
        if body is None:
            return await by_filter.remove(call, kind, pairs)
        return await by_filter.change(call, kind, pairs, body)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(awaited, "WAIT_SECONDS", 0)
        if by_job:
            patched.setattr(found, "AT_ONCE", 0)
            for module in (found, in_steps):
                patched.setattr(module, "OF_PART", 2)
        done = confirmed(back, actor, write)
        while isinstance(done, Job) and not done.has_ended:
            done = back.do(Call(back.crm, actor).write(_step_of(back, actor, done)))


def _step_of(back: Desk, actor: Actor, job: Job) -> Callable[[Tx], Job]:
    def unit(tx: Tx) -> Job:
        if job.op is not None:
            tx.operations[actor.workspace_id] = job.op
        reached = in_steps.JOB.stepped(back.crm, tx, job)
        reached = replace(reached, op=tx.operations.get(actor.workspace_id))
        jobs.save(tx, reached)
        return reached

    return unit
