"""Rules of contacts alone."""

from typing import Any

from crmkit.model.record import Record

UPSERT_BY = "email"


def settle(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values to write: a follow-up that is cleared takes its note along."""
    if "follow_up_at" in values and values["follow_up_at"] is None:
        return {**values, "follow_up_note": None}
    return values


def farewell(contact: Record) -> str:
    """Return what goes and what stays when the contact is deleted."""
    return "Its activities go with it; its deals stay, unlinked."
