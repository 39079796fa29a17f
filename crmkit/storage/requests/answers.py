"""Answers to writes that were sent under a key, kept for a day in the transaction of their write."""

from collections.abc import Iterable

from msgspec import Struct

from crmkit.clock import after
from crmkit.model.fields import MAX_INTEGER
from crmkit.storage.interface.tx import Tx

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
        """Whether it told of a person who was erased: it is known that the request was done, and no more."""
        return not self.answer.body and self.answer.status != NO_CONTENT


_FIND = (
    "SELECT request, needs, status, headers, body FROM answers "
    "WHERE workspace_id = ? AND token_id = ? AND key = ? AND at > ? AND at <= ?"
)
# of a token that its own write has ended, or whose workspace, no answer is kept
_KEEP = (
    "INSERT INTO answers (workspace_id, token_id, key, at, request, needs, status, headers, body) "
    "SELECT ?, id, ?, ?, ?, ?, ?, ?, ? FROM tokens WHERE id = ? "
    "ON CONFLICT (workspace_id, token_id, key) DO UPDATE SET at = excluded.at, request = excluded.request, "
    "needs = excluded.needs, status = excluded.status, headers = excluded.headers, body = excluded.body"
)


def find(tx: Tx, place: Place) -> Kept | None:
    """Return the answer that is kept in this place, None if there is none or it is too old."""
    row = tx.connection.execute(_FIND, (*place, after(tx.now, hours=-KEPT_HOURS), tx.now)).fetchone()
    return None if row is None else Kept(row[0], row[1], Sent(*row[2:]))


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


def forget(tx: Tx) -> None:
    """Drop the answers that are too old, and those of a time that has not come, since the clock was set back."""
    # they are numbered as they come, so no others are read than those that go
    tx.connection.execute(
        "DELETE FROM answers WHERE seq < coalesce((SELECT seq FROM answers WHERE at > ? ORDER BY seq LIMIT 1), ?)",
        (after(tx.now, hours=-KEPT_HOURS), MAX_INTEGER),
    )
    tx.connection.execute(
        "DELETE FROM answers "
        "WHERE seq > coalesce((SELECT seq FROM answers WHERE at <= ? ORDER BY seq DESC LIMIT 1), 0)",
        (tx.now,),
    )
