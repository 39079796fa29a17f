"""Pairs of records that are likely one follow the records: each write of one looks for others.

A change looks again only where a field changed that the rules name. Pairs are neither logged nor undone; they are found
again where a record comes back.
"""

from functools import cache, partial

from crmkit.core.duplicates.matching import Match, is_open, matched, matches
from crmkit.model.fields import Link
from crmkit.model.record import Kind, Kinds, Record
from crmkit.storage import records
from crmkit.storage.duplicates import free, pairs
from crmkit.storage.interface.tx import Tx


def follow(tx: Tx, kind: Kind, before: Record | None, after: Record | None) -> list[Match]:
    """Write what follows from one change of a record; return what is likely the same, where that was looked for."""
    workspace_id, country = tx.by.workspace_id, tx.by.preferences.country
    others: list[str] = []
    if before is not None:
        if after is not None and not _differ(kind, before, after):
            return []
        others = pairs.forget(tx, workspace_id, before.id)
        if after is not None and not others and _is_emptied(kind, before, after):
            return []
    found = [] if after is None else pair(tx, kind, workspace_id, after, country, tx.now)
    if len(others) > 1:  # they may be one among themselves, though each was paired with this record alone
        for other in records.all_of(tx.connection, kind, workspace_id, others).values():
            pair(tx, kind, workspace_id, other, country, tx.now)
    return found


def pair(tx: Tx, kind: Kind, workspace_id: str, record: Record, country: str, at: str) -> list[Match]:
    """Pair a record with others that are likely the same, one of each rule, and return all that were found."""
    found = matches(tx, kind, workspace_id, record, country, is_free=partial(free.has, tx))
    chosen: dict[str, str] = {}  # id of the other by reason
    for match in found:
        is_pair = match.reason not in chosen and is_open(kind, match.rule, record)
        if is_pair and pairs.has_room(tx.connection, workspace_id, match.record.id):
            chosen[match.reason] = match.record.id
    if chosen:
        pairs.add(tx, workspace_id, kind.plural, record.id, chosen.values(), at)
    return found


def follow_dismissal(tx: Tx, kinds: Kinds, after: Record | None, ids: pairs.Pair) -> None:
    """Drop the pair that somebody dismissed; pair the two again once that is taken back, `after` being None."""
    workspace_id = tx.by.workspace_id
    if after is not None:
        pairs.drop(tx, workspace_id, ids)
        return
    kind = kinds.by_prefix[ids[0].partition("_")[0]]
    one, other = map(records.all_of(tx.connection, kind, workspace_id, ids).get, ids)
    if one is not None and other is not None and listed_as(kind, one, other, tx.by.preferences.country):
        pairs.add(tx, workspace_id, kind.plural, one.id, [other.id], tx.now)


def listed_as(kind: Kind, record: Record, other: Record, country: str) -> Match | None:
    """Return why two records are listed as a pair, None if they are not."""
    found = matched(kind, record, other, country)
    return found if found is not None and is_open(kind, found.rule, record) else None


def _differ(kind: Kind, before: Record, after: Record) -> bool:
    return any(getattr(before, name) != getattr(after, name) for name in _decisive(kind))


def _is_emptied(kind: Kind, before: Record, after: Record) -> bool:
    """Tell whether links were emptied and no more, so that the record is like no other that it was not like before."""
    changed = [name for name in _decisive(kind) if getattr(before, name) != getattr(after, name)]
    return all(isinstance(kind.by_name[name].type, Link) and getattr(after, name) is None for name in changed)


@cache
def _decisive(kind: Kind) -> frozenset[str]:
    """Return the names of the fields on which it depends what a record is likely the same as."""
    return frozenset(name for rule in kind.alike for name in rule.fields) | ({"country"} & kind.by_name.keys())
