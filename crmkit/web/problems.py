"""The response to every exception: a Problem as it is, any other translated into one."""

import logging
from copy import copy

from litestar.exceptions import HTTPException
from litestar.types import Scope

from crmkit.core.crm import Crm
from crmkit.errors import Problem
from crmkit.render.answers import Failure
from crmkit.render.text import printable
from crmkit.web.call import INSIDE, PROBLEM
from crmkit.web.query.reading import is_dry
from crmkit.web.reply import Response, logged_id, request_id, respond

log = logging.getLogger("crmkit")


def on_error(scope: Scope, error: Exception) -> Response:
    """Return the response to an exception; one that is no mistake of the client is logged."""
    problem = error if isinstance(error, Problem) else _translated(scope, error)
    if problem is error and problem.status >= 500:
        log_operational(scope, problem)
    if scope["state"].get(INSIDE):
        problem.hint = problem.for_tools or problem.hint
        scope["state"][PROBLEM] = copy(problem)  # without its traceback, whose frames would hold the connection
    crm: Crm = scope["litestar_app"].state["crm"]
    return respond(scope, Failure(problem, request_id(scope), crm.kinds.of_record(problem.shown), is_dry(scope)))


def log_operational(scope: Scope, problem: Problem) -> None:
    """Log a Problem that the operator has to solve: mail, database, disk. The same one is logged once a minute."""
    crm: Crm = scope["litestar_app"].state["crm"]
    line = crm.database.log_throttle.line(printable(str(problem.__cause__ or problem.hint)))
    if line:
        log.warning("request %s: %s: %s", logged_id(scope), problem.code, line, extra=_of(scope))


def log_cut(scope: Scope, error: Exception) -> None:
    """Log why an answer that was being sent in pieces ended before it was whole."""
    if isinstance(error, Problem):
        why = printable(str(error.__cause__ or error.hint))
        log.warning("request %s was cut off: %s", logged_id(scope), why, extra=_of(scope))
    else:
        log.error("request %s was cut off", logged_id(scope), exc_info=error, extra=_of(scope))


def _of(scope: Scope) -> dict[str, str]:
    """Return what a log line of JSON says of the request it is about."""
    return {"request": logged_id(scope)}


def stopped() -> Problem:
    """Return the Problem of a request that was cancelled because the server stops."""
    hint = (
        "The server stopped before this was answered: it may or may not have been done. Look before you send it again."
    )
    return Problem("busy", hint, headers={"Retry-After": "1"})


def _translated(scope: Scope, error: Exception) -> Problem:
    if isinstance(error, HTTPException) and error.status_code < 500:
        hint = "The request could not be read: check its path, headers and encoding."
        return Problem("invalid_value", hint, for_tools=hint.replace(", headers", ""))
    log.error("request %s failed", logged_id(scope), exc_info=error, extra=_of(scope))
    return Problem(
        "server_error",
        f"This is our fault, and nothing was changed. Try again; if it stays so, tell the operator the request id "
        f"{request_id(scope)}.",
    )
