"""How a job stands: the answer to the request that started one, and the route that reads it later."""

from typing import Any

from msgspec.structs import replace

from crmkit.core.jobs import awaited
from crmkit.core.jobs.kind import Result, failure
from crmkit.errors import Problem
from crmkit.ids import OTHERS as PREFIXES
from crmkit.render.answers import Answer, done, noted, thing
from crmkit.render.tail import Tail
from crmkit.storage.jobs import DONE, PREFIX, Job
from crmkit.web.call import HttpCall
from crmkit.web.route import Route, read


@read("/jobs/{id}", name="get_job", summary="how far a job is, or what it ended with", area="*", looks=True)
async def fetch(call: HttpCall, id: str) -> Answer:
    return _standing(await awaited.find(call, id), 200)


ROUTES: tuple[Route, ...] = (fetch,)


def answer_of(job: Job) -> Answer:
    """Return the answer to the request that started a job: what it ended with, or 202 and how far it is.

    Raises the Problem that ended a job which failed.
    """
    if not job.has_ended:
        return _standing(job, 202)
    result = Result.of(job)
    if job.state != DONE or result is None:
        raise _failure(job)
    return done(result.message, _facts(job, result), _tail(job, result))


def done_with(result: Result, is_final: bool = False) -> Answer:
    """Return the answer to a request that needed no job, or is told its end; `is_final` where no undo takes it back."""
    return noted(result.message, result.facts, result.notes, is_final)


def _standing(job: Job, status: int) -> Answer:
    """Return the line of a job, with what it ended with."""
    result = Result.of(job) or Result("")
    reached, of = job.progress or (None, None)
    told: dict[str, Any] = {"id": job.id, "state": job.state, "done": reached, "of": of}
    problem = failure(job)
    if problem is not None:
        told |= {"error": problem.code, "hint": problem.hint}
    shown = {name: content for name, content in told.items() if content is not None}
    wrong = None if problem is None else problem.fields
    notes = result.notes if job.has_ended else (*result.notes, f"GET /jobs/{job.id} tells how far it is, and its end")
    facts = {**result.facts, **_operation(job)}
    tail = replace(_tail(job, result), notes=notes)
    return thing(f"{PREFIXES[PREFIX]}/{job.id}", shown | facts, tail, status, wrong)


def _facts(job: Job, result: Result) -> dict[str, Any]:
    return {**result.facts, **({"notes": list(result.notes)} if result.notes else {}), **_operation(job)}


def _operation(job: Job) -> dict[str, Any]:
    return {"operation": job.operation} if job.operation else {}


def _tail(job: Job, result: Result) -> Tail:
    can_undo = result.can_undo and bool(job.token_id)  # a job of the system writes nothing that is undone
    operation = job.operation if job.has_ended else ""
    return Tail(notes=result.notes, operation=operation, can_undo=can_undo, is_final=not job.token_id)


def _failure(job: Job) -> Problem:
    """Return the Problem that ended a job; what it wrote before stays, and the hint says so."""
    found = failure(job) or Problem("server_error", "The job was stopped.")
    if job.operation:
        found.hint += f" What it wrote before stays: POST /undo/{job.operation} undoes it."
    found.facts["job"] = job.id
    return found
