"""Counters: how often who did what, and when. They are rows, so a restart forgets nothing."""

from crmkit.clock import after
from crmkit.storage.interface.tx import Tx
from crmkit.storage.pruning.bounded import dropped, limited

GUESS, SERVER = "guess", "server"  # counts wrong six-digit tries of all addresses
AHEAD_HOURS = 1  # counters that lie further ahead were counted before the clock was set back, and never count again


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


def take_back(tx: Tx, what: str, who: str) -> None:
    """Uncount the newest event of this kind, up to now."""
    tx.connection.execute(
        "UPDATE attempts SET times = times - 1 WHERE what = ? AND who = ? AND at = "
        "(SELECT max(at) FROM attempts WHERE what = ? AND who = ? AND at <= ? AND times > 0)",
        (what, who, what, who, tx.now),
    )


_OLD, _AHEAD, _OLD_GUESSES = (
    "DELETE FROM attempts WHERE " + limited("attempts", "what, who, at", which)
    for which in (f"what <> '{GUESS}' AND at < ?", f"what <> '{GUESS}' AND at > ?", f"what = '{GUESS}' AND at < ?")
)


def forget(tx: Tx, counters_before: str, guesses_before: str) -> bool:
    """Drop some counters from before these stamps, or ahead of the clock; tell whether some may be left."""
    ends = ((_OLD, counters_before), (_AHEAD, after(tx.now, hours=AHEAD_HOURS)), (_OLD_GUESSES, guesses_before))
    return any(dropped(tx, sql, at) for sql, at in ends)
