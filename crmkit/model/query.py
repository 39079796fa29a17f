"""Queries: the pairs of a query string -> conditions, sorts, limit and so on, checked against a kind.

Names in a Query are those of the kind's declaration, so nothing a client writes can become a name in SQL.
"""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from crmkit.errors import Problem, a, nearest
from crmkit.model import fold
from crmkit.model.fields import PLAIN_KEY, TEXTUAL, Invalid, Tags
from crmkit.model.form import Field
from crmkit.model.record import Kind

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
MAX_SORTS = 5
MAX_CONDITIONS = 50
MAX_LISTED = 500  # values after in: and tags, in one filter and in all filters together
MAX_SEARCH = 200  # characters of one search
MAX_WORDS = 20  # of one search

OPERATORS = TEXTUAL  # text has all operators
RESERVED = ("search", "sort", "limit", "cursor", "count", "fields", "format")

_PART = re.compile(r'"(?:[^"\\]|\\.)*"|[^.]+')
# a sort key: a comma inside a quoted key of custom does not end it
_SORT_KEY = re.compile(r'(?:\."(?:[^"\\]|\\.?)*+(?:"|\Z)|[^,])+', re.DOTALL)


class CustomKey(Struct, frozen=True):
    """A value within custom, by the keys that lead to it."""

    path: tuple[str, ...]

    @property
    def name(self) -> str:
        keys = (key if PLAIN_KEY.fullmatch(key) else json.dumps(key) for key in self.path)
        return ".".join(("custom", *keys))


Target = Field | CustomKey


class Condition(Struct, frozen=True):
    """One filter. `value` is what the column is compared with, in stored form (folded); a tuple for in and tags."""

    target: Target
    operator: str
    value: Any


class Sort(Struct, frozen=True):
    target: Target
    descending: bool


class Query(Struct, frozen=True):
    conditions: tuple[Condition, ...] = ()
    sorts: tuple[Sort, ...] = ()
    search: str = ""
    limit: int = DEFAULT_LIMIT
    cursor: str = ""
    exact_count: bool = False
    fields: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def filtered(self) -> bool:
        return bool(self.conditions or self.search)

    def binding(self, list_name: str) -> str:
        """Return what a cursor of this query is bound to; `list_name` names the workspace and the list."""
        conditions = sorted(json.dumps([c.target.name, c.operator, c.value]) for c in self.conditions)
        sorts = [[sort.target.name, sort.descending] for sort in self.sorts]
        return json.dumps([list_name, conditions, sorts, self.search])


def parse(kind: Kind, pairs: Iterable[tuple[str, str]]) -> Query:
    """Return the query in the pairs of a query string, which may have any order; all filters must match.

    Raises `invalid_filter`, `invalid_operator`, `invalid_value` or `invalid_sort` with what is allowed.
    """
    conditions: list[Condition] = []
    reserved: dict[str, str] = {}
    for name, text in pairs:
        if "\x00" in name or "\x00" in text:
            raise Problem("invalid_value", "Leave NUL characters (%00) out of the query.")
        if name not in RESERVED:
            conditions.append(_condition(kind, name, text))
        elif name in reserved:
            raise Problem("invalid_value", f"Send {name} once.", fields={name: "stands twice"})
        else:
            reserved[name] = text
    if len(conditions) > MAX_CONDITIONS:
        raise Problem("invalid_filter", f"Send at most {MAX_CONDITIONS} filters.")
    if sum(len(c.value) for c in conditions if isinstance(c.value, tuple)) > MAX_LISTED:
        raise Problem("invalid_filter", f"Send at most {MAX_LISTED} values in the lists of all filters together.")
    limit, notes = limit_of(reserved.get("limit"))
    count = reserved.get("count", "")
    if count not in ("", "exact"):
        raise Problem("invalid_value", "Send count=exact, or leave count out.", fields={"count": "must be exact"})
    return Query(
        tuple(conditions),
        _sorts(kind, reserved.get("sort", "")),
        search_of(reserved.get("search", "")),
        limit,
        reserved.get("cursor", ""),
        count == "exact",
        chosen_fields(kind, reserved.get("fields", "")),
        notes,
    )


def chosen_fields(kind: Kind, text: str) -> tuple[str, ...]:
    """Return the field names in `fields=`; raises `invalid_value` for a name that is no field."""
    if not text:
        return ()
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    for name in names:
        if name not in kind.by_name:
            raise Problem(
                "invalid_value",
                f"Choose fields among {', '.join(kind.by_name)}.",
                fields={"fields": f"{_quoted(name)} is no field of {a(kind.name)}{nearest(name, kind.by_name)}"},
            )
    return names


def _condition(kind: Kind, name: str, text: str) -> Condition:
    target = _target(kind, name)
    if target is None or (isinstance(target, Field) and not target.type.operators):
        raise Problem(
            "invalid_filter",
            f"Filter {kind.plural} by {', '.join(_filterable(kind))}; other parameters are {', '.join(RESERVED)}.",
            fields={name: f"is no field of {a(kind.name)}{nearest(name, [*_filterable(kind), *RESERVED])}"},
        )
    allowed = target.type.operators if isinstance(target, Field) else OPERATORS
    word, colon, rest = text.partition(":")
    operator, operand = (word, rest) if colon and word in OPERATORS else ("eq", text)
    if operator not in allowed:
        raise _bad_operator(name, operator, allowed)
    try:
        return Condition(target, operator, _operand(target, operator, operand))
    except Invalid as error:
        if colon and word not in OPERATORS and re.fullmatch(r"[a-z]{2,8}", word) and not _textual(target):
            raise _bad_operator(name, word, allowed) from None
        raise Problem(
            "invalid_value",
            f"Write {_quoted(name, bare=True)}=VALUE or {_quoted(name, bare=True)}=OPERATOR:VALUE with one of "
            f"{', '.join(allowed)}.",
            fields={name: str(error)},
        ) from None


