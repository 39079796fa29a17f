"""The routes of a record kind: the same five for every kind."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from crmkit.core import lookup
from crmkit.core.configuration import rights
from crmkit.core.erasure.erase import erase
from crmkit.core.jobs.kind import Result
from crmkit.core.reading import lists
from crmkit.core.records import write
from crmkit.core.records.settled import Saved
from crmkit.errors import Problem, listed
from crmkit.model.record import Kind
from crmkit.render.answers import Answer, One, noted, page
from crmkit.render.tail import NO_TAIL, Tail
from crmkit.storage.jobs import Job
from crmkit.web.call import HttpCall
from crmkit.web.handlers.jobs import answer_of, done_with
from crmkit.web.handlers.reading.log import shown_as_of
from crmkit.web.route import ANY, Area, Route, read, route

Check = Callable[[HttpCall, Mapping[str, Any]], Awaitable[None]]

ERASE = "erase"  # the parameter of a DELETE of a person that leaves nothing behind
MERGE = "merge"  # the parameter of a POST that may merge into a record that is likely the same


def record_routes(
    kind: Kind, check: Check | None = None, writes: Area | None = None, verbs: Any = write
) -> list[Route]:
    """Return the handlers of one kind, each with the summary that the manual and OpenAPI show.

    `check` raises what is wrong with the body of a POST or PATCH before it is written. A setting is written by whom the
    area `writes` is open to, else that of settings. `verbs` save and change it.
    """
    path = kind.path
    one = f"{path}/{{id}}"

    def shows_saved(_: HttpCall, saved: Saved) -> Answer:
        tail = Tail(notes=saved.notes, outcome="created" if saved.created else "updated")
        return One(kind, saved.record, tail=tail, potential_duplicate=saved.potential_duplicate)

    def shows_changed(_: HttpCall, saved: Saved) -> Answer:
        return One(kind, saved.record, tail=Tail(notes=saved.notes))

    @read(
        path,
        name=f"list_{kind.plural}",
        summary=f"list {kind.plural}: filters, {'search, ' if kind.is_searched else ''}sort, limit, cursor",
        kind=kind,
        query=ANY,
    )
    async def find_all(call: HttpCall) -> Answer:
        return page(await lists.find_all(call, kind, *call.page()))

    @route(
        "POST",
        path,
        name=f"save_{kind.name}",
        tool="" if kind.is_setting else f"create_{kind.name}",
        summary=f"create, or merge by {listed(kind.merges_by, 'or')}" if kind.merges_by else "create",
        area=writes,
        kind=kind,
        verb="write",
        query=parameters(kind),
        status=201,
        shows=shows_saved,
    )
    async def save(call: HttpCall) -> Saved:
        if kind.is_admins:
            await rights.check_admin(call)
        body = await call.body()
        if check is not None:
            await check(call, body)
        saved: Saved = await verbs.save(call, kind, body, merges_alike(call))
        return saved

    @read(one, name=f"get_{kind.name}", summary=f"one {kind.name}, whole", kind=kind, query=("as_of",))
    async def fetch(call: HttpCall, id: str) -> Answer:
        if at := call.parameters().get("as_of", "").strip():
            return await shown_as_of(call, kind, id, at)
        record = await lists.fetch(call, kind, id)
        notes = lookup.notes_of_path(kind, id, record)
        return One(kind, record, tail=Tail(notes=notes) if notes else NO_TAIL)

    @route(
        "PATCH",
        one,
        name=f"change_{kind.name}",
        tool="" if kind.is_setting else f"update_{kind.name}",
        summary="change what is sent, keep the rest",
        area=writes,
        kind=kind,
        verb="write",
        shows=shows_changed,
    )
    async def change(call: HttpCall, id: str) -> Saved:
        version = call.if_match()
        if kind.is_admins:
            await rights.check_admin(call)
        body = await call.body()
        if check is not None:
            await check(call, body)
        saved: Saved = await verbs.change(call, kind, id, body, version)
        return saved

    return [find_all, save, fetch, change, _removing(kind, writes)]


def _removing(kind: Kind, writes: Area | None) -> Route:
    """Return the handler that deletes a record of a kind, or erases a person."""

    @route(
        "DELETE",
        f"{kind.path}/{{id}}",
        name=f"delete_{kind.name}",
        summary="delete, in one step" if kind.is_setting else "delete, in two steps",
        area=writes,
        kind=kind,
        verb="delete",
        query=() if kind.is_setting else ("confirm", *((ERASE, "code") if kind.is_person else ())),
        lacks={} if kind.is_person else {ERASE: "is for persons alone; without it, DELETE removes this"},
        shows=_shows_gone,
    )
    async def remove(call: HttpCall, id: str) -> Saved | Result | Job:
        if kind.is_person and call.flag(ERASE):
            return await erase(call, kind, id, call.if_match())
        return await write.remove(call, kind, id, call.if_match())

    return remove


def _shows_gone(call: HttpCall, gone: Saved | Result | Job) -> Answer:
    if isinstance(gone, Saved):
        return shows_deleted(call, gone)
    return answer_of(gone) if isinstance(gone, Job) else done_with(gone, is_final=True)


def parameters(kind: Kind) -> tuple[str, ...]:
    """Return the parameters of a POST that creates or merges records of a kind."""
    return (MERGE,) if kind.merges_alike else ()


def merges_alike(call: HttpCall) -> bool:
    """Tell whether a POST may merge into a record that is likely the same; raises `invalid_value` for another word."""
    sent = call.parameters().get(MERGE, "")
    if sent not in ("", "alike"):
        hint = "Send merge=alike to merge into a record that is likely the same, or leave merge out."
        raise Problem("invalid_value", hint, fields={MERGE: "must be alike"})
    return bool(sent)


def shows_deleted(_: HttpCall, gone: Saved) -> Answer:
    """Return the answer to a delete of a record."""
    handle = gone.record.handle
    return noted(f"deleted {handle}", {"id": gone.record.id, "handle": handle}, gone.notes)
