"""Confirm tokens that were shown and wait to be sent back: each for one session and one act, for a while, once."""

from crmkit import ids
from crmkit.clock import after, is_alive
from crmkit.storage.hashed import sha256
from crmkit.storage.interface.tx import Tx

RANDOM = 16  # characters of 31: 79 random bits
MOST = 100  # that wait for one session in a workspace; the oldest go


def issue(tx: Tx, binding: bytes, minutes: int) -> str:
    """Return a fresh confirm token of the actor's session for so many minutes, beside those that wait already."""
    token, expires_at = ids.random_text(RANDOM), after(tx.now, minutes=minutes)
    session = (tx.by.workspace_id, tx.by.token_id)
    tx.connection.execute(  # with those that were made before the clock was set back
        "DELETE FROM confirmations WHERE workspace_id = ? AND token_id = ? AND hash NOT IN (SELECT hash FROM "
        "confirmations WHERE workspace_id = ? AND token_id = ? AND expires_at <= ? ORDER BY expires_at DESC LIMIT ?)",
        (*session, *session, expires_at, MOST - 1),
    )
    tx.connection.execute(
        "INSERT INTO confirmations (workspace_id, hash, token_id, binding, expires_at) VALUES (?, ?, ?, ?, ?)",
        (tx.by.workspace_id, sha256(token), tx.by.token_id, binding, expires_at),
    )
    return token


def consume(tx: Tx, binding: bytes, token: str, minutes: int) -> bool:
    """Use a confirm token of the actor's session up and tell whether it was right, for this act, and in time.

    One that was shown for another act stays as it is.
    """
    row = tx.connection.execute(
        "DELETE FROM confirmations WHERE workspace_id = ? AND hash = ? AND token_id = ? AND binding = ? "
        "RETURNING expires_at",
        (tx.by.workspace_id, sha256(token), tx.by.token_id, binding),
    ).fetchone()
    return row is not None and is_alive(row[0], tx.now, minutes=minutes)


def forget(tx: Tx, latest: str) -> None:
    """Drop confirm tokens that are outdated: also those that expire after `latest`."""
    tx.connection.execute("DELETE FROM confirmations WHERE expires_at <= ? OR expires_at > ?", (tx.now, latest))
