"""A route declares what it needs with our own decorator; one that cannot work as it is declared stops the start."""

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Controller, get
from litestar.dto import MsgspecDTO
from litestar.params import FromPath
from msgspec import Struct

from crmkit import boot
from crmkit.mcp import endpoint as mcp
from crmkit.records.settings.view import View
from crmkit.render.answers import Answer, Document
from crmkit.render.formats import FORMATS, TEXT, Format
from crmkit.web.app import build, routes
from crmkit.web.call import HttpCall
from crmkit.web.connection.accesslog import AccessLog
from crmkit.web.edge import Edge
from crmkit.web.oauth import endpoints, signin
from crmkit.web.reply import Response
from crmkit.web.route import CODE, FREE, BadRoute, Prefix, Route, read, route
from tests import postgres
from tests.house import settings_of
from tests.kinds import CONTACT, DEAL, REGISTRY

EVERY = [*routes(REGISTRY), *signin.ROUTES, *endpoints.routes(settings_of()), *mcp.routes(settings_of())]
GUARDED = [found for found in EVERY if not found.public]


class Shape(Struct):
    name: str


async def hook(*_: Any) -> None: ...


async def plain(call: HttpCall) -> Answer:
    return Document("here", {})


def shown(call: HttpCall, value: Answer) -> Answer:
    return value


def built(folder: Path, *more: Any) -> Edge:
    """Return the application with `more` routes."""

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        yield

    return build(boot.crm_of(settings_of(**postgres.environ(folder))), AccessLog("off", io.StringIO()), running, more)


OF_LITESTAR: dict[str, Any] = {
    "guards": [hook],
    "dependencies": {"x": hook},
    "middleware": [lambda app: app],
    "exception_handlers": {ValueError: lambda *_: None},
    "before_request": hook,
    "after_request": hook,
    "after_response": hook,
    "cache": 10,
    "dto": MsgspecDTO[Shape],
    "return_dto": MsgspecDTO[Shape],
}


@pytest.mark.parametrize("option", OF_LITESTAR)
def test_a_handler_with_an_option_of_litestar_stops_the_start_with_an_error_that_names_it(
    tmp_path: Path, option: str
) -> None:
    @get("/extra", **{option: OF_LITESTAR[option]})
    async def extra() -> Shape:
        return Shape("")

    with pytest.raises(BadRoute, match=rf"extra: declare .* with crmkit\.web\.route.*; its {option} would be ignored"):
        built(tmp_path, extra)


def test_a_handler_or_controller_of_litestar_stops_the_start(tmp_path: Path) -> None:
    @get("/extra/{id:str}")
    async def extra(id: FromPath[str]) -> str:
        return id

    class Extra(Controller):
        path = "/extra"

    for foreign in (extra, Extra, plain):
        with pytest.raises(BadRoute, match="declare a handler with crmkit.web.route"):
            built(tmp_path, foreign)


def test_a_handler_with_our_decorator_answers(tmp_path: Path) -> None:
    @read("/extra/{id}/of/{other}", public=True, query=("word",))
    async def extra(call: HttpCall, id: str, other: str) -> Answer:
        return Document(f"{id} {other} {call.parameters()}", {})

    edge = built(tmp_path, extra)

    async def answered(method: str, path: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(edge), base_url="http://127.0.0.1:8000") as client:
            return await client.request(method, path)

    assert asyncio.run(answered("GET", "/extra/a/of/b?word=c")).text == "a b {'word': 'c'}\n"
    assert asyncio.run(answered("GET", "/extra/a/of/b?verb=c")).status_code == 400
    assert asyncio.run(answered("POST", "/extra/a/of/b")).headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("returned", [None, str, bytes, dict, dict[str, Any], list[Answer], Answer | None, Shape, Any])
def test_a_handler_that_returns_what_the_router_cannot_send_is_refused(returned: Any) -> None:
    async def extra(call: HttpCall): ...  # type: ignore[no-untyped-def]

    extra.__annotations__["return"] = returned
    with pytest.raises(BadRoute, match=r"GET\|HEAD /extra .*extra\): return an Answer or a Response"):
        read("/extra", area="workspace")(extra)


@pytest.mark.parametrize("returned", [Answer, Document, Response, Answer | Response])
def test_a_handler_that_returns_answers_or_responses_is_taken(returned: Any) -> None:
    async def extra(call: HttpCall): ...  # type: ignore[no-untyped-def]

    extra.__annotations__["return"] = returned
    assert read("/extra", area="workspace")(extra).methods == ("GET", "HEAD")


async def without_id(call: HttpCall) -> Answer:
    raise NotImplementedError


async def with_more(call: HttpCall, id: str, body: dict[str, Any]) -> Answer:
    raise NotImplementedError


async def with_number(call: HttpCall, id: int) -> Answer:
    raise NotImplementedError


async def without_call(id: str) -> Answer:
    raise NotImplementedError


@pytest.mark.parametrize("handler", [without_id, with_more, with_number, without_call])
def test_a_handler_that_takes_other_than_the_call_and_the_ids_of_its_path_is_refused(handler: Any) -> None:
    with pytest.raises(BadRoute, match="takes call: HttpCall, then each id of its path"):
        read("/extra/{id}", area="workspace")(handler)


WHOLE = Format("whole", "a/whole", "a/whole", whole=lambda answer: b"")
IN_PIECES = Format("pieces", "a/pieces", "a/pieces", pieces=lambda batches: iter(()))
NEITHER = Format("neither", "a/neither", "a/neither")


