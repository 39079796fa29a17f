"""POST /mcp: JSON in, JSON out, without sessions and streams. Its tools send requests to the API."""

from typing import Any

from litestar.datastructures import Headers

from crmkit import __version__
from crmkit.errors import Problem, listed
from crmkit.mcp import inside, protocol
from crmkit.mcp.cut import cut
from crmkit.mcp.protocol import Fault, Hello, Message, ToolCall
from crmkit.mcp.tools import Tools
from crmkit.render.answers import Failure
from crmkit.render.formats import TEXT
from crmkit.settings import Settings
from crmkit.web.call import HttpCall
from crmkit.web.handlers import welcome
from crmkit.web.reply import Response
from crmkit.web.route import ANY, Route, route

PATH = "/mcp"
CACHED_MS = 3_600_000  # for which a client may cache the list of tools

_SERVER = {"name": "crmkit", "title": "crmkit", "version": __version__}
_CAPABILITIES: dict[str, Any] = {"tools": {}}
_CACHE = {"ttlMs": CACHED_MS, "cacheScope": "public"}


async def endpoint(call: HttpCall) -> Response:
    """Answer one message. The gate has checked the token before another method than POST is refused here."""
    if call.method != "POST":
        raise Problem("method_not_allowed", "MCP takes POST alone here.", headers={"Allow": "POST"})
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
        return _json(protocol.answer(id, await _result(call, message), message.is_modern), 200)
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


async def _result(call: HttpCall, message: Message) -> dict[str, Any]:
    tools = Tools(call.crm.settings.base_url)
    match message.method:
        case "tools/call":
            return await _called(call, tools, protocol.decode(message.params, ToolCall))
        case "tools/list":
            return {"tools": tools.listed(), **(_CACHE if message.is_modern else {})}
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


def _greeting(tools: Tools, hello: Hello) -> dict[str, Any]:
    known = hello.protocol_version in protocol.HANDSHAKE
    return {
        "protocolVersion": hello.protocol_version if known else protocol.HANDSHAKE[-1],
        "capabilities": _CAPABILITIES,
        "serverInfo": _SERVER,
        "instructions": tools.instructions,
    }


async def _called(call: HttpCall, tools: Tools, tool: ToolCall) -> dict[str, Any]:
    """Return the result of a tool: the API's text. Wrong arguments are such a result too, for the model to read."""
    if tool.name not in tools.names:
        raise Fault(protocol.INVALID_PARAMS, f"there is no such tool; there are {listed(tools.names)}", status=200)
    try:
        response = await inside.send(call, tools.request_of(tool))
    except Problem as problem:
        return _failed(problem)
    more = [f"# next: GET {response.next}"] if response.next else []
    return _tool_result(cut(response.body), *more, is_error=response.status >= 400)


def _failed(problem: Problem) -> dict[str, Any]:
    return _tool_result(TEXT.body(Failure(problem, "")).decode(), is_error=True)


def _tool_result(*texts: str, is_error: bool) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text} for text in texts], "isError": is_error}


def _json(body: bytes, status: int) -> Response:
    return Response.of(body, "application/json", status)


def routes(settings: Settings) -> list[Route]:
    """Return the route. A message may be larger than the body of a request, which it contains as JSON."""
    # the request that a tool call stands for passes the gate by itself, so an app needs no code here
    declared = route(
        ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
        PATH,
        area="*",
        verb="read",
        query=ANY,
        max_body=(2 * settings.limits.body_kib + 64) * 1024,
        direct=True,
        apps=True,
        page=welcome.page,
    )
    return [declared(endpoint)]
