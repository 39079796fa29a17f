"""What Klozeo's queries ask for: `filter=logic.operator.field.value`, repeated, and a sort, as ours."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime

from crmkit.clock import stamp
from crmkit.errors import Problem, listed, nearest
from crmkit.faces.klozeo.words import ALONE, FIELDS, OPERATORS, TIMES, UNSAID
from crmkit.model.query.groups import PREFIXES
from crmkit.model.sheets import countries, lists

ATTRIBUTE = "attr:"
LOCATION = "location"

_UNSORTED = ("id", "tags", "description", "address", "logo_url")

Pairs = list[tuple[str, str]]


def pairs_of(filters: Iterable[str]) -> Pairs:
    """Return the filters of a list of contacts: all of `and` must hold, and one of `or`; raises `invalid_filter`."""
    found: Pairs = []
    groups = iter(PREFIXES[1:])
    for text in filters:
        logic, operator, field, value = _parts(text)
        prefix = "or." if logic == "or" else ""
        conditions = [(_target(text, field), _condition(text, operator, field, value))]
        if field == "status" and conditions[0][1] == f"eq:{UNSAID}":  # as what has no stage is shown
            conditions.append((FIELDS[field], "is:null"))
            prefix = prefix or next(groups, "or9.")
        found += [(prefix + name, condition) for name, condition in conditions]
    return found


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


def _parts(text: str) -> tuple[str, str, str, str]:
    """Return logic, operator, field and value: the text between the first three dots, and all after them."""
    logic, _, rest = text.partition(".")
    operator, _, rest = rest.partition(".")
    field, _, value = rest.partition(".")
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
    if field.startswith(ATTRIBUTE):
        return f"custom.{json.dumps(field.removeprefix(ATTRIBUTE), ensure_ascii=False)}"
    return FIELDS.get(field, field)


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
    elif field == "country" and operator in ("eq", "neq"):
        value = countries.code(value) or value
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
