"""Links: paths that somebody may read for a while without a token. Each is known by the hash of its secret."""

from collections.abc import Sequence

from msgspec import Struct

from crmkit import ids
from crmkit.clock import after
from crmkit.storage.hashed import sha256
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from crmkit.storage.people.new_ids import unused
from crmkit.storage.pruning.bounded import dropped, limited

PREFIX = "ln"
MAX_MINUTES = 1440

_RANDOM = 39  # characters of 31: 193 random bits, as in a token
_SELECT = """
    SELECT l.id, l.workspace_id, l.token_id, u.id, u.email, l.path, l.created_at, l.expires_at
    FROM links AS l JOIN tokens AS t ON t.id = l.token_id JOIN users AS u ON u.id = t.user_id
"""


class Link(Struct, frozen=True):
    """A path that is read with the rights of the token that made the link. It ends with the token."""

    id: str
    workspace_id: str
    token_id: str
    user_id: str
    by: str  # the address of the token's user
    path: str
    created_at: str
    expires_at: str


def insert(tx: Tx, path: str, minutes: int) -> tuple[Link, str]:
    """Return a new link of the actor's token, and its secret, which is never stored."""
    secret = ids.random_text(_RANDOM)
    actor, id = tx.by, unused(tx, "links", PREFIX)
    expires_at = after(tx.now, minutes=minutes)
    tx.connection.execute(
        "INSERT INTO links (workspace_id, id, hash, token_id, path, created_at, expires_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (actor.workspace_id, id, sha256(secret), actor.token_id, path, tx.now, expires_at),
    )
    token_id, user_id = actor.token_id, actor.user_id
    return Link(id, actor.workspace_id, token_id, user_id, actor.email, path, tx.now, expires_at), secret


def find(connection: Connection, secret: str) -> Link | None:
    """Return the link with this secret, over or not, None for one that is gone or never was."""
    row = connection.execute(f"{_SELECT} WHERE l.hash = ?", (sha256(secret),)).fetchone()
    return None if row is None else Link(*row)


def listed(connection: Connection, workspace_id: str, now: str) -> Sequence[Link]:
    """Return the links of a workspace that are not over, the newest first."""
    sql = f"{_SELECT} WHERE l.workspace_id = ? AND l.expires_at > ? ORDER BY l.created_at DESC, l.id"
    return [Link(*row) for row in connection.execute(sql, (workspace_id, now))]


def remove(tx: Tx, link: Link) -> None:
    """End a link."""
    tx.connection.execute("DELETE FROM links WHERE workspace_id = ? AND id = ?", (link.workspace_id, link.id))


_OVER = "DELETE FROM links WHERE " + limited("links", "workspace_id, id", "expires_at <= ? OR expires_at > ?")


def forget(tx: Tx) -> bool:
    """Drop some links that are over, or were made ahead of the clock; tell whether some may be left."""
    return dropped(tx, _OVER, tx.now, after(tx.now, minutes=MAX_MINUTES))
