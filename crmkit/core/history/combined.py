"""What several entries of one record come to."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from msgspec import Struct

from crmkit.model.record import Kind
from crmkit.storage.log.entries import MADE, Entry

CREATED, UPDATED, DELETED, MERGED = "created", "updated", "deleted", "merged"


class Change(Struct, frozen=True):
    """What became of a record; `at` and `by` are those of the last entry.

    `fields` are those that differ after an update, `into` is the handle of the record that it was merged into.
    """

    handle: str
    change: str
    at: str
    by: str
    fields: tuple[str, ...] = ()
    into: str = ""


def of(kind: Kind, entries: Sequence[Entry]) -> Change | None:
    """Return what entries of a record, the oldest first, come to; None if it is as it was before them.

    A record that was created and is gone again is none; one that was deleted and restored is at most changed.
    """
    first, last = entries[0], entries[-1]
    was_there, handle = first.verb not in MADE, last.target
    if last.is_gone:
        change = MERGED if last.into or last.verb == "merge" else DELETED
        into = kind.handle(last.into) if last.into else ""
        return Change(handle, change, last.at, last.by, into=into) if was_there else None
    if not was_there:
        return Change(handle, CREATED, last.at, last.by)
    fields = _differing(kind, entries)
    return Change(handle, UPDATED, last.at, last.by, fields) if fields else None


@cache
def given(kind: Kind) -> tuple[str, ...]:
    """Return the names of the fields that somebody gives a value: all that the log has changes of."""
    filled_in = ("id", "version", "created_at", "created_by", "updated_at")
    return tuple(field.name for field in kind.fields if not field.derived and field.name not in filled_in)


def _differing(kind: Kind, entries: Sequence[Entry]) -> tuple[str, ...]:
    """Return the fields whose values before and after the entries differ."""
    before, after = dict[str, Any](), dict[str, Any]()
    for entry in entries:
        for name, (old, new) in entry.changes.items():
            before.setdefault(name, old)
            after[name] = new
    return tuple(name for name in given(kind) if name in after and before[name] != after[name])
