"""Queries: the pairs of a query string -> conditions, sorts, limit and so on, checked against a kind."""

import json
import re
from collections.abc import Iterable, Sequence

from msgspec import Struct

from crmkit.errors import Problem, a, closest, nearest
from crmkit.model import address, fold, phones
from crmkit.model.actor import NOBODY, Asker
from crmkit.model.form import Field
from crmkit.model.operators.rows import meant
from crmkit.model.query import groups
from crmkit.model.query.chosen import FIELDS, names_in
from crmkit.model.query.filters import (
    MAX_LISTED,
    NONE,
    Condition,
    Declarations,
    DeclaredKey,
    Target,
    is_told_by_now,
    operators_of,
    quoted,
    spelled_otherwise,
    target_of,
)
from crmkit.model.query.filters import conditions as conditions_of
from crmkit.model.query.groups import AnyOf, Criterion, Part
from crmkit.model.record import Kind

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
MAX_SORTS = 5
MAX_CONDITIONS = 50
MAX_SEARCH = 200  # characters of one search
MAX_WORDS = 20  # of one search

MAX_TOKENS = "max_tokens"
RESERVED = ("search", "sort", "limit", "cursor", "count", FIELDS, "explain", MAX_TOKENS, "format")
FLAGS = {"": False, "0": False, "1": True, "false": False, "true": True}
TIMEZONE = "timezone"  # the zone of one answer; it is read before a query is parsed, with an operator it is a filter
HAS_NUL = "Leave NUL characters (%00) out of the query."
OTHERS = (*RESERVED, TIMEZONE)  # parameters of a list beside its filters
# how other products call these
ALIKE = {
    **dict.fromkeys(("q", "query"), "search"),
    **dict.fromkeys(("order", "order_by", "orderby", "ordering", "sort_by", "sortby"), "sort"),
    **dict.fromkeys(("per_page", "page_size", "pagesize", "size", "top"), "limit"),
    **dict.fromkeys(("page", "offset", "skip", "after", "page_token"), "cursor"),
    **dict.fromkeys(("select", "columns"), "fields"),
}

_PAGE = re.compile(r"(?:https?:)?//|www\.", re.IGNORECASE)  # how the address of a page begins


class Sort(Struct, frozen=True):
    """One key of a sort."""

    target: Target
    descending: bool


class Query(Struct, frozen=True):
    """What a client asks of a list, checked against a kind."""

    conditions: tuple[Criterion, ...] = ()  # all are met
    sorts: tuple[Sort, ...] = ()
    search: str = ""
    limit: int = DEFAULT_LIMIT
    cursor: str = ""
    exact_count: bool = False
    fields: tuple[str, ...] = ()  # that rows have after their id
    notes: tuple[str, ...] = ()
    country: str = ""  # of phone numbers in the search
    explains: bool = False  # the answer says in words how it was read
    skipped: int = 0  # rows before the first page, which the total counts
    at: str = ""  # the stamp that filters are told by; "" if they mean the same at every moment

    @property
    def filtered(self) -> bool:
        return bool(self.conditions or self.search)

    @property
    def declared(self) -> tuple[DeclaredKey, ...]:
        """The declared keys of custom that filters and sorts are about."""
        targets = [condition.target for condition in groups.flat(self.conditions)]
        targets += [sort.target for sort in self.sorts]
        return tuple(dict.fromkeys([target for target in targets if isinstance(target, DeclaredKey)]))

    def binding(self, list_name: str) -> str:
        """Return what a cursor of this query is bound to; `list_name` names the workspace and the list.

        A cursor holds values of the columns that sorts compare, so it does not outlive them.
        """
        conditions = sorted(map(_bound, self.conditions))
        sorts = [[sort.target.name, sort.descending, *_compared(sort.target)] for sort in self.sorts]
        indexes = [key.place for key in self.declared]  # another index may compare the values in another way
        return json.dumps([list_name, conditions, sorts, self.search, *indexes])


