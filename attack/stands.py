"""People with one of everything in a workspace, and every place for an id that /openapi.json describes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from attack.client import Answer, Client
from attack.program import Program
from crmkit.boot import KINDS

PLACEHOLDER = re.compile(r"\{\w+\}")
METHODS = ("get", "post", "patch", "put", "delete")


def _plural(word: str) -> str:
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"


# what an id names, by the word before it in a path, and by the name of a parameter or field
WORDS = {_plural(word): prefix for prefix, word in KINDS.prefixes.items()} | {"members": "u"}
NAMES = {word: prefix for prefix, word in KINDS.prefixes.items()} | {"target": "c"}


@dataclass(frozen=True)
class Place:
    """One id in one request: `{}` is it, `{ws}` and the like are the caller's own. `where` is path, query or body."""

    method: str
    path: str
    prefix: str
    body: Any
    where: str

    def filled(self, id: str, own: dict[str, str]) -> tuple[str, str, Any]:
        """Return the request with this id there, as method, path and body."""
        path = self.path.replace("{}", id)
        for prefix, mine in own.items():
            path = path.replace(f"{{{prefix}}}", mine)
        body = {name: id if value == "{}" else value for name, value in self.body.items()} if self.body else self.body
        return self.method, path, body


@dataclass
class Stand:
    """Someone with a whole workspace, and an id of each kind in it."""

    client: Client
    workspace: str
    ids: dict[str, str] = field(default_factory=dict)


async def furnished(served: Program, client: Client, word: str) -> Stand:
    """Return the client's workspace, filled with one of everything; `word` is in all its texts."""
    workspace = (await client.get("/whoami")).json()["workspace"]
    stand = Stand(client, workspace, {"ws": workspace})
    team = f"/workspaces/{workspace}"

    async def new(path: str, **body: Any) -> str:
        made = (await client.ask("POST", path, body)).json()
        return str(made.get("id") or made)

    held = stand.ids
    held["co"] = await new("/companies", name=f"{word} Corp", domain=f"{word}.example.com")
    held["c"] = await new("/contacts", name=f"{word} Jane", email=f"jane@{word}.example.com", notes=word)
    held["d"] = await new("/deals", title=f"{word} deal", contact_id=held["c"], notes=word)
    held["a"] = await new(f"/contacts/{held['c']}/activities", body=f"{word} call")
    held["inv"] = await new(f"{team}/invites", email=f"guest@{word}.example.com")
    email = f"member@{word}.example.com"
    await new(f"{team}/invites", email=email)
    async with await served.sign_in(email):
        members = (await client.get(f"{team}/members")).json()["members"]
        held["u"] = next(one["user_id"] for one in members if one["email"] == email)
    await new(f"{team}/tokens", token_name=f"{word} spare")
    tokens = (await client.get("/tokens")).json()["items"]
    held["tok"] = next(one["id"] for one in tokens if one["name"] == f"{word} spare")
    held["au"] = (await client.get("/audit?limit=1")).json()["items"][0]["id"]
    return stand


async def routes(client: Client) -> dict[tuple[str, str], dict[str, Any]]:
    """Return every route that wants a token, by method and path, as /openapi.json describes it."""
    described = (await client.get("/openapi.json")).json()["paths"]
    return {
        (method.upper(), path): told
        for path, methods in described.items()
        for method, told in methods.items()
        if method in METHODS and told.get("security") != []
    }


def places(known: dict[tuple[str, str], dict[str, Any]]) -> Iterator[Place]:
    """Yield every place for an id in these routes. Raises KeyError for one whose meaning is not known."""
    for (method, path), told in known.items():
        schema = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        body = sample(schema) if method in ("POST", "PATCH", "PUT") else None
        for found in PLACEHOLDER.finditer(path):
            aimed = _named(path[: found.start()]) + "{}" + _named(path)[len(_named(path[: found.end()])) :]
            yield Place(method, aimed, _meaning(path, found.start()), body, "path")
        for name in schema.get("properties", {}):
            if body is not None and name.endswith("_id") and name.removesuffix("_id") in NAMES:
                yield Place(method, _named(path), NAMES[name.removesuffix("_id")], {**body, name: "{}"}, "body")
        for parameter in told.get("parameters", ()):
            name = parameter["name"]
            if parameter["in"] == "query" and name.removesuffix("_id") in NAMES:
                yield Place(method, f"{_named(path)}?{name}={{}}", NAMES[name.removesuffix("_id")], body, "query")


def sample(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a body with every field that a schema requires."""
    fields = schema.get("properties", {})
    names = schema.get("required") or [name for name in ("name", "title") if name in fields]
    return {name: _value(name, fields.get(name, {})) for name in names}


def _value(name: str, described: dict[str, Any]) -> Any:
    if described.get("enum"):
        return described["enum"][-1] or described["enum"][0]
    return "newcomer@example.com" if name == "email" else "Mine"


def _meaning(path: str, at: int) -> str:
    return WORDS[path[:at].rstrip("/").rpartition("/")[2]]


def _named(path: str) -> str:
    """Return a path with the prefix of what it names in every placeholder."""
    return PLACEHOLDER.sub(lambda found: f"{{{_meaning(path, found.start())}}}", path)


async def over_mcp(client: Client, method: str, path: str, body: Any) -> Answer:
    """Return the answer to a request that is sent as a call of a tool: its text."""
    arguments = {"method": method, "path": path} | ({} if body is None else {"body": body})
    call = {"name": "request", "arguments": arguments}
    rpc = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    answer = await client.ask("POST", "/mcp", rpc, "application/json, text/event-stream")
    told = answer.json()
    return Answer(answer.status, {}, told["result"]["content"][0]["text"].encode() if "result" in told else answer.body)


def blotted(answer: Answer, *blots: str) -> tuple[int, str]:
    """Return the status and the text of an answer, without these ids and what tells requests apart."""
    text = answer.text
    for blot in (answer.headers.get("x-request-id", ""), *blots):
        text = text.replace(blot, "...") if blot else text
    return answer.status, text


async def shown(client: Client, known: dict[tuple[str, str], dict[str, Any]], own: dict[str, str]) -> dict[str, str]:
    """Return all that a client may read, by path: what must not change when others try to change it."""
    found = {}
    for method, path in known:
        if method == "GET" and path != "/audit":
            filled = _named(path)
            for prefix, id in own.items():
                filled = filled.replace(f"{{{prefix}}}", id)
            text = (await client.get(filled, accept="text/plain")).text
            found[filled] = re.sub(r"last_used_at=\S+", "", text)
    return found