def _operand(target: Target, operator: str, text: str) -> Any:
    if operator in ("is", "not"):
        if text.lower() != "null":
            raise Invalid(f"takes {operator}:null only")
        return None
    if text == "":
        raise Invalid("is empty; is:null finds records without a value")
    if isinstance(target, Field) and isinstance(target.type, Tags):
        if operator == "like":
            return fold.fold(text)
        values = target.type.operand(text)
    else:
        read = fold.fold if isinstance(target, CustomKey) else target.type.operand
        if operator != "in":
            return read(text)
        values = tuple(read(part.strip()) for part in text.split(",") if part.strip())
    if not 0 < len(values) <= MAX_LISTED:
        raise Invalid(f"takes 1 to {MAX_LISTED} values, separated by commas")
    return values


def _sorts(kind: Kind, text: str) -> tuple[Sort, ...]:
    found: dict[str, Sort] = {}
    for part in (part.strip() for part in _SORT_KEY.findall(text)):
        if not part:
            continue
        name = part.removeprefix("-")
        target = _target(kind, name)
        if target is None or (isinstance(target, Field) and not target.type.sortable):
            names = _sortable(kind)
            raise Problem(
                "invalid_sort",
                f"Sort {kind.plural} by {', '.join(names)}; a - in front means descending, commas separate keys.",
                fields={"sort": f"{_quoted(name)} is no sort key{nearest(name, names)}"},
            )
        found.setdefault(target.name, Sort(target, part.startswith("-")))
    if len(found) > MAX_SORTS:
        raise Problem("invalid_sort", f"Sort by at most {MAX_SORTS} keys.")
    return tuple(found.values())


def _target(kind: Kind, name: str) -> Target | None:
    if name.startswith("custom.") and kind.custom is not None:
        path = _path(name.removeprefix("custom."))
        return CustomKey(path) if path else None
    return kind.by_name.get(name)


def _path(text: str) -> tuple[str, ...]:
    """Return the keys of a dotted path, in which a key may be a JSON string (see PLAIN_KEY); () if it is malformed."""
    parts, at = [], 0
    while found := _PART.match(text, at):
        part, at = found.group(), found.end()
        if part.startswith('"'):
            try:
                part = json.loads(part)
                part.encode()  # refuses half a surrogate pair
            except (json.JSONDecodeError, UnicodeEncodeError):
                return ()
        parts.append(part)
        if at == len(text):
            return tuple(parts)
        if text[at] != ".":
            return ()
        at += 1
    return ()


def limit_of(text: str | None) -> tuple[int, tuple[str, ...]]:
    """Return how many rows a page has, and a note if that is less than `limit=` says; raises `invalid_value`."""
    if not text:
        return DEFAULT_LIMIT, ()
    digits = text.lstrip("0")
    if not re.fullmatch(r"[0-9]+", digits, re.ASCII):
        raise Problem(
            "invalid_value", f"Send limit=1 to limit={MAX_LIMIT}.", fields={"limit": f"must be 1 to {MAX_LIMIT}"}
        )
    if len(digits) > 9 or int(digits) > MAX_LIMIT:
        return MAX_LIMIT, (f"limit is {MAX_LIMIT}",)
    return int(digits), ()


def search_of(text: str) -> str:
    """Return the words of `search=` as search compares them (fold.plain), "" if there are none.

    Raises `invalid_value` if they are too many, or if nothing is left of them: accents alone would match everything.
    """
    found = fold.plain(text)
    if not found and text.strip():
        raise Problem(
            "invalid_value",
            "Search with at least one letter, digit or sign.",
            fields={"search": "has nothing but accents and characters that cannot be seen"},
        )
    if len(found) > MAX_SEARCH or len(found.split()) > MAX_WORDS:
        over = f"has over {MAX_SEARCH} characters or {MAX_WORDS} words"
        raise Problem("invalid_value", "Search with fewer words.", fields={"search": over})
    return found


def _textual(target: Target) -> bool:
    return isinstance(target, CustomKey) or "like" in target.type.operators


def _filterable(kind: Kind) -> list[str]:
    names = [field.name for field in kind.fields if field.type.operators]
    return [*names, "custom.KEY"] if kind.custom else names


def _sortable(kind: Kind) -> list[str]:
    names = [field.name for field in kind.fields if field.type.sortable]
    return [*names, "custom.KEY"] if kind.custom else names


def _bad_operator(name: str, operator: str, allowed: Sequence[str]) -> Problem:
    return Problem(
        "invalid_operator",
        f"Use one of {', '.join(allowed)} with {_quoted(name, bare=True)}.",
        fields={name: f"has no operator {operator}{nearest(operator, allowed)}"},
    )


def _quoted(text: str, bare: bool = False) -> str:
    cut = text if len(text) <= 40 else text[:40] + "…"
    return cut if bare else json.dumps(cut, ensure_ascii=False)
