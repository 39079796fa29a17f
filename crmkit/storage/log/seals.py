"""Seals: each holds a range of the entries of one workspace in place, and all seals of a server are one chain.

They are made after the entries, so a write pays nothing for them. A seal stays when its entries go: with a person, for
their age, with the whole workspace.
"""

import secrets
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.log import audit
from crmkit.storage.log.chain import COLUMNS, SALT_BYTES, Chain, content

MOST = 100  # entries of a seal: its transaction takes two milliseconds
MOST_LETTERS = 1_000_000  # of what they hold, past which a seal has fewer
LANE = "audit_seals"  # of whoever adds to the chain

_FROM_AUDIT = f"SELECT {', '.join(COLUMNS)} FROM audit"
_MAKE_DIGEST = "INSERT INTO audit_digests (seq, digest, salt) VALUES (?, ?, ?)"
_SEAL = "SELECT number, after_seq, last_seq, entries, root, digest FROM audit_seals"


class Seal(Struct, frozen=True):
    """A seal as it is stored: it is of the entries above one number, up to another."""

    number: int
    after: int
    last: int
    entries: int
    root: bytes
    digest: bytes


class Waiting(Struct, frozen=True):
    """A workspace with entries above `after`, up to `newest`, that are not sealed."""

    workspace: Workspace
    after: int
    newest: int


def waiting(connection: Connection, after: int, most: int) -> tuple[list[Waiting], int | None]:
    """Return which of the next workspaces after a number have entries to seal, and the number of the last of them.

    That is None after the last workspace there is.
    """
    sql = (
        "SELECT w.id, w.number, "
        "(SELECT max(a.seq) FROM audit AS a WHERE a.seq > w.number << 32 AND a.seq < (w.number + 1) << 32), "
        "(SELECT max(s.last_seq) FROM audit_seals AS s "
        "WHERE s.last_seq > w.number << 32 AND s.last_seq < (w.number + 1) << 32) "
        f"FROM workspaces AS w WHERE w.number > ? ORDER BY w.number {connection.dialect.limit}"
    )
    rows = connection.execute(sql, (after, most)).fetchall()
    found = []
    for id, number, newest, sealed in rows:
        workspace = Workspace(id, number)
        begin = sealed or workspace.first
        if newest is not None and newest > begin:
            found.append(Waiting(workspace, begin, newest))
    return found, rows[-1][1] if len(rows) == most else None


def late(connection: Connection, before: str, after: int, most: int) -> tuple[list[str], int | None]:
    """Return which of the next workspaces after a number have an entry from before a time that is not sealed.

    With that comes the number of the last of them, as from `waiting`.
    """
    found, last = waiting(connection, after, most)
    sql = f"SELECT at < ? FROM audit WHERE seq > ? AND seq <= ? ORDER BY seq {connection.dialect.limit}"
    oldest = [(each, connection.execute(sql, (before, each.after, each.newest, 1)).fetchone()) for each in found]
    return [each.workspace.id for each, row in oldest if row and row[0]], last


def seal(tx: Tx, chain: Chain, workspace: Workspace) -> int:
    """Seal the oldest entries of a workspace that are not, up to MOST; return how many there were."""
    execute, limit = tx.connection.execute, tx.connection.dialect.limit
    after = _sealed(tx.connection, workspace)
    rows, letters = list[tuple[Any, ...]](), 0
    for row in execute(f"{_FROM_AUDIT} WHERE seq > ? AND seq <= ? ORDER BY seq {limit}", (after, workspace.last, MOST)):
        rows.append(row)
        letters += len(row[-1])
        if letters > MOST_LETTERS:
            break
    if not rows:
        return 0
    salts = [secrets.token_bytes(SALT_BYTES) for _ in rows]
    digests = [
        (seq, chain.entry((seq, *columns), content(salt, changes)))
        for (seq, *columns, changes), salt in zip(rows, salts, strict=True)
    ]
    tx.connection.executemany(_MAKE_DIGEST, [(*each, salt) for each, salt in zip(digests, salts, strict=True)])
    before = newest(tx.connection)
    number, digest = (before.number, before.digest) if before else (0, chain.start)
    values = (number + 1, after, digests[-1][0], len(digests), chain.root(digests))
    execute(
        "INSERT INTO audit_seals (number, after_seq, last_seq, entries, root, digest) VALUES (?, ?, ?, ?, ?, ?)",
        (*values, chain.seal(digest, *values)),
    )
    return len(rows)


def _sealed(connection: Connection, workspace: Workspace) -> int:
    """Return up to which number the entries of a workspace are sealed."""
    sql = "SELECT max(last_seq) FROM audit_seals WHERE last_seq > ? AND last_seq <= ?"
    (found,) = connection.execute(sql, (workspace.first, workspace.last)).fetchone()
    return workspace.first if found is None else found


def newest(connection: Connection) -> Seal | None:
    """Return the seal at the end of the chain, None if there is none."""
    row = connection.execute(f"{_SEAL} ORDER BY number DESC {connection.dialect.limit}", (1,)).fetchone()
    return None if row is None else Seal(*row)


def following(connection: Connection, number: int, most: int) -> list[Seal]:
    """Return the next seals after the one of a number."""
    sql = f"{_SEAL} WHERE number > ? ORDER BY number {connection.dialect.limit}"
    return [Seal(*row) for row in connection.execute(sql, (number, most)).fetchall()]


def has_any_before_the_first(connection: Connection) -> bool:
    """Tell whether a seal has a number that none is given."""
    return connection.execute("SELECT 1 FROM audit_seals WHERE number < 1").fetchone() is not None


