"""The names of events: `contact.created` of one record, `contacts.created` of several that one operation wrote."""

import hashlib
from collections.abc import Iterable, Sequence

from crmkit.model.record import Kind

ALL = "*"
CREATED, UPDATED, DELETED, MERGED, SCORED = "created", "updated", "deleted", "merged", "scored"
MOST_IDS = 1_000  # of an event of several
TEST = "webhook.test"  # which says nothing of any record

SENDS, PAUSED, OFF = "active", "paused", "off"  # how a webhook stands
# why one is off that moved with its workspace
MOVED = "it came from another server: PATCH it with active true, which makes a new secret"

# what a verb of the log is told as
BY_VERB = {
    "create": CREATED,
    "restore": CREATED,
    "update": UPDATED,
    "delete": DELETED,
    "merge": MERGED,
    "erase": DELETED,
}


def of(kinds: Iterable[Kind]) -> tuple[str, ...]:
    """Return the names of the events of one record of these kinds."""
    return tuple(f"{kind.name}.{what}" for kind in kinds for what in _of_kind(kind))


def _of_kind(kind: Kind) -> Iterable[str]:
    yield from (CREATED, UPDATED, DELETED)
    if kind.is_mergeable:
        yield MERGED
    if kind.is_scored:
        yield SCORED


def wants(chosen: Sequence[str], name: str) -> bool:
    """Tell whether an event of one record is among those that were chosen: by name, `contact.*` or `*`."""
    return ALL in chosen or name in chosen or f"{name.partition('.')[0]}.{ALL}" in chosen


def nouns(chosen: Sequence[str]) -> tuple[str, ...]:
    """Return the kinds that are named among the chosen events; none where these are all."""
    return tuple(dict.fromkeys(each.partition(".")[0] for each in chosen if each != ALL))


def id_of(webhook_id: str, place: str) -> str:
    """Return the id of an event for a webhook, which is the same however often it is made of the log.

    `place` says what it is, and where it is kept.
    """
    return f"evt_{hashlib.sha256(f'{webhook_id} {place}'.encode()).hexdigest()[:24]}"
