"""Emailed codes, and the counters that make guessing them hopeless. All of it survives a restart."""

import hmac
from dataclasses import dataclass

from crmkit.clock import after
from crmkit.storage.interface.tx import Tx

GUESS, SERVER = "guess", "server"  # counts wrong six-digit tries of all addresses
AHEAD_HOURS = 1  # counters that lie further ahead were counted before the clock was set back, and never count again


@dataclass(frozen=True)
class Code:
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


def count(tx: Tx, what: str, who: str) -> None:
    """Count one event of this kind, now."""
    tx.connection.execute(
        "INSERT INTO attempts (what, who, at, times) VALUES (?, ?, ?, 1) "
        "ON CONFLICT (what, who, at) DO UPDATE SET times = attempts.times + 1",
        (what, who, tx.now),
    )


def counted(tx: Tx, what: str, who: str, since: str) -> tuple[int, str]:
    """Return how many events came from `since` to now, and when the first of them did ('' when none)."""
    times, first = tx.connection.execute(
        "SELECT coalesce(sum(times), 0), coalesce(min(at), '') FROM attempts "
        "WHERE what = ? AND who = ? AND at BETWEEN ? AND ? AND times > 0",
        (what, who, since, tx.now),
    ).fetchone()
    return times, first


def forget(tx: Tx, counters_before: str, guesses_before: str, latest: str) -> None:
    """Drop counters from before these stamps, and codes that are outdated: also those that expire after `latest`."""
    ahead = after(tx.now, hours=AHEAD_HOURS)
    tx.connection.execute(
        "DELETE FROM attempts WHERE what != ? AND (at < ? OR at > ?)", (GUESS, counters_before, ahead)
    )
    tx.connection.execute("DELETE FROM attempts WHERE what = ? AND at < ?", (GUESS, guesses_before))
    tx.connection.execute("DELETE FROM codes WHERE expires_at <= ? OR expires_at > ?", (tx.now, latest))


def take_back(tx: Tx, what: str, who: str) -> None:
    """Uncount the newest event of this kind, up to now."""
    tx.connection.execute(
        "UPDATE attempts SET times = times - 1 WHERE what = ? AND who = ? AND at = "
        "(SELECT max(at) FROM attempts WHERE what = ? AND who = ? AND at <= ? AND times > 0)",
        (what, who, what, who, tx.now),
    )
