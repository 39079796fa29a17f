"""What starts and ends on a day does not end before it starts."""

from crmkit.core.rules.rule import Rule, Values, Write, has
from crmkit.errors import Problem


def _settled(write: Write, values: Values) -> Values:
    """Return the values as they are; raises `invalid_value` if the last day is before the first."""
    if "starts_on" not in values and "ends_on" not in values:
        return values
    first, last = (values.get(name, write.was(name)) for name in ("starts_on", "ends_on"))
    if first is not None and last is not None and last < first:
        name = "ends_on" if "ends_on" in values else "starts_on"
        what = f"is before starts_on, {first}" if name == "ends_on" else f"is after ends_on, {last}"
        raise Problem("invalid_value", "Let it end on its first day or later.", fields={name: what})
    return values


RULE = Rule(has("starts_on", "ends_on"), _settled)
