"""The second step of a delete: a random token for one caller, one record at one version, for a while, once."""

import hmac

from crmkit import ids
from crmkit.clock import after, is_alive
from crmkit.storage.hashed import sha256
from crmkit.storage.interface.tx import Tx

RANDOM = 16  # characters of 31: 79 random bits


def issue(tx: Tx, target: str, version: int, minutes: int) -> str:
    """Return a fresh confirm token for so many minutes; an earlier one of this caller for this record ends."""
    token = ids.random_text(RANDOM)
    tx.connection.execute(
        "INSERT INTO confirmations (workspace_id, target, token_id, hash, version, expires_at) "
        "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (workspace_id, target, token_id) DO UPDATE SET "
        "hash = excluded.hash, version = excluded.version, expires_at = excluded.expires_at",
        (tx.by.workspace_id, target, tx.by.token_id, sha256(token), version, after(tx.now, minutes=minutes)),
    )
    return token


def consume(tx: Tx, target: str, version: int, token: str, minutes: int) -> bool:
    """Use the caller's confirm token up and tell whether it was right, for this version, and in time."""
    row = tx.connection.execute(
        "DELETE FROM confirmations WHERE workspace_id = ? AND target = ? AND token_id = ? "
        "RETURNING hash, version, expires_at",
        (tx.by.workspace_id, target, tx.by.token_id),
    ).fetchone()
    if row is None:
        return False
    hash, confirmed, expires_at = row
    is_right = hmac.compare_digest(hash, sha256(token)) and confirmed == version
    return is_right and is_alive(expires_at, tx.now, minutes=minutes)


def forget(tx: Tx, latest: str) -> None:
    """Drop confirm tokens that are outdated: also those that expire after `latest`."""
    tx.connection.execute("DELETE FROM confirmations WHERE expires_at <= ? OR expires_at > ?", (tx.now, latest))
