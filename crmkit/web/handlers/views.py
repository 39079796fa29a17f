"""The routes of views. What a view keeps is read by the route of its path, with the rights of who asks."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from crmkit.core.reading import lists
from crmkit.errors import Problem, in_quotes, nearest
from crmkit.model import views
from crmkit.model.fields import Invalid
from crmkit.model.record import Kind
from crmkit.records.view import View
from crmkit.render.formats import LISTS
from crmkit.web.call import WITHIN, HttpCall
from crmkit.web.handlers.records.kinds import record_routes
from crmkit.web.problems import on_error
from crmkit.web.reply import Response
from crmkit.web.route import ANY, Route, read
from crmkit.web.routing.next_page import ASKED, asked

_LISTS = f"Keep a list, like {views.ListPath.example}, or a /KIND/count, /search, /activities, /reminders."


def view_routes(kind: Kind) -> list[Route]:
    """Return the handlers of views: those of any kind, but that of one answers what it keeps."""

    async def check(call: HttpCall, body: Mapping[str, Any]) -> None:
        if call.app.state.router.takes(f"/{kind.plural}/{body.get('name')}"):
            taken = {"name": f"GET /{kind.plural}/{body['name']} answers something else"}
            raise Problem("invalid_value", "Give the view another name.", fields=taken)
        try:
            path = kind.by_name["path"].type.accept(body.get("path"))
        except Invalid:
            return  # which the write tells, with all else that is wrong
        if path is not None:
            await _check(call, path)

    @read(
        f"/{kind.plural}/{{id}}",
        name=f"get_{kind.name}",
        summary="the list it keeps, and more filters",
        area="*",
        query=ANY,
        is_cut=False,  # the list is
        formats=LISTS,
    )
    async def run(call: HttpCall, id: str) -> Response:
        view = await lists.fetch(call, kind, id)
        if not isinstance(view, View):
            raise TypeError(f"{view.handle} is no view")
        return await _answered(call, view)

    # a view is written by whom the records of its list may be written by
    return [run if each.name == run.name else each for each in record_routes(kind, check, writes="*")]


class _Understood(Exception):
    """A request was read up to where its list would be."""


class _Trial(HttpCall):
    """A call that ends where a list would be read: by then all that was sent is understood."""

    __slots__ = ()

    def scan(self, work: Callable[..., Any], *args: Any) -> Awaitable[Any]:
        raise _Understood

    def stream(self, work: Callable[..., Any], *args: Any, is_whole: bool = False) -> AsyncGenerator[Any, None]:
        raise _Understood


async def _check(call: HttpCall, path: str) -> None:
    """Raise `invalid_value` for the path of something else than a list, or one whose query cannot be read."""
    head, pairs = views.split(path)
    _check_list(call, head)
    try:
        scope = _within(call, head, pairs)
        await call.app.state.router.answered(scope, _receive(call), _Trial)
    except _Understood:
        pass
    except Problem as problem:
        if problem.status != 400:
            raise
        told = [f"{name} {what}" for name, what in problem.fields.items()]
        raise Problem("invalid_value", problem.hint, fields={"path": "; ".join(told) or "cannot be read"}) from None


async def _answered(call: HttpCall, view: View) -> Response:
    """Return the response to the request for what a view keeps, with the parameters that were sent."""
    head, pairs = views.narrowed(view.path, call.pairs)
    scope = _within(call, head, pairs)
    try:
        _check_list(call, head)
        answer: Response = await call.app.state.router.answered(scope, _receive(call))
        return answer
    except Problem as problem:
        return on_error(scope, _about(view, problem, {name for name, _ in call.pairs}))


def _about(view: View, problem: Problem, sent: set[str]) -> Problem:
    """Return a Problem of the request for what a view keeps, which says so where nothing that was `sent` is wrong."""
    if problem.status != 400:
        return problem
    kept = f"The view {view.name} keeps {in_quotes([view.path])}"
    wrong = sent & problem.fields.keys()
    if wrong & {name for name, _ in views.split(view.path)[1]}:
        return problem.after(f"{kept}, to which yours is added:")
    if wrong or (sent and not problem.fields):
        return problem
    return problem.after(f"{kept}, which cannot be read any more: PATCH or DELETE /views/{view.id}.")


def _check_list(call: HttpCall, head: str) -> None:
    """Raise `invalid_value` unless there is a list at a path."""
    known = call.app.state.router.lists
    if head not in known:
        raise Problem("invalid_value", _LISTS, fields={"path": f"{head} is no list{nearest(head, known)}"})


def _within(call: HttpCall, path: str, pairs: Sequence[tuple[str, str]]) -> Any:
    """Return the scope of a GET that is part of a request, by the same caller."""
    raw = path.encode("utf-8", "replace")
    query = urlencode(pairs).encode("ascii")
    method = call.method if call.method == "HEAD" else "GET"
    state = {**call.scope["state"], WITHIN: True, ASKED: asked(call.scope)}
    return {**call.scope, "method": method, "path": path, "raw_path": raw, "query_string": query, "state": state}


def _receive(call: HttpCall) -> Callable[[], Awaitable[Any]]:
    async def receive() -> dict[str, Any]:
        await call.left()
        return {"type": "http.disconnect"}

    return receive
