"""A ticket is closed while its status is solved: `closed_at` says since when."""

from crmkit.core.rules.rule import Rule, Values, Write
from crmkit.model.fields import Choice
from crmkit.model.record import Kind
from crmkit.records.ticket import SOLVED


def _concerns(kind: Kind) -> bool:
    type_ = kind.writable["status"].type if "status" in kind.writable else None
    return "closed_at" in kind.by_name and isinstance(type_, Choice) and SOLVED in type_.choices


def _settled(write: Write, values: Values) -> Values:
    """Return the values with the time at which the ticket becomes solved, or without one when it is reopened."""
    if "status" not in values:
        return values
    is_solved = values["status"] == SOLVED
    if is_solved == (write.was("status") == SOLVED):
        return values
    return {**values, "closed_at": write.tx.now if is_solved else None}


RULE = Rule(_concerns, _settled)
