"""The routes of imports."""

import sys
from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import quote, urlencode

from msgspec import structs

from crmkit.core.transfer.imports import verbs
from crmkit.core.transfer.imports.options import COLUMN, MAP, NAMES
from crmkit.core.transfer.imports.verbs import Standing
from crmkit.errors import Problem, code_and_hint
from crmkit.model.query.listing import MixedListing, Paging
from crmkit.model.query.parse import TIMEZONE
from crmkit.render.answers import Answer, Table, page
from crmkit.render.formats import FORMATS, JSON, LISTS
from crmkit.render.imports import REPORT, Refused, pieces, report, standing
from crmkit.render.tail import Tail
from crmkit.storage.interface.connection import Connection
from crmkit.storage.transfer.imports import DONE, PLANNED, RUNNING, Import, Options
from crmkit.storage.transfer.refused import RefusedRow
from crmkit.web.call import HttpCall, check_not_by_write, flag, header_of
from crmkit.web.reply import Response
from crmkit.web.route import FREE, Prefix, Route, Shows, read, route
from crmkit.web.writes import KEY_HEADER

START = "start"
AT_ONCE = 1_000  # refused rows of an answer that is made whole; a longer one is sent as it is read


def _shows(status: int) -> Shows:
    return lambda call, found: _told(found, status, call)


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
        check_not_by_write(call.scope["state"])
    return await verbs.plan(call, call.upload, sent, starts)


@read("/imports", name="list_imports", summary="the newest imports", area="imports", formats=LISTS)
async def find_all(call: HttpCall) -> Answer:
    found = await verbs.newest(call)
    rows = tuple((each.handle, {"id": each.id, **_line(each), **_beside(each)}) for each in found)
    return page(MixedListing("imports", rows, Paging.whole(len(rows))))


@read(
    "/imports/{id}",
    name="get_import",
    summary="how an import stands, and the rows that it refused, limit=0: none (format=csv: to mend and send again)",
    area="imports",
    query=("limit",),
    formats=(*FORMATS, REPORT),
    is_linked=True,
    looks=True,
)
async def fetch(call: HttpCall, id: str) -> Answer | Response:
    most = _limit(call.parameters().get("limit"))
    is_report = call.format.name == REPORT.name
    found = await verbs.find(call, id, 0 if is_report else min(most, AT_ONCE))
    workspace_id, bare = found.found.workspace_id, found.found.id
    if not is_report and min(most, found.found.refused) <= AT_ONCE:
        return _told(found, 200, call)

    def reported(connection: Connection) -> Iterator[bytes]:
        refused = verbs.report(connection, found.found)
        rows = ((row.number, row.told, row.cells) for row in islice(refused.rows, most))
        yield from report(refused.titles, rows, refused.exact, found.found.has_marks)

    def told(connection: Connection) -> Iterator[bytes]:
        now = verbs.standing(connection, workspace_id, bare, 0)
        rows, more = verbs.all_refused(connection, now.found, most)
        yield from pieces(_told(structs.replace(now, more=more), 200, call), map(_row, rows), call.format is JSON)

    if is_report:
        notes = [("x-note", _resent(found.found, call))] if found.found.refused else []
        return await call.spooled(reported, content_type=REPORT.content_type, told=notes)
    operation = [("x-operation", found.found.operation)] if found.found.has_ended else []
    return await call.spooled(told, content_type=call.format.content_type, told=operation)


@route(
    "PATCH",
    "/imports/{id}",
    name="change_import",
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
    area="*",
    verb="delete",
    consent=FREE,
    shows=_shows(200),
)
async def stop(call: HttpCall, id: str) -> Standing:
    return await verbs.stop(call, id)


ROUTES: tuple[Route, ...] = (plan, find_all, fetch, change, start, stop)


def _limit(text: str | None) -> int:
    """Return how many refused rows are asked for, unless all of them; raises `invalid_value`."""
    if text is None:
        return sys.maxsize
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise Problem(
            "invalid_value", "Send limit=0 to leave the refused rows out.", fields={"limit": "must be 0 or more"}
        )
    return int(text)


def _told(standing_: Standing, status: int, call: HttpCall) -> Table:
    """Return how an import stands, with what to do next."""
    found, undone = standing_.found, standing_.undone
    columns = [{"column": each.column, "title": each.title, "field": each.field or None} for each in found.columns]
    rows = list(map(_row, standing_.rows))
    facts = {
        "id": found.id,
        "handle": found.handle,
        **_line(found),
        "done": found.done,
        "operation": found.operation or None,
    }
    if found.error:
        facts |= _error(found)
    if undone:
        facts["undone"] = len(undone) % 2 == 1
    more, notes = standing_.more, list(found.notes)
    if more > 0:
        notes.append(f"{more:,} more refused rows: GET /imports/{found.id}?format=csv")
    if found.has_ended and found.refused:
        notes.append(_resent(found, call))
    if undone:
        does = "brings it back" if len(undone) % 2 else "takes it back again"
        notes.append(f"it was undone by {' and that by '.join(undone)}: POST /undo/{undone[-1]} {does}")
    operation = found.operation if found.has_ended else ""
    tail = Tail(notes=notes, operation=operation, can_undo=not undone, call=_next(found))
    line = _line(found) | ({} if found.is_planned else {"done": found.done}) | _error(found)
    return standing(found.handle, line, columns, rows, facts, tail, status)


def _row(row: RefusedRow) -> Refused:
    return row.number, row.code, row.fields, row.hint


def _resent(found: Import, call: HttpCall) -> str:
    """Return how the report is sent again once it is mended: as the file was."""
    chosen = found.options
    sent = {"kind": chosen.kind, "mode": chosen.mode}
    sent |= {"unknown": chosen.unknown} if chosen.unknown != Options(chosen.kind).unknown else {}
    sent |= {"dates": chosen.dates} if chosen.dates else {}
    sent |= {TIMEZONE: chosen.zone} if chosen.zone != str(call.asker.zone) else {}
    sent |= {f"{MAP}{title}": field for title, field in chosen.map.items()}
    return f"mend the report and send it: POST /import?{urlencode(sent, quote_via=quote, safe='/')}"


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
