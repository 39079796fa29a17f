"""The routes of activities: the log of one record, and of the whole workspace."""

from crmkit.core.reading import lists
from crmkit.core.reading.feeds import PAGING
from crmkit.core.records import activities
from crmkit.model.record import Kind
from crmkit.records import ACTIVITY
from crmkit.render.answers import Answer, Many, One, done
from crmkit.web.call import Call
from crmkit.web.route import Route, read, route

FEED = (*activities.FILTERS, *PAGING)


def log_routes(kind: Kind) -> list[Route]:
    """Return the handlers of the log of one kind's records."""
    path = f"/{kind.plural}/{{id}}/activities"

    @read(path, name=f"list_{kind.name}_activities", summary=f"activities on a {kind.name}", kind=ACTIVITY, query=FEED)
    async def find_on(call: Call, id: str) -> Answer:
        return Many(await activities.find_on(call.crm, call.actor, kind, id, *call.page()))

    @route(
        "POST",
        path,
        name=f"log_{kind.name}_activity",
        summary=f"log an activity on a {kind.name}",
        kind=ACTIVITY,
        verb="write",
        status=201,
    )
    async def log(call: Call, id: str) -> Answer:
        activity = await activities.log(call.crm, call.actor, kind, id, await call.body())
        return One(ACTIVITY, activity, outcome="created")

    return [find_on, log]


@read(
    "/activities",
    name="list_activities",
    summary="activities, newest first: contact, company, deal, kind, since, until",
    kind=ACTIVITY,
    query=FEED,
)
async def find_all(call: Call) -> Answer:
    return Many(await activities.find_all(call.crm, call.actor, *call.page()))


@read("/activities/{id}", name="get_activity", summary="one activity", kind=ACTIVITY, query=("fields",))
async def fetch(call: Call, id: str) -> Answer:
    fields = call.fields(ACTIVITY)
    return One(ACTIVITY, await lists.fetch(call.crm, call.actor, ACTIVITY, id), fields)


@route(
    "DELETE",
    "/activities/{id}",
    name="delete_activity",
    summary="delete it, in one step",
    kind=ACTIVITY,
    verb="delete",
)
async def remove(call: Call, id: str) -> Answer:
    activity = await activities.remove(call.crm, call.actor, id)
    return done(f"deleted {activity.handle}", {"id": activity.id, "handle": activity.handle})


ROUTES: list[Route] = [find_all, fetch, remove]
