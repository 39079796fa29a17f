"""The scoring rules of a workspace: which are active, and as what their expressions are read."""

import logging
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from crmkit.model.expressions import BadExpression, Expression, parse
from crmkit.model.record import SCORE, Kind
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx

log = logging.getLogger("crmkit")


class ActiveRule(Struct, frozen=True):
    """A rule that counts, with its expression read."""

    id: str
    name: str
    weight: float
    expression: Expression


Rules = tuple[ActiveRule, ...]


@lru_cache(4096)
def parsed(kind: Kind, text: str) -> Expression:
    """Return the expression that a text spells about records of a kind; raises BadExpression."""
    return parse(text, kind, SCORE)


def known(tx: Tx, kind: Kind, workspace_id: str) -> Rules:
    """Return the active rules for a kind; without a statement where the actor's workspace has none."""
    actor = tx.actor
    if actor is not None and actor.workspace_id == workspace_id:
        names = actor.preferences.scored_kinds
        if not names or kind.name not in names.split():
            return ()
    key = (workspace_id, kind.name)
    found: Rules | None = tx.known.rules.get(key)
    if found is None:
        found = tx.known.rules[key] = active(tx.connection, workspace_id, kind)
    return found


def active(connection: Connection, workspace_id: str, kind: Kind) -> Rules:
    """Return the active rules for a kind, by priority, then as they were made; one that cannot be read is left out."""
    sql = (
        "SELECT r.id, r.name, r.weight, r.expression FROM rules AS r "
        'WHERE r.workspace_id = ? AND r."kind" = ? AND r.active = 1 ORDER BY r.priority, r.seq'
    )
    rows = connection.execute(sql, (workspace_id, kind.name)).fetchall()
    return tuple(_read(kind, rows))


def _read(kind: Kind, rows: list[Any]) -> Iterator[ActiveRule]:
    for id, name, weight, text in rows:
        try:
            yield ActiveRule(id, name, weight, parsed(kind, text))
        except BadExpression as error:  # say of an earlier version, which had another field
            _leave_out(id, str(error))


@lru_cache(1_024)
def _leave_out(id: str, why: str) -> None:
    """Log that a rule does not count, once as long as it is among those left out lately."""
    log.warning("the scoring rule %s cannot be read, so it gives no points: %s", id, why)


def ages(of_kind: Rules) -> bool:
    """Tell whether what these rules give depends on the present."""
    return any(rule.expression.ages for rule in of_kind)


def count(connection: Connection, workspace_id: str, kind_name: str) -> int:
    """Return how many rules there are for a kind, active or not."""
    sql = 'SELECT count(*) FROM rules AS r WHERE r.workspace_id = ? AND r."kind" = ?'
    number: int = connection.execute(sql, (workspace_id, kind_name)).fetchone()[0]
    return number


def changed(tx: Tx) -> None:
    """Write which kinds have active rules where every actor of the workspace has it, after a rule was written."""
    workspace_id = tx.by.workspace_id
    rows = tx.connection.execute(
        'SELECT DISTINCT r."kind" FROM rules AS r WHERE r.workspace_id = ? AND r.active = 1', (workspace_id,)
    )
    names = " ".join(sorted(name for (name,) in rows))
    tx.known.rules.clear()
    if names != tx.by.preferences.scored_kinds:
        tx.connection.execute("UPDATE workspaces SET scored_kinds = ? WHERE id = ?", (names, workspace_id))
        tx.actor = replace(tx.by, preferences=replace(tx.by.preferences, scored_kinds=names))
