"""The tools of /mcp/typed: one for each route that has a `tool`, or for those of several kinds that share one."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from crmkit.errors import nearest
from crmkit.mcp import arguments
from crmkit.mcp.in_process import Request
from crmkit.mcp.protocol import ToolCall
from crmkit.mcp.tools import ABOUT, FORMAT
from crmkit.mcp.typed_arguments import CONFIRM, RECORDS, Argument, Place, arguments_of, with_records
from crmkit.model.record import Kinds
from crmkit.web.route import BadRoute, Route

INSTRUCTIONS = (
    f"{ABOUT}Each tool is one request of that manual. Begin with brief: what is due, changed and open. `filter` holds "
    " what the manual has as parameters of a list, `records` is a plural like contacts. The email of a contact or "
    "domain of a company works as an id. create_ tools merge into a record with the same email, domain, source_id or "
    "code: `# updated`. update_ tools change only what is sent; null clears; version refuses a record that changed "
    "since. A delete, merge or change of many answers first what it would do and a confirm token: tell the user, and "
    "call again with confirm only if they agree. dry_run shows what a write would do. A key makes it safe to send a "
    "write again. Erasures, people, tokens and settings of the workspace are reached at /mcp with its tool `request`. "
    f"{FORMAT}"
)


class Sender(Struct, frozen=True):
    """Where a tool sends its requests."""

    method: str
    path: str
    arguments: dict[str, Argument]


class Tool(Struct, frozen=True):
    """A typed tool; `senders` are by the plural in `records`, or one alone under the name of the tool."""

    name: str
    about: str
    route: Route
    senders: Mapping[str, Sender]
    arguments: dict[str, Argument]

    @property
    def needed(self) -> list[str]:
        return [name for name, argument in self.arguments.items() if argument.is_needed]

    def listed(self, told: set[tuple[str, str]]) -> dict[str, Any]:
        """Return the tool as tools/list shows it. What is in `told`, it does not tell again of fields of that name."""
        reads = self.route.verb == "read" or self.route.public
        schema = {
            "type": "object",
            "properties": {name: _once(name, argument, told) for name, argument in self.arguments.items()},
            "required": self.needed,
            "additionalProperties": False,
        }
        return {
            "name": self.name,
            "description": self.about,
            "inputSchema": {name: each for name, each in schema.items() if each not in ({}, [])},
            # all four: clients assume the worst of a missing one
            "annotations": {
                "readOnlyHint": reads,
                "destructiveHint": self.route.asks_first,
                "idempotentHint": reads or self.route.methods[0] != "POST",
                "openWorldHint": False,
            },
        }


class TypedTools:
    """The tools of /mcp/typed, made of the routes that have one."""

    instructions = INSTRUCTIONS

    def __init__(self, kinds: Kinds, routes: Iterable[Route]) -> None:
        self._kinds = kinds
        by_tool: dict[str, list[Route]] = {}
        for route in routes:
            if route.tool:
                by_tool.setdefault(route.tool, []).append(route)
        self._tools = {name: _tool(kinds, name, found) for name, found in by_tool.items()}
        told: set[tuple[str, str]] = set()
        self._listed = [tool.listed(told) for tool in self._tools.values()]

    @property
    def names(self) -> Iterable[str]:
        return self._tools

    def listed(self) -> list[dict[str, Any]]:
        """Return the tools as tools/list shows them."""
        return self._listed

    def request_of(self, call: ToolCall) -> Request:
        """Return the request that a call of a known tool stands for; raises `invalid_value` for wrong arguments."""
        tool = self._tools[call.name]
        sent = arguments.sent(tool.name, call.arguments, tool.arguments, tool.needed)
        sender = tool.senders[self._records(tool, sent)]
        return _request(tool, sender, sent, self._kinds)

    def said(self, method: str, path: str) -> str | None:
        """Return which tool sends a request to the path of a route, in a sentence; None where there is none."""
        for tool in self._tools.values():
            for records, sender in tool.senders.items():
                if (sender.method, sender.path) == (method, path):
                    return f"`{tool.name}`{f' records={records}' if RECORDS in tool.arguments else ''}"
        return None

    def confirmed(self, call: ToolCall, token: str) -> ToolCall | None:
        """Return the call again with this confirm token, None if its tool takes none."""
        tool = self._tools[call.name]
        if CONFIRM not in tool.arguments:
            return None
        sent = arguments.sent(tool.name, call.arguments, tool.arguments, tool.needed)
        confirm = {CONFIRM: msgspec.Raw(msgspec.json.encode(token))}
        return ToolCall(call.name, msgspec.Raw(msgspec.json.encode(sent | confirm)))

    def _records(self, tool: Tool, sent: arguments.Sent) -> str:
        if RECORDS not in tool.arguments:
            return tool.name
        word = arguments.text(sent[RECORDS]) or ""
        kind = self._kinds.by_word.get(word.strip().lower())  # in the singular too
        plural = kind.plural if kind else word
        if plural not in tool.senders:
            known = list(tool.senders)
            wrong = {RECORDS: f"is one of {', '.join(known)}{nearest(word[:40], known)}"}
            arguments.refuse(tool.name, tool.arguments, wrong)
        return plural


def _once(name: str, argument: Argument, told: set[tuple[str, str]]) -> dict[str, Any]:
    """Return the schema of an argument; fields that kinds have in common are described by the first tool alone."""
    schema = argument.schema
    says = (name, schema.get("description", ""))
    if argument.place is not Place.FIELD or says not in told:
        told.add(says)
        return schema
    return {each: content for each, content in schema.items() if each != "description"}


def _tool(kinds: Kinds, name: str, routes: Sequence[Route]) -> Tool:
    senders = {}
    for route in routes:
        method, path = route.listed_methods[0], route.paths[0]
        plural = path.split("/")[1]
        if len(route.listed_methods) > 1 or plural in senders:
            raise BadRoute(f"{method} {path}: the tool {name} sends one method to one path of a kind")
        senders[plural] = Sender(method, path, arguments_of(kinds, route, method, path))
    first, *others = senders.values()
    if not others:
        return Tool(name, routes[0].summary, routes[0], {name: first}, first.arguments)
    kind = kinds.by_word[next(iter(senders))]
    about = routes[0].summary.replace(kind.plural, RECORDS).replace(kind.name, "record")
    return Tool(name, about, routes[0], senders, with_records(first.arguments, senders))


def _request(tool: Tool, sender: Sender, sent: arguments.Sent, kinds: Kinds) -> Request:
    target, body, key = sender.path, b"", None
    pairs, fields, wrong = list[tuple[str, str]](), dict[str, msgspec.Raw](), dict[str, str]()
    for name, raw in sent.items():
        place, is_null = tool.arguments[name].place, raw == b"null"
        try:
            match place:
                case Place.PATH:
                    target = target.replace(f"{{{name}}}", _segment(raw, kinds))
                case Place.FIELD:
                    fields[name] = raw
                case Place.BODY:
                    body = bytes(raw)
                case Place.ITEMS:
                    body = b'{"items":%b}' % bytes(raw)
                case Place.QUERY if not is_null:
                    pairs.append((name, _parameter(raw)))
                case Place.FILTER if not is_null:
                    pairs += _filters(raw)
                case Place.KEY if not is_null:
                    key = _text(raw)
        except ValueError as error:
            wrong[name] = str(error)
    arguments.refuse(tool.name, tool.arguments, wrong)
    if fields:
        body = msgspec.json.encode(fields)
    query = urlencode(pairs, quote_via=quote)
    return Request(sender.method, arguments.checked(f"{target}?{query}" if query else target), body, key)


def _text(raw: msgspec.Raw) -> str:
    text = arguments.text(raw)
    if text is None:
        raise ValueError("must be text")
    return text


def _segment(raw: msgspec.Raw, kinds: Kinds) -> str:
    """Return an id as a segment of a path. A handle like contact/c_… is an id too; raises ValueError."""
    text = _text(raw).strip()
    word, _, rest = text.partition("/")
    text = rest if word in kinds.by_word else text
    if not text or "/" in text or text in (".", ".."):
        raise ValueError("must be an id, like c_k7m2q9xa, or what stands for it, like jane@acme.com")
    return quote(text, safe="")


def _parameter(raw: msgspec.Raw) -> str:
    """Return an argument as the text of a parameter; those of a list with commas between them. Raises ValueError."""
    sent = msgspec.json.decode(raw)
    return ",".join(map(_plain, sent)) if isinstance(sent, list) else _plain(sent)


def _filters(raw: msgspec.Raw) -> list[tuple[str, str]]:
    """Return the parameters of a filter, several of one field where its value is a list; raises ValueError.

    A value that is null stands for an empty field.
    """
    sent = msgspec.json.decode(raw)
    if not isinstance(sent, dict):
        raise ValueError('must be an object, like {"stage":"in:lead,won"}')
    return [
        (name, "is:null" if each is None else _plain(each))
        for name, value in sent.items()
        for each in (value if isinstance(value, list) else [value])
    ]


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float | None):
        return msgspec.json.encode(value).decode()
    raise ValueError("must be text, a number, true or false, or a list of them")
