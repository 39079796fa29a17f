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


def counts(value: Value) -> bool:
    """Tell whether a value is a number, or is missing, which counts 0."""
    return value is None or isinstance(value, int | float)


def form(value: Value) -> Any:
    """Return what a text or a list is compared by; a list or an object in a list equals nothing."""
    if isinstance(value, str):
        return fold(value)
    return tuple(number(each) if counts(each) else fold(each) if isinstance(each, str) else object() for each in value)
