"""Answers to writes that were sent under a key, kept for a day in the transaction of their write."""

from collections.abc import Iterable
from itertools import takewhile

from msgspec import Struct

from crmkit.clock import after
from crmkit.storage.interface.tx import Tx
from crmkit.storage.pruning.bounded import AT_ONCE

KEPT_HOURS = 24

Place = tuple[str, str, str]  # workspace, id of the token, key


NO_CONTENT = 204  # the status of an answer that never has a body


class Sent(Struct, frozen=True):
    """An answer as it was sent."""

    status: int
    headers: str  # a line `name: value` each
    body: bytes


class Kept(Struct, frozen=True):
    """An answer that is kept, and the hash of the request that it answers.

    `needs` are the rights that a replay must still have: a line `workspace role` each.
    """

    request: bytes
    needs: str
    answer: Sent

    @property
    def is_erased(self) -> bool:
        """Whether what it told may be read no more: it is known that the request was done, and no more."""
        return not self.answer.body and self.answer.status != NO_CONTENT


_FIND = (
    "SELECT at, request, needs, status, headers, body FROM answers WHERE workspace_id = ? AND token_id = ? AND key = ?"
)
# of a token that its own write has ended, or whose workspace, no answer is kept
_KEEP = (
    "INSERT INTO answers (workspace_id, token_id, key, at, request, needs, status, headers, body) "
    "SELECT ?, id, ?, ?, ?, ?, ?, ?, ? FROM tokens WHERE id = ? "
    "ON CONFLICT (workspace_id, token_id, key) DO UPDATE SET at = excluded.at, request = excluded.request, "
    "needs = excluded.needs, status = excluded.status, headers = excluded.headers, body = excluded.body"
)


def find(tx: Tx, place: Place) -> Kept | None:
    """Return the answer that is kept in this place, None if there is none.

    One that is too old is dropped: the next is numbered behind all others.
    """
    row = tx.connection.execute(_FIND, place).fetchone()
    if row is not None and _is_over(tx, row[0]):
        drop(tx, place)
        row = None
    return None if row is None else Kept(row[1], row[2], Sent(*row[3:]))


def keep(tx: Tx, place: Place, kept: Kept) -> None:
    """Keep an answer in place of the one there."""
    (workspace_id, token_id, key), answer = place, kept.answer
    content = (tx.now, kept.request, kept.needs, answer.status, answer.headers, answer.body)
    tx.connection.execute(_KEEP, (workspace_id, key, *content, token_id))


def drop(tx: Tx, place: Place) -> None:
    """Drop the answer that is kept in this place."""
    tx.connection.execute("DELETE FROM answers WHERE workspace_id = ? AND token_id = ? AND key = ?", place)


def drop_all(tx: Tx, workspace_id: str, token_ids: Iterable[str]) -> None:
    """Drop all answers that are kept for these tokens."""
    sql = "DELETE FROM answers WHERE workspace_id = ? AND token_id = ?"
    tx.connection.executemany(sql, [(workspace_id, token_id) for token_id in token_ids])


def hide(tx: Tx, workspace_id: str, token_id: str) -> None:
    """Erase what the kept answers to a token told; that the requests were done is still known."""
    tx.connection.execute(
        "UPDATE answers SET headers = '', body = ? WHERE workspace_id = ? AND token_id = ? AND status <> ?",
        (b"", workspace_id, token_id, NO_CONTENT),
    )


def forget(tx: Tx) -> bool:
    """Drop some of the answers that are too old, or of a time that has not come; tell whether some may be left.

    They are numbered as they come, so no others are read than those that go.
    """
    execute = tx.connection.execute
    for order, end in (("", "seq <= ?"), ("DESC", "seq >= ?")):
        rows = execute(f"SELECT seq, at FROM answers ORDER BY seq {order} LIMIT {AT_ONCE}").fetchall()
        gone = [seq for seq, _ in takewhile(lambda row: _is_over(tx, row[1]), rows)]
        if gone:
            execute(f"DELETE FROM answers WHERE {end}", (gone[-1],))
        if len(gone) == AT_ONCE:
            return True
    return False


def _is_over(tx: Tx, at: str) -> bool:
    """Tell whether an answer of this time is too old, or of a time ahead, since the clock was set back."""
    return not after(tx.now, hours=-KEPT_HOURS) < at <= tx.now
