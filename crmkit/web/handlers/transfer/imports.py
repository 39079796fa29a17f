"""The routes of imports."""

from collections.abc import Iterator
from typing import Any

from crmkit.core.transfer.imports import verbs
from crmkit.core.transfer.imports.options import COLUMN, MAP, NAMES
from crmkit.core.transfer.imports.verbs import Standing
from crmkit.errors import code_and_hint
from crmkit.model.query.listing import MixedListing, Paging
from crmkit.model.query.parse import TIMEZONE
from crmkit.render.answers import Answer, page
from crmkit.render.formats import FORMATS, LISTS
from crmkit.render.imports import REPORT, report, standing
from crmkit.render.tail import Tail
from crmkit.storage.interface.connection import Connection
from crmkit.storage.transfer.imports import DONE, PLANNED, RUNNING, Import
from crmkit.web.call import HttpCall, check_gentle, flag, header_of
from crmkit.web.reply import Response
from crmkit.web.route import FREE, Prefix, Route, Shows, read, route
from crmkit.web.writes import KEY_HEADER

START = "start"


def _shows(status: int) -> Shows:
    return lambda call, found: _told(found, status)


async def _admits(call: HttpCall) -> None:
    if not header_of(call.scope, KEY_HEADER):  # under a key it may be a replay, which is answered
        await verbs.admit(call)


@route(
    "POST",
    "/import",
    name="plan_import",
    summary="plan an import of the file in the body (start=1: run it at once)",
    area="imports",
    verb="write",
    consent=FREE,
    query=(*NAMES, START, TIMEZONE),
    prefixes=(Prefix(MAP, COLUMN),),
    status=201,
    uploads=True,
    admits=_admits,
    shows=_shows(201),
)
async def plan(call: HttpCall) -> Standing:
    asked = {name: text for name, text in call.parameters().items() if name != "format"}
    sent = {**call.upload.fields, **asked}
    starts = flag(START, sent.pop(START, "0"))
    if starts:
        check_gentle(call.scope["state"])
    return await verbs.plan(call, call.upload, sent, starts)


@read("/imports", name="list_imports", tool="", summary="the newest imports", area="imports", formats=LISTS)
async def find_all(call: HttpCall) -> Answer:
    found = await verbs.newest(call)
    rows = tuple((each.handle, {"id": each.id, **_line(each), **_beside(each)}) for each in found)
    return page(MixedListing("imports", rows, Paging.whole(len(rows))))


@read(
    "/imports/{id}",
    name="get_import",
    tool="",
    summary="how an import stands, and the rows that it refused (format=csv: to mend and send again)",
    area="imports",
    formats=(*FORMATS, REPORT),
    is_linked=True,
    looks=True,
)
async def fetch(call: HttpCall, id: str) -> Answer | Response:
    found = await verbs.find(call, id)
    if call.format.name != REPORT.name:
        return _told(found, 200)

    def work(connection: Connection) -> Iterator[bytes]:
        refused = verbs.report(connection, found.found)
        rows = ((row.number, row.told, row.cells) for row in refused.rows)
        yield from report(refused.titles, rows, refused.exact, found.found.has_marks)

    return await call.spooled(work, content_type=REPORT.content_type)


@route(
    "PATCH",
    "/imports/{id}",
    name="change_import",
    tool="",
    summary=f'plan it anew: {{"{MAP}{COLUMN}":"field","mode":"update"}}',
    area="imports",
    verb="write",
    consent=FREE,
    shows=_shows(200),
)
async def change(call: HttpCall, id: str) -> Standing:
    return await verbs.change(call, id, await call.body())


@route(
    "POST",
    "/imports/{id}/start",
    name="start_import",
    tool="",
    summary="run it, in the background",
    area="imports",
    verb="write",
    consent=FREE,
    status=202,
    shows=_shows(202),
    asks_first=True,
)
async def start(call: HttpCall, id: str) -> Standing:
    return await verbs.start(call, id)


@route(
    "DELETE",
    "/imports/{id}",
    name="stop_import",
    tool="",
    summary="stop it; what it wrote stays",
    area="imports",
    verb="delete",
    consent=FREE,
    shows=_shows(200),
)
async def stop(call: HttpCall, id: str) -> Standing:
    return await verbs.stop(call, id)


ROUTES: tuple[Route, ...] = (plan, find_all, fetch, change, start, stop)


def _told(standing_: Standing, status: int) -> Answer:
    """Return how an import stands, with what to do next."""
    found = standing_.found
    columns = [{"column": each.column, "title": each.title, "field": each.field} for each in found.columns]
    rows = [(row.number, row.code, row.fields, row.hint) for row in standing_.rows]
    next_ = _next(found)
    facts = {
        "id": found.id,
        "handle": found.handle,
        **_line(found),
        "done": found.done,
        "operation": found.operation or None,
    }
    if found.error:
        facts |= _error(found)
    more = found.refused - len(rows)
    notes = [*found.notes, *([f"{more:,} more refused rows: GET /imports/{found.id}?format=csv"] if more > 0 else [])]
    tail = Tail(notes=notes, operation=found.operation if found.has_ended else "", can_undo=found.has_ended, call=next_)
    line = _line(found) | ({} if found.is_planned else {"done": found.done}) | _error(found)
    return standing(found.handle, line, columns, rows, facts, tail, status)


def _line(found: Import) -> dict[str, Any]:
    names = ("state", "rows", "creates", "updates", "refused")
    return {name: getattr(found, name) for name in names}


def _beside(found: Import) -> dict[str, Any]:
    """Return what a list tells of an import beside its line."""
    named = {"kind": found.options.kind, "mode": found.options.mode, "name": found.name or None}
    told = {"done": found.done, **named, "created_at": found.created_at, "by": found.by, **_error(found)}
    return {**told, "operation": found.operation or None}


def _error(found: Import) -> dict[str, str]:
    code, hint = code_and_hint(found.error)
    return {"error": code, "hint": hint} if code else {}


def _next(found: Import) -> str:
    """Return the next call."""
    if found.state == PLANNED:
        return f"POST /imports/{found.id}/start"
    if found.state == RUNNING:
        return f"GET /imports/{found.id}"
    return f"GET /imports/{found.id}?format=csv" if found.state == DONE and found.refused else ""
