"""Ids as Klozeo has them, `cl_<uuid>`: made of ours, and ours of them, without a table.

The UUID is one of version 8 (RFC 9562): `crmkit` in its first six bytes, the number of our id in its last six.
"""

import uuid

from crmkit import ids
from crmkit.errors import Problem

LEAD, NOTE = "cl", "note"
_PREFIXES = {"c": LEAD, "a": NOTE}  # of ours -> theirs; other ids have none

_BASE = uuid.UUID("63726d6b-6974-8000-8000-000000000000").int


def of(id: str, prefix: str = "") -> str:
    """Return Klozeo's id for an id of ours, after the prefix if one is given."""
    return _spelled(ids.number(id), prefix)


def theirs(id: str) -> str:
    """Return what their API has for an id of ours of whatever kind, with the prefix of that kind."""
    return of(id, _PREFIXES.get(id.partition("_")[0], ""))


def ours(text: str, prefix: str, kind: str) -> str:
    """Return our id, which begins with what `kind` says, for one of theirs; raises `not_found` for what is none."""
    begin, _, rest = text.rpartition("_")
    try:
        number = int(rest.replace("-", ""), 16) ^ _BASE
    except ValueError:
        number = ids.NUMBERS
    if begin != prefix or not 0 <= number < ids.NUMBERS or _spelled(number, prefix) != text.lower():
        like = f"{prefix}_01234567-89ab-cdef-0123-456789abcdef" if prefix else "01234567-89ab-cdef-0123-456789abcdef"
        raise Problem("not_found", f"Nothing has this id here; one looks like {like}.")
    return ids.numbered(kind, number)


def _spelled(number: int, prefix: str) -> str:
    found = ids.uuid_of(_BASE | number)
    return f"{prefix}_{found}" if prefix else found
