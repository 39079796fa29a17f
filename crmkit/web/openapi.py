"""OpenAPI 3.1, read from the route table and the kinds' declarations."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from crmkit import __version__
from crmkit.core.crm import Crm
from crmkit.core.records import nested
from crmkit.core.transfer.exports.verbs import OF_PAGES
from crmkit.errors import CATALOGUE, a
from crmkit.model.form import Field, Form
from crmkit.model.query import count
from crmkit.model.query.parse import DEFAULT_LIMIT, MAX_LIMIT, MAX_TOKENS, RESERVED
from crmkit.model.record import Kind, Kinds
from crmkit.render.batch import OUTCOMES
from crmkit.render.formats import FORMATS, Format
from crmkit.web.call import FLAGS
from crmkit.web.query.reading import DRY_RUN, common
from crmkit.web.route import ANY, Route
from crmkit.web.upload.form import FILE, FORM
from crmkit.web.writes import KEY, MAX_KEY


def document(crm: Crm, routes: Iterable[Route]) -> dict[str, Any]:
    """Return the OpenAPI document of the routes that have a summary."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        for path in route.paths if route.summary else ():
            for method in route.listed_methods:
                paths.setdefault(path, {})[method.lower()] = _operation(crm, route, method, path)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "crmkit",
            "version": __version__,
            "description": "A headless, plain-text CRM. Answers are text unless JSON is asked for; GET /help explains.",
        },
        "servers": [{"url": crm.settings.base_url}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                **{kind.name: record_schema(kind) for kind in crm.kinds.all},
                "write": _write_schema(),
                "error": _error_schema(),
            },
            "responses": {"proposed": _proposed()},
        },
        "security": [{"token": []}],
    }


def record_schema(kind: Kind) -> dict[str, Any]:
    """Return the JSON Schema of a record, of which `fields=` may choose some members."""
    properties: dict[str, Any] = {"handle": {"type": "string"}}
    for field in kind.fields:
        schema = {**field.type.schema(), "description": _told(field)}
        if not field.writable:
            schema["readOnly"] = True
        if field.nullable:
            schema = _nullable(schema)
        properties[field.name] = schema
    return {"type": "object", "description": kind.help, "properties": properties, "required": ["handle", "id"]}


def _told(field: Field) -> str:
    return f"{field.help}; {field.type.says}"


def body_schema(form: Form, whole: bool, is_edit: bool = False, says: Callable[[Field], str] = _told) -> dict[str, Any]:
    """Return the JSON Schema of a body. A `whole` one must have every required field; no required field may be null.

    That of a PATCH `is_edit`. `says` describes a field, unless with an empty text.
    """
    properties: dict[str, Any] = {}
    for name, field in (form.edited if is_edit else form.taken).items():
        schema = field.type.edit_schema() if is_edit else field.type.schema()
        if told := says(field):
            schema = {**schema, "description": told}
        properties[name] = schema if field.needs_value else _nullable(schema)
    required = [name for name, field in form.writable.items() if field.needs_value] if whole else []
    needed = {"required": required} if required else {}
    return {"type": "object", "properties": properties, **needed, "additionalProperties": False}


def _operation(crm: Crm, route: Route, method: str, path: str) -> dict[str, Any]:
    kinds, kind = crm.kinds, route.kind
    parameters: list[dict[str, Any]] = [_parameter(name, "path") for name in re.findall(r"{(\w+)}", path)]
    parameters += _query(route, method, path)
    if route.writes:
        says = "another text for each write, like a UUID: the same one again gives the first answer again, for 24 hours"
        key = {"type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": "^[!-~]+$"}
        parameters.append({**_parameter(KEY, "header"), "description": says, "schema": key})
    found: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "parameters": parameters,
        "responses": _responses(route, method, path, kind),
    }
    schema = sent_schema(kinds, route, method, path)
    if schema is not None:
        if route.is_batch:
            schema = _batch_of(schema, crm.settings.limits.batch_items)
        found["requestBody"] = {
            "content": {"application/json": {"schema": schema}},
            "required": route.is_batch or "required" in schema,  # an empty body is {}
        }
    if route.uploads:
        file = {"type": "string", "format": "binary"}
        parts = {"type": "object", "properties": {FILE: file}, "required": [FILE]}
        content = {"application/octet-stream": {"schema": file}, FORM: {"schema": parts}}
        found["requestBody"] = {"content": content, "required": True}
    if route.public:
        found["security"] = []
    return found


