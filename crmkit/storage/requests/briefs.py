"""From when on each token is told of changes by its next brief. A row goes with its token."""

from msgspec import Struct

from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx


class Mark(Struct, frozen=True):
    """A brief tells of changes at `since` or later, whose audit entries come after the one numbered `since_seq`.

    The first that told so was asked for at `asked_at`, when the newest entry was `asked_seq`.
    """

    since: str
    since_seq: int
    asked_at: str
    asked_seq: int


def fetch(connection: Connection, workspace_id: str, token_id: str) -> Mark | None:
    """Return the mark of a token, None if it never asked."""
    row = connection.execute(
        "SELECT since, since_seq, asked_at, asked_seq FROM briefs WHERE workspace_id = ? AND token_id = ?",
        (workspace_id, token_id),
    ).fetchone()
    return None if row is None else Mark(*row)


def put(tx: Tx, workspace_id: str, token_id: str, mark: Mark) -> None:
    """Make this the mark of a token, if there still is such a token."""
    tx.connection.execute(
        "INSERT INTO briefs (workspace_id, token_id, since, since_seq, asked_at, asked_seq) "
        "SELECT workspace_id, id, ?, CAST(? AS bigint), ?, CAST(? AS bigint) FROM tokens "
        "WHERE workspace_id = ? AND id = ? "
        "ON CONFLICT (workspace_id, token_id) DO UPDATE SET since = excluded.since, since_seq = excluded.since_seq, "
        "asked_at = excluded.asked_at, asked_seq = excluded.asked_seq",
        (mark.since, mark.since_seq, mark.asked_at, mark.asked_seq, workspace_id, token_id),
    )
