"""What is won or lost knows since when."""

from crmkit.core.rules.rule import Rule, Values, Write
from crmkit.core.rules.stages import ends
from crmkit.model.configuration.pipeline import OPEN


def _settled(write: Write, values: Values) -> Values:
    """Return the values with the time of closing where the status changes: now, or none for what is open again."""
    status = values.get("status", OPEN if write.before is None else write.was("status"))
    if status == (write.was("status") or OPEN):
        return values
    return {**values, "closed_at": None if status == OPEN else write.tx.now}


RULE = Rule(lambda kind: ends(kind) and "closed_at" in kind.by_name, _settled)