def sent_schema(
    kinds: Kinds, route: Route, method: str, path: str, says: Callable[[Field], str] = _told
) -> dict[str, Any] | None:
    """Return the JSON Schema of the body of a request, or of an item of a batch; None where none is declared."""
    form = route.form
    body = form or (route.kind if method in ("POST", "PATCH") else None)
    if body is None:
        return None
    is_whole = method != "PATCH" and (form is not None or not _merges(route))
    is_edit = form is None and method == "PATCH"
    schema = body_schema(body.changes if method == "PATCH" else body, is_whole, is_edit, says)
    if body in (*kinds.records, kinds.activity) and method == "POST":
        schema["properties"] |= _nested(kinds, body, path)
    if is_edit and not is_by_filter(method, path):
        schema["properties"]["version"] = {
            "type": ["integer", "null"],
            "minimum": 1,
            "description": "the version you read; where the record has another by now, nothing changes",
        }
    return schema


def _nested(kinds: Kinds, kind: Kind, path: str) -> dict[str, Any]:
    """Return the properties of a POST that hold other records than the path names."""
    found: dict[str, Any] = {}
    for place, reference in kinds.places[kind].items():
        if path.startswith(f"{reference.to.path}/{{"):
            continue
        says = f"{a(reference.to.name)} to create or merge, in place of {reference.link}"
        found[place] = {**body_schema(reference.to, whole=False), "description": says}
    if kind.is_logged:
        items = body_schema(kinds.activity, whole=True)
        most = {"maxItems": nested.MAX_ACTIVITIES, "description": "activities to log on it"}
        found[kinds.activity.plural] = {"type": "array", "items": items, **most}
    return found


def _batch_of(body: dict[str, Any], most: int) -> dict[str, Any]:
    """Return the schema of the body of a batch, whose items have the schema `body`."""
    items = {"type": "array", "items": body, "minItems": 1, "maxItems": most}
    whole = {"type": "object", "properties": {"items": items}, "required": ["items"], "additionalProperties": False}
    return {"description": "or JSON lines, an item in each; or one item alone", "anyOf": [whole, items]}


def query_schemas(route: Route, method: str, path: str) -> dict[str, Any]:
    """Return the JSON Schema of each parameter that a query takes, but for `format`."""
    names: Iterable[str] = route.parameters
    if names == ANY and route.kind:
        reserved: tuple[str, ...] = RESERVED if method == "GET" else ("search", "confirm")
        if _is_count(path):
            reserved = count.PARAMETERS
        left_out = ("format", *(OF_PAGES if route.streams else ()), *(() if route.kind.is_searched else ("search",)))
        names = [name for name in (*reserved, *route.kind.filters) if name not in left_out]
    elif names == ANY:
        names = [name for name in RESERVED if name != "format"]  # and whatever the list takes
    names = dict.fromkeys((*names, *common(route)))
    most, unsent = (count.MAX_LIMIT, count.DEFAULT_LIMIT) if _is_count(path) else (MAX_LIMIT, DEFAULT_LIMIT)
    own: dict[str, Any] = {
        "limit": {"type": "integer", "minimum": 1, "maximum": most, "default": unsent},
        MAX_TOKENS: {"type": "integer", "minimum": 1},
        **{name: {"enum": list(FLAGS)} for name in (DRY_RUN, "atomic", "explain", "keep_made")},
    }
    return {name: own.get(name, {"type": "string"}) for name in names}


def _query(route: Route, method: str, path: str) -> list[dict[str, Any]]:
    schemas = {"format": {"enum": [each.name for each in route.formats]}, **query_schemas(route, method, path)}
    return [
        {**_parameter(name, "query"), "schema": schema, "required": name in route.needed}
        for name, schema in schemas.items()
    ]


def _parameter(name: str, where: str) -> dict[str, Any]:
    return {"name": name, "in": where, "required": where == "path", "schema": {"type": "string"}}


