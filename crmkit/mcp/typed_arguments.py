"""What a typed tool takes, from the declaration of its route: arguments, each with its place in the request."""

import re
from collections.abc import Iterable
from enum import Enum, auto
from typing import Any

from msgspec import Struct

from crmkit.model.form import Field
from crmkit.model.query.chosen import FIELDS
from crmkit.model.query.parse import TIMEZONE
from crmkit.model.record import Kinds
from crmkit.web import openapi
from crmkit.web.handlers.records.kinds import ERASE
from crmkit.web.query import shape
from crmkit.web.query.reading import DRY_RUN
from crmkit.web.route import ANY, Route

LONGEST = 80  # characters of a description
_WORD = 12  # characters of the form of values that a description tells
RECORDS, FILTER, KEY, CONFIRM = "records", "filter", "key", "confirm"

_TEXT = {"type": "string"}
# parameters of a query that tools do without; those of a list are taken in `filter` nevertheless
_LEFT_OUT = (TIMEZONE, "explain", "count", shape.BOM, shape.RAW, ERASE, "code")
_SAID = {
    FILTER: 'like {"stage":"in:lead,won"}',
    CONFIRM: "from the first answer, if the user agrees",
    "sort": "like -updated_at,name",
}


class Place(Enum):
    """Where an argument goes."""

    RECORDS = auto()  # the first segment of the path
    PATH = auto()
    QUERY = auto()
    FILTER = auto()  # several parameters of the query
    FIELD = auto()  # a member of the body
    BODY = auto()  # the body
    ITEMS = auto()  # the items of the body
    KEY = auto()


class Argument(Struct, frozen=True):
    """One argument of a tool."""

    place: Place
    schema: dict[str, Any]
    is_needed: bool = False


def arguments_of(kinds: Kinds, route: Route, method: str, path: str) -> dict[str, Argument]:
    """Return the arguments of a tool that sends requests to a route, by name."""
    found = {name: Argument(Place.PATH, _TEXT, is_needed=True) for name in re.findall(r"{(\w+)}", path)}
    found |= _of_body(kinds, route, method, path)
    for name, argument in _of_query(route, method, path).items():
        found.setdefault(name, argument)
    if route.writes:
        found.setdefault(KEY, Argument(Place.KEY, _TEXT))
    return found


def with_records(arguments: dict[str, Argument], plurals: Iterable[str]) -> dict[str, Argument]:
    """Return the arguments of a tool that is the same for several kinds."""
    return {RECORDS: Argument(Place.RECORDS, {**_TEXT, "enum": list(plurals)}, is_needed=True), **arguments}


def _of_query(route: Route, method: str, path: str) -> dict[str, Argument]:
    schemas = openapi.query_schemas(route, method, path)
    left_out = () if not route.writes else (FIELDS, DRY_RUN) if route.verb == "delete" else (FIELDS,)
    filters = route.kind.filters if route.kind and (route.query == ANY or route.is_list) else {}
    found = {
        name: Argument(Place.QUERY, _plain(name, schema), name in route.needed)
        for name, schema in schemas.items()
        if name not in (*_LEFT_OUT, *left_out, *filters)
    }
    if filters or route.query == ANY:
        found = {FILTER: Argument(Place.FILTER, {"type": "object", "description": _SAID[FILTER]}), **found}
    return found


def _plain(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a parameter as JSON has it: a flag is true or false."""
    if name in (DRY_RUN, "atomic"):
        return {"type": "boolean"}
    schema = {each: schema[each] for each in ("type", "enum") if each in schema}
    return {**schema, "description": _SAID[name]} if name in _SAID else schema


def _of_body(kinds: Kinds, route: Route, method: str, path: str) -> dict[str, Argument]:
    is_edit = method == "PATCH"
    if is_edit and (route.kind is None or openapi.is_by_filter(method, path)) and route.form is None:
        return {"changes": Argument(Place.BODY, {"type": "object"}, is_needed=True)}
    if route.is_batch:
        items = {"type": "array", "items": {"type": "object"}}
        return {"items": Argument(Place.ITEMS, items, is_needed=True)}
    schema = openapi.sent_schema(kinds, route, method, path, _silent if is_edit else _briefly)
    if schema is None:
        return {}
    needed = schema.get("required", ())
    return {
        name: Argument(Place.FIELD, _short(each, is_edit), name in needed)
        for name, each in schema["properties"].items()
    }


def _short(schema: dict[str, Any], is_edit: bool) -> dict[str, Any]:
    """Return the schema of a field in few words. Null clears a field; in a new record it says nothing."""
    if "anyOf" in schema:  # a list, or what is added to it and taken from it
        schema = {"type": ["array", "object", "null"], "items": schema["anyOf"][0]["items"]}
    told = schema.get("description", "")
    schema = {name: each for name, each in schema.items() if name in ("type", "enum", "items")}
    if "properties" in schema.get("items", ()):  # records in it are described by the tools that create them
        schema["items"] = {"type": "object"}
    if not is_edit and isinstance(schema.get("type"), list):
        schema["type"] = next(each for each in schema["type"] if each != "null")
        if "enum" in schema:
            schema["enum"] = [each for each in schema["enum"] if each is not None]
    return {**schema, "description": told} if told and len(told) <= LONGEST and not is_edit else schema


def _silent(_: Field) -> str:
    """Say nothing of a field of an update, which the tool that creates describes."""
    return ""


def _briefly(field: Field) -> str:
    """Return what a field is for, with the form of its values where a word tells it: email, time, cents."""
    brief = field.type.brief
    is_told = "enum" in field.type.schema() or brief.startswith(("text", "long", "exact", "true", "a "))
    return field.help if is_told or len(brief) > _WORD else f"{field.help}; {brief}"
