"""The routes of views. What a view keeps is read by the route of its path, with the rights of who asks."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from msgspec.structs import replace

from crmkit.core.call import Call
from crmkit.core.reading import lists, opened
from crmkit.errors import Problem, in_quotes, nearest
from crmkit.model.fields import Invalid
from crmkit.model.paths import views
from crmkit.model.paths.request import split
from crmkit.model.record import Kind
from crmkit.records.settings.view import View
from crmkit.render.formats import LISTS
from crmkit.web.call import HttpCall
from crmkit.web.handlers import subrequests
from crmkit.web.handlers.records.kinds import record_routes
from crmkit.web.problems import on_error
from crmkit.web.reply import Response
from crmkit.web.route import ANY, Route, read
from crmkit.web.routing.next_page import ASKED, asked

_LISTS = f"Keep a list, like {views.ListPath.example}, or a /KIND/count, /search, /activities, /reminders."


def view_routes(kind: Kind) -> list[Route]:
    """Return the handlers of views: those of any kind, but that of one answers what it keeps."""

    async def check(call: HttpCall, body: Mapping[str, Any]) -> None:
        await check_of(call.app, kind)(call, body)

    @read(
        f"{kind.path}/{{id}}",
        name=f"get_{kind.name}",
        summary="the list it keeps, and more filters",
        area="*",
        query=ANY,
        is_cut=False,  # the list is
        formats=LISTS,
        is_linked=True,
    )
    async def run(call: HttpCall, id: str) -> Response:
        view = await lists.fetch(call, kind, id)
        if not isinstance(view, View):
            raise TypeError(f"{view.handle} is no view")
        return await _answered(call, view)

    def kept(of: Route) -> Route:
        """Return the route of a change or a delete, which needs what writing the records of the kept list needs."""

        async def handler(call: HttpCall, id: str) -> Any:
            await _check_kept(call, kind, id)
            return await of.handler(call, id)

        return replace(of, handler=handler)

    found = [run if each.name == run.name else each for each in record_routes(kind, check, writes="*")]
    return [kept(each) if each.methods in (("PATCH",), ("DELETE",)) else each for each in found]


def check_of(app: Any, kind: Kind) -> Callable[[Call, Mapping[str, Any]], Awaitable[None]]:
    """Return what raises `invalid_value` for a view whose name is taken by a route, or that keeps no list."""

    async def check(call: Call, body: Mapping[str, Any]) -> None:
        path = _path(kind, body)
        head, pairs = split(path) if path else ("", [])
        if head in app.state.router.lists:
            call.actor.access.check(*_writes(app, head))
        else:
            opened.check_writes(call.actor.access, call.crm.kinds)
        if app.state.router.takes(f"{kind.path}/{body.get('name')}"):
            taken = {"name": f"GET {kind.path}/{body['name']} answers something else"}
            raise Problem("invalid_value", "Give the view another name.", fields=taken)
        if not path:
            return
        _check_list(app, head)
        await subrequests.check(call, subrequests.asked_by(app, call.actor, head, _query(pairs)))

    return check


def _path(kind: Kind, body: Mapping[str, Any]) -> str:
    """Return the path that a view is to keep; empty where it is none, which the write tells with all else."""
    try:
        return str(kind.by_name["path"].type.accept(body.get("path")) or "")
    except Invalid:
        return ""


async def _answered(call: HttpCall, view: View) -> Response:
    """Return the response to the request for what a view keeps, with the parameters that were sent."""
    head, pairs = views.narrowed(view.path, call.pairs)
    scope = _scope(call, head, pairs)
    try:
        _check_list(call.app, head)
        answer: Response = await call.app.state.router.answered(scope, subrequests.receiving(call), type(call))
        return answer
    except Problem as problem:
        if problem.code == "scope_required":  # which a link to a view tells too
            raise
        return on_error(scope, _about(view, problem, {name for name, _ in call.pairs}))


def _about(view: View, problem: Problem, sent: set[str]) -> Problem:
    """Return a Problem of the request for what a view keeps, which says so where nothing that was `sent` is wrong."""
    if problem.status != 400:
        return problem
    kept = f"The view {view.name} keeps {in_quotes([view.path])}"
    wrong = sent & problem.fields.keys()
    if wrong & {name for name, _ in split(view.path)[1]}:
        return problem.after(f"{kept}, to which yours is added:")
    if wrong or (sent and not problem.fields):
        return problem
    return problem.after(f"{kept}, which cannot be read any more: PATCH or DELETE /views/{view.id}.")


def _check_list(app: Any, head: str) -> None:
    """Raise `invalid_value` unless there is a list at a path."""
    known = app.state.router.lists
    if head not in known:
        raise Problem("invalid_value", _LISTS, fields={"path": f"{head} is no list{nearest(head, known)}"})


def _writes(app: Any, head: str) -> list[str]:
    """Return what a token needs to write a view of the list at a path: to write the records that are listed."""
    found: Route = app.state.router.reading({"path": head})
    areas = [shown.area for shown in found.shown] if found.area == "*" else [found.area]
    return [f"{area}.write" for area in areas]


async def _check_kept(call: HttpCall, kind: Kind, id: str) -> None:
    """Raise `scope_required` where the token may not write the records of the list that a view keeps."""
    access = call.actor.access
    if access.is_narrow:
        opened.check_writes(access, call.crm.kinds)
        view = await lists.fetch(call, kind, id)
        if isinstance(view, View) and (head := split(view.path)[0]) in call.app.state.router.lists:
            access.check(*_writes(call.app, head))


def _scope(call: HttpCall, path: str, pairs: Sequence[tuple[str, str]]) -> Any:
    return subrequests.scope_of(call, path, _query(pairs), **{ASKED: asked(call.scope)})


def _query(pairs: Sequence[tuple[str, str]]) -> bytes:
    return urlencode(pairs).encode("ascii")