@pytest.mark.parametrize(
    ("formats", "streams", "told"),
    [
        ((), False, r"at least one format, and none twice, not \[\]"),
        ((), True, "at least one format"),
        ((*FORMATS, TEXT), False, r"none twice, not \['text', 'json', 'text'\]"),
        ((NEITHER,), False, "its format neither a whole"),
        ((NEITHER,), True, "its format neither needs pieces"),
        ((*FORMATS, IN_PIECES), False, "declare streams=True, or give its format pieces a whole"),
        ((IN_PIECES, WHOLE), True, "it streams, so its format whole needs pieces"),
    ],
)
def test_formats_that_the_route_cannot_send_are_refused(formats: tuple[Format, ...], streams: bool, told: str) -> None:
    with pytest.raises(BadRoute, match=rf"GET\|HEAD /extra .*{told}"):
        read("/extra", area="workspace", formats=formats, streams=streams)(plain)


def test_a_method_of_a_path_that_two_routes_declare_stops_the_start(tmp_path: Path) -> None:
    first = read("/extra", name="first", public=True)(plain)
    second = route(["POST", "GET"], ["/other", "/extra"], name="second", public=True)(plain)
    with pytest.raises(BadRoute, match="GET /extra is declared twice: first and second"):
        built(tmp_path, first, second)


def test_a_handler_that_is_not_async_is_refused() -> None:
    def extra(call: HttpCall) -> Answer:
        return Document("here", {})

    wrong: Callable[..., Awaitable[Answer]] = extra  # type: ignore[assignment]
    with pytest.raises(BadRoute, match="an async function"):
        read("/extra", area="workspace")(wrong)


def test_a_route_without_an_area_is_refused_by_name() -> None:
    with pytest.raises(BadRoute, match=r"POST /extra \(tests\.web\.test_routes\.plain\): declare the area"):
        route("POST", "/extra", verb="write")(plain)
    unknown: Any = "contact"
    with pytest.raises(BadRoute, match="declare the area"):
        route("POST", "/extra", area=unknown, verb="write")(plain)


def test_a_route_without_a_verb_is_refused_by_name() -> None:
    with pytest.raises(BadRoute, match=r"POST /extra \(tests\.web\.test_routes\.plain\): declare what it does"):
        route("POST", "/extra", area="workspace")(plain)
    unknown: Any = "change"
    with pytest.raises(BadRoute, match="declare what it does"):
        route("POST", "/extra", area="workspace", verb=unknown)(plain)


def test_an_option_that_our_decorator_does_not_have_is_refused() -> None:
    wrong: Any = route
    with pytest.raises(TypeError, match="guards"):
        wrong("GET", "/extra", area="workspace", verb="read", guards=[hook])


def test_a_route_takes_what_begins_with_a_prefix_that_it_declares() -> None:
    found = read("/x", area="*", query=("kind",), prefixes=(Prefix("map.", "COLUMN"),))(plain)
    assert found.parameters == ("kind", "map.COLUMN")
    assert [name for name in ("kind", "map.Town", "map.", "map", "Town") if found.takes(name)] == ["kind", "map.Town"]


def test_the_area_of_a_route_of_records_is_the_plural_of_their_kind() -> None:
    assert read("/extra", kind=DEAL)(plain).area == "deals"
    for found in routes(REGISTRY):
        if found.kind:
            of = next((kind for kind in REGISTRY.all if found.paths[0] == f"{kind.path}/{{id}}/history"), found.kind)
            assert found.area == ("*" if found.kind.record is View and found.verb != "read" else of.area)


@pytest.mark.parametrize("verb", ["write", "delete"])
def test_a_write_says_how_its_value_is_shown(verb: Any) -> None:
    with pytest.raises(BadRoute, match="shows="):
        route("POST", "/extra", area="workspace", verb=verb)(plain)
    assert all(found.writes == (found.verb != "read") for found in GUARDED)


def test_an_app_needs_a_code_for_a_write_that_says_nothing_and_none_to_read_or_to_write_records() -> None:
    assert route("POST", "/extra", area="workspace", verb="write", shows=shown)(plain).consent == CODE
    assert route("DELETE", "/extra", area="workspace", verb="delete", shows=shown)(plain).consent == CODE
    assert route("POST", "/extra", area="workspace", verb="write", consent=FREE, shows=shown)(plain).consent == FREE
    assert route("POST", "/extra", area="workspace", verb="read")(plain).consent == FREE
    assert route("POST", "/extra", kind=CONTACT, verb="write", shows=shown)(plain).consent == FREE
    assert route("POST", "/extra", kind=CONTACT, verb="delete", consent=CODE, shows=shown)(plain).consent == CODE
    assert read("/extra", area="workspace")(plain).consent == FREE


@pytest.mark.parametrize("found", GUARDED, ids=lambda found: f"{found.methods[0]} {found.paths[0]}")
def test_a_route_that_needs_a_token_says_what_it_does_where(found: Route) -> None:
    assert found.area
    reads = "GET" in found.methods  # of all methods of /mcp but one, the answer is that it takes that one
    deletes = found.methods == ("DELETE",) or found.paths[0].endswith("/merge")  # of two records, one goes
    expected = "read" if reads else "delete" if deletes else "write"
    assert found.verb == expected
