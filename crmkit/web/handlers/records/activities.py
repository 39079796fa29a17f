"""The routes of activities: the log of one record, and of the whole workspace."""

from crmkit.core.reading import lists
from crmkit.core.reading.feeds import PAGING
from crmkit.core.records import activities, logged, write
from crmkit.core.records.settled import Saved
from crmkit.errors import listed
from crmkit.model.record import Kind, Kinds
from crmkit.render.answers import Answer, One, page
from crmkit.render.tail import Tail
from crmkit.web.call import HttpCall
from crmkit.web.handlers.reading.log import shown_as_of
from crmkit.web.handlers.records.batch import batch_route
from crmkit.web.handlers.records.by_filter import many_routes
from crmkit.web.handlers.records.kinds import shows_deleted
from crmkit.web.route import Route, read, route


def feed(kinds: Kinds) -> tuple[str, ...]:
    """Return the parameters that lists of activities take."""
    own = activities.filters(kinds)
    return (*own, *(name for name in kinds.activity.filters if name not in own), "search", *PAGING)


def _shows_logged(call: HttpCall, saved: Saved) -> Answer:
    return One(
        call.crm.kinds.activity, saved.record, tail=Tail(notes=saved.notes, outcome="created" if saved.created else "")
    )


def log_routes(kinds: Kinds, kind: Kind) -> list[Route]:
    """Return the handlers of the log of one kind's records."""
    if not kind.is_logged:
        return []
    path, of_log = f"{kind.path}/{{id}}/activities", kinds.activity

    @read(
        path,
        name=f"list_{kind.name}_activities",
        tool="",  # the list of all takes the record as a filter
        summary=f"activities on a {kind.name}",
        kind=of_log,
        query=feed(kinds),
        has_groups=True,
    )
    async def find_on(call: HttpCall, id: str) -> Answer:
        return page(await activities.find_on(call, kind, id, *call.page()))

    @route(
        "POST",
        path,
        name=f"log_{kind.name}_activity",
        tool="log_activity",
        summary=f"log an activity on a {kind.name}",
        kind=of_log,
        verb="write",
        status=201,
        shows=_shows_logged,
    )
    async def log(call: HttpCall, id: str) -> Saved:
        return await logged.log(call, kind, id, await call.body())

    return [find_on, log]


def routes(kinds: Kinds) -> list[Route]:
    """Return the handlers of the log of a whole workspace."""
    names = ", ".join(kind.name for kind in kinds.logged)

    def shows_changed(_: HttpCall, saved: Saved) -> Answer:
        return One(kinds.activity, saved.record)

    @read(
        "/activities",
        name="list_activities",
        summary=f"activities, newest first: {names}, kind, by, since, until",
        kind=kinds.activity,
        query=feed(kinds),
        has_groups=True,
        is_list=True,
    )
    async def find_all(call: HttpCall) -> Answer:
        return page(await activities.find_all(call, *call.page()))

    @route(
        "POST",
        "/activities",
        name="log_activity",
        tool="create_activity",
        summary=f"log one on {listed([each.activity_link for each in kinds.logged], 'or')}",
        kind=kinds.activity,
        verb="write",
        status=201,
        shows=_shows_logged,
    )
    async def save(call: HttpCall) -> Saved:
        return await logged.save(call, await call.body())

    @read(
        "/activities/{id}",
        name="get_activity",
        summary="one activity",
        kind=kinds.activity,
        query=("as_of",),
    )
    async def fetch(call: HttpCall, id: str) -> Answer:
        if at := call.parameters().get("as_of", "").strip():
            return await shown_as_of(call, kinds.activity, id, at)
        return One(kinds.activity, await lists.fetch(call, kinds.activity, id))

    @route(
        "PATCH",
        "/activities/{id}",
        name="change_activity",
        tool="update_activity",
        summary="change it; its links stay",
        kind=kinds.activity,
        verb="write",
        shows=shows_changed,
    )
    async def change(call: HttpCall, id: str) -> Saved:
        version = call.if_match()
        body = await call.body()
        return await write.change(call, kinds.activity, id, body, version)

    @route(
        "DELETE",
        "/activities/{id}",
        name="delete_activity",
        summary="delete it, in one step",
        kind=kinds.activity,
        verb="delete",
        shows=shows_deleted,
    )
    async def remove(call: HttpCall, id: str) -> Saved:
        return await activities.remove(call, id, call.if_match())

    all_of = many_routes(kinds.activity, tuple(name for name in feed(kinds) if name not in PAGING))
    return [find_all, save, batch_route(kinds.activity), *all_of, fetch, change, remove]
