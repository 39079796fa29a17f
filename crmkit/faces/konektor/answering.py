"""How Konektor's API answers: its envelope, its errors, its headers of limits; the decorators of its routes."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from crmkit.clock import moment
from crmkit.errors import IS_EMPTY, IS_NEEDED, Problem
from crmkit.faces.answers import Given, format_of
from crmkit.faces.konektor.words import ERRORS, PREFIX, SCOPES, THEIRS
from crmkit.model.record import Kinds
from crmkit.render.answers import Answer, Failure
from crmkit.web.route import Handler, Method, Route
from crmkit.web.route import route as declare
from crmkit.web.routing.face import Headers

_RESET = b"x-ratelimit-reset"


def data(content: Any, beside: Mapping[str, Any] = {}, status: int = 200) -> Given:
    """Return what was done or found; `beside` stands beside the data."""
    return Given({"success": True, "data": content, **beside}, status)


def told(answer: Answer) -> Answer:
    """Return an answer as their API gives it: an error of ours as one of theirs, anything else in their envelope."""
    if isinstance(answer, Given):
        return answer
    if isinstance(answer, Failure):
        return _refusal(answer.problem)
    return Given({"success": True, "data": answer.data()}, answer.status, answer.headers)


FORMAT = format_of(told)


def _refusal(problem: Problem) -> Given:
    code, status = ERRORS.of(problem)
    wrong = dict(_details(problem))
    error = {"code": code, "message": _message(problem), "details": wrong or None}
    return Given({"success": False, "error": error}, status, problem.headers)


def _message(problem: Problem) -> str:
    """Return the hint; it names the scope that a key lacks as their API calls it."""
    scope = problem.facts.get("scope", "")
    named = [theirs for theirs, ours in SCOPES.items() if scope in ours[:1]]
    return ERRORS.hint(problem, scope=" or ".join(named) or scope)


def _details(problem: Problem) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with each field, in their words for the two faults that their documents spell out."""
    for name, what in ERRORS.fields(problem).items():
        field = name if problem.code == "unknown_field" else THEIRS.get(name, name)
        if problem.code == "missing_field" or what in (IS_EMPTY, IS_NEEDED):
            yield field, "Required"
        elif field == "email" and problem.code == "invalid_value":
            yield field, "Invalid email"
        else:
            yield field, what


def limits(headers: Headers, at: str) -> Headers:
    """Return the headers of a limit; it is reset at a Unix time, not after so many seconds."""
    now = int(moment(at).timestamp())
    return [(name, b"%d" % (now + int(text)) if name == _RESET else text) for name, text in headers]


def route(kinds: Kinds, method: Method, path: str, name: str, scope: str, **more: Any) -> Callable[[Handler], Route]:
    """Return the decorator of a route below the prefix, which needs this scope of their API."""
    first, *also = SCOPES[scope]
    area, _, verb = first.partition(".")
    needed: dict[str, Any] = {"area": kinds.by_word.get(area, area), "verb": verb, "also": tuple(also)}
    shape: dict[str, Any] = {"formats": (FORMAT,), "shown": (), "tool": "", "undoes": False, "asks_first": False}
    reads: dict[str, Any] = {"is_list": False, "is_linked": False, "is_cut": False}
    return declare(method, f"{PREFIX}{path}", name=f"konektor_{name}", **needed, **shape, **reads, **more)
