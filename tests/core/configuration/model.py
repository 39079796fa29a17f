"""What the manual says of declared keys, once more in slow, plain Python: what fits, what is found, in which order."""

import random
from datetime import date, datetime
from functools import cmp_to_key
from typing import Any

from crmkit.model.fold import fold

CHOICES = ["small", "Medium", "very big"]
VALUES: dict[str, list[Any]] = {
    "text": ["a", "B", "b", "ärger", "", "10", "9", "2026-01-01", "small", "%_"],
    "number": [0, 1, -1, 1.0, 2.5, 9, 10, 9_007_199_254_740_993, 1e300],
    "bool": [True, False],
    "date": ["2026-06-30", "2026-01-01", "0001-01-01"],
    "time": ["2026-06-10T09:00:00Z", "2026-06-10T10:30:00+02:00", "2026-06-09T23:30:00Z", "1999-12-31t00:00:00z"],
    "choice": CHOICES,
    "list": [[], ["a"], [1, {"x": 1}]],
    "object": [{}, {"c": 1}],
}
EVERY = [value for values in VALUES.values() for value in values]
EXACT = ["eq", "ne", "in", "out"]
ORDERED = [*EXACT, "gt", "gte", "lt", "lte", "between"]
OPERATORS = {
    "text": [*ORDERED, "like", "unlike", "starts", "ends"],
    "number": ORDERED,
    "date": ORDERED,
    "time": ORDERED,
    "bool": EXACT,
    "choice": EXACT,
}


def fits(type: str, value: Any) -> bool:
    if type in ("list", "object"):
        return isinstance(value, list if type == "list" else dict)
    if type == "bool":
        return isinstance(value, bool)
    if type == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, str) and (type == "text" or read(type, value) is not None)


def read(type: str, value: Any) -> Any:
    """Return what a value that is stored is compared by, None for one that does not fit."""
    if type == "choice":
        return CHOICES.index(value) if value in CHOICES else None
    if type == "text":
        return fold(value)
    if type == "date":
        try:
            return date.fromisoformat(value) if len(value) == 10 else None
        except ValueError:
            return None
    if type == "time":
        try:
            found = datetime.fromisoformat(value.upper())
        except ValueError:
            return None
        return found if found.tzinfo else None
    return value


def held(types: dict[str, str], custom: dict[str, Any] | None, key: str) -> Any:
    """Return what the value of a declared key is compared by, None for nothing and for a misfit."""
    value = (custom or {}).get(key)
    return read(types[key], value) if value is not None and fits(types[key], value) else None


def spelled(value: Any) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def meets(type: str, found: Any, operator: str, wanted: list[Any]) -> bool:
    """Tell whether what a record is compared by meets a filter for values that the type fits."""
    values = [read(type, one) for one in wanted]
    if operator in ("ne", "out"):
        return found is None or found not in values
    if operator == "unlike":
        return found is None or values[0] not in found
    if found is None:
        return False
    if operator in ("like", "starts", "ends"):
        place = {"like": values[0] in found, "starts": found.startswith(values[0]), "ends": found.endswith(values[0])}
        return place[operator]
    if operator == "between":
        return values[0] <= found <= values[1]
    return {
        "eq": found == values[0],
        "in": found in values,
        "gt": found > values[0],
        "gte": found >= values[0],
        "lt": found < values[0],
        "lte": found <= values[0],
    }[operator]


def in_order(rows: list[tuple[str, list[Any]]], down: list[bool]) -> list[str]:
    """Return the ids of (id, sort values) in the order of the keys, empty values last, ties by id as the last key."""

    def compare(one: tuple[str, list[Any]], other: tuple[str, list[Any]]) -> int:
        for a, b, is_down in zip([*one[1], one[0]], [*other[1], other[0]], [*down, down[-1]], strict=True):
            if a == b:
                continue
            if a is None or b is None:
                return 1 if a is None else -1
            return (1 if a > b else -1) * (-1 if is_down else 1)
        return 0

    return [id for id, _ in sorted(rows, key=cmp_to_key(compare))]


def asked(type: str, luck: random.Random) -> tuple[str, list[Any]]:
    """Return an operator of a type and values to ask for."""
    operator = luck.choice(OPERATORS[type])
    values = [value for value in VALUES[type] if value != ""]
    return operator, luck.sample(values, 2 if operator in ("in", "out", "between") else 1)
