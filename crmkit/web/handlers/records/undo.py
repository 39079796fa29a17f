"""The route that takes an operation back."""

from crmkit.core.jobs.kind import Result
from crmkit.core.undo import undo as verb
from crmkit.render.answers import Answer
from crmkit.storage.jobs import Job
from crmkit.web.call import HttpCall
from crmkit.web.handlers.jobs import answer_of, done_with
from crmkit.web.route import FREE, route


def _shown(_: HttpCall, undone: Result | Job) -> Answer:
    return answer_of(undone) if isinstance(undone, Job) else done_with(undone)


@route(
    "POST",
    "/undo/{operation_id}",
    name="undo",
    summary="take an operation back, whole, if nothing changed since",
    area="*",
    verb="write",
    consent=FREE,
    shows=_shown,
    undoes=True,
    asks_first=True,
)
async def undo(call: HttpCall, operation_id: str) -> Result | Job:
    return await verb.undo(call, operation_id)


ROUTES = [undo]
