"""A name is composed of its parts unless it was set apart: sent itself, and unlike what the parts make.

Whether it is set apart is seen from the record: its name differs from what its parts make. So a name with which the
parts catch up is composed from then on. A name is never taken apart.
"""

from collections.abc import Callable
from typing import Any

from crmkit.core.rules.rule import Rule, Values, Write
from crmkit.errors import Problem
from crmkit.model.fields import Invalid
from crmkit.model.form import Field
from crmkit.model.record import Kind


def _settled(write: Write, values: Values) -> Values:
    """Return the values with the name that they make; raises `missing_field` where nothing is left to make one of."""
    name = write.kind.composed
    if name is None or values.get(name.name) is not None or values.keys().isdisjoint((name.name, *name.parts)):
        return values
    composed = _composed(name, lambda part: values[part] if part in values else write.was(part))
    is_asked = name.name in values or write.before is None
    if not is_asked and write.was(name.name) != _composed(name, write.was):
        return values
    if composed is None and write.before is not None:
        faults = {part: "is the last part of the name" for part in name.parts if part in values}
        hint = f"Send {name.name}, or one of {', '.join(name.parts)} that is not empty."
        raise Problem("missing_field", hint, fields=faults or {name.name: "has no parts to be composed of"})
    return {**values, name.name: composed}


def _composed(name: Field, value_of: Callable[[str], Any]) -> str | None:
    """Return what the parts make, None if all are empty; raises `invalid_value` if that is too long for a name."""
    whole = " ".join(part for part in map(value_of, name.parts) if part)
    try:
        composed: str | None = name.type.accept(whole)
    except Invalid as error:
        hint = f"Shorten them, or send a {name.name} of its own."
        raise Problem("invalid_value", hint, fields=dict.fromkeys(name.parts, f"with the others {error}")) from None
    return composed


def _is_composed(kind: Kind) -> bool:
    return kind.composed is not None


RULE = Rule(_is_composed, _settled)
