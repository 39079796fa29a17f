"""The rule of everything that has a follow-up."""

from typing import Any


def settle(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values to write: a follow-up that is cleared takes its note along."""
    if "follow_up_at" in values and values["follow_up_at"] is None:
        return {**values, "follow_up_note": None}
    return values
