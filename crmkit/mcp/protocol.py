"""The part of the Model Context Protocol that a stateless server with tools needs: messages and errors. Pure.

Older clients start with `initialize` (revisions 2024-11-05 to 2025-11-25). Modern ones (2026-07-28) name it in
every request, in `_meta` and in headers. Each message shows by itself which it is.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from crmkit.render.encoding import encoded

HANDSHAKE = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
MODERN = ("2026-07-28",)
SUPPORTED = (*MODERN, *reversed(HANDSHAKE))

_VERSION = "io.modelcontextprotocol/protocolVersion"
_CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"

# the methods of which a header repeats a param
_NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
NOT_FOUND = -32002  # a resource that is not there, before 2026-07-28; since then INVALID_PARAMS
HEADER_MISMATCH = -32020
UNSUPPORTED_VERSION = -32022


class Fault(Exception):
    """Why a message is refused; `status` is the HTTP status of the answer, `data` further JSON for the client."""

    def __init__(self, code: int, message: str, status: int = 400, data: Any = None) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.status = status
        self.data = data


class _Envelope(msgspec.Struct):
    method: str
    jsonrpc: str = ""
    id: str | int | msgspec.UnsetType = msgspec.UNSET
    params: msgspec.Raw = msgspec.Raw(b"{}")


class _Params(msgspec.Struct):
    """The params that show whether a message is modern; the others depend on the method."""

    says: ClassVar[str] = "params must be an object, in which _meta is an object"

    meta: dict[str, Any] | msgspec.UnsetType = msgspec.field(default=msgspec.UNSET, name="_meta")
    name: Any = None
    uri: Any = None


class ToolCall(msgspec.Struct):
    """The params of tools/call; the arguments are not decoded yet.

    A call that is sent again after a question has the `answers`, and the `state` that was sent with it.
    """

    says: ClassVar[str] = "params must be an object, in which name is the name of a tool and arguments an object"

    name: str
    arguments: msgspec.Raw = msgspec.Raw(b"{}")
    answers: dict[str, Any] = msgspec.field(default_factory=dict, name="inputResponses")
    state: str = msgspec.field(default="", name="requestState")


class PromptCall(msgspec.Struct):
    """The params of prompts/get."""

    says: ClassVar[str] = "params must be an object, in which name is the name of a prompt and arguments hold texts"

    name: str
    arguments: dict[str, str] | None = None


class ResourceCall(msgspec.Struct):
    """The params of resources/read."""

    says: ClassVar[str] = "params must be an object, in which uri is the URI of a resource"

    uri: str


class Hello(msgspec.Struct):
    """The params of initialize."""

    says: ClassVar[str] = "params must be an object, in which protocolVersion is a string"

    protocol_version: str = msgspec.field(default="", name="protocolVersion")


class Message(Struct, frozen=True):
    """One message. `id` is None for a notification; `params` is a JSON object, not decoded."""

    id: str | int | None
    method: str
    params: bytes
    is_modern: bool
    may_ask: bool = False  # the client asks its user what a result wants to know, in a form


def message_of(body: bytes, headers: Mapping[str, str]) -> Message:
    """Return the message in a body; raises Fault. `headers` have lower-case names."""
    try:
        body.decode("utf-8")  # refuses invalid UTF-8, also in the parts that are decoded later
        envelope = msgspec.json.decode(body, type=_Envelope)
    except msgspec.ValidationError:
        raise Fault(INVALID_REQUEST, "send one JSON-RPC 2.0 request object") from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise Fault(PARSE_ERROR, "the body is not JSON") from None
    if envelope.jsonrpc != "2.0":
        raise Fault(INVALID_REQUEST, 'send one JSON-RPC 2.0 request object, with "jsonrpc": "2.0"')
    id = None if envelope.id is msgspec.UNSET else envelope.id
    params = bytes(envelope.params)
    is_modern = _is_modern(params, headers)
    return Message(id, envelope.method, params, is_modern, is_modern and _may_ask(params))


def check(message: Message, headers: Mapping[str, str]) -> None:
    """Raise Fault unless a modern message has all it must have, with the same in body and headers."""
    if not message.is_modern or message.id is None:
        return
    params = decode(message.params, _Params)
    meta = {} if params.meta is msgspec.UNSET else params.meta
    missing = [name for name in (_VERSION, _CAPABILITIES) if name not in meta]
    if missing:
        raise Fault(INVALID_PARAMS, f"params._meta lacks {' and '.join(missing)}")
    version = meta[_VERSION]
    if not isinstance(version, str) or not isinstance(meta[_CAPABILITIES], dict):
        raise Fault(INVALID_PARAMS, f"params._meta: {_VERSION} is a string and {_CAPABILITIES} an object")
    expected = {"mcp-protocol-version": version, "mcp-method": message.method}
    if message.method in _NAMED:
        named = getattr(params, _NAMED[message.method])
        expected["mcp-name"] = named if isinstance(named, str) else ""
    for name, content in expected.items():
        if _header(headers.get(name, "")) != content:
            raise Fault(HEADER_MISMATCH, f"the header {name} must equal the body")
    if version not in MODERN:
        data = {"supported": SUPPORTED, "requested": version}
        raise Fault(UNSUPPORTED_VERSION, "this protocol version is not supported", data=data)


def decode(params: bytes, form: type[Any]) -> Any:
    """Return params decoded as `form`; raises Fault with what the form says."""
    try:
        return msgspec.json.decode(params, type=form)
    except (msgspec.DecodeError, RecursionError):
        raise Fault(INVALID_PARAMS, form.says, status=200) from None


def unknown_method(message: Message) -> Fault:
    """Return the Fault for a method that this server does not have."""
    return Fault(METHOD_NOT_FOUND, "this server has no such method", status=404 if message.is_modern else 200)


def answer(id: str | int | None, result: dict[str, Any], is_modern: bool) -> bytes:
    """Return the answer to a request."""
    # unprintable characters are escaped: it repeats texts of the client, like its id
    kind = {"resultType": "complete"} if is_modern else {}
    return encoded({"jsonrpc": "2.0", "id": id, "result": {**kind, **result}})


def failure(id: str | int | None, fault: Fault) -> bytes:
    """Return the answer to a message that is refused."""
    error: dict[str, Any] = {"code": fault.code, "message": fault.message}
    if fault.data is not None:
        error["data"] = fault.data
    return encoded({"jsonrpc": "2.0", "id": id, "error": error})


def question(key: str, says: str, form: dict[str, Any], state: str) -> dict[str, Any]:
    """Return the result of a modern request that is done once its user has answered; it comes again with `state`."""
    asked = {"method": "elicitation/create", "params": {"mode": "form", "message": says, "requestedSchema": form}}
    return {"resultType": "input_required", "inputRequests": {key: asked}, "requestState": state}


def _may_ask(params: bytes) -> bool:
    try:
        meta = msgspec.json.decode(params, type=_Params).meta
    except (msgspec.DecodeError, RecursionError):
        return False
    able = meta.get(_CAPABILITIES) if isinstance(meta, dict) else None
    how = able.get("elicitation") if isinstance(able, dict) else None
    return isinstance(how, dict) and (not how or "form" in how)


def _is_modern(params: bytes, headers: Mapping[str, str]) -> bool:
    named = _header(headers.get("mcp-protocol-version", ""))
    if named and named not in HANDSHAKE:
        return True
    try:
        meta = msgspec.json.decode(params, type=_Params).meta
    except (msgspec.DecodeError, RecursionError):
        return False
    return meta is not msgspec.UNSET and _VERSION in meta


def _header(content: str) -> str:
    """Return the value of a header without blanks around it; `=?base64?…?=` is decoded."""
    content = content.strip(" \t")
    if content.startswith("=?base64?") and content.endswith("?="):
        try:
            return base64.b64decode(content[9:-2], validate=True).decode("utf-8")
        except (binascii.Error, ValueError):
            return content
    return content
