"""What rules make of their values: points, which add up to a score."""

from collections.abc import Iterable

from crmkit.model.expressions.values import finite

LEAST, MOST = 0.0, 100.0

_SCORE_DIGITS = 2
_POINT_DIGITS = 6  # so that points, as they are shown, add up to what the score is made of


def points(value: float, weight: float) -> float:
    """Return the points that a rule gives."""
    return _rounded(finite(value * weight), _POINT_DIGITS)


def total(each: Iterable[float]) -> float:
    """Return what points add up to, with the digits of a score."""
    found = 0.0
    for one in each:
        found = finite(found + one)
    return _rounded(found, _SCORE_DIGITS)


def clamped(sum_: float) -> float:
    """Return the score that points make which add up to this."""
    return min(max(sum_, LEAST), MOST)


def _rounded(number: float, digits: int) -> float:
    return round(number, digits) + 0.0  # -0.0 is 0.0
