"""What values of expressions are: whether they are true, what they count, how they are compared."""

import math
import sys
from typing import Any

from crmkit.model.fold import fold

LARGEST = sys.float_info.max

Value = Any  # as records have it; None is missing


def finite(number: float) -> float:
    """Return a number that a calculation gave, the largest there is in place of an infinite one."""
    if math.isfinite(number):
        return number
    return 0.0 if math.isnan(number) else math.copysign(LARGEST, number)


def number(value: Value) -> float:
    """Return what a value counts in a sum: 0 unless it is a number or true."""
    if not isinstance(value, int | float):
        return 0.0
    try:
        return finite(float(value))
    except OverflowError:  # a key of custom may hold any whole number
        return LARGEST if value > 0 else -LARGEST


def is_true(value: Value) -> bool:
    return bool(value)


def equal(one: Value, other: Value) -> bool:
    """Tell whether two values are equal; a missing one is 0 beside a number."""
    if _count(one, other):
        return number(one) == number(other)
    if isinstance(one, str) and isinstance(other, str):
        return fold(one) == fold(other)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(equal, one, other))
    return False


def sign(one: Value, other: Value) -> int | None:
    """Return -1, 0 or 1 as the first is less than, equals or exceeds the other; None where they have no order."""
    if _count(one, other):
        x, y = number(one), number(other)
        return (x > y) - (x < y)
    if isinstance(one, str) and isinstance(other, str):
        a, b = fold(one), fold(other)
        return (a > b) - (a < b)
    return None


def has(held: Value, item: Value) -> bool:
    """Tell whether an item of a list equals another value; a value that is no list is one of itself."""
    if isinstance(held, list):
        return any(equal(each, item) for each in held)
    return held is not None and equal(held, item)


def _count(*values: Value) -> bool:
    return all(value is None or isinstance(value, int | float) for value in values)
