"""The rows of counts: what a count computes in process, beside the same statement written by hand."""

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from bench.kinds import CONTACT, DEAL
from bench.lab import Lab
from bench.load.generators import Broken
from bench.report import Line
from crmkit.model.query import count, parse
from crmkit.model.record import Kind
from crmkit.storage.counts.groups import fetch_page
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.sqlite.engine.connection import connect
from crmkit.storage.sqlite.engine.folder import FILE

ZONE = "Europe/Berlin"

# kind, parameters of the count, the statement by hand
COUNTS: tuple[tuple[Kind, dict[str, str], str], ...] = (
    (CONTACT, {"by": "stage"}, "SELECT stage_key, count(*) FROM contacts WHERE workspace_id = ? GROUP BY 1 ORDER BY 2"),
    (
        DEAL,
        {"by": "stage", "sum": "amount_cents"},
        "SELECT stage_key, currency, count(*), sum(amount_cents) FROM deals WHERE workspace_id = ? "
        "GROUP BY 1, 2 ORDER BY 3",
    ),
)


def counts(lab: Lab) -> list[Line]:
    """Compare what a count and the statement by hand compute; the first bound is of the row count by stage."""
    made = lab.data(lab.large)
    with closing(connect(Path(made.folder) / FILE, False)) as connection:
        sql = "SELECT number FROM workspaces WHERE id = ?"
        (number,) = connection.execute(sql, (lab.workspace(made),)).fetchone()
        workspace = Workspace(lab.workspace(made), number)
        return [_line(lab, connection, workspace, *each) for each in COUNTS]


def _line(lab: Lab, connection: Any, workspace: Workspace, kind: Kind, own: dict[str, str], sql: str) -> Line:
    query, counting = parse.parse(kind, []), count.parse(kind, own, ZONE)

    def ours() -> int:
        return sum(row["count"] for row in fetch_page(connection, kind, workspace, query, counting, None).rows)

    def by_hand() -> int:
        return sum(row[-2 if "sum" in own else -1] for row in connection.execute(sql, (workspace.id,)).fetchall())

    rounds = [(_seconds(ours), _seconds(by_hand)) for _ in range(lab.plan.rounds + 1)][1:]
    records = rounds[0][0][1]
    if records != rounds[0][1][1]:
        raise Broken(f"the count has {records} records, the statement by hand {rounds[0][1][1]}")
    best = [min(times) * 1000 for times in zip(*((a, b) for (a, _), (b, _) in rounds), strict=True)]
    asked = "&".join(f"{name}={text}" for name, text in own.items())
    return Line(
        f"count of {records:,} {kind.plural}, {asked}, in process",
        "the SQL by hand",
        [a / b for (a, _), (b, _) in rounds],
        1.5,
        1.2,
        at_most=True,
        absolute=f"{best[0]:.0f} ms of CPU, {best[1]:.0f} ms by hand",
    )


def _seconds(work: Callable[[], int]) -> tuple[float, int]:
    """Return the seconds of CPU that a thread needed, and what it returned."""
    started = time.thread_time()
    found = work()
    return time.thread_time() - started, found
