"""POST /mcp and /mcp/typed: JSON in, JSON out, without sessions and streams. Their tools send requests to the API.

The two differ in their tools alone.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from litestar.datastructures import Headers

from crmkit import __version__
from crmkit.core.confirm import ASK
from crmkit.core.oauth.connect import PLACES
from crmkit.errors import Problem, listed
from crmkit.mcp import in_process, prompts, protocol, resources
from crmkit.mcp.cut import cut
from crmkit.mcp.in_process import Request
from crmkit.mcp.protocol import Fault, Hello, Message, PromptCall, ResourceCall, ToolCall
from crmkit.mcp.tools import Tools
from crmkit.render.answers import Failure
from crmkit.render.formats import TEXT
from crmkit.settings import Settings
from crmkit.web.call import HttpCall
from crmkit.web.handlers import welcome
from crmkit.web.handlers.documents import written
from crmkit.web.reply import Response
from crmkit.web.route import ANY, Handler, Route, route

CACHED_MS = 3_600_000  # for which a client may cache the list of tools

MAX_SHOWN = 1_000  # characters of a call that a user is asked about
MAX_NAMES = 12  # of tools that a message lists

CONFIRM = "confirm"  # the question whether to do what takes data away, and its answer
_YES = {
    "type": "object",
    "properties": {CONFIRM: {"type": "boolean", "title": "Do it"}},
    "required": [CONFIRM],
}

_SERVER = {"name": "crmkit", "title": "crmkit", "version": __version__}
_CAPABILITIES: dict[str, Any] = {"tools": {}, "resources": {}, "prompts": {}}
_CACHE = {"ttlMs": CACHED_MS, "cacheScope": "public"}
_PRIVATE = {"ttlMs": 60_000, "cacheScope": "private"}  # of the manual, which ends with what a workspace declares


class Toolset(Protocol):
    """The tools of an endpoint."""

    instructions: str

    @property
    def names(self) -> Iterable[str]: ...

    def listed(self) -> list[dict[str, Any]]:
        """Return the tools as tools/list shows them."""

    def request_of(self, call: ToolCall) -> Request:
        """Return the request that a call of a known tool stands for; raises `invalid_value` for wrong arguments."""

    def said(self, method: str, path: str) -> str | None:
        """Return which tool sends a request to the path of a route, in a sentence; None where there is none."""

    def confirmed(self, call: ToolCall, token: str) -> ToolCall | None:
        """Return the call again with this confirm token, None if the tool sends one in its path."""


def endpoint(made: Callable[[HttpCall], Toolset]) -> Handler:
    """Return the handler of the endpoint with these tools, which are made when they are asked for first."""
    known: list[Toolset] = []

    async def answer(call: HttpCall) -> Response:
        if call.method != "POST":
            raise Problem("method_not_allowed", "MCP takes POST alone here.", headers={"Allow": "POST"})
        if not known:  # the schemas of all fields take a while, beside which others are answered
            known.append(await asyncio.to_thread(made, call))
        return await _answer(call, known[0])

    return answer


async def _answer(call: HttpCall, tools: Toolset) -> Response:
    """Answer one message. The gate has checked the token, also where the method is refused."""
    id: str | int | None = None
    over, headers = _over_limit(call), Headers.from_scope(call.scope)
    try:
        message = protocol.message_of(await _body_of(call), headers)
        id = message.id
        protocol.check(message, headers)
        if over is not None:
            if message.method != "tools/call":
                raise over
            return _json(protocol.answer(id, _failed(over), message.is_modern), 200)
        if id is None:
            return _json(b"", 202)
        return _json(protocol.answer(id, await _result(call, tools, message), message.is_modern), 200)
    except Fault as fault:
        return _json(protocol.failure(id, fault), fault.status)


def _over_limit(call: HttpCall) -> Problem | None:
    """Count the message, and return the Problem if it is one too many, so that a tool call can answer it as text."""
    try:
        call.app.state.limit.count(call.actor, call.scope["state"])
    except Problem as problem:
        return problem
    return None


async def _body_of(call: HttpCall) -> bytes:
    try:
        return await call.raw_body()
    except Problem as problem:
        if problem.code in ("unsupported_encoding", "too_large"):
            raise
        raise Fault(protocol.PARSE_ERROR, "the connection ended before the body did") from None


async def _result(call: HttpCall, tools: Toolset, message: Message) -> dict[str, Any]:
    cache = _CACHE if message.is_modern else {}
    match message.method:
        case "tools/call":
            return await _called(call, tools, protocol.decode(message.params, ToolCall), message.may_ask)
        case "tools/list":
            return {"tools": tools.listed(), **cache}
        case "prompts/list":
            return {"prompts": prompts.listed(), **cache}
        case "prompts/get":
            asked = protocol.decode(message.params, PromptCall)
            return prompts.told(asked.name, asked.arguments or {}, tools.said)
        case "resources/list":
            return {"resources": resources.listed(written(call), call.crm.settings.base_url), **cache}
        case "resources/templates/list":
            return {"resourceTemplates": resources.templates(call.crm.settings.base_url), **cache}
        case "resources/read":
            uri = protocol.decode(message.params, ResourceCall).uri
            return {"contents": await _read(call, uri, message.is_modern), **(cache and _PRIVATE)}
        case "initialize" if not message.is_modern:
            return _greeting(tools, protocol.decode(message.params, Hello))
        case "ping" if not message.is_modern:
            return {}
        case "server/discover" if message.is_modern:
            return {
                "supportedVersions": protocol.SUPPORTED,
                "capabilities": _CAPABILITIES,
                "instructions": tools.instructions,
                "_meta": {"io.modelcontextprotocol/serverInfo": _SERVER},
                **_CACHE,
            }
    raise protocol.unknown_method(message)


async def _read(call: HttpCall, uri: str, is_modern: bool) -> list[dict[str, Any]]:
    """Return the contents of a resource, the answer to a request too; raises Fault."""
    request = resources.request_of(uri, written(call), call.crm.settings.base_url, is_modern)
    try:
        response = await in_process.send(call, request)
    except Problem as problem:
        raise Fault(protocol.INTERNAL_ERROR, problem.hint, status=200) from None
    if response.problem:
        raise Fault(protocol.INTERNAL_ERROR, response.problem.hint, status=200)
    return resources.contents(uri, response.body)


def _greeting(tools: Toolset, hello: Hello) -> dict[str, Any]:
    known = hello.protocol_version in protocol.HANDSHAKE
    return {
        "protocolVersion": hello.protocol_version if known else protocol.HANDSHAKE[-1],
        "capabilities": _CAPABILITIES,
        "serverInfo": _SERVER,
        "instructions": tools.instructions,
    }


async def _called(call: HttpCall, tools: Toolset, tool: ToolCall, may_ask: bool) -> dict[str, Any]:
    """Return the result of a tool: the API's text. Wrong arguments are such a result too, for the model to read.

    What wants a confirm token is asked of the user, where the client `may_ask`; the call then comes again.
    """
    if tool.name not in tools.names:
        raise Fault(protocol.INVALID_PARAMS, f"there is no such tool; there are {_some(tools.names)}", status=200)
    try:
        if CONFIRM in tool.answers and tool.state:
            tool = _agreed(tools, tool)
        request = tools.request_of(tool)
        response = await in_process.send(call, request)
    except Problem as problem:
        return _failed(problem)
    more = [f"# next: GET {response.next}"] if response.next else []
    token = response.problem.facts.get("confirm") if response.problem else None
    if response.problem and token and (again := tools.confirmed(tool, token)):
        if may_ask:
            return protocol.question(CONFIRM, _asked(tool, response.problem.hint, response.body), _YES, token)
        more = [f'# next: call {again.name} again with "confirm":"{token}"']
    shown = cut(response.body, request.method, request.target)
    return _tool_result(shown, *response.notes, *more, is_error=response.status >= 400)


def _asked(tool: ToolCall, hint: str, body: str) -> str:
    """Return what a user is asked: the call, what it takes along, and the records that the API shows of them."""
    says, _, _ = hint.partition(f" {ASK}")
    sent = bytes(tool.arguments).decode()[:MAX_SHOWN]
    shown = [line for line in body.splitlines() if line and not line.startswith(("ERROR ", "FIELD ", "HINT "))]
    return "\n".join([f"{tool.name} {sent}", says, *shown])[: 2 * MAX_SHOWN]


def _agreed(tools: Toolset, tool: ToolCall) -> ToolCall:
    """Return the call that the user was asked about, to be done; raises `confirmation_required` if they refused."""
    sent = tool.answers[CONFIRM]
    content = sent.get("content") if isinstance(sent, dict) and sent.get("action") == "accept" else None
    again = tools.confirmed(tool, tool.state) if isinstance(content, dict) and content.get(CONFIRM) is True else None
    if again is None:
        raise Problem("confirmation_required", "The user did not agree, so nothing was done. Do not send it again.")
    return again


def _some(names: Iterable[str]) -> str:
    """Return names as a sentence lists them, the first of many."""
    known = list(names)
    more = len(known) - MAX_NAMES
    return listed(known) if more <= 0 else f"{', '.join(known[:MAX_NAMES])} and {more} more; tools/list has all"


def _failed(problem: Problem) -> dict[str, Any]:
    return _tool_result(TEXT.body(Failure(problem, "")).decode(), is_error=True)


def _tool_result(*texts: str, is_error: bool) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text} for text in texts], "isError": is_error}


def _json(body: bytes, status: int) -> Response:
    return Response.of(body, "application/json", status)


def routes(settings: Settings) -> list[Route]:
    """Return the routes. A message may be larger than the body of a request, which it contains as JSON."""
    # the request that a tool call stands for passes the gate by itself, so an app needs no code here
    made = dict(zip(PLACES, (_tools, _typed_tools), strict=True))
    return [
        route(
            ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
            place,
            area="*",
            verb="read",
            query=ANY,
            max_body=(2 * settings.limits.body_kib + 64) * 1024,
            direct=True,
            apps=True,
            page=welcome.page,
        )(endpoint(of))
        for place, of in made.items()
    ]


def _tools(call: HttpCall) -> Toolset:
    return Tools(call.crm.settings.base_url, call.app.state.routes)


def _typed_tools(call: HttpCall) -> Toolset:
    from crmkit.mcp.typed import TypedTools  # imported late: most servers are never asked for them

    return TypedTools(call.crm.kinds, call.app.state.routes)
