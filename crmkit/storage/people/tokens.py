"""Tokens: known by their SHA-256 alone, each for one person in one workspace."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from crmkit import ids
from crmkit.model.access import FULL_ACCESS, Access
from crmkit.model.actor import Actor
from crmkit.model.preferences import Preferences
from crmkit.storage.hashed import sha256
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from crmkit.storage.people import accounts
from crmkit.storage.people.new_ids import unused
from crmkit.storage.pruning.bounded import FEW
from crmkit.storage.requests import answers

RANDOM = 39  # characters of 31: 193 random bits
_TOGETHER = 500  # tokens that one statement looks up


class TokenUse(Struct, frozen=True):
    """What a token stands for; `last_used_at` is as of the last time it was worth writing down."""

    actor: Actor
    last_used_at: str


class Listed(Struct, frozen=True):
    """A token as its owner sees it."""

    id: str
    name: str
    workspace_id: str
    access: Access
    made_by: str  # the id of another token; empty if it was given at sign-in
    created_at: str
    last_used_at: str


_LISTED = "id, name, workspace_id, access, networks, expires_at, made_by, created_at, last_used_at"
_SELECT = f"""
    SELECT u.id, u.email, m.role, t.id, t.name, w.id, w.name, w.number, w.plan, t.is_app, u.timezone,
        {accounts.PREFERENCES}, t.access, t.networks, t.expires_at, t.last_used_at
    FROM tokens AS t
    JOIN users AS u ON u.id = t.user_id AND u.disabled_at = ''
    JOIN workspaces AS w ON w.id = t.workspace_id
    JOIN memberships AS m ON m.workspace_id = t.workspace_id AND m.user_id = t.user_id
