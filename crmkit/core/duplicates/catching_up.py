"""Records that wait to be paired (see storage/duplicates/unpaired.py) are, a few at a time, by upkeep."""

from crmkit.core.duplicates.pairing import pair
from crmkit.model.record import Kinds
from crmkit.storage.duplicates import unpaired
from crmkit.storage.interface.tx import Tx


def step(tx: Tx, kinds: Kinds) -> bool:
    """Pair the next records that are not paired yet; tell whether there may be more."""
    left = unpaired.first(tx.connection)
    if left is None:
        return False
    tx.enter(left.workspace.id)
    if unpaired.first(tx.connection) != left:  # somebody wrote it before this had the lane
        return True
    kind = kinds.by_word[left.plural]
    rows = unpaired.rows_of(tx.connection, kind, left)
    for record in unpaired.fill(tx, kind, rows) if left.accents else [record for _, record in rows]:
        pair(tx, kind, left.workspace.id, record, left.country, getattr(record, "created_at", tx.now))
    unpaired.note(tx, left, rows[-1][0] if rows else None)
    return True
