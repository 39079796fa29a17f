"""The routes of activities: the log of one record, and of the whole workspace."""

from typing import Any

from litestar import delete, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from crmkit.core.reading import lists
from crmkit.core.reading.feeds import PAGING
from crmkit.core.records import activities
from crmkit.model.query import chosen_fields
from crmkit.model.record import Kind
from crmkit.records import ACTIVITY
from crmkit.render.answers import Answer, Many, One, done
from crmkit.web.gate import QUERY
from crmkit.web.requests import HttpRequest, actor_of, body_of, crm_of, page_of, parameters_of, read

OPT: dict[str, Any] = {"kind": ACTIVITY}
FEED = {**OPT, QUERY: (*activities.FILTERS, *PAGING)}


def log_routes(kind: Kind) -> list[HTTPRouteHandler]:
    """Return the handlers of the log of one kind's records."""
    path = f"/{kind.plural}/{{id:str}}/activities"

    @read(path, name=f"list_{kind.name}_activities", summary=f"activities on a {kind.name}", opt=FEED)
    async def find_on(request: HttpRequest, id: FromPath[str]) -> Answer:
        return Many(await activities.find_on(crm_of(request), actor_of(request), kind, id, *page_of(request)))

    @post(path, name=f"log_{kind.name}_activity", summary=f"log an activity on a {kind.name}", opt=OPT)
    async def log(request: HttpRequest, id: FromPath[str]) -> Answer:
        activity = await activities.log(crm_of(request), actor_of(request), kind, id, await body_of(request))
        return One(ACTIVITY, activity, outcome="created")

    return [find_on, log]


@read(
    "/activities",
    name="list_activities",
    summary="activities, newest first: contact, company, deal, kind, since, until",
    opt=FEED,
)
async def find_all(request: HttpRequest) -> Answer:
    return Many(await activities.find_all(crm_of(request), actor_of(request), *page_of(request)))


@read("/activities/{id:str}", name="get_activity", summary="one activity", opt={**OPT, QUERY: ("fields",)})
async def fetch(request: HttpRequest, id: FromPath[str]) -> Answer:
    fields = chosen_fields(ACTIVITY, parameters_of(request).get("fields", ""))
    return One(ACTIVITY, await lists.fetch(crm_of(request), actor_of(request), ACTIVITY, id), fields)


@delete("/activities/{id:str}", name="delete_activity", summary="delete it, in one step", status_code=200, opt=OPT)
async def remove(request: HttpRequest, id: FromPath[str]) -> Answer:
    activity = await activities.remove(crm_of(request), actor_of(request), id)
    return done(f"deleted {activity.handle}", {"id": activity.id, "handle": activity.handle})


ROUTES: list[HTTPRouteHandler] = [find_all, fetch, remove]
