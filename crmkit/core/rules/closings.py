"""What is won, lost or solved knows since when: since the present, or since the time that an import tells."""

from crmkit.core.rules.rule import Rule, Values, Write
from crmkit.model.fields import Choice
from crmkit.model.record import Kind

ENDS = frozenset(("won", "lost", "solved"))  # statuses of what is closed


def _concerns(kind: Kind) -> bool:
    type_ = kind.writable["status"].type if "status" in kind.writable else None
    return "closed_at" in kind.by_name and isinstance(type_, Choice) and not ENDS.isdisjoint(type_.choices)


def _settled(write: Write, values: Values) -> Values:
    """Return the values with the time of closing where the status changes, or where an import tells another time.

    A deal that was to close on a day that is over, and that an import brings in as closed, closed on that day. What is
    open again has none.
    """
    default = write.kind.writable["status"].default
    status = values.get("status") or (default if write.before is None else write.was("status"))
    told = write.told("closed_at") if status in ENDS else None
    if status == (write.was("status") or default):
        return {**values, "closed_at": told} if told else values
    if status in ENDS and not told:
        expected = write.kind.forecast.closes if write.kind.forecast else ""
        told = write.told(expected) or write.tx.asked_at
    return {**values, "closed_at": told}


RULE = Rule(_concerns, _settled)
