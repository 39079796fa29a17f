"""The routes of a record kind: the same five for every kind."""

from typing import Any

from litestar import delete, patch, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from crmkit.core.reading import lists
from crmkit.core.records import write
from crmkit.model.query import chosen_fields
from crmkit.model.record import Kind
from crmkit.render.answers import Answer, Many, One, done
from crmkit.web.gate import ANY, QUERY
from crmkit.web.requests import HttpRequest, actor_of, body_of, crm_of, if_match_of, page_of, parameters_of, read


def record_routes(kind: Kind) -> list[HTTPRouteHandler]:
    """Return the handlers of one kind, each with the summary that the manual and OpenAPI show."""
    path = f"/{kind.plural}"
    one = f"{path}/{{id:str}}"
    key = write.upsert_field(kind)
    opt: dict[str, Any] = {"kind": kind}

    @read(
        path,
        name=f"list_{kind.plural}",
        summary=f"list {kind.plural}: filters, search, sort, limit, cursor",
        opt={**opt, QUERY: ANY},
    )
    async def find_all(request: HttpRequest) -> Answer:
        return Many(await lists.find_all(crm_of(request), actor_of(request), kind, *page_of(request)))

    @post(
        path,
        name=f"save_{kind.name}",
        summary=f"create, or merge by {key}" if key else "create",
        opt=opt,
    )
    async def save(request: HttpRequest) -> Answer:
        saved = await write.save(crm_of(request), actor_of(request), kind, await body_of(request))
        return One(kind, saved.record, outcome="created" if saved.created else "updated")

    @read(one, name=f"get_{kind.name}", summary=f"one {kind.name}, whole", opt={**opt, QUERY: ("fields",)})
    async def fetch(request: HttpRequest, id: FromPath[str]) -> Answer:
        fields = chosen_fields(kind, parameters_of(request).get("fields", ""))
        return One(kind, await lists.fetch(crm_of(request), actor_of(request), kind, id), fields)

    @patch(one, name=f"change_{kind.name}", summary="change the fields sent, keep the others", opt=opt)
    async def change(request: HttpRequest, id: FromPath[str]) -> Answer:
        version = if_match_of(request)
        body = await body_of(request)
        return One(kind, await write.change(crm_of(request), actor_of(request), kind, id, body, version))

    @delete(
        one,
        name=f"delete_{kind.name}",
        summary="delete, in two steps",
        status_code=200,
        opt={**opt, QUERY: ("confirm",)},
    )
    async def remove(request: HttpRequest, id: FromPath[str]) -> Answer:
        confirm = parameters_of(request).get("confirm", "")
        record = await write.remove(crm_of(request), actor_of(request), kind, id, confirm.strip())
        return done(f"deleted {record.handle}", {"id": record.id, "handle": record.handle})

    return [find_all, save, fetch, change, remove]