"""


def mint() -> str:
    """Return a fresh token; it is shown once and never stored."""
    return "ck_" + ids.random_text(RANDOM)


def find(connection: Connection, hash: bytes) -> TokenUse | None:
    """Return what the token with this hash stands for; None when it is unknown, revoked, or its user is disabled
    or no member."""
    return _use(connection.execute(f"{_SELECT} WHERE t.hash = ?", (hash,)).fetchone())


def use(connection: Connection, token_id: str) -> TokenUse | None:
    """Return the same of the token with this id."""
    return _use(connection.execute(f"{_SELECT} WHERE t.id = ?", (token_id,)).fetchone())


def current(connection: Connection, token_id: str) -> Actor | None:
    """Return who the token with this id stands for at this moment, or None when it no longer counts."""
    found = use(connection, token_id)
    return None if found is None else found.actor


def roles(connection: Connection, workspace_id: str, token_ids: Sequence[str]) -> dict[str, str]:
    """Return, of those of these tokens that count in a workspace at this moment, the role that each has there."""
    found: dict[str, str] = {}
    for start in range(0, len(token_ids), _TOGETHER):
        ids = token_ids[start : start + _TOGETHER]
        found |= connection.execute(
            "SELECT t.id, m.role FROM tokens AS t "
            "JOIN memberships AS m ON m.workspace_id = t.workspace_id AND m.user_id = t.user_id "
            "JOIN users AS u ON u.id = t.user_id AND u.disabled_at = '' "
            f"WHERE t.workspace_id = ? AND t.id IN ({', '.join('?' * len(ids))})",
            (workspace_id, *ids),
        ).fetchall()
    return found


def _use(row: tuple[Any, ...] | None) -> TokenUse | None:
    return None if row is None else TokenUse(_actor(row), row[-1])


def _actor(row: tuple[Any, ...]) -> Actor:
    return replace(Actor(*row[:11]), preferences=Preferences(*row[11:-4]), access=_access(*row[-4:-1]))


def _access(words: str, networks: str, expires_at: str) -> Access:
    return Access(words, tuple(networks.split()), expires_at)


def insert(
    tx: Tx,
    token: str,
    user_id: str,
    workspace_id: str,
    name: str,
    is_app: bool = False,
    access: Access = FULL_ACCESS,
    made_by: str = "",
) -> str:
    """Return the id under which the token is now known; `made_by` is that of the token that asked for it."""
    id = unused(tx, "tokens", "tok")
    for shown in (tx.made, tx.secrets):
        if shown is not None:
            shown.append(token)
    tx.connection.execute(
        "INSERT INTO tokens (id, hash, user_id, workspace_id, name, created_at, last_used_at, is_app, "
        "access, networks, expires_at, made_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(id, sha256(token), user_id, workspace_id, name, tx.now, tx.now, int(is_app)),
            *(access.words, " ".join(access.networks), access.expires_at, made_by),
        ),
    )
    return id


def touch(tx: Tx, token_id: str, at: str) -> None:
    """Write down that the token was in use at this moment."""
    tx.connection.execute("UPDATE tokens SET last_used_at = ? WHERE id = ?", (at, token_id))


def cap_last_used(tx: Tx) -> None:
    """Let tokens that were used ahead of the clock, before it was set back, count as used now."""
    tx.connection.execute("UPDATE tokens SET last_used_at = ? WHERE last_used_at > ?", (tx.now, tx.now))


_LONG_OVER = "(expires_at <> '' AND expires_at < ?) OR (expires_at = '' AND last_used_at < ?)"


def forget(tx: Tx, ended_before: str, used_before: str) -> bool:
    """Remove some tokens that ended long ago, and tell whether some may be left; until then they are told so.

    Those are the ones whose own end came before a moment; of those that have none, the ones last used before another.
    """
    gone = tx.connection.execute(
        f"SELECT user_id, id FROM tokens WHERE {_LONG_OVER} LIMIT {FEW}", (ended_before, used_before)
    ).fetchall()
    for user_id, id in gone:
        remove(tx, user_id, id)
    return len(gone) == FEW


def listed(connection: Connection, user_id: str, used_since: str, now: str) -> list[Listed]:
    """Return a user's tokens that have not ended, the newest first.

    One without an end of its own has ended where it was not used since then.
    """
    found = connection.execute(
        f"SELECT {_LISTED} FROM tokens WHERE user_id = ? AND "
        "CASE expires_at WHEN '' THEN last_used_at >= ? ELSE expires_at > ? END ORDER BY created_at DESC, id",
        (user_id, used_since, now),
    ).fetchall()
    return [_listed(row) for row in found]


def _listed(row: tuple[Any, ...]) -> Listed:
    id, name, workspace_id, *access, made_by, created_at, last_used_at = row
    return Listed(id, name, workspace_id, _access(*access), made_by, created_at, last_used_at)


def of_user(connection: Connection, user_id: str, token_id: str) -> Listed | None:
    """Return a user's token, None when they have no such token."""
    sql = f"SELECT {_LISTED} FROM tokens WHERE user_id = ? AND id = ?"
    row = connection.execute(sql, (user_id, token_id)).fetchone()
    return None if row is None else _listed(row)


def made_by(connection: Connection, user_id: str, token_id: str) -> list[str]:
    """Return the ids of the tokens that a user's token made, that these made, and so on."""
    sql = (
        "WITH RECURSIVE made (id) AS (SELECT id FROM tokens WHERE user_id = ? AND made_by = ? "
        "UNION SELECT t.id FROM tokens AS t JOIN made AS m ON t.made_by = m.id WHERE t.made_by <> '') "
        "SELECT id FROM made"
    )
    return [id for (id,) in connection.execute(sql, (user_id, token_id)).fetchall()]


def change(tx: Tx, token_id: str, name: str, access: Access) -> None:
    """Give a token another name, and another access, from the next request on."""
    tx.connection.execute(
        "UPDATE tokens SET name = ?, access = ?, networks = ?, expires_at = ? WHERE id = ?",
        (name, access.words, " ".join(access.networks), access.expires_at, token_id),
    )


def remove(tx: Tx, user_id: str, token_id: str) -> None:
    """Revoke a user's own token, if they have it.

    Those that it made count from now on as made by the token that made it.
    """
    row = tx.connection.execute(
        "DELETE FROM tokens WHERE user_id = ? AND id = ? RETURNING workspace_id, made_by", (user_id, token_id)
    ).fetchone()
    if row is not None:
        workspace_id, made_by = row
        tx.connection.execute("UPDATE tokens SET made_by = ? WHERE made_by = ? AND made_by <> ''", (made_by, token_id))
        answers.drop_all(tx, workspace_id, [token_id])