def _responses(route: Route, method: str, path: str, kind: Kind | None) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object"}
    finds = is_by_filter(method, path)
    if kind is not None and route.form is None and method != "DELETE" and not finds:
        is_many = method == "GET" and not path.endswith("{id}")
        schema = (
            (_whole() if route.streams else _many(_is_count(path)))
            if is_many
            else {"$ref": f"#/components/schemas/{kind.name}"}
        )
    if route.writes:
        written = {"$ref": "#/components/schemas/write"}
        # a dry run has no id to show of a record that is new
        schema = {"allOf": [{"anyOf": [schema, {"required": ["dry_run"]}]}, written]} if "$ref" in schema else written
        if route.is_batch:
            schema = {"allOf": [_outcomes(), written]}
    good: dict[str, Any] = {"description": "done", "content": _content(route.formats, schema)}
    error = {"$ref": "#/components/schemas/error"}
    bad = {"description": "an error, see the manual", "content": _content(FORMATS, error)}
    statuses = {*map(str, (route.status, *route.statuses)), *(("200",) if method == "POST" and _merges(route) else ())}
    if route.is_batch:
        statuses |= {"200", "207"}
    if kind is not None and finds:
        statuses.add("202")
    told = (
        {}
        if not route.writes
        else {
            "409": {**bad, "description": "it conflicts with what is there, wants a confirm token, or is in_progress"},
            "422": {**bad, "description": f"another request was sent with this {KEY}"},
        }
    )
    if route.may_be_proposed and "202" not in statuses:
        told = {"202": {"$ref": "#/components/responses/proposed"}, **told}
    return {**dict.fromkeys(sorted(statuses), good), **told, "4XX": bad, "5XX": bad}


def _proposed() -> dict[str, Any]:
    """Return the response to a write by a token that only proposes."""
    names = ("handle", "id", "state", "method", "path", "by")
    properties = {name: {"type": "string"} for name in names} | {"changes": {"type": "array"}}
    schema = {"type": "object", "properties": properties, "required": [*names, "changes"]}
    return {"description": "it waits as a proposal", "content": _content(FORMATS, schema)}


def _content(formats: Iterable[Format], schema: dict[str, Any]) -> dict[str, Any]:
    """Return the media types of a body, each with `schema` where it describes the body."""
    return {each.media: {"schema": schema if each.has_schema else {"type": "string"}} for each in formats}


def _merges(route: Route) -> bool:
    """Tell whether a POST of this route may merge into what exists."""
    return route.kind is not None and (bool(route.kind.merges_by) or route.form is not None)


def is_by_filter(method: str, path: str) -> bool:
    """Tell whether this changes or deletes all records of a list that filters find."""
    return method in ("PATCH", "DELETE") and "{" not in path


def _is_count(path: str) -> bool:
    return path.endswith("/count")


def _many(is_count: bool) -> dict[str, Any]:
    """Return the schema of a page of records, or of the groups of a count."""
    number = {"type": "object", "properties": {"count": {"type": "integer", "minimum": 0}}, "required": ["count"]}
    return {
        "type": "object",
        "properties": {
            "items": {"type": "array", "items": number if is_count else {"type": "object"}},
            "total": {"type": ["integer", "null"]},
            "total_at_least": {"type": "integer"},
            "next_cursor": {"type": ["string", "null"]},
            "notes": {"type": "array", "items": {"type": "string"}},
            "now": {"type": "string", "format": "date-time"},
            "timezone": {"type": "string"},
        },
        "required": ["items", "total", "next_cursor"],
    }


def _whole() -> dict[str, Any]:
    """Return the schema of an export."""
    return {
        "type": "object",
        "properties": {"items": {"type": "array", "items": {"type": "object"}}},
        "required": ["items"],
    }


def _outcomes() -> dict[str, Any]:
    """Return the schema of the answer to a batch."""
    text, counted = {"type": "string"}, {"type": "integer", "minimum": 0}
    item = {
        "type": "object",
        "properties": {
            "index": counted,
            "outcome": {"enum": list(OUTCOMES)},
            "id": _nullable(text),
            "handle": _nullable(text),
            "remarks": {"type": "array", "items": text},
            "error": {"enum": list(CATALOGUE)},
            "hint": text,
            "fields": {"type": "object", "additionalProperties": text},
        },
        "required": ["index", "outcome"],
    }
    properties = {"items": {"type": "array", "items": item}, **dict.fromkeys(OUTCOMES, counted)}
    return {"type": "object", "properties": properties, "required": list(properties)}


def _write_schema() -> dict[str, Any]:
    """Return the JSON Schema of what answers to writes have beside the value."""
    return {
        "type": "object",
        "properties": {
            "operation": {
                "type": ["string", "null"],
                "description": "the id of what was logged; absent or null where nothing was",
            },
            "dry_run": {"const": True, "description": "nothing was written; ids of what would be new are null"},
        },
    }


def _error_schema() -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "error": {"enum": list(CATALOGUE)},
            "hint": {"type": "string"},
            "fields": {"type": "object", "additionalProperties": {"type": "string"}},
            "request_id": {"type": "string"},
            "dry_run": {"const": True},
        },
        "required": ["error", "hint", "request_id"],
    }


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    if "enum" in schema:
        schema = {**schema, "enum": [*schema["enum"], None]}
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    return {**schema, "type": [schema["type"], "null"]} if isinstance(schema.get("type"), str) else schema
