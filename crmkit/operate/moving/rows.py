"""Rows of an import: what a lead of another service becomes, and each of its notes."""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from crmkit.clock import stamp

# columns of these names are taken as they are, or the row is refused; a cell of others that does not fit goes to custom
EXACT = (
    *("name", "first_name", "last_name", "email", "source_id", "code", "stage"),
    *("estimated_cents", "actual_cents", "currency"),
)


class Note(Struct, frozen=True):
    """`id` tells one from all others, `at` is a stamp."""

    id: str
    text: str
    at: str | None


def contact_row(values: Mapping[str, Any], custom: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of a contact: its columns are called so that what does not fit a field goes to custom."""
    row = {_title(name): _clean(value) for name, value in values.items() if not _is_empty(value)}
    if not any(row.get(name) for name in ("name", "first_name", "last_name")):
        row["name"] = next(value for name in ("email", "Phone", "code", "source_id") if (value := row.get(name)))
    return {**row, "custom": custom} if custom else row


def note_row(contact: Mapping[str, Any], note: Note) -> dict[str, Any]:
    """Return the row of a note, which names its contact as a contact is found: by its email, else by its id there."""
    about = contact.get("email") or f"source:{contact['source_id']}"
    row = {"kind": "note", "contact_id": about, "body": _clean(note.text), "source_id": note.id}
    return {**row, "occurred_at": note.at} if note.at else row


def custom_of(
    own: Mapping[str, Any],
    told: Mapping[str, Any],
    attributes: Iterable[tuple[str, Any]],
    lead: Mapping[str, Any],
    known: Collection[str],
) -> dict[str, Any]:
    """Return the keys of custom of a lead: those of its `own` that no field has, what is `told`, its attributes.

    Besides, all that its service says of it beyond the fields that are `known`. Of two of one name the first keeps it.
    """
    found: dict[str, Any] = {}
    others = [(name, value) for name, value in lead.items() if name not in known]
    for name, value in (*own.items(), *attributes, *told.items(), *others):
        title, kept = _clean(name), _clean(value)
        key, number = title, 2
        while key in found and found[key] != kept:
            key, number = f"{title} {number}", number + 1
        if not _is_empty(kept):
            found[key] = kept
    return found


def stamp_of(seconds: Any) -> str | None:
    """Return a Unix time as a stamp, None for what is none."""
    try:
        return stamp(datetime.fromtimestamp(int(seconds), UTC))
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def _title(name: str) -> str:
    return name if name in EXACT else name.replace("_", " ").title()


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {})


def _clean(value: Any) -> Any:
    """Return a value without the characters that no field can keep (NUL)."""
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, list):
        return [_clean(each) for each in value]
    return {_clean(name): _clean(each) for name, each in value.items()} if isinstance(value, dict) else value
