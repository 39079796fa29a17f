"""Counts: the parameters of a count beside its filters -> what records are grouped by, what each group is told of."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from crmkit.errors import Problem, listed, nearest
from crmkit.model.fields import Currency, Integer
from crmkit.model.form import Field
from crmkit.model.query.buckets import UNITS
from crmkit.model.query.chosen import names_in
from crmkit.model.query.filters import NONE, CustomKey, Declarations, Target, quoted, target_of
from crmkit.model.query.parse import ALIKE, MAX_TOKENS, RESERVED, TIMEZONE, limit_of, sortable, sorts_by
from crmkit.model.record import Kind

DEFAULT_LIMIT = 100
MAX_LIMIT = 1_000
MAX_GROUPS = 5  # fields in by
MAX_FIGURES = 10

FUNCTIONS = ("sum", "avg", "min", "max")
OWN = ("by", *FUNCTIONS, "limit", "cursor")
PARAMETERS = ("by", *FUNCTIONS, "search", "limit", "cursor", "explain")  # beside filters
OTHERS = (*PARAMETERS, MAX_TOKENS, "format", TIMEZONE)

_ALIKE = {**ALIKE, **dict.fromkeys(("group", "group_by", "groupby"), "by"), "average": "avg", "total": "sum"}
_OF_LISTS = tuple(name for name in RESERVED if name not in (*PARAMETERS, "format"))

Pairs = list[tuple[str, str]]


class Group(Struct, frozen=True):
    """What records are grouped by: a field, a key of custom, or the `unit` of time in which the value of one lies."""

    target: Target
    unit: str = ""

    @property
    def name(self) -> str:
        return f"{self.target.name}.{self.unit}" if self.unit else self.target.name


class Figure(Struct, frozen=True):
    """A number, or a time, that is told of each group: one of FUNCTIONS of a field."""

    function: str
    target: Target

    @property
    def name(self) -> str:
        return f"{self.function}.{self.target.name}"

    @property
    def is_money(self) -> bool:
        return isinstance(self.target, Field) and isinstance(self.target.type, Integer) and self.target.type.is_money


class Counting(Struct, frozen=True):
    """What a count tells: of each group how many records it has, and the figures.

    Buckets of time are those of `zone`, an IANA name. Money is never added across currencies: `currency` is the group
    by which the others are split where a figure is of money, None where that is no need.
    """

    groups: tuple[Group, ...]
    figures: tuple[Figure, ...]
    zone: str
    currency: Group | None = None
    limit: int = DEFAULT_LIMIT
    cursor: str = ""
    notes: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[Group, ...]:
        """What rows are grouped by, with the currency where amounts are summed."""
        return self.groups if self.currency is None else (*self.groups, self.currency)

    def __str__(self) -> str:
        """Say in words what is told of the records."""
        by = [f"{group.unit} of {group.target.name}" if group.unit else group.target.name for group in self.groups]
        zone = f" (days of {self.zone})" if any(_units(self.groups)) else ""
        told = [f"counted by {' and '.join(by)}{zone}" if by else "counted"]
        told += [f"{figure.function} of {figure.target.name}" for figure in self.figures]
        told += [f"each {self.currency.name} apart"] if self.currency else []
        return ", ".join(told) + ("; largest group first" if self.keys else "")

    def binding(self) -> list[str]:
        """Return what a cursor of this count is bound to, beside its filters."""
        names = [group.name for group in self.keys]
        return [*names, *(figure.name for figure in self.figures), *([self.zone] if any(_units(self.groups)) else [])]


def apart(kind: Kind, pairs: Iterable[tuple[str, str]]) -> tuple[dict[str, str], Pairs]:
    """Return the parameters that only a count has, and the pairs of its filters; raises a Problem for others."""
    own, filters = dict[str, str](), Pairs()
    for name, text in pairs:
        if name in own:
            raise Problem("invalid_value", f"Send {name} once; commas separate fields.", fields={name: "stands twice"})
        if name in OWN:
            own[name] = text
        elif name in _OF_LISTS or (name in _ALIKE and name not in kind.by_name):
            known = _ALIKE.get(name, "")
            meant = f" (did you mean {known}?)" if known in PARAMETERS else ""
            hint = f"A count takes {', '.join(PARAMETERS)}, and filters."
            raise Problem("invalid_filter", hint, fields={name: f"is no parameter of a count{meant}"})
        else:
            filters.append((name, text))
    return own, filters


def parse(kind: Kind, own: Mapping[str, str], zone: str, declared: Declarations = NONE) -> Counting:
    """Return what these parameters ask for; raises `invalid_value`."""
    if any("\x00" in text for text in own.values()):
        raise Problem("invalid_value", "Leave NUL characters (%00) out of the query.")
    groups = {group.name: group for part in names_in(own.get("by", "")) for group in (_group(kind, part, declared),)}
    figures = {
        figure.name: figure
        for function in FUNCTIONS
        for part in names_in(own.get(function, ""))
        for figure in (_figure(kind, function, part, declared),)
    }
    _check_number("by", groups, MAX_GROUPS)
    _check_number("sum", figures, MAX_FIGURES)
    limit, notes = limit_of(own.get("limit"), DEFAULT_LIMIT, MAX_LIMIT)
    currency = _currency(kind) if any(figure.is_money for figure in figures.values()) else None
    split = None if currency is None or currency.name in groups else Group(currency)
    return Counting(tuple(groups.values()), tuple(figures.values()), zone, split, limit, own.get("cursor", ""), notes)


def _group(kind: Kind, name: str, declared: Declarations) -> Group:
    head, _, unit = name.rpartition(".")
    dated = target_of(kind, head, declared) if head else None
    if isinstance(dated, Field) and dated.type.dated:
        if unit not in UNITS:
            hint = f"Write {quoted(head, bare=True)}.UNIT with one of {', '.join(UNITS)}."
            raise Problem(
                "invalid_value", hint, fields={"by": f"{quoted(unit)} is no unit of time{nearest(unit, UNITS)}"}
            )
        return Group(dated, unit)
    target = target_of(kind, name, declared)
    if target is None or (isinstance(target, Field) and not sorts_by(target)):
        times = [f"{field.name}.{unit}" for field in kind.fields if field.type.dated for unit in UNITS]
        known = sortable(kind)
        raise Problem(
            "invalid_value",
            f"Group {kind.plural} by {', '.join(known)}; a time also by its {listed(UNITS, 'or')}, like {times[2]}.",
            fields={"by": f"{kind.plural} are not grouped by {quoted(name)}{nearest(name, [*known, *times])}"},
        )
    return Group(target)


def _figure(kind: Kind, function: str, name: str, declared: Declarations) -> Figure:
    target = target_of(kind, name, declared)
    is_of = isinstance(target, CustomKey) or (isinstance(target, Field) and _is_told(function, target))
    if target is None or not is_of:
        known = [field.name for field in kind.fields if _is_told(function, field)]
        known += ["custom.KEY"] if kind.custom else []
        raise Problem(
            "invalid_value",
            f"Send {function}=FIELD with one of {', '.join(known)}; commas separate several.",
            fields={function: f"{kind.plural} have no {function} of {quoted(name)}{nearest(name, known)}"},
        )
    return Figure(function, target)


def _is_told(function: str, field: Field) -> bool:
    """Tell whether a function of a field says anything."""
    return field.through is None and (field.type.adds or (field.type.dated and function in ("min", "max")))


def _currency(kind: Kind) -> Field | None:
    return next((field for field in kind.fields if isinstance(field.type, Currency)), None)


def _units(groups: Sequence[Group]) -> list[str]:
    return [group.unit for group in groups]


def _check_number(name: str, found: Mapping[str, object], most: int) -> None:
    if len(found) > most:
        raise Problem("invalid_value", f"Name at most {most}.", fields={name: f"has {len(found)} fields"})