def entries(connection: Connection, after: int, through: int) -> list[tuple[Any, ...]]:
    """Return the COLUMNS of all entries above a number, up to another."""
    return connection.execute(f"{_FROM_AUDIT} WHERE seq > ? AND seq <= ? ORDER BY seq", (after, through)).fetchall()


def empty(tx: Tx, chain: Chain, where: str, args: Sequence[Any]) -> None:
    """Erase the content of the entries that meet a condition on `a`, and the salts that tell it from others."""
    sql = (
        "SELECT a.seq, a.changes, d.salt FROM audit AS a LEFT JOIN audit_digests AS d ON d.seq = a.seq "
        f"WHERE {where} AND a.changes <> ?"
    )
    rows = tx.connection.execute(sql, (*args, audit.ERASED)).fetchall()
    tx.connection.executemany("UPDATE audit SET changes = ? WHERE seq = ?", [(audit.ERASED, row[0]) for row in rows])
    held = [(seq, content(salt, changes)) for seq, changes, salt in rows if salt is not None]
    tx.connection.executemany(
        "UPDATE audit_digests SET salt = NULL, content = ?, proof = ? WHERE seq = ?",
        [(digest, chain.erased(seq, digest), seq) for seq, digest in held],
    )


def prune(tx: Tx, chain: Chain, workspace: Workspace, before: str, most: int = 1) -> int:
    """Remove the oldest entries of a workspace, as long as they are from before this time; return how many.

    They go by whole seals, at most so many at once, so what is younger than the newest of its seal stays with it. What
    is not sealed stays, and so does the newest seal, which tells the numbers that were given.
    """
    execute, limit = tx.connection.execute, tx.connection.dialect.limit
    begin, removed, _ = begins(tx.connection, workspace.id) or (workspace.first, 0, b"")
    sql = f"{_SEAL} WHERE last_seq > ? AND last_seq < ? ORDER BY last_seq {limit}"
    gone, reached = 0, begin
    for row in execute(sql, (begin, _sealed(tx.connection, workspace), most)).fetchall():
        span = (Seal(*row).after, Seal(*row).last)
        (youngest,) = execute("SELECT max(at) FROM audit WHERE seq > ? AND seq <= ?", span).fetchone()
        if youngest is not None and youngest >= before:
            break
        gone += execute("DELETE FROM audit WHERE seq > ? AND seq <= ?", span).rowcount
        execute("DELETE FROM audit_digests WHERE seq > ? AND seq <= ?", span)
        reached = span[1]
    if reached > begin:
        values = (reached, removed + gone, chain.begins(workspace.id, reached, removed + gone))
        execute(
            "INSERT INTO audit_begins (workspace_id, after_seq, entries, proof) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (workspace_id) DO UPDATE SET after_seq = excluded.after_seq, entries = excluded.entries, "
            "proof = excluded.proof",
            (workspace.id, *values),
        )
    return gone


def begins(connection: Connection, workspace_id: str) -> tuple[int, int, bytes] | None:
    """Return up to which number entries of a workspace were removed, how many, and the proof; None if none were."""
    sql = "SELECT after_seq, entries, proof FROM audit_begins WHERE workspace_id = ?"
    row: tuple[int, int, bytes] | None = connection.execute(sql, (workspace_id,)).fetchone()
    return row


def forget(tx: Tx, chain: Chain, workspace: Workspace) -> None:
    """Drop the digests of the entries of a workspace that is deleted, and prove that it was.

    Its seals stay, and hold nothing of it.
    """
    execute, span = tx.connection.execute, (workspace.first, workspace.last)
    execute("DELETE FROM audit_digests WHERE seq > ? AND seq <= ?", span)
    if _sealed(tx.connection, workspace) > workspace.first:
        execute(
            "INSERT INTO audit_ends (number, proof) VALUES (?, ?) "
            "ON CONFLICT (number) DO UPDATE SET proof = excluded.proof",
            (workspace.number, chain.ended(workspace.number)),
        )


def drop(tx: Tx, chain: Chain) -> int:
    """Drop all seals and return how many there were: the log is to be sealed anew, by this chain.

    What was removed for its age is proved by it, and of workspaces that are gone nothing has to be any more.
    """
    (count,) = tx.connection.execute("SELECT count(*) FROM audit_seals").fetchone()
    for table in ("audit_digests", "audit_seals", "audit_ends"):
        tx.connection.execute(f"DELETE FROM {table}")
    begun = tx.connection.execute("SELECT workspace_id, after_seq, entries FROM audit_begins").fetchall()
    tx.connection.executemany(
        "UPDATE audit_begins SET proof = ? WHERE workspace_id = ?", [(chain.begins(*row), row[0]) for row in begun]
    )
    return int(count)


def is_ended(connection: Connection, chain: Chain, number: int) -> bool:
    """Tell whether it is proved that the workspace of a number was deleted."""
    row = connection.execute("SELECT proof FROM audit_ends WHERE number = ?", (number,)).fetchone()
    return row is not None and row[0] == chain.ended(number)


def digests(connection: Connection, after: int, through: int) -> dict[int, tuple[Any, ...]]:
    """Return number -> (digest, salt, content, proof) of the entries above a number, up to another."""
    sql = "SELECT seq, digest, salt, content, proof FROM audit_digests WHERE seq > ? AND seq <= ? ORDER BY seq"
    return {row[0]: row[1:] for row in connection.execute(sql, (after, through)).fetchall()}
