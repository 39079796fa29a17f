"""Amounts have a currency: where none is sent beside them, the one that the workspace prefers."""

from functools import cache

from crmkit.core.rules.rule import Rule, Values, Write
from crmkit.errors import Problem, listed
from crmkit.model.record import Kind


def _settled(write: Write, values: Values) -> Values:
    """Return the values with a currency, if the record has an amount and none."""
    amounts = _amounts(write.kind)
    if values.keys().isdisjoint((*amounts, "currency")) or _value(write, values, "currency") is not None:
        return values
    if all(_value(write, values, amount) is None for amount in amounts):
        return values
    return {**values, "currency": write.tx.by.preferences.currency}


def _agreed(write: Write, values: Values) -> Values:
    """Return the values with the currency that amounts which stay need; raises `missing_field` where there is none."""
    amounts = _amounts(write.kind)
    if values.keys().isdisjoint((*amounts, "currency")) or _value(write, values, "currency") is not None:
        return values
    held = [amount for amount in amounts if _value(write, values, amount) is not None]
    if not held:
        return values
    if write.was("currency") is None:
        fields = {"currency": f"is needed by {listed(held, 'and')}"}
        raise Problem("missing_field", "Send the currency of the amounts.", fields=fields)
    return {**values, "currency": write.was("currency")}


def _value(write: Write, values: Values, name: str) -> object:
    return values[name] if name in values else write.was(name)


@cache
def _amounts(kind: Kind) -> tuple[str, ...]:
    return tuple(name for name in kind.writable if name.endswith("_cents"))


def _has_no_default(kind: Kind) -> bool:
    """Tell whether records of a kind have a currency only with an amount; the currency of others has a default."""
    return "currency" in kind.writable and kind.writable["currency"].nullable and bool(_amounts(kind))


RULE = Rule(_has_no_default, _settled, agree=_agreed)
