"""What Klozeo's queries ask for: `filter=logic.operator.field.value`, repeated, and a sort, as ours."""

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime

from crmkit.clock import stamp
from crmkit.errors import Problem, listed, nearest
from crmkit.faces.klozeo.words import ALONE, FIELDS, OPERATORS, TIMES, UNSAID
from crmkit.model.fields import Invalid
from crmkit.model.iso_codes import COUNTRIES
from crmkit.model.query.groups import PREFIXES
from crmkit.model.sheets import countries, lists
from crmkit.records.contact import CONTACT

ATTRIBUTE = "attr:"
LOCATION = "location"

_NUMBER = re.compile(r"[0-9]+(e[+-]?[0-9]+)?")  # behind the point of a number

_UNSORTED = ("id", "tags", "description", "address", "logo_url")

NEVER, ALWAYS = ("created_at", "is:null"), ("created_at", "not:null")  # of no lead, of each

# fields that hold no other values than those of a form of their own
_CHECKED = ("email", "website", "phone", "country")
_WHOLE = {"eq": NEVER, "neq": ALWAYS, "in": NEVER}
# what an operator asks of a text, or what it finds all but
_TEXT: Mapping[str, Callable[[str, str], bool]] = {
    "eq": str.__eq__,
    "neq": str.__eq__,
    "in": lambda text, values: text in [each.strip() for each in values.split(",")],
    "contains": str.__contains__,
    "not_contains": str.__contains__,
    "starts_with": str.startswith,
    "ends_with": str.endswith,
}

Pair = tuple[str, str]
Pairs = list[Pair]


def pairs_of(filters: Iterable[str], dotted: Collection[str] = ()) -> Pairs:
    """Return the filters of a list of contacts: all of `and` must hold, and one of `or`; raises `invalid_filter`.

    The name of an attribute ends at its first dot, but for those in `dotted`.
    """
    found: Pairs = []
    groups = iter(PREFIXES[1:])
    for text in filters:
        logic, operator, field, value = _parts(text, dotted)
        prefix = "or." if logic == "or" else ""
        conditions = [_found(text, operator, field, value)]
        if field == "status":
            conditions = _of_status(operator, value, conditions[0])
        if not conditions:
            raise _refused(text, f"is about {UNSAID} and what says nothing: send eq or neq")
        if len(conditions) > 1 and not prefix:
            prefix = next(groups, "")
            if not prefix:
                raise _refused(text, "is one too many about status")
        found += [(prefix + name, condition) for name, condition in conditions]
    return found


def names_in(text: str) -> list[str]:
    """Return the names with dots that the attribute of a filter may have, the longest first."""
    _, operator, rest = [*text.split(".", 2), "", ""][:3]
    if not rest.startswith(ATTRIBUTE) or operator in ALONE:
        return []
    first, *others = rest.removeprefix(ATTRIBUTE).split(".")
    if _NUMBER.fullmatch(".".join(others)):  # of a value that clients have as a fraction
        return []
    return [".".join((first, *others[:count])) for count in range(len(others) - 1, 0, -1)]


def _of_status(operator: str, value: str, found: Pair) -> Pairs:
    """Return alternatives, one of which must hold of a status: what has no stage is shown as UNSAID.

    `found` is the condition without that. There are none for a part of UNSAID that a status must not contain.
    """
    if operator in ALONE or not value:  # each lead has a status
        return [NEVER if found[1] == "is:null" else ALWAYS]
    is_not = operator in ("neq", "not_contains")
    is_told = _TEXT[operator](UNSAID, value.lower())
    if is_told is not is_not:
        return [found, (FIELDS["status"], "is:null")] if is_told else [found]
    if not is_told:
        return [found]
    name = FIELDS["status"]  # of what has a stage, which is another one
    return [(name, f"lt:{value}"), (name, f"gt:{value}")] if operator == "neq" else []


def sort_of(field: str, order: str) -> str:
    """Return the sort of a list of contacts: the newest first unless a field is named; raises `invalid_sort`."""
    order = order.strip().upper()
    if order not in ("", "ASC", "DESC"):
        raise Problem("invalid_sort", "Send sort_order=ASC or DESC.", fields={"sort_order": "must be ASC or DESC"})
    if not field:
        return "created_at" if order == "ASC" else "-created_at"
    known = [name for name in FIELDS if name not in _UNSORTED]
    if field not in known and not field.startswith(ATTRIBUTE):
        wrong = {"sort_by": f"is no sort key{nearest(field, known)}"}
        raise Problem("invalid_sort", f"Sort by {', '.join(known)} or {ATTRIBUTE}NAME.", fields=wrong)
    return ("-" if order == "DESC" else "") + _name(field)


