"""What is won, lost or solved knows since when."""

from crmkit.core.rules.rule import Rule, Values, Write
from crmkit.model.fields import Choice
from crmkit.model.record import Kind

_ENDS = frozenset(("won", "lost", "solved"))  # statuses of what is closed


def _concerns(kind: Kind) -> bool:
    type_ = kind.writable["status"].type if "status" in kind.writable else None
    return "closed_at" in kind.by_name and isinstance(type_, Choice) and not _ENDS.isdisjoint(type_.choices)


def _settled(write: Write, values: Values) -> Values:
    """Return the values with the time of closing where the status changes: now, or none for what is open again."""
    default = write.kind.writable["status"].default
    status = values.get("status") or (default if write.before is None else write.was("status"))
    if status == (write.was("status") or default):
        return values
    return {**values, "closed_at": write.tx.now if status in _ENDS else None}


RULE = Rule(_concerns, _settled)
