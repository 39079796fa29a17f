"""Counts of records, and what open records add up to, each compared with the rows of a workspace."""

from collections.abc import Iterator
from functools import partial

from crmkit.model.configuration.pipeline import OPEN
from crmkit.model.record import Kind, Kinds
from crmkit.storage.columns import quoted
from crmkit.storage.derived.open_sums import LOW, SHIFT
from crmkit.storage.examining.mismatch import Look, Mismatch
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.statement import Statement
from crmkit.storage.interface.workspace import Workspace


def looks(kinds: Kinds) -> Iterator[Look]:
    for kind in (*kinds.related, *kinds.settings, kinds.activity):
        yield partial(_count, kind)
    for kind in kinds.records:
        if kind.forecast is not None:
            yield partial(_sums, kind)


def _count(kind: Kind, connection: Connection, workspace: Workspace, after: int) -> tuple[list[Mismatch], None]:
    row = connection.execute(
        f"SELECT (SELECT count(*) FROM {quoted(kind.plural)} WHERE seq > ? AND seq <= ?), "
        "coalesce((SELECT live FROM counts WHERE workspace_id = ? AND kind = ?), 0)",
        (workspace.first, workspace.last, workspace.id, kind.plural),
    ).fetchone()
    there, kept = row
    if there == kept:
        return [], None
    repair = Statement(
        "INSERT INTO counts (workspace_id, kind, live) VALUES (?, ?, ?) "
        "ON CONFLICT (workspace_id, kind) DO UPDATE SET live = excluded.live",
        (workspace.id, kind.plural, there),
    )
    told = f"{workspace.id} has {there} {kind.plural}, and {kept} are counted"
    return [Mismatch(told, (repair,), is_trace=there < kept)], None


def _sums(kind: Kind, connection: Connection, workspace: Workspace, after: int) -> tuple[list[Mismatch], None]:
    assert kind.forecast is not None
    amount = f"coalesce({quoted(kind.forecast.amount)}, 0)"
    stage = f"coalesce({quoted(kind.by_name['stage'].compared)}, '')"
    there = connection.execute(
        f"SELECT {stage}, coalesce(currency, ''), count(*), sum({amount} >> {SHIFT}), sum({amount} & {LOW}) "
        f"FROM {quoted(kind.plural)} WHERE seq > ? AND seq <= ? AND status = ? GROUP BY 1, 2",
        (workspace.first, workspace.last, OPEN),
    ).fetchall()
    key = (workspace.id, kind.plural)
    kept = connection.execute(
        "SELECT stage, currency, records, high, low FROM open_sums WHERE workspace_id = ? AND kind = ?", key
    ).fetchall()
    if sorted(there) == sorted(kept):
        return [], None
    repair = [Statement("DELETE FROM open_sums WHERE workspace_id = ? AND kind = ?", key)]
    columns = "workspace_id, kind, stage, currency, records, high, low"
    repair += [
        Statement(f"INSERT INTO open_sums ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", (*key, *row)) for row in there
    ]
    return [Mismatch(f"{workspace.id}: what its open {kind.plural} add up to is not what is kept", tuple(repair))], None