def parse(
    kind: Kind,
    pairs: Iterable[tuple[str, str]],
    asker: Asker = NOBODY,
    declared: Declarations = NONE,
    others: Sequence[str] = OTHERS,
) -> Query:
    """Return the query in the pairs of a query string, which may have any order; all filters must match.

    `declared` are the keys of custom that the workspace declares, `others` the parameters that an error names beside
    filters. Raises `invalid_filter`, `invalid_operator`,
    `invalid_value` or `invalid_sort` with what is allowed.
    """
    conditions, any_of = list[Condition](), dict[str, list[Part]]()
    filters, at = 0, ""
    reserved: dict[str, str] = {}
    for name, text in pairs:
        if "\x00" in name or "\x00" in text:
            raise Problem("invalid_value", HAS_NUL)
        if name not in RESERVED:
            filters += 1
            prefix, field = groups.split(name)
            target = _target(kind, prefix, field, declared, others)
            at = asker.now if is_told_by_now(target, text) else at
            part = conditions_of(target, name, text, asker)
            if prefix:
                any_of.setdefault(prefix, []).append(part)
            else:
                conditions += part
        elif name == "search" and not kind.is_searched:
            hint = f"Filter {kind.plural} by {', '.join(_filterable(kind))}."
            raise Problem("invalid_filter", hint, fields={name: f"{kind.plural} have no text to search"})
        elif name in reserved:
            raise Problem("invalid_value", f"Send {name} once.", fields={name: "stands twice"})
        else:
            reserved[name] = text
    if filters > MAX_CONDITIONS:
        raise Problem("invalid_filter", f"Send at most {MAX_CONDITIONS} filters.")
    asked = groups.filters(conditions, any_of)
    if sum(len(c.value) for c in groups.flat(asked) if isinstance(c.value, tuple)) > MAX_LISTED:
        raise Problem("invalid_filter", f"Send at most {MAX_LISTED} values in the lists of all filters together.")
    limit, notes = limit_of(reserved.get("limit"))
    count = reserved.get("count", "")
    if count not in ("", "exact"):
        raise Problem("invalid_value", "Send count=exact, or leave count out.", fields={"count": "must be exact"})
    return Query(
        asked,
        _sorts(kind, reserved.get("sort", ""), declared),
        search_of(reserved.get("search", "")),
        limit,
        reserved.get("cursor", ""),
        count == "exact",
        notes=notes,
        country=asker.country,
        explains=explains(reserved.get("explain", "")),
        at=at,
    )


def explains(text: str) -> bool:
    """Tell what `explain=` says; raises `invalid_value` for what is neither yes nor no."""
    found = FLAGS.get(text.strip().lower())
    if found is None:
        wrong = {"explain": "must be 1 or 0, true or false"}
        raise Problem("invalid_value", "Send explain=1 to be told how the query was read.", fields=wrong)
    return found


def _target(kind: Kind, prefix: str, name: str, declared: Declarations, others: Sequence[str]) -> Target:
    """Return what a filter is about, whose name stands after the prefix of a group; raises `invalid_filter`."""
    target = target_of(kind, name, declared)
    if target is None or not operators_of(target):
        raise Problem(
            "invalid_filter",
            f"Filter {kind.plural} by {', '.join(_filterable(kind))}; other parameters are {', '.join(others)}.",
            fields={prefix + name: f"is no field of {a(kind.noun)}{_meant(kind, prefix, name)}"},
        )
    return target


