"""The rule of kinds that have a follow-up."""

from typing import Any


def adjust(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values to write: when the follow-up is cleared, its note is cleared too."""
    if "follow_up_at" in values and values["follow_up_at"] is None:
        return {**values, "follow_up_note": None}
    return values
