"""Records that are scored anew, some rows of a kind at a time."""

import time

from msgspec import Struct

from crmkit.model.record import Kind
from crmkit.storage import records
from crmkit.storage.columns import quoted, whole
from crmkit.storage.interface.statement import Statement, at_most
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.scoring import scores

ROWS = 50  # that are read at once: less than a millisecond


class ScoredRows(Struct):
    """How many rows were scored, of which `changed` got another score; `last` is the number of the last one."""

    last: int
    scored: int = 0
    changed: int = 0
    is_end: bool = False


def score_next(tx: Tx, kind: Kind, workspace: Workspace, last: int, seconds: float) -> ScoredRows:
    """Score the next rows after the one numbered `last`, for about so many seconds."""
    until = time.monotonic() + seconds
    done = ScoredRows(max(last, workspace.first))
    while not done.is_end and (not done.scored or time.monotonic() < until):
        rows = Statement(
            f"SELECT {whole(tx.connection.dialect, kind)} FROM {quoted(kind.plural)} AS r "
            "WHERE r.seq > ? AND r.seq <= ? ORDER BY r.seq",
            (done.last, workspace.last),
        )
        found = (rows + at_most(tx.connection.dialect, ROWS)).run(tx.connection).fetchall()
        for packed, seq in found:
            record = records.shown(kind, packed)
            done.changed += scores.follow(tx, kind, record, workspace.id, is_run=True) is not record
            done.last = seq
        done.scored += len(found)
        done.is_end = len(found) < ROWS
    return done
