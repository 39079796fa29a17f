"""Scoring a record whose fields others wrote: what it shows of its activities, when a POST reached it."""

from crmkit.model.record import Kind
from crmkit.storage import records
from crmkit.storage.interface.tx import Tx
from crmkit.storage.scoring import rules, scores


def follow(tx: Tx, kind: Kind, workspace_id: str, id: str) -> float | None:
    """Write the score of a record, and return it; None where no rule is active, or it is gone."""
    if not kind.is_scored or not rules.known(tx, kind, workspace_id):
        return None
    record = records.fetch(tx.connection, kind, workspace_id, id)
    return None if record is None else scores.score_of(scores.follow(tx, kind, record, workspace_id))
