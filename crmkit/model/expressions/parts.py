"""What an expression is made of once it is parsed: functions of a Scope, each made of those of its parts."""

import operator
from collections.abc import Callable, Sequence
from typing import Any

from crmkit.model.expressions.scope import Scope
from crmkit.model.expressions.values import Value, finite, is_true, number

Part = Callable[[Scope], Value]

_SIGNS: dict[str, tuple[int, ...]] = {"<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (1, 0)}


def _divided(one: float, other: float) -> float:
    return one / other if other else 0.0


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divided,
}


def missing(scope: Scope) -> Value:
    """Return None: the value of `nil`, whatever the record."""
    return None


def constant(value: Value) -> Part:
    return lambda scope: value


def field(name: str) -> Part:
    read: Callable[[Any], Value] = operator.attrgetter(name)
    return lambda scope: read(scope.record)


def key(custom: str, path: Sequence[str]) -> Part:
    """Return the value within the field `custom` that these keys lead to."""
    first, read = path, operator.attrgetter(custom)

    def part(scope: Scope) -> Value:
        found: Value = read(scope.record)
        for name in first:
            found = found.get(name) if isinstance(found, dict) else None
        return found

    return part


def negated(part: Part) -> Part:
    return lambda scope: -number(part(scope))


def inverted(part: Part) -> Part:
    return lambda scope: 0.0 if is_true(part(scope)) else 1.0


def compared(one: Part, sign_: str, other: Part) -> Part:
    if sign_ in ("==", "!="):
        same, otherwise = (1.0, 0.0) if sign_ == "==" else (0.0, 1.0)
        if one is missing or other is missing:
            held = one if other is missing else other
            return lambda scope: same if held(scope) is None else otherwise
        return lambda scope: same if scope.equal(one(scope), other(scope)) else otherwise
    signs = _SIGNS[sign_]
    return lambda scope: 1.0 if scope.sign(one(scope), other(scope)) in signs else 0.0


def calculated(first: Part, rest: Sequence[tuple[str, Part]]) -> Part:
    """Return what sums or products of numbers give, from the left."""
    steps = [(_ARITHMETIC[sign_], part) for sign_, part in rest]

    def part(scope: Scope) -> Value:
        found = number(first(scope))
        for apply, each in steps:
            found = finite(apply(found, number(each(scope))))
        return found

    return part


def any_of(parts: Sequence[Part]) -> Part:
    def part(scope: Scope) -> Value:
        for each in parts:
            if is_true(each(scope)):
                return 1.0
        return 0.0

    return part


def all_of(parts: Sequence[Part]) -> Part:
    def part(scope: Scope) -> Value:
        for each in parts:
            if not is_true(each(scope)):
                return 0.0
        return 1.0

    return part


def chosen(arms: Sequence[tuple[Part, Part]], otherwise: Part) -> Part:
    """Return the value of the first arm whose test is true."""

    def part(scope: Scope) -> Value:
        for test, value in arms:
            if is_true(test(scope)):
                return value(scope)
        return otherwise(scope)

    return part


def least(parts: Sequence[Part]) -> Part:
    return lambda scope: min([number(each(scope)) for each in parts])


def most(parts: Sequence[Part]) -> Part:
    return lambda scope: max([number(each(scope)) for each in parts])


def held(parts: Sequence[Part]) -> Part:
    """Return whether the first, a list, has the second."""
    list_, item = parts
    return lambda scope: 1.0 if scope.has(list_(scope), item(scope)) else 0.0


def days_since(parts: Sequence[Part]) -> Part:
    (time,) = parts
    return lambda scope: scope.days_since(time(scope))
