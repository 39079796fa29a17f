"""The second step of a delete: a random token for one caller, one record at one version, for a while, once."""

import hmac
import secrets

from crmkit import ids
from crmkit.storage.hashed import sha256
from crmkit.storage.tx import Tx

RANDOM = 16  # characters of 31: 79 random bits


def issue(tx: Tx, target: str, version: int, expires_at: str) -> str:
    """Return a fresh confirm token; an earlier one of this caller for this record no longer works."""
    token = "".join(secrets.choice(ids.ALPHABET) for _ in range(RANDOM))
    tx.connection.execute(
        "INSERT INTO confirmations (workspace_id, target, token_id, hash, version, expires_at) "
        "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (workspace_id, target, token_id) DO UPDATE SET "
        "hash = excluded.hash, version = excluded.version, expires_at = excluded.expires_at",
        (tx.by.workspace_id, target, tx.by.token_id, sha256(token), version, expires_at),
    )
    return token


def consume(tx: Tx, target: str, version: int, token: str) -> bool:
    """Use the caller's confirm token up and tell whether it was right, in time and for this version."""
    row = tx.connection.execute(
        "DELETE FROM confirmations WHERE workspace_id = ? AND target = ? AND token_id = ? "
        "RETURNING hash, version, expires_at",
        (tx.by.workspace_id, target, tx.by.token_id),
    ).fetchone()
    if row is None:
        return False
    hash, confirmed, expires_at = row
    return hmac.compare_digest(hash, sha256(token)) and confirmed == version and tx.now <= expires_at


def forget_before(tx: Tx, at: str) -> None:
    tx.connection.execute("DELETE FROM confirmations WHERE expires_at < ?", (at,))
