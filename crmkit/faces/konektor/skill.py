"""SKILL.md: the document by which agents learn this API, made of its routes, forms and words."""

from collections.abc import Iterable, Mapping, Sequence

from crmkit.errors import Problem
from crmkit.faces.konektor import words
from crmkit.faces.konektor.answering import data, told
from crmkit.faces.konektor.examples import CODE, EXAMPLES, ID
from crmkit.faces.konektor.lead import LEAD
from crmkit.faces.konektor.words import PREFIX, SCOPES
from crmkit.model.form import Field
from crmkit.render.answers import Answer, Failure
from crmkit.render.encoding import encoded
from crmkit.web.call import HttpCall
from crmkit.web.reply import Response
from crmkit.web.route import Route, read

PARAMETERS: Mapping[str, str] = {
    "page": "Page number (min: 1); times limit at most 100,000, beyond that use cursor",
    "limit": "Items per page (1–100, default: 50)",
    "cursor": "The nextCursor of the page before",
    "status": f"Filter by status: {', '.join(words.STATUSES)}",
    "priority": f"Filter by priority: {', '.join(words.PRIORITIES)}",
    "source": f"Filter by source: {', '.join(words.SOURCES)}",
    "adPlatform": f"Filter by ad platform: {', '.join(words.PLATFORMS)}",
    "assignedTo": "Filter by assigned team member (UUID)",
    "createdFrom": "Leads created at this time (ISO 8601) or later",
    "createdTo": "Leads created at this time (ISO 8601) or earlier",
    "search": "Search by name, email, phone, uniqueCode, or externalRef (max 200 chars)",
    "sortBy": "createdAt (default) or updatedAt",
    "sortOrder": "asc or desc (default)",
    "timeframe": f"{', '.join(words.TIMEFRAMES)} (default: last_30_days)",
    "from": "Custom start (ISO 8601); overrides timeframe",
    "to": "Custom end (ISO 8601); overrides timeframe",
    "platform": f"Filter by ad platform: {', '.join(words.PLATFORMS)}",
}
MORE: Mapping[str, Sequence[tuple[str, str]]] = {  # of a body, beside the fields of its form
    "konektor_upsert_lead": (("id", "Lead ID, by which it is found first; then by uniqueCode, phone, externalRef"),),
}
_IN_PATH = f"Lead ID, or `code:` and the uniqueCode of the lead, like `code:{CODE}`"


@read(f"{PREFIX}/SKILL.md", name="konektor_skill", public=True, tool="")
async def skill(call: HttpCall) -> Response:
    routes = [route for route in call.app.state["routes"] if route.paths[0].startswith(f"{PREFIX}/")]
    text = document(routes, call.crm.settings.base_url)
    return Response.of(text.encode(), "text/markdown; charset=utf-8")


def document(routes: Iterable[Route], base_url: str) -> str:
    """Return the document about these routes."""
    parts = [
        "---\nname: konektor\ndescription: Leads, analytics and conversions of a workspace over HTTP.\n"
        f"metadata:\n  base_url: {base_url}\n  required_secrets: KONEKTOR_API_KEY\n---",
        "# Konektor Agent API",
        f"Base URL: {base_url}",
        "Every endpoint but this document takes `Authorization: Bearer <api_key>`. A key is a token of this server "
        f"({base_url}/help?topic=auth) with the scopes that are named.",
        _table("Scope", "Scopes of the token", ((scope, ", ".join(ours)) for scope, ours in SCOPES.items())),
        "## Endpoints",
        *(_of_route(route, base_url) for route in routes),
        "## Answers",
        "A list of leads has pagination beside data. A refusal has a code, a message for people, and details: null, or "
        "what is wrong with each field. That of a lead without firstName:",
        _json(_refusal()),
        _table(
            "Code", "Status and meaning", ((code, f"{status} {says}") for code, (status, says) in words.CODES.items())
        ),
        "Every answer but this document has `X-Request-Id`; one to a known key `X-RateLimit-Limit`, "
        "`X-RateLimit-Remaining` and `X-RateLimit-Reset` (Unix seconds) where a limit is on; 429 has `Retry-After`.",
        "## Values",
        _table("Of", "Words", _values()),
    ]
    return "\n\n".join(parts) + "\n"


def _of_route(route: Route, base_url: str) -> str:
    title = route.name.removeprefix("konektor_").replace("_", " ").capitalize()
    path, method = route.paths[0].replace("{id}", ":id"), route.listed_methods[0]
    facts = [("Method", method), ("Path", path), ("Scope", _scope(route) or "none (public)")]
    parts = [f"### {title}", _table("", "", facts)]
    if "{id}" in route.paths[0]:
        parts.append(_table("Path parameter", "Description", [("id", _IN_PATH)]))
    if route.query:
        parts.append(_table("Query parameter", "Description", ((name, PARAMETERS[name]) for name in route.query)))
    if route.form:
        rows = [(each.name, _field(each, route)) for each in route.form.fields]
        parts.append(_table("Body field (JSON)", "Description", (*MORE.get(route.name, ()), *rows)))
    return "\n\n".join([*parts, *_example(route, base_url)])


def _example(route: Route, base_url: str) -> Iterable[str]:
    """Yield a command that sends a request to a route, and its answer."""
    example, method, path = EXAMPLES.get(route.name), route.listed_methods[0], route.paths[0].replace("{id}", ID)
    if example is None:
        yield f"```sh\ncurl '{base_url}{path}'\n```"
        return
    options = [f"-X {method}"] if route.writes else []
    options.append('-H "Authorization: Bearer $KONEKTOR_API_KEY"')
    if example.body:
        options.append(f"-H 'Content-Type: application/json' -d '{encoded(example.body).decode()}'")
    yield f"```sh\ncurl {' '.join(options)} '{base_url}{path}{example.query}'\n```"
    yield _json(data(example.data, example.beside))


def _json(answer: Answer) -> str:
    return f"```json\n{encoded(answer.data()).decode()}\n```"


def _refusal() -> Answer:
    """Return the answer to a lead in which a field is missing."""
    try:
        LEAD.check_required({})
    except Problem as problem:
        return told(Failure(problem, ""))
    raise TypeError("a lead needs a field")


def _field(field: Field, route: Route) -> str:
    """Return what a field of a body is; an upsert needs of those that a create needs only what is not there."""
    needed = " Required." if field.required and route.listed_methods[0] == "POST" else ""
    if needed and route.name in MORE:
        needed = " Required where it creates a lead."
    return f"{field.help}: {field.type.says}.{needed}"


def _scope(route: Route) -> str:
    return next((theirs for theirs, ours in SCOPES.items() if ours == route.needs), "")


def _values() -> Iterable[tuple[str, str]]:
    yield "Lead statuses", ", ".join(words.STATUSES)
    yield "Lead priorities", ", ".join(words.PRIORITIES)
    yield "Lead sources", ", ".join(words.SOURCES)
    yield "Ad platforms", ", ".join(words.PLATFORMS)
    yield "Timeframes", ", ".join(words.TIMEFRAMES)
    yield "Ticket priorities", ", ".join(words.TICKET_PRIORITIES)
    yield "Ticket statuses", ", ".join(words.TICKET_STATUSES.values())


def _table(left: str, right: str, rows: Iterable[tuple[str, str]]) -> str:
    return "\n".join([f"| {left} | {right} |", "| --- | --- |", *(f"| {one} | {other} |" for one, other in rows)])
