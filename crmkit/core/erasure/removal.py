"""Deletes the record of a person: most of its activities first, some in each step, then the record and the rest."""

from msgspec import structs

from crmkit.core import followed
from crmkit.core.records.write import removed
from crmkit.errors import Problem
from crmkit.model.record import Kind, Kinds
from crmkit.storage import deleted, links, records
from crmkit.storage.erasure import log
from crmkit.storage.interface.tx import Tx

AT_ONCE = 100  # activities that one transaction deletes or unlinks: some ten milliseconds, in which nobody else writes


def remove_some(tx: Tx, kinds: Kinds, kind: Kind, id: str) -> bool:
    """Delete or unlink activities of a person, then the record once few are left; tell whether it is gone.

    The end is logged. Raises `not_found` where somebody merged it into another record meanwhile.
    """
    record = records.fetch(tx.connection, kind, tx.by.workspace_id, id)
    if record is not None:
        if kind.is_logged and _remove_activities(tx, kinds, kind, id) == AT_ONCE:
            return False
        removed(tx, kinds, kind, record)
    else:
        was = deleted.find(tx.connection, tx.by.workspace_id, id)
        if was is not None and was.merged_into:
            into = kind.handle(was.merged_into)
            raise Problem(
                "not_found", f"{kind.handle(id)} was merged into {into} meanwhile and is not erased: erase that."
            )
    log.note(tx, kind, id)
    return True


def _remove_activities(tx: Tx, kinds: Kinds, kind: Kind, id: str) -> int:
    """Delete activities that belong to a record, unlink others, and return how many those were: AT_ONCE at most."""
    activity, link = kinds.activity, kind.activity_link
    found = links.holders(tx.connection, activity, tx.by.workspace_id, link, id, AT_ONCE)
    held = records.all_of(tx.connection, activity, tx.by.workspace_id, [each.partition("/")[2] for each in found])
    changes = list[followed.Change]()
    for each in held.values():
        belongs = next(followed.links(kinds, each)) == (kind, id)
        after = None if belongs else structs.replace(each, **{link: None})
        changes.append((each, records.put(tx, activity, each, after)))
    followed.follow(tx, kinds, changes)
    return len(changes)
