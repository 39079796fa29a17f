"""GET and POST /authorize: the pages on which a person lets an app in.

All pages have one URL, whose query is the app's request; their forms are POSTed back to it. There is no cookie and no
script. A secret in a hidden field leads from page to page, and since other sites do not know it, they cannot post here.
"""

from litestar.types import Scope

from crmkit.core.oauth import connect
from crmkit.errors import Problem
from crmkit.model.access import FULL
from crmkit.web.call import HttpCall
from crmkit.web.oauth import html, pages
from crmkit.web.oauth.forms import MAX_FORM, form_of
from crmkit.web.oauth.page_errors import page_error
from crmkit.web.problems import log_operational
from crmkit.web.reply import Response
from crmkit.web.route import ANY, Route, read, route

PATH = "/authorize"


@read(PATH, query=ANY, public=True, direct=True)
async def ask(call: HttpCall) -> Response:
    try:
        return _shown(call.scope, pages.email_page(_app(call, await _app_request(call))))
    except Problem as problem:
        return _stop(call.scope, problem)


@route("POST", PATH, query=ANY, max_body=MAX_FORM, public=True, direct=True)
async def answer(call: HttpCall) -> Response:
    try:
        app_request, form = await _app_request(call), await form_of(call)
    except Problem as problem:
        return _stop(call.scope, problem)
    if "workspace" in form:
        return await _choose(call, app_request, form)
    if "signin" in form:
        return await _prove(call, app_request, form)
    return await _start(call, app_request, form)


async def _start(call: HttpCall, app_request: connect.AuthorizationRequest, form: dict[str, str]) -> Response:
    app, email = _app(call, app_request), form.get("email", "")
    try:
        started = await connect.start(call, app_request, email)
    except Problem as problem:
        return _shown(call.scope, pages.email_page(app, email, page_error(problem)), problem)
    return _shown(call.scope, pages.code_page(app, started.page_secret, started.email, started.local_code or ""))


async def _prove(call: HttpCall, app_request: connect.AuthorizationRequest, form: dict[str, str]) -> Response:
    app, page_secret, code = _app(call, app_request), form["signin"], form.get("code", "")
    try:
        choices = await connect.prove(call, app_request, page_secret, code)
    except Problem as problem:
        if problem.code == "not_found":
            return _stop(call.scope, problem, app.again)
        shown = form.get("shown", "") if call.crm.settings.auth.local and problem.facts.get("tries_left") != 0 else ""
        page = pages.code_page(app, page_secret, form.get("email", ""), shown, page_error(problem))
        return _shown(call.scope, page, problem)
    return _shown(call.scope, pages.workspace_page(app, page_secret, choices.email, _options(choices), choices.start))


async def _choose(call: HttpCall, app_request: connect.AuthorizationRequest, form: dict[str, str]) -> Response:
    app, page_secret, workspace = _app(call, app_request), form.get("signin", ""), form["workspace"]
    name, granted = form.get("name", ""), form.get("access", FULL)
    try:
        if not workspace:
            return _redirect(await connect.refuse(call, app_request, page_secret))
        try:
            return _redirect(await connect.choose(call, app_request, page_secret, workspace, name, granted))
        except Problem as problem:
            choices = await connect.choices(call, app_request, page_secret)  # where it is outdated, this says so
            options = _options(choices)
            known = (connect.NEW, *(option.id for option in options))
            marked = workspace if workspace in known else choices.start
            page = pages.workspace_page(
                app, page_secret, choices.email, options, marked, name, granted, page_error(problem)
            )
            return _shown(call.scope, page, problem)
    except Problem as problem:
        return _stop(call.scope, problem, app.again)


async def _app_request(call: HttpCall) -> connect.AuthorizationRequest:
    return await connect.request_of(call, call.pairs)


def _app(call: HttpCall, app_request: connect.AuthorizationRequest) -> pages.App:
    again = f"{call.crm.settings.base_path}{PATH}?{call.scope['query_string'].decode('ascii')}"
    return pages.App(app_request.app, app_request.host, app_request.on_this_machine, again, app_request.publisher)


def _options(choices: connect.Choices) -> list[pages.WorkspaceOption]:
    own = [
        pages.WorkspaceOption(
            one.workspace_id, one.role, one.name, one.opened_by, contacts=choices.contacts[one.workspace_id]
        )
        for one in choices.workspaces
    ]
    waiting = [pages.WorkspaceOption(one.workspace_id, one.role, invited_by=one.invited_by) for one in choices.invites]
    return own + waiting


def _shown(scope: Scope, page: str, problem: Problem | None = None) -> Response:
    if problem is not None and problem.status >= 500:
        log_operational(scope, problem)
    status = problem.status if problem else 200
    retry = {name: text for name, text in (problem.headers if problem else {}).items() if name == "Retry-After"}
    return html.sent(page, status, **retry)


def _stop(scope: Scope, problem: Problem, again: str = "") -> Response:
    return _shown(scope, pages.stop_page(page_error(problem), again), problem)


def _redirect(url: str) -> Response:
    """Return the redirect to the app: 303, so that the browser sends a GET there, without the form (RFC 9700, 4.12)."""
    return html.sent("", 303, Location=url)


ROUTES: list[Route] = [ask, answer]
