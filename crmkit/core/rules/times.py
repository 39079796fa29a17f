"""Rules of days and times: follow-ups, periods, and when something took place."""

from crmkit.core.rules.rule import Rule, Values, Write, has
from crmkit.errors import Problem


def _follow_up(write: Write, values: Values) -> Values:
    """Return the values with an empty note where the follow-up is cleared."""
    if "follow_up_at" in values and values["follow_up_at"] is None:
        return {**values, "follow_up_note": None}
    return values


def _period(write: Write, values: Values) -> Values:
    """Return the values as they are; raises `invalid_value` if the last day is before the first."""
    if "starts_on" not in values and "ends_on" not in values:
        return values
    first, last = (values.get(name, write.was(name)) for name in ("starts_on", "ends_on"))
    if first is not None and last is not None and last < first:
        name = "ends_on" if "ends_on" in values else "starts_on"
        what = f"is before starts_on, {first}" if name == "ends_on" else f"is after ends_on, {last}"
        raise Problem("invalid_value", "Let it end on its first day or later.", fields={name: what})
    return values


def _occurrence(write: Write, values: Values) -> Values:
    """Return the values with this moment in place of a time that is not sent, or is empty."""
    at = values.get("occurred_at")
    is_due = at is None and (write.before is None or "occurred_at" in values)
    return {**values, "occurred_at": write.tx.asked_at} if is_due else values


FOLLOW_UP = Rule(has("follow_up_at", "follow_up_note"), _follow_up)
PERIOD = Rule(has("starts_on", "ends_on"), _period, agree=_period)
OCCURRENCE = Rule(has("occurred_at"), _occurrence)