def _meant(kind: Kind, prefix: str, name: str) -> str:
    """Return what a parameter that does not exist may be meant as, for the end of a sentence."""
    field, word = spelled_otherwise(name)
    target = target_of(kind, field)
    operator = meant(word, operators_of(target)) if target else ""
    if operator:
        return f"; write {quoted(prefix + field, bare=True)}={operator}:VALUE"
    if prefix:
        other = ALIKE.get(name.lower(), name)
        if other in (*RESERVED, TIMEZONE):
            return f": only filters stand in a group; send {other} without {prefix}"
        close = closest(name, _filterable(kind))
        return f" (did you mean {prefix}{close}?)" if close else ""
    known = ALIKE.get(name.lower())
    if known:
        return f" (did you mean {known}?)"
    if groups.is_like(name):
        return "; a filter of a group is or.FIELD=VALUE, of another group or2.FIELD=VALUE, up to or9."
    return nearest(name, [*_filterable(kind), *RESERVED, TIMEZONE])


def _sorts(kind: Kind, text: str, declared: Declarations) -> tuple[Sort, ...]:
    found: dict[str, Sort] = {}
    for part in names_in(text):
        name = part.removeprefix("-")
        target = target_of(kind, name, declared)
        if target is None or (isinstance(target, Field) and not sorts_by(target)):
            names = sortable(kind)
            raise Problem(
                "invalid_sort",
                f"Sort {kind.plural} by {', '.join(names)}; a - in front means descending, commas separate keys.",
                fields={"sort": f"{quoted(name)} is no sort key{nearest(re.split(r'[ :]', name)[0], names)}"},
            )
        found.setdefault(target.name, Sort(target, part.startswith("-")))
    if len(found) > MAX_SORTS:
        raise Problem("invalid_sort", f"Sort by at most {MAX_SORTS} keys.")
    return tuple(found.values())


def limit_of(text: str | None, unsent: int = DEFAULT_LIMIT, most: int = MAX_LIMIT) -> tuple[int, tuple[str, ...]]:
    """Return how many rows a page has, and a note if that is less than `limit=` says; raises `invalid_value`."""
    if not text:
        return unsent, ()
    digits = text.lstrip("0")
    if not re.fullmatch(r"[0-9]+", digits, re.ASCII):
        raise Problem("invalid_value", f"Send limit=1 to limit={most}.", fields={"limit": f"must be 1 to {most}"})
    if len(digits) > 9 or int(digits) > most:
        return most, (f"limit is {most}",)
    return int(digits), ()


def search_of(text: str) -> str:
    """Return the words of `search=` as search compares them (fold.plain), "" if there are none.

    A word that is the address of a page, or begins with www., is searched as the domain that a company has of it. A
    blank before a number that it begins with is the plus that it was.
    Raises `invalid_value` if they are too many, or if nothing is left of them: accents alone would match everything.
    """
    text = phones.with_plus(text)
    found = fold.plain(" ".join(map(_as_kept, text.split())) if _PAGE.search(text) else text)
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


def _as_kept(word: str) -> str:
    """Return the domain, as domains are kept, of a word that is the address of a page, else the word."""
    if not _PAGE.match(word):
        return word
    try:
        return address.part_of_domain(word)
    except ValueError:
        return word


def _bound(filter: Criterion) -> str:
    """Return what a cursor is bound to of one filter, the parts of a group in any order."""
    if isinstance(filter, AnyOf):
        return json.dumps(["or", sorted(json.dumps(sorted(map(_bound, part))) for part in filter.parts)])
    return json.dumps([filter.target.name, filter.operator, filter.value])


def _filterable(kind: Kind) -> list[str]:
    names = [*kind.filters]
    return [*names, "custom.KEY"] if kind.custom else names


def _compared(target: Target) -> tuple[str | int, ...]:
    """Return what tells how values of this are compared: the column, or the index of a declared key and its form."""
    if isinstance(target, DeclaredKey):
        return target.place, target.form
    return (target.compared,) if isinstance(target, Field) else ()


def sorts_by(field: Field) -> bool:
    """Tell whether records can be sorted, and grouped, by a field."""
    return field.type.sortable and field.through is None


def sortable(kind: Kind) -> list[str]:
    """Return the names of all that records can be sorted and grouped by."""
    names = [field.name for field in kind.fields if field.type.sortable]
    return [*names, "custom.KEY"] if kind.custom else names
