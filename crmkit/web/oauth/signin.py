"""The pages on which a person lets an app in: one URL, its query is the app's request, its form the person's answer.

No cookie and no script: what goes on from page to page is a secret in a hidden field, which is also what keeps other
sites from posting here.
"""

from litestar import post
from litestar.handlers import HTTPRouteHandler
from litestar.types import Scope

from crmkit.core.oauth import connect
from crmkit.errors import Problem
from crmkit.web.gate import ANY, DIRECT, PUBLIC, QUERY
from crmkit.web.oauth import pages
from crmkit.web.oauth.forms import MAX_FORM, form_of
from crmkit.web.problems import log_ours
from crmkit.web.reply import Response
from crmkit.web.requests import HttpRequest, client_of, crm_of, pairs_of, read

PATH = "/authorize"
HTML = "text/html; charset=utf-8"

# no form-action: browsers hold it against the redirect back to the app as well
_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src '{pages.STYLE_HASH}'; frame-ancestors 'none'; "
    "base-uri 'none'",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}
_LABELS = {"email": "The address", "name": "The name"}  # what the pages call the fields

_OPTIONS = {PUBLIC: True, QUERY: ANY, DIRECT: True}


@read(PATH, opt=_OPTIONS)
async def ask(request: HttpRequest) -> Response:
    try:
        return _shown(request.scope, pages.email_page(_app(request, _asked(request))))
    except Problem as problem:
        return _stop(request.scope, problem)


@post(PATH, opt=_OPTIONS, status_code=200, request_max_body_size=MAX_FORM)
async def answer(request: HttpRequest) -> Response:
    try:
        asked, sent = _asked(request), await form_of(request)
    except Problem as problem:
        return _stop(request.scope, problem)
    if "workspace" in sent:
        return await _choose(request, asked, sent)
    if "signin" in sent:
        return await _prove(request, asked, sent)
    return await _start(request, asked, sent)


async def _start(request: HttpRequest, asked: connect.Request, sent: dict[str, str]) -> Response:
    app, email = _app(request, asked), sent.get("email", "")
    try:
        started = await connect.start(crm_of(request), client_of(request), asked, email)
    except Problem as problem:
        return _shown(request.scope, pages.email_page(app, email, _told(problem)), problem)
    return _shown(request.scope, pages.code_page(app, started.handle, started.email, started.local_code))


async def _prove(request: HttpRequest, asked: connect.Request, sent: dict[str, str]) -> Response:
    app, handle, code = _app(request, asked), sent["signin"], sent.get("code", "")
    try:
        choices = await connect.prove(crm_of(request), client_of(request), asked, handle, code)
    except Problem as problem:
        if problem.code == "not_found":
            return _stop(request.scope, problem, app.again)
        return _shown(request.scope, pages.code_page(app, handle, sent.get("email", ""), wrong=_told(problem)), problem)
    return _shown(request.scope, pages.workspace_page(app, handle, choices.email, _places(choices), choices.start))


async def _choose(request: HttpRequest, asked: connect.Request, sent: dict[str, str]) -> Response:
    app, handle, workspace = _app(request, asked), sent.get("signin", ""), sent["workspace"]
    crm, name = crm_of(request), sent.get("name", "")
    try:
        if not workspace:
            return _sent_on(await connect.refuse(crm, asked, handle))
        try:
            return _sent_on(await connect.choose(crm, asked, handle, workspace, name))
        except Problem as problem:
            choices = await connect.choices(crm, asked, handle)  # where it is outdated, this says so
            places = _places(choices)
            page = pages.workspace_page(app, handle, choices.email, places, workspace, name, _told(problem))
            return _shown(request.scope, page, problem)
    except Problem as problem:
        return _stop(request.scope, problem, app.again)


def _asked(request: HttpRequest) -> connect.Request:
    return connect.request_of(crm_of(request), pairs_of(request))


def _app(request: HttpRequest, asked: connect.Request) -> pages.App:
    again = f"{PATH}?{request.scope['query_string'].decode('ascii')}"
    return pages.App(asked.app, asked.host, asked.on_this_machine, again)


def _places(choices: connect.Choices) -> list[pages.Place]:
    own = [pages.Place(place.workspace_id, place.role, place.name, place.opened_by) for place in choices.workspaces]
    waiting = [pages.Place(one.workspace_id, one.role, invited_by=one.invited_by) for one in choices.invites]
    return own + waiting


def _shown(scope: Scope, page: str, problem: Problem | None = None) -> Response:
    if problem is not None and problem.status >= 500:
        log_ours(scope, problem)
    status = problem.status if problem else 200
    retry = {name: text for name, text in (problem.headers if problem else {}).items() if name == "Retry-After"}
    return Response.of(page.encode(), HTML, status, {**_HEADERS, **retry})


def _stop(scope: Scope, problem: Problem, again: str = "") -> Response:
    return _shown(scope, pages.stop_page(_told(problem), again), problem)


def _sent_on(url: str) -> Response:
    """Return the way back to the app; 303 lets the browser GET it, whatever it sent here (RFC 9700, 4.12)."""
    return Response.of(b"", HTML, 303, {**_HEADERS, "Location": url})


def _told(problem: Problem) -> str:
    """Return what a person should read: what is wrong with a field, else the hint."""
    if problem.fields:
        return "; ".join(f"{_LABELS.get(name, name)} {what}" for name, what in problem.fields.items())
    return problem.hint


ROUTES: list[HTTPRouteHandler] = [ask, answer]
