"""A name is composed of its parts unless it was set apart: sent itself, and unlike what the parts make.

A field of the record, `told_by`, tells which it is, since a name may be like what the parts make by chance. A name
is never taken apart.
"""

from crmkit.core.rules.rule import Rule, Values, Write
from crmkit.errors import Problem
from crmkit.model.fields import Invalid
from crmkit.model.form import Field
from crmkit.model.record import Kind


def _settled(write: Write, values: Values) -> Values:
    """Return the values with the name that they make; raises `missing_field` where nothing is left to make one of."""
    name = write.kind.composed
    if name is None or (values.keys().isdisjoint(name.parts) and (write.before is None or name.name not in values)):
        return values  # a new name without parts was set apart, as one is that nothing tells about
    whole = _whole(write, values)
    if values.get(name.name) is not None:
        return {**values, name.told_by: True if values[name.name] == whole else None}
    is_asked = name.name in values or write.before is None
    if not is_asked and not write.was(name.told_by):
        return values
    composed = _accepted(name, whole)
    if composed is None and write.before is not None:
        faults = {part: "is the last part of the name" for part in name.parts if part in values}
        hint = f"Send {name.name}, or one of {', '.join(name.parts)} that is not empty."
        empty = f"cannot be empty; {' or '.join(name.parts)} would make one"
        raise Problem("missing_field", hint, fields=faults or {name.name: empty})
    return {**values, name.name: composed, name.told_by: True} if composed else values


def _agreed(write: Write, values: Values) -> Values:
    """Return the values with the name that the parts make by now; one that is put back unlike that is set apart."""
    name = write.kind.composed
    if name is None or not write.will(name.told_by, values) or write.will(name.name, values) == _whole(write, values):
        return values
    if name.name in values or not write.was(name.told_by):
        return {**values, name.told_by: None}
    return _settled(write, values)


def _whole(write: Write, values: Values) -> str:
    """Return what the parts make, empty if all are empty."""
    parts = write.kind.composed.parts if write.kind.composed else ()
    return " ".join(part for part in (write.will(part, values) for part in parts) if part)


def _accepted(name: Field, whole: str) -> str | None:
    """Return what the parts make, None if all are empty; raises `invalid_value` if that is too long for a name."""
    try:
        composed: str | None = name.type.accept(whole)
    except Invalid as error:
        hint = f"Shorten them, or send a {name.name} of its own."
        raise Problem("invalid_value", hint, fields=dict.fromkeys(name.parts, f"with the others {error}")) from None
    return composed


def _is_composed(kind: Kind) -> bool:
    return kind.composed is not None


RULE = Rule(_is_composed, _settled, agree=_agreed)
