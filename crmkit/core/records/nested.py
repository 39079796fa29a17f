"""Records within the body of a POST: related ones as objects, and activities as a list.

Each part is checked as its own POST would be, and its faults are named by its place: `company.domain`,
`activities.1.kind`. A nested record does not nest.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from msgspec import Struct, field

from crmkit.core.rules.rule import Values
from crmkit.errors import Problem, a
from crmkit.model.actor import Asker
from crmkit.model.record import Kind, Kinds, Reference

T = TypeVar("T")

MAX_ACTIVITIES = 100  # in one body
_FIRST = ("unknown_field", "invalid_value", "missing_field", "invalid_reference")  # decides the code of several faults


class Draft(Struct, frozen=True):
    """A body with all its parts in stored form."""

    values: Values
    related: tuple[tuple[Reference, Values], ...] = ()
    activities: tuple[Values, ...] = ()

    @property
    def is_nested(self) -> bool:
        return bool(self.related or self.activities)


def scopes(kinds: Kinds, kind: Kind, draft: Draft) -> tuple[str, ...]:
    """Return what a token needs to write what a body brings beside its own record.

    One without a title is there already, so its keys name it, which needs the reading too.
    """
    areas = [reference.to.area for reference, _ in draft.related]
    areas += [kinds.activity.area] if draft.activities else []
    areas += [kinds.whole.to.area] if any(draft.values.get(each.name) for each in kind.joins) else []
    named = [link.to.area for link, values in draft.related if not any(map(values.get, _titles(link.to)))]
    return (*(f"{area}.write" for area in areas), *(f"{area}.read" for area in named))


def _titles(kind: Kind) -> Collection[str]:
    """Return the fields of which a new record needs one: its title, and its parts."""
    return (kind.title.name, *kind.title.parts) if kind.has_title else ()


class Faults(Struct):
    """Problems of the parts of one body, which are raised as one."""

    found: list[Problem] = field(default_factory=list)

    def of(self, place: str, work: Callable[..., T], *args: Any, but: Collection[str] = ()) -> T | None:
        """Return what `work` returns; None if it raises a Problem with fields, which are kept under this place.

        Faults of the fields in `but` are left out: they follow from others that are told.
        """
        try:
            return work(*args)
        except Problem as problem:
            if not problem.fields:
                raise
            told = {name: what for name, what in problem.fields.items() if name not in but}
            problem.fields = {f"{place}.{name}": what for name, what in told.items()} if place else told
            if told:
                self.found.append(problem)
            return None

    def add(self, place: str, what: str, is_unknown: bool = False) -> None:
        hint, fields = "Correct the fields named above and send the request again.", {place: what}
        fault = Problem("unknown_field", hint, fields=fields) if is_unknown else None
        self.found.append(fault or Problem("invalid_value", hint, fields=fields))

    def check(self) -> None:
        """Raise the gravest Problem, with the fields of all."""
        if self.found:
            gravest = min(self.found, key=lambda problem: (*_FIRST, problem.code).index(problem.code))
            each = [part for problem in self.found for part in problem.fields.items()]
            gravest.fields = {**dict(each), **dict(reversed(each))}  # in order, of two faults of a field the first
            raise gravest


def records_in(kinds: Kinds, kind: Kind, body: Any) -> int:
    """Return how many records the body of a POST would write, be they right or wrong."""
    if not isinstance(body, dict):
        return 1
    log = body.get(kinds.activity.plural) if kind.is_logged else None
    logged = len(log) if isinstance(log, list) else 0
    return 1 + logged + sum(isinstance(body.get(name), dict) for name in kinds.places.get(kind, ()))


def drafted(kinds: Kinds, kind: Kind, body: Mapping[str, Any], asker: Asker) -> Draft:
    """Return the body of a POST, checked; raises one Problem for all wrong fields of all parts."""
    parts = {name: reference for name, reference in kinds.places[kind].items() if name in body}
    log = kinds.activity.plural
    if not parts and not (kind.is_logged and log in body):
        return Draft(_values(kind, body, asker))
    faults, related = Faults(), []
    nested = {*parts, *((log,) if kind.is_logged else ())}
    own = {name: value for name, value in body.items() if name not in nested}
    values = _part("", kind, own, asker, faults, {reference.link for reference in parts.values()})
    for name, reference in parts.items():
        if reference.link in body:
            faults.add(name, f"cannot stand beside {reference.link}: send one of them")
        elif not isinstance(body[name], dict):
            faults.add(name, f"must be an object: {a(reference.to.name)} to create; an id goes into {reference.link}")
        else:
            related.append((reference, _nested(kinds, name, reference.to, body[name], asker, faults)))
    activities = _activities(kinds, body.get(log, []), asker, faults) if kind.is_logged else []
    faults.check()
    return Draft(values, tuple(related), tuple(activities))


def _activities(kinds: Kinds, sent: Any, asker: Asker, faults: Faults) -> list[Values]:
    log = kinds.activity
    if not isinstance(sent, list) or len(sent) > MAX_ACTIVITIES:
        faults.add(log.plural, f"must be a list of at most {MAX_ACTIVITIES} activities")
        return []

    found = []
    for number, body in enumerate(sent):
        place = f"{log.plural}.{number}"
        if isinstance(body, dict):
            found.append(_nested(kinds, place, log, body, asker, faults))
        else:
            faults.add(place, "must be an object: an activity to log")
    return found


def _nested(kinds: Kinds, place: str, kind: Kind, body: Mapping[str, Any], asker: Asker, faults: Faults) -> Values:
    """Return the values of a nested record, which takes no records of its own."""
    names = {name for places in kinds.places.values() for name in places} | {kinds.activity.plural}
    within = [name for name in body if name in names - kind.taken.keys() and isinstance(body[name], dict | list)]
    for name in within:
        what = "a nested record takes no records of its own: leave it out, and send it in another request"
        faults.add(f"{place}.{name}", what, is_unknown=True)
    return _part(place, kind, {name: raw for name, raw in body.items() if name not in within}, asker, faults)


def _part(
    place: str, kind: Kind, body: Mapping[str, Any], asker: Asker, faults: Faults, linked: Collection[str] = ()
) -> Values:
    """Return the values of one part; links that other parts will fill are in `linked`.

    What a new record lacks is told here if no field of it leads to one to merge into; else only the write can tell.
    """
    values = faults.of(place, _values, kind, body, asker)
    sent = {name for name, raw in body.items() if raw not in (None, "")}.union(linked)
    if sent.isdisjoint(kind.merges_by):
        composed = {field.name for field in kind.fields if sent.intersection(field.parts)}
        faults.of(place, kind.check_required, dict.fromkeys(sent | composed, True))
    return values or {}


def _values(kind: Kind, body: Mapping[str, Any], asker: Asker) -> Values:
    """Return the fields in the body of a POST in stored form, None for each that is empty; raises what `draft` raises.

    A required one may be empty where a key is sent, which may lead to a record to merge into.
    """
    empty = {name for name, raw in body.items() if raw is None or raw == ""}
    if empty and any(name in body and name not in empty for name in kind.merges_by):
        needed = {name for name in empty if name in kind.taken and kind.taken[name].needs_value}
        body = {name: raw for name, raw in body.items() if name not in needed}
    values = kind.draft(body, asker)
    return values | dict.fromkeys(empty & values.keys()) if empty else values
