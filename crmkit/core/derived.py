"""Fields that follow from other records: copies of titles, and what records show of their activities (see followed).

Such a field is marked DERIVED or NameOf. It is never logged; whoever writes a record brings those of others up to date
by `put_and_follow`, or by `follow` after a statement that wrote several records. Its own copies of titles are in what
is written (see relations.linked).
"""

from collections import Counter
from collections.abc import Iterable
from typing import overload

from msgspec import structs

from crmkit.core import followed
from crmkit.core.declared import indexing
from crmkit.core.duplicates import pairing
from crmkit.core.duplicates.matching import Match
from crmkit.core.followed import Change
from crmkit.core.scoring import nightly
from crmkit.core.webhooks import on_write
from crmkit.model.record import REACHED, SCORE, Kind, Kinds, Record
from crmkit.records.between import dismissal
from crmkit.records.settings.field import DeclaredField
from crmkit.records.settings.rule import ScoringRule
from crmkit.records.settings.webhook import Webhook
from crmkit.storage import records
from crmkit.storage.derived import tallies
from crmkit.storage.interface.tx import Tx


@overload
def put_and_follow(
    tx: Tx, kinds: Kinds, kind: Kind, before: Record | None, after: Record, *, matches: list[Match] | None = None
) -> Record: ...
@overload
def put_and_follow(tx: Tx, kinds: Kinds, kind: Kind, before: Record, after: None, *, merged_into: str = "") -> None: ...
def put_and_follow(
    tx: Tx,
    kinds: Kinds,
    kind: Kind,
    before: Record | None,
    after: Record | None,
    *,
    merged_into: str = "",
    matches: list[Match] | None = None,
) -> Record | None:
    """Write a record, as records.put does, and what follows from that on others.

    What is found to be likely the same as it is added to `matches`.
    """
    record = records.put(tx, kind, before, after, merged_into)
    if kind.alike and record is not before:
        found = pairing.follow(tx, kind, before, record)
        if found and matches is not None:
            matches += found
    elif kind is kinds.dismissal:
        pairing.follow_dismissal(tx, kinds, record, dismissal.ids_of(record or before))
    if kind.is_setting and record is not before and issubclass(kind.record, DeclaredField):
        return indexing.follow(tx, kinds, kind, before, record)
    if kind.is_setting and record is not before and issubclass(kind.record, ScoringRule):
        nightly.follow(tx, kinds)
    if kind.is_setting and record is not before and issubclass(kind.record, Webhook):
        on_write.follow(tx, before, record)
    is_counted = kind is kinds.activity or kind is kinds.membership
    if record is not before and (before is not None or is_counted):  # else nobody links to it yet
        follow(tx, kinds, kind, ((before, record),))
    return record


def follow(tx: Tx, kinds: Kinds, kind: Kind, changes: Iterable[Change]) -> None:
    """Write what follows from changes to records of a kind on the records that they link to or that link to them."""
    if kind is kinds.activity:
        followed.follow(tx, kinds, changes)
        return
    if kind is kinds.membership:
        _count_members(tx, kinds, changes)
        return
    copies = [reference for reference in kinds.references[kind] if reference.name]
    for before, after in changes if copies else ():
        title = kind.title.name
        if before is not None and after is not None and getattr(before, title) != getattr(after, title):
            for reference in copies:
                copy = {reference.name: getattr(after, title)}
                records.restate(tx, reference.kind, reference.link, after.id, copy)


def relink_and_follow(
    tx: Tx, kinds: Kinds, kind: Kind, link: str, id: str, to: str | None, title: str | None = None
) -> None:
    """Have a link lead elsewhere on all records that link to this id, as records.relink does, and write what follows.

    Without `to` nothing is counted: the record that loses its links is about to go.
    """
    changes = [(structs.replace(each, **{link: id}), each) for each in records.relink(tx, kind, link, id, to, title)]
    if to is not None:
        follow(tx, kinds, kind, changes)
    for before, after in changes if kind.alike else ():
        pairing.follow(tx, kind, before, after)


def reached(tx: Tx, kind: Kind, record: Record) -> Record:
    """Return a record as it is after a POST reached it that did not create it: neither version nor log tell of that."""
    if REACHED not in kind.by_name:
        return record
    score = tallies.reach(tx, kind, record.id, tx.now)
    scored = {} if score is None else {SCORE: score}
    return structs.replace(record, **{REACHED: max(tx.now, getattr(record, REACHED) or ""), **scored})


def _count_members(tx: Tx, kinds: Kinds, changes: Iterable[Change]) -> None:
    """Count members on the records that they are members of, all of them and those of each kind."""
    steps: dict[str, Counter[str]] = {}
    for before, after in changes:
        for membership, step in ((before, -1), (after, 1)):
            if membership is not None:
                counted = steps.setdefault(getattr(membership, kinds.whole.link), Counter())
                counted.update({"members": step, kinds.member_of(membership)[0].plural: step})
    for id, counted in steps.items():
        if any(counted.values()):
            records.add(tx, kinds.whole.to, id, counted)
