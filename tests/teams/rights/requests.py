"""For every route that takes a token the requests that are done, perhaps in a second step.

They have {c} for the id of one's own contact and {other c} for that of a second one, and so on.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from crmkit.web.route import Route
from tests.house import Person
from tests.kinds import CONTACT, REGISTRY
from tests.teams.office import new
from tests.teams.rights.matrix import bodies, change_of, forms, is_by_filter, own

OTHER = "{other "


def requests(route: Route) -> Iterator[tuple[str, str, Any]]:
    """Yield (method, path, body) of requests to a route, with every body it may be sent."""
    for path in route.paths:
        for method in route.methods:
            for body in _bodies(route, method, path):
                yield method, own(path) + _filters(route, method, path), body


def others(person: Person, body: Any) -> dict[str, str]:
    """Return ids of new records for those that a body has {other c} and the like for, by what stands in the braces."""
    values = [value for value in (body or {}).values() if str(value).startswith(OTHER)]
    kinds = {value.strip("{}"): REGISTRY.by_prefix[value.removeprefix(OTHER).rstrip("}")] for value in values}
    return {name: new(person, f"/{kind.plural}", **{kind.title.name: "spare"}) for name, kind in kinds.items()}


def aimed(path: str, ids: Mapping[str, str]) -> str:
    """Return the path with the ids in it."""
    for name, id in ids.items():
        path = path.replace(f"{{{name}}}", id)
    return path


def _bodies(route: Route, method: str, path: str) -> list[Any]:
    if method not in ("POST", "PATCH", "PUT"):
        return [None]
    if route.kind and is_by_filter(route, method):
        return [change_of(route.kind)]
    found = bodies(forms(route))
    if route.name == "dismiss_duplicate":
        return [body | {"b": _other(body["a"])} for body in found if body["a"] == body["b"]]
    if path.endswith("/merge"):
        return [body | {"from": _other(body["from"])} for body in found]
    if path in ("/activities", "/activities/batch"):
        return [body | {CONTACT.activity_link: f"{{{CONTACT.prefix}}}"} for body in found]
    return found


def _other(own_id: str) -> str:
    return OTHER + own_id.lstrip("{")


def _filters(route: Route, method: str, path: str) -> str:
    """Return the query with which a change or delete of many finds one's own record."""
    if route.kind is None or "{" in path or method not in ("PATCH", "DELETE"):
        return ""
    if route.kind is REGISTRY.activity:
        return f"?{CONTACT.name}={{{CONTACT.prefix}}}"
    return f"?id=in:{{{route.kind.prefix}}}"