def _parts(text: str, dotted: Collection[str]) -> tuple[str, str, str, str]:
    """Return logic, operator, field and value: the text between the first three dots, and all after them."""
    logic, _, rest = text.partition(".")
    operator, _, rest = rest.partition(".")
    field, _, value = rest.partition(".")
    name = next((each for each in names_in(text) if each in dotted), "")
    if name:
        field = f"{ATTRIBUTE}{name}"
        value = rest.removeprefix(f"{field}.")
    elif field.startswith(ATTRIBUTE) and operator in ALONE:
        field = rest.removesuffix(".")
    if logic not in ("and", "or"):
        raise _refused(text, "begins with and or or")
    if operator not in OPERATORS and operator not in ALONE:
        known = [*OPERATORS, *ALONE]
        raise _refused(
            text, f"has no operator {operator[:40]!r}{nearest(operator, known)}; there are {', '.join(known)}"
        )
    return logic, operator, field, value


def _target(text: str, field: str) -> str:
    known = [*FIELDS, LOCATION]
    if field not in known and (not field.startswith(ATTRIBUTE) or field == ATTRIBUTE):
        fields = f"{', '.join(known)}, {ATTRIBUTE}NAME"
        raise _refused(text, f"names no field{nearest(field, known)}; there are {fields}")
    return _name(field)


def _name(field: str) -> str:
    return attribute_field(field.removeprefix(ATTRIBUTE)) if field.startswith(ATTRIBUTE) else FIELDS.get(field, field)


def attribute_field(name: str) -> str:
    """Return the field of a contact that holds an attribute of this name."""
    return f"custom.{json.dumps(name, ensure_ascii=False)}"


def _found(text: str, operator: str, field: str, value: str) -> Pair:
    """Return the field and the condition that a filter is."""
    name = _target(text, field)
    if field == "country" and value and operator in _TEXT and operator not in _WHOLE:
        return _of_countries(operator, value)
    if field in _CHECKED and value and operator in _WHOLE:
        value = ",".join(each for each in value.split(",") if _may_be(field, each))
        if not value:
            return _WHOLE[operator]
    return name, _condition(text, operator, field, value)


def _may_be(field: str, value: str) -> bool:
    """Tell whether a lead can hold a value: what none can is not there to be found, and no error of theirs."""
    of = CONTACT.by_name[FIELDS[field]].type
    try:
        return of.operand((field == "country" and countries.code(value)) or value) is not None
    except Invalid:
        return False


def _of_countries(operator: str, value: str) -> Pair:
    """Return the condition of a part of a country: of its code, or of one of its names where that is longer."""
    part, holds = countries.plain(value), _TEXT[operator]
    if len(part) <= len("DE"):
        codes = [each for each in sorted(COUNTRIES) if holds(each, value.strip().upper())]
    else:
        codes = countries.named(lambda name: holds(name, part))
    is_not = operator == "not_contains"
    if not codes:
        return ALWAYS if is_not else NEVER
    return "country", f"{'out' if is_not else 'in'}:{','.join(codes)}"


def _condition(text: str, operator: str, field: str, value: str) -> str:
    if operator in ALONE:
        return ALONE[operator]
    if not value and operator in ("eq", "neq"):
        return "is:null" if operator == "eq" else "not:null"
    if not value:
        raise _refused(text, f"needs a value behind {field}")
    if field == "tags":
        value = listed(lists.tags([value]), "") if operator.startswith("array") else value
    elif field in TIMES:
        value = _time(value)
    elif field == "country" and operator in ("eq", "neq", "in"):
        value = ",".join(countries.code(each) or each.strip() for each in value.split(","))
    elif field == "id":
        raise _refused(text, "cannot be about the id")
    return f"{OPERATORS[operator]}:{value}"


def _time(value: str) -> str:
    """Return a Unix time as a stamp, any other text as it is."""
    try:
        return stamp(datetime.fromtimestamp(int(float(value)), UTC))
    except (ValueError, OverflowError, OSError):
        return value


def _refused(text: str, why: str) -> Problem:
    hint = "Write filter=and.eq.city.Paris: logic, operator, field and value with dots between them."
    shown = text if len(text) <= 80 else f"{text[:80]}…"
    return Problem("invalid_filter", hint, fields={f"filter {shown}": why})
