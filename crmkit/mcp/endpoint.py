"""POST /mcp: JSON in, JSON out, without sessions and streams. Its two tools send requests to the API."""

from itertools import islice
from typing import Any

import msgspec
from litestar.datastructures import Headers

from crmkit import __version__
from crmkit.errors import Problem, listed, nearest
from crmkit.mcp import inside, protocol, tools
from crmkit.mcp.cut import cut
from crmkit.mcp.protocol import Fault, Hello, Message, ToolCall
from crmkit.model.form import MAX_UNKNOWN_FIELDS_SHOWN
from crmkit.render.answers import Failure
from crmkit.render.formats import TEXT
from crmkit.settings import Settings
from crmkit.web.call import HttpCall
from crmkit.web.handlers import welcome
from crmkit.web.reply import Response
from crmkit.web.route import ANY, Route, route

PATH = "/mcp"
MAX_TARGET = 8_000  # characters of a path with its query, about as many as HTTP servers usually take
CACHED_MS = 3_600_000  # for which a client may cache the list of tools

_SERVER = {"name": "crmkit", "title": "crmkit", "version": __version__}
_CAPABILITIES: dict[str, Any] = {"tools": {}}
_ARGUMENTS = {tools.READ: ("path",), tools.REQUEST: ("method", "path", "body", "key")}
_OPTIONAL = ("body", "key")
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
    match message.method:
        case "tools/call":
            return await _called(call, protocol.decode(message.params, ToolCall))
        case "tools/list":
            return {"tools": tools.listed(), **(_CACHE if message.is_modern else {})}
        case "initialize" if not message.is_modern:
            return _greeting(protocol.decode(message.params, Hello))
        case "ping" if not message.is_modern:
            return {}
        case "server/discover" if message.is_modern:
            return {
                "supportedVersions": protocol.SUPPORTED,
                "capabilities": _CAPABILITIES,
                "instructions": tools.INSTRUCTIONS,
                "_meta": {"io.modelcontextprotocol/serverInfo": _SERVER},
                **_CACHE,
            }
    raise protocol.unknown_method(message)


def _greeting(hello: Hello) -> dict[str, Any]:
    known = hello.protocol_version in protocol.HANDSHAKE
    return {
        "protocolVersion": hello.protocol_version if known else protocol.HANDSHAKE[-1],
        "capabilities": _CAPABILITIES,
        "serverInfo": _SERVER,
        "instructions": tools.INSTRUCTIONS,
    }


async def _called(call: HttpCall, tool: ToolCall) -> dict[str, Any]:
    """Return the result of a tool: the API's text. Wrong arguments are such a result too, for the model to read."""
    try:
        method, target, body, key = _request_of(call, tool)
        response = await inside.send(call, method, target, body, key)
    except Problem as problem:
        return _failed(problem)
    more = [f"# next: GET {response.next}"] if response.next else []
    return _tool_result(cut(response.body), *more, is_error=response.status >= 400)


def _request_of(call: HttpCall, tool: ToolCall) -> tuple[str, str, bytes, str | None]:
    """Return (method, path with query, body, key); raises Fault for an unknown tool, Problem for wrong arguments."""
    if tool.name not in _ARGUMENTS:
        raise Fault(protocol.INVALID_PARAMS, f"there is no such tool; there are {listed(_ARGUMENTS)}", status=200)
    texts, body = _arguments(tool)
    base_url = call.crm.settings.base_url
    target = texts["path"].strip().removeprefix(base_url)
    if not target.startswith("/"):
        raise Problem("invalid_value", "path starts with /, like /contacts?search=jane; GET /help lists all.")
    if len(target) > MAX_TARGET:
        raise Problem("invalid_value", f"path has at most {MAX_TARGET} characters; what is long goes into body.")
    if tool.name == tools.READ:
        return "GET", target, b"", None
    method = texts["method"].strip().upper()
    if method not in tools.METHODS:
        raise Problem("invalid_value", f"method is one of {', '.join(tools.METHODS)}{nearest(method, tools.METHODS)}.")
    return method, target, _body(body), texts.get("key")


def _arguments(tool: ToolCall) -> tuple[dict[str, str], bytes]:
    """Return the arguments of a known tool that are texts, and its body undecoded; raises `invalid_value`."""
    takes, texts, wrong = _ARGUMENTS[tool.name], dict[str, str](), dict[str, str]()
    try:
        sent = msgspec.json.decode(tool.arguments, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, RecursionError):
        raise Problem("invalid_value", f"Send the arguments as one JSON object: {', '.join(takes)}.") from None
    body = bytes(sent.pop("body", b"")) if "body" in takes else b""
    for name, raw in islice(sent.items(), MAX_UNKNOWN_FIELDS_SHOWN):
        if name not in takes:
            wrong[name] = f"is no argument of {tool.name}{nearest(name, takes)}"
            continue
        try:
            texts[name] = msgspec.json.decode(raw, type=str)
        except msgspec.DecodeError:
            wrong[name] = "must be text"
    wrong |= {name: "is needed" for name in takes if name not in _OPTIONAL and name not in sent}
    if wrong:
        told = "; ".join(f"{name[:40]} {what}" for name, what in wrong.items())
        raise Problem("invalid_value", f"The tool {tool.name} takes {', '.join(takes)}: {told}.")
    return texts, body


def _body(raw: bytes) -> bytes:
    """Return the body undecoded, so that the API checks it; a body sent as a JSON string is unpacked."""
    sent = raw.strip()
    if sent == b"null":
        return b""
    return msgspec.json.decode(sent, type=str).encode() if sent.startswith(b'"') else sent


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
