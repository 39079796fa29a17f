"""How Klozeo's API answers: its errors, its headers of limits; the decorator of its routes."""

from collections.abc import Callable, Sequence
from typing import Any

from crmkit.core.reading import opened
from crmkit.errors import Problem
from crmkit.faces.answers import Given, format_of
from crmkit.faces.klozeo.words import ERRORS, PREFIX, THEIRS
from crmkit.model.record import Kind
from crmkit.render.answers import Answer, Failure
from crmkit.web.route import Handler, Method, Route, Verb
from crmkit.web.route import route as declare
from crmkit.web.routing.face import Headers


def told(answer: Answer) -> Answer:
    """Return an answer as their API gives it: an error of ours as one of theirs, anything else as it is."""
    if isinstance(answer, Given):
        return answer
    if isinstance(answer, Failure):
        return _refusal(answer.problem)
    return Given(answer.data(), answer.status, answer.headers)


FORMAT = format_of(told)


def _refusal(problem: Problem) -> Given:
    code, status = ERRORS.of(problem)
    error = {"error": code, "code": code, "message": message(problem)}
    return Given(error, status, problem.headers)


def message(problem: Problem) -> str:
    """Return what is wrong in a sentence: their clients show this text alone."""
    wrong = "; ".join(f"{THEIRS.get(name, name)} {what}" for name, what in ERRORS.fields(problem).items())
    return ". ".join(filter(None, (wrong, ERRORS.hint(problem))))


def limits(headers: Headers, _: str) -> Headers:
    """Return the headers of a limit without the one that their API does not have."""
    return [(name, text) for name, text in headers if name != b"x-ratelimit-reset"]


def route(
    method: Method | Sequence[Method], path: str, name: str, about: Kind, verb: Verb, **more: Any
) -> Callable[[Handler], Route]:
    """Return the decorator of a route below the prefix, about records of a kind.

    One that changes a record needs the reading of its kind too, since clients read the whole of it from the answer.
    """
    if "PUT" in method and "{" in path:
        more["also"] = (opened.scope(about),)
    shape: dict[str, Any] = {"shown": (), "tool": "", "undoes": False, "asks_first": False}
    reads: dict[str, Any] = {"is_list": False, "is_linked": False, "is_cut": False}
    kind: dict[str, Any] = {} if "area" in more else {"kind": about}
    more.setdefault("formats", (FORMAT,))
    return declare(method, f"{PREFIX}{path}", name=f"klozeo_{name}", verb=verb, **kind, **shape, **reads, **more)
