"""What takes place at a moment takes place now, unless its time is sent."""

from crmkit.core.rules.rule import Rule, Values, Write, has


def _settled(write: Write, values: Values) -> Values:
    """Return the values with this moment in place of a time that is not sent, or is empty."""
    at = values.get("occurred_at")
    is_due = at is None and (write.before is None or "occurred_at" in values)
    return {**values, "occurred_at": write.tx.now} if is_due else values


RULE = Rule(has("occurred_at"), _settled)
