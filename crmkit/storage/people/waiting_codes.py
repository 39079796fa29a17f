"""Emailed codes that wait to be entered."""

import hmac

from msgspec import Struct

from crmkit.storage.interface.tx import Tx
from crmkit.storage.pruning.bounded import dropped, limited


class Code(Struct, frozen=True):
    """A code that waits to be entered; `hash` is keyed, so the database alone does not tell it."""

    hash: bytes
    wrong_tries: int
    expires_at: str


def keyed_hash(key: bytes, email: str, purpose: str, code: str) -> bytes:
    return hmac.digest(key, b"\x00".join(part.encode() for part in ("code", email, purpose, code)), "sha256")


def put(tx: Tx, email: str, purpose: str, hash: bytes, expires_at: str) -> None:
    """Keep a fresh code; an earlier one for the same purpose no longer works."""
    tx.connection.execute(
        "INSERT INTO codes (email, purpose, hash, expires_at) VALUES (?, ?, ?, ?) ON CONFLICT (email, purpose) "
        "DO UPDATE SET hash = excluded.hash, expires_at = excluded.expires_at, wrong_tries = 0",
        (email, purpose, hash, expires_at),
    )


def find(tx: Tx, email: str, purpose: str) -> Code | None:
    row = tx.connection.execute(
        "SELECT hash, wrong_tries, expires_at FROM codes WHERE email = ? AND purpose = ?", (email, purpose)
    ).fetchone()
    return None if row is None else Code(*row)


def count_wrong(tx: Tx, email: str, purpose: str) -> None:
    tx.connection.execute(
        "UPDATE codes SET wrong_tries = wrong_tries + 1 WHERE email = ? AND purpose = ?", (email, purpose)
    )


def remove(tx: Tx, email: str, purpose: str) -> None:
    tx.connection.execute("DELETE FROM codes WHERE email = ? AND purpose = ?", (email, purpose))


_OUTDATED = "DELETE FROM codes WHERE " + limited("codes", "email, purpose", "expires_at <= ? OR expires_at > ?")


def forget(tx: Tx, latest: str) -> bool:
    """Drop some codes that are outdated, also those that expire after `latest`; tell whether some may be left."""
    return dropped(tx, _OUTDATED, tx.now, latest)
