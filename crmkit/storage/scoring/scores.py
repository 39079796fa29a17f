"""The score of a record follows each write of it, in the same transaction: no version, no audit entry.

`records` asks `scored` of what is new; whoever wrote to a record calls `follow`. In a workspace without active rules
that is no statement.
"""

from collections.abc import Collection
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from crmkit.model.expressions import Scope
from crmkit.model.expressions.score import clamped, points, total
from crmkit.model.record import SCORE, Kind, Record
from crmkit.storage.columns import quoted
from crmkit.storage.interface.tx import Tx
from crmkit.storage.scoring import rules
from crmkit.storage.scoring.rules import ActiveRule, Rules
from crmkit.storage.webhooks import scored as changed


class Given(Struct, frozen=True):
    """What a rule gives a record."""

    rule: ActiveRule
    value: float
    points: float


def follow(tx: Tx, kind: Kind, record: Record, workspace_id: str = "", is_run: bool = False) -> Record:
    """Return a record that was just written as it is with its score, which is written too where it is another.

    Without a workspace the record is one of the actor's. Webhooks are told of another score (see `tell`).
    """
    found = scored(tx, kind, record, workspace_id)
    if found is not record:
        sql = f"UPDATE {quoted(kind.plural)} SET {SCORE} = ? WHERE workspace_id = ? AND id = ?"
        tx.connection.execute(sql, (score_of(found), workspace_id or tx.by.workspace_id, record.id))
        tell(tx, kind, found, score_of(record), workspace_id, is_run)
    return found


def scored(tx: Tx, kind: Kind, record: Record, workspace_id: str = "") -> Record:
    """Return a record as it is with its score; nothing is written."""
    if not kind.is_scored:
        return record
    workspace_id = workspace_id or tx.by.workspace_id
    found = rules.known(tx, kind, workspace_id)
    if not found and not score_of(record):
        return record
    new = clamped(total(each.points for each in given(found, scope(record, tx.now, timezone(tx, workspace_id)))))
    return record if new == score_of(record) else replace(record, **{SCORE: new})


def tell(tx: Tx, kind: Kind, record: Record, old: float, workspace_id: str = "", is_run: bool = False) -> None:
    """Tell webhooks of a score that was another before; of those of a run together."""
    if score_of(record) != old:
        changed.note(tx, workspace_id or tx.by.workspace_id, kind, record.id, old, score_of(record), is_run)


def forget(tx: Tx, kind: Kind, ids: Collection[str]) -> None:
    """Tell webhooks of no score that this unit gave records which it takes away."""
    if tx.scored:
        changed.forget(tx, tx.by.workspace_id, kind, ids)


def given(of_kind: Rules, scope: Scope) -> list[Given]:
    """Return the value and the points that each rule gives a record."""
    values = ((rule, rule.expression.value(scope)) for rule in of_kind)
    return [Given(rule, value, points(value, rule.weight)) for rule, value in values]


def scope(record: Record, now: str, zone: str) -> Scope:
    """Return what rules are evaluated for: a record, at a moment, in the zone of its workspace."""
    return Scope(record, now, ZoneInfo(zone))


def score_of(record: Record) -> float:
    score: float = getattr(record, SCORE)
    return score


def timezone(tx: Tx, workspace_id: str) -> str:
    """Return the name of the zone whose days a workspace goes by."""
    if tx.actor is not None and tx.actor.workspace_id == workspace_id:
        return tx.actor.preferences.timezone
    sql = "SELECT timezone FROM workspaces WHERE id = ?"
    name: str = tx.connection.execute(sql, (workspace_id,)).fetchone()[0]
    return name
