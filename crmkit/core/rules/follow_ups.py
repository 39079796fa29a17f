"""A follow-up has a time, and a note that goes with it."""

from crmkit.core.rules.rule import Rule, Values, Write, has


def _settled(write: Write, values: Values) -> Values:
    """Return the values with an empty note where the follow-up is cleared."""
    if "follow_up_at" in values and values["follow_up_at"] is None:
        return {**values, "follow_up_note": None}
    return values


RULE = Rule(has("follow_up_at", "follow_up_note"), _settled)
