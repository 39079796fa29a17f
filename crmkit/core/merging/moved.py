"""What follows a record that is merged into another: every link to it leads there, each a change of its record."""

from msgspec import structs

from crmkit.core import derived
from crmkit.core.duplicates import dismissing
from crmkit.model.record import REACHED, Kind, Kinds, Record, Reference
from crmkit.storage import records
from crmkit.storage.derived import tallies
from crmkit.storage.interface.tx import Tx


def move(tx: Tx, kinds: Kinds, kind: Kind, source: Record, target: Record) -> None:
    """Have all links to `source` lead to `target`, and write what follows from that on other records.

    Of two memberships that would be one, that of `target` stays, with the reason of the other if it has none. What is
    no duplicate of `source` is none of `target`.
    """
    if kind.is_logged:
        derived.relink_and_follow(tx, kinds, kinds.activity, kind.activity_link, source.id, target.id)
    for reference in kinds.references[kind]:
        if reference.kind is kinds.membership:
            _end_doubles(tx, kinds, reference, source.id, target.id)
        title = getattr(target, kind.title.name) if kind.has_title else None
        derived.relink_and_follow(tx, kinds, reference.kind, reference.link, source.id, target.id, title)
    if kind.alike:
        dismissing.carry_over(tx, kinds, source.id, target.id)
    reached = getattr(source, REACHED, None)
    if reached is not None:
        tallies.reach(tx, kind, target.id, reached)


def _end_doubles(tx: Tx, kinds: Kinds, reference: Reference, source: str, target: str) -> None:
    """End memberships of `source` that `target` has too."""
    kind, links = kinds.membership, [link.link for link in kinds.links[kinds.membership]]

    def with_target(membership: Record) -> tuple[str | None, ...]:
        moved = structs.replace(membership, **{reference.link: target})
        return tuple(getattr(moved, link) for link in links)

    known = {with_target(each): each for each in _memberships(tx, kinds, reference, target)}
    for double in _memberships(tx, kinds, reference, source):
        stays = known.get(with_target(double))
        if stays is not None:
            derived.put_and_follow(tx, kinds, kind, double, None)
            empty = [f.name for f in kind.writable.values() if f.name not in links and getattr(stays, f.name) is None]
            filled = structs.replace(stays, **{name: getattr(double, name) for name in empty})
            derived.put_and_follow(tx, kinds, kind, stays, filled)


def _memberships(tx: Tx, kinds: Kinds, reference: Reference, id: str) -> list[Record]:
    return records.linked(tx.connection, kinds.membership, tx.by.workspace_id, reference.link, id)
