"""Fields that follow from other records: copies of titles, the number of activities and the time of the newest.

Such a field is marked DERIVED or NameOf. It is never logged; whoever writes a record brings those of others up to date
by `put_and_follow`, or by `follow` after a statement that wrote several records. Its own copies of titles are in what
is written (see relations.linked).
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import overload

from crmkit.model.record import Kind, Kinds, Record
from crmkit.storage import activity_counts, records
from crmkit.storage.interface.tx import Tx

Change = tuple[Record | None, Record | None]  # before and after


@overload
def put_and_follow(tx: Tx, kinds: Kinds, kind: Kind, before: Record | None, after: Record) -> Record: ...
@overload
def put_and_follow(tx: Tx, kinds: Kinds, kind: Kind, before: Record, after: None) -> None: ...
def put_and_follow(tx: Tx, kinds: Kinds, kind: Kind, before: Record | None, after: Record | None) -> Record | None:
    """Write a record, as records.put does, and what follows from that on others."""
    record = records.put(tx, kind, before, after)
    if record is not before and (before is not None or kind is kinds.activity):  # else nobody links to it yet
        follow(tx, kinds, kind, ((before, record),))
    return record


def follow(tx: Tx, kinds: Kinds, kind: Kind, changes: Iterable[Change]) -> None:
    """Write what follows from changes to records of a kind on the records that they link to or that link to them."""
    if kind is kinds.activity:
        _count(tx, kinds, changes)
        return
    title = kind.title.name
    for before, after in changes:
        if before is not None and after is not None and getattr(before, title) != getattr(after, title):
            for reference in kinds.references[kind]:
                copy = {reference.name: getattr(after, title)}
                records.restate(tx, reference.kind, reference.link, after.id, copy)


def links(kinds: Kinds, activity: Record) -> Iterator[tuple[Kind, str]]:
    """Yield (kind, id) of every record that the activity links to, first the one that it belongs to."""
    for kind in kinds.linking_first:
        id = getattr(activity, kind.activity_link, None)
        if id is not None:
            yield kind, id


def _count(tx: Tx, kinds: Kinds, changes: Iterable[Change]) -> None:
    """Count activities on the records that they link to now, and no longer on those that they linked to before."""
    fewer: Counter[tuple[Kind, str]] = Counter()
    more: Counter[tuple[Kind, str]] = Counter()
    newest: dict[tuple[Kind, str], str] = {}
    for before, after in changes:
        was, now = _places(kinds, before), _places(kinds, after)
        fewer.update(place for place, at in was.items() if now.get(place) != at)
        for place, at in now.items():
            if was.get(place) != at:
                more[place] += 1
                newest[place] = max(at, newest.get(place, at))
    for (kind, id), times in fewer.items():
        activity_counts.drop(tx, kind, id, times)
    for (kind, id), times in more.items():
        activity_counts.add(tx, kind, id, newest[kind, id], times)


def _places(kinds: Kinds, activity: Record | None) -> dict[tuple[Kind, str], str]:
    """Return the records that an activity is counted on, each with the time of the activity."""
    return {} if activity is None else dict.fromkeys(links(kinds, activity), getattr(activity, kinds.activity.order))
