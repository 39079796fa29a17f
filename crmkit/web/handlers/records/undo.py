"""The route that takes an operation back."""

from crmkit.core.undo import undo as verb
from crmkit.core.undo.undo import Undone
from crmkit.render.answers import Answer, done, thing
from crmkit.render.tail import NO_TAIL, Tail
from crmkit.storage.jobs import Job
from crmkit.web.call import HttpCall
from crmkit.web.route import FREE, route


@route(
    "POST",
    "/undo/{operation_id}",
    name="undo",
    summary="take an operation back, whole, if nothing changed since",
    area="*",
    verb="write",
    consent=FREE,
)
async def undo(call: HttpCall, operation_id: str) -> Answer:
    return _shown(await verb.undo(call, operation_id))


def _shown(undone: Undone | Job) -> Answer:
    if isinstance(undone, Job):
        return thing(f"job/{undone.id}", {"state": undone.state, "done": 0, "of": undone.input["of"]}, status=202)
    noun = "record" if undone.records == 1 else "records"
    facts = {"count": undone.records, **({"left": list(undone.left)} if undone.left else {})}
    return done(f"undone {undone.operation} ({undone.records} {noun})", facts, _told(undone))


def _told(undone: Undone) -> Tail:
    if not undone.left:
        return NO_TAIL
    more = f" and {undone.more} more" if undone.more else ""
    return Tail(notes=(f"left as they are, since they changed meanwhile: {', '.join(undone.left)}{more}",))


ROUTES = [undo]
