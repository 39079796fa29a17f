"""Every place for an id that /openapi.json describes, in a path, in a query and in a body; no server is asked."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from crmkit import ids
from crmkit.boot import KINDS

PLACEHOLDER = re.compile(r"\{(\w+)\}")
METHODS = ("get", "post", "patch", "put", "delete")
WRITES = ("POST", "PATCH", "PUT")  # that have a body
NOWHERE = "https://webhooks.invalid/hook"  # a name that never has an address (RFC 6761, 6.4)
_SHOWN = re.compile(r"\b([a-z]+)_k7m2q9xa\b")  # the id by which a description shows what a field takes

Routes = Mapping[tuple[str, str], dict[str, Any]]  # by method and path, as /openapi.json describes each


class Unknown(Exception):
    """Something of the API whose meaning is not known here; the message names it."""


def _plural(word: str) -> str:
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"


# what an id in a path names, by the word before it
NOUNS = (
    {kind.path.strip("/"): kind.prefix for kind in KINDS.all}
    | {_plural(word): prefix for prefix, word in ids.OTHERS.items()}
    | {"members": "u", "undo": "op"}
)
# what a parameter of a query takes, by its name, with or without _id
NAMES = {word: prefix for prefix, word in KINDS.prefixes.items()} | {"target": "c"}


@dataclass(frozen=True)
class Place:
    """One id in one request: `{}` is it, `{ws}` and the like are the caller's own. `where` is path, query or body."""

    method: str
    path: str
    prefix: str
    body: Any
    where: str

    @property
    def named(self) -> str:
        return f"{self.method} {self.path}"

    def filled(self, id: str, own: Mapping[str, str]) -> tuple[str, str, Any]:
        """Return the request with this id there, as method, path and body."""
        return self.method, filled(self.path.replace("{}", id), own), filled_body(self.body, own, id)


def filled(path: str, own: Mapping[str, str]) -> str:
    """Return a path with the caller's own ids in place of {c} and the like."""
    for prefix, mine in own.items():
        path = path.replace(f"{{{prefix}}}", mine)
    return path


def filled_body(body: Any, own: Mapping[str, str], id: str = "") -> Any:
    """Return a body with `id` in place of {}, and the caller's own ids in place of {c} and the like."""
    known = {"{}": id, **{f"{{{prefix}}}": mine for prefix, mine in own.items()}}
    return body and {name: known.get(str(value), value) for name, value in body.items()}


def routes(document: Mapping[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return every route of this document that wants a token."""
    return {
        (method.upper(), path): told
        for path, methods in document["paths"].items()
        for method, told in methods.items()
        if method in METHODS and told.get("security") != []
    }


def parameters(told: Mapping[str, Any]) -> set[str]:
    """Return the names that the query of a route takes."""
    return {parameter["name"] for parameter in told.get("parameters", ()) if parameter["in"] == "query"}


def places(known: Routes) -> Iterator[Place]:
    """Yield every place for an id in these routes. Raises Unknown for one whose meaning is not known."""
    for (method, path), told in known.items():
        schema = schema_of(told)
        body = sample(schema) if method in WRITES else None
        for found in PLACEHOLDER.finditer(path):
            ahead = named(path[: found.start()])
            aimed = f"{ahead}{{}}{named(path)[len(named(path[: found.end()])) :]}"
            for prefix in meanings(path, found.start()):
                yield Place(method, aimed, prefix, body, "path")
        for name, described in schema.get("properties", {}).items():
            for prefix in taken(described) if method in WRITES else ():
                yield Place(method, named(path), prefix, {**(body or {}), name: "{}"}, "body")
        for name in sorted(parameters(told)):
            for prefix in asked(path, name):
                yield Place(method, f"{named(path)}?{name}={{}}", prefix, body, "query")


def meanings(path: str, at: int) -> tuple[str, ...]:
    """Return the prefixes of the ids that may stand at this place of a path. Raises Unknown."""
    if path.startswith(f"/{KINDS.whole.to.plural}/") and path[:at].endswith("/members/"):
        return tuple(link.to.prefix for link in KINDS.members)
    word = path[:at].rstrip("/").rpartition("/")[2]
    if word not in NOUNS:
        raise Unknown(f"what an id after /{word}/ names, in {path}: add it to NOUNS of attack/places.py")
    return (NOUNS[word],)


def named(path: str) -> str:
    """Return a path with the prefix of what it names in every placeholder. Raises Unknown."""
    return PLACEHOLDER.sub(lambda found: f"{{{meanings(path, found.start())[0]}}}", path)


def asked(path: str, name: str) -> tuple[str, ...]:
    """Return the prefixes of the ids that a parameter of this name takes; none where it takes no id."""
    if name == "id":
        return (NOUNS[path.split("/")[1]],)
    word = name.removesuffix("_id")
    return (NAMES[word],) if word in NAMES else ()


def taken(described: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the prefixes of the ids that a field of a body takes; none where it takes no id."""
    return tuple(_SHOWN.findall(described.get("description", ""))) if "string" in _types(described) else ()


def schema_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of the body that a route takes; an empty one where that is no object."""
    content = told.get("requestBody", {}).get("content", {})
    found: dict[str, Any] = content.get("application/json", {}).get("schema", {})
    return found


def sample(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body with every field that a schema requires, with its first field where it requires none."""
    fields = schema.get("properties", {})
    names = schema.get("required") or list(fields)[:1]
    return {name: _value(name, fields[name]) for name in names}


def _value(name: str, described: Mapping[str, Any]) -> Any:
    """Return what this field takes; `{c}` and the like stand for an id of the caller's own."""
    told, pattern = described.get("description", ""), described.get("pattern", "")
    if described.get("enum"):
        return described["enum"][-1] or described["enum"][0]
    if "array" in _types(described):
        return [sample(described["items"])] if described.get("items", {}).get("type") == "object" else ["mine"]
    if prefixes := taken(described):
        return f"{{{prefixes[0]}}}"
    if "an expression" in told:
        return "1"
    if described.get("format") == "uri":
        return NOWHERE
    if pattern.startswith("^/"):
        return "/contacts?stage=lead"
    if name == "timezone":
        return "UTC"
    return "newcomer@example.com" if name == "email" else "mine"


def _types(described: Mapping[str, Any]) -> list[str]:
    types = described.get("type", [])
    return types if isinstance(types, list) else [types]
