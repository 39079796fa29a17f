"""Records within the body of a POST: related ones as objects, and activities as a list.

Each part is checked as its own POST would be, and its faults are named by its place: `company.domain`,
`activities.1.kind`. A nested record does not nest.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from crmkit.core.rules.rule import Values
from crmkit.errors import Problem, a
from crmkit.model.actor import Asker
from crmkit.model.record import Kind, Kinds, Reference

T = TypeVar("T")

MAX_ACTIVITIES = 100  # in one body
_FIRST = ("unknown_field", "invalid_value", "missing_field", "invalid_reference")  # decides the code of several faults


@dataclass(frozen=True)
class Draft:
    """A body with all its parts in stored form."""

    values: Values
    related: tuple[tuple[Reference, Values], ...] = ()
    activities: tuple[Values, ...] = ()

    @property
    def is_nested(self) -> bool:
        return bool(self.related or self.activities)


@dataclass
class Faults:
    """Problems of the parts of one body, which are raised as one."""

    found: list[Problem] = field(default_factory=list)

    def of(self, place: str, work: Callable[..., T], *args: Any) -> T | None:
        """Return what `work` returns; None if it raises a Problem with fields, which are kept under this place."""
        try:
            return work(*args)
        except Problem as problem:
            if not problem.fields:
                raise
            if place:
                problem.fields = {f"{place}.{name}": what for name, what in problem.fields.items()}
            self.found.append(problem)
            return None

    def add(self, place: str, what: str) -> None:
        hint = "Correct the fields named above and send the request again."
        self.found.append(Problem("invalid_value", hint, fields={place: what}))

    def check(self) -> None:
        """Raise the gravest Problem, with the fields of all."""
        if self.found:
            gravest = min(self.found, key=lambda problem: (*_FIRST, problem.code).index(problem.code))
            gravest.fields = {name: what for problem in self.found for name, what in problem.fields.items()}
            raise gravest


def drafted(kinds: Kinds, kind: Kind, body: Mapping[str, Any], asker: Asker) -> Draft:
    """Return the body of a POST, checked; raises one Problem for all wrong fields of all parts."""
    parts = {name: reference for name, reference in kinds.places[kind].items() if name in body}
    log = kinds.activity.plural
    if not parts and not (kind.is_logged and log in body):
        return Draft(kind.draft(body, asker))
    faults, related = Faults(), []
    nested = {*parts, *((log,) if kind.is_logged else ())}
    own = {name: value for name, value in body.items() if name not in nested}
    values = faults.of("", kind.draft, own, asker)
    for name, reference in parts.items():
        if reference.link in body:
            faults.add(name, f"cannot stand beside {reference.link}: send one of them")
        elif not isinstance(body[name], dict):
            faults.add(name, f"must be an object: {a(reference.to.name)} to create; an id goes into {reference.link}")
        else:
            related.append((reference, faults.of(name, reference.to.draft, body[name], asker)))
    activities = _activities(kinds.activity, body.get(log, []), asker, faults) if kind.is_logged else []
    faults.check()
    return Draft(values or {}, tuple((each, found or {}) for each, found in related), tuple(activities))


def _activities(log: Kind, sent: Any, asker: Asker, faults: Faults) -> list[Values]:
    if not isinstance(sent, list) or len(sent) > MAX_ACTIVITIES:
        faults.add(log.plural, f"must be a list of at most {MAX_ACTIVITIES} activities")
        return []

    def whole(body: Mapping[str, Any]) -> Values:
        values = log.draft(body, asker)
        log.check_required(values)
        return values

    found = []
    for number, body in enumerate(sent):
        place = f"{log.plural}.{number}"
        if isinstance(body, dict):
            found.append(faults.of(place, whole, body) or {})
        else:
            faults.add(place, "must be an object: an activity to log")
    return found
