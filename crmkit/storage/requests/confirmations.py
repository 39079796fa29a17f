"""Confirm tokens that were shown and wait to be sent back: each for one session and one act, for a while, once."""

from crmkit import ids
from crmkit.clock import after, is_alive
from crmkit.storage.hashed import sha256
from crmkit.storage.interface.tx import Tx
from crmkit.storage.pruning.bounded import dropped, limited

RANDOM = 16  # characters of 31: 79 random bits
MOST = 10_000  # of the newest of a session in a workspace are kept: 16 requests a second for ten minutes


def issue(tx: Tx, binding: bytes, minutes: int) -> str:
    """Return a fresh confirm token of the actor's session for so many minutes, beside those that wait already."""
    token, session = ids.random_text(RANDOM), (tx.by.workspace_id, tx.by.token_id)
    (number,) = tx.connection.execute(  # in the order in which they are issued to the session
        "SELECT coalesce(max(number), 0) + 1 FROM confirmations WHERE workspace_id = ? AND token_id = ?", session
    ).fetchone()
    tx.connection.execute(
        "INSERT INTO confirmations (workspace_id, token_id, hash, binding, expires_at, number) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (*session, sha256(token), binding, after(tx.now, minutes=minutes), number),
    )
    tx.connection.execute(
        "DELETE FROM confirmations WHERE workspace_id = ? AND token_id = ? AND number <= ?", (*session, number - MOST)
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


def holds(tx: Tx, binding: bytes, token: str, minutes: int) -> bool:
    """Tell whether `consume` would find this confirm token right."""
    row = tx.connection.execute(
        "SELECT expires_at FROM confirmations WHERE workspace_id = ? AND hash = ? AND token_id = ? AND binding = ?",
        (tx.by.workspace_id, sha256(token), tx.by.token_id, binding),
    ).fetchone()
    return row is not None and is_alive(row[0], tx.now, minutes=minutes)


_OUTDATED = "DELETE FROM confirmations WHERE " + limited(
    "confirmations", "workspace_id, hash", "expires_at <= ? OR expires_at > ?"
)


def forget(tx: Tx, latest: str) -> bool:
    """Drop some confirm tokens that are outdated, also those that expire after `latest`; tell whether some are left."""
    return dropped(tx, _OUTDATED, tx.now, latest)
