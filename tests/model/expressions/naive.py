"""A second evaluator of expressions, which walks a tree of tuples, and prints such a tree as text.

It shares no code with the product's: levels and meanings stand here once more.
"""

import json
import math
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any

Tree = tuple[Any, ...]

LEVELS = {"?": 1, "or": 2, "and": 3, "not": 4, "==": 5, "!=": 5, "<": 5, "<=": 5, ">": 5, ">=": 5}
LEVELS |= {"+": 6, "-": 6, "*": 7, "/": 7, "minus": 8}
OTHER_WORDS = {"or": "||", "and": "&&", "not": "!"}


def text(tree: Tree, least: int = 0, is_plain: bool = True) -> str:
    """Return a tree as text, in parentheses only where the levels ask for them."""
    name, *rest = tree
    level = LEVELS.get(name, 9)
    word = name if is_plain else OTHER_WORDS.get(name, name)

    def inner(part: Tree, at: int) -> str:
        return text(part, at, is_plain)

    if name == "value":
        (value,) = rest
        return "nil" if value is None else repr(value) if isinstance(value, float) else json.dumps(value)
    if name in ("field", "custom"):
        return rest[0] if name == "field" else f"custom.{json.dumps(rest[0])}"
    if name == "days":
        return f"days_since({inner(rest[0], 0)})"
    if name in ("min", "max", "has"):
        return f"{name}({', '.join(inner(part, 0) for part in rest)})"
    if name == "?":
        test, one, other = rest
        found = f"{inner(test, 2)} ? {inner(one, 0)} : {inner(other, 1)}"
    elif name == "minus":
        found = f"- {inner(rest[0], 8)}"
    elif name == "not":
        found = f"{word} {inner(rest[0], 4)}"
    else:
        left = level + 1 if level == 5 else level
        found = f"{inner(rest[0], left)} {word} {inner(rest[1], level + 1)}"
    return f"({found})" if level < least else found


def value(tree: Tree, record: dict[str, Any], now: datetime) -> Any:
    """Return what a tree is for a record."""
    name, *rest = tree
    if name == "value":
        return rest[0]
    if name in ("field", "custom"):
        return record.get(rest[0]) if name == "field" else (record["custom"] or {}).get(rest[0])
    if name == "?":
        return value(rest[1] if value(rest[0], record, now) else rest[2], record, now)
    found = [value(part, record, now) for part in rest]
    counted = [each if isinstance(each, int | float) else 0.0 for each in found]
    if name == "days":
        return _days(found[0], now)
    if name == "has":
        return float(any(_same(each, found[1]) for each in (found[0] if isinstance(found[0], list) else [])))
    if name in ("min", "max"):
        return sorted(counted)[0 if name == "min" else -1]
    if name in ("or", "and", "not"):
        return float(any(found) if name == "or" else all(found) if name == "and" else not found[0])
    if name in ("==", "!="):
        is_nil = ("value", None) in rest
        same = None in found and found[0] is found[1] if is_nil else _same(*found)
        return float(same == (name == "=="))
    if name in LEVELS and LEVELS[name] == 5:
        return float(_in_order(name, *found))
    if name == "minus":
        return -counted[0]
    return _bounded(name, *counted)


def _days(held: Any, now: datetime) -> float:
    try:
        then = datetime.fromisoformat(held)
    except (TypeError, ValueError):
        return 0.0
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return float(max((now - then) // timedelta(days=1), 0))


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return unicodedata.normalize("NFC", one.casefold()) == unicodedata.normalize("NFC", other.casefold())
    if all(each is None or isinstance(each, int | float) for each in (one, other)):
        return (one or 0) == (other or 0)
    return isinstance(one, list) and one == other


def _in_order(sign: str, one: Any, other: Any) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        one, other = one.casefold(), other.casefold()
    elif any(isinstance(each, str | list) for each in (one, other)):
        return False
    one, other = one or type(other or 0)(), other or type(one or 0)()
    return {"<": one < other, "<=": one <= other, ">": one > other, ">=": one >= other}[sign]


def _bounded(sign: str, one: float, other: float) -> float:
    if sign == "/" and other == 0:
        return 0.0
    found = {"+": one + other, "-": one - other, "*": one * other}[sign] if sign != "/" else one / other
    return math.copysign(1.7976931348623157e308, found) if math.isinf(found) else found
