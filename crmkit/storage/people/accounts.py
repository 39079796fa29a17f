"""People, workspaces and who belongs where."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import fields, replace

from crmkit.model.actor import Member, Membership, User
from crmkit.model.preferences import Preferences
from crmkit.storage.columns import quoted
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from crmkit.storage.people.new_ids import unused
from crmkit.storage.requests import answers

PREFERENCES = ", ".join(f"w.{field.name}" for field in fields(Preferences))
_MEMBERSHIP = f"w.id, w.number, w.name, w.plan, {{role}}, w.created_at, w.created_by, {PREFERENCES}"


def find_user(connection: Connection, email: str) -> User | None:
    """Return the user with this (canonical) address, or None."""
    row = connection.execute("SELECT id, email FROM users WHERE email = ?", (email,)).fetchone()
    return None if row is None else User(*row)


def is_disabled(connection: Connection, email: str) -> bool:
    """Tell whether the operator disabled the account of an address."""
    row = connection.execute("SELECT 1 FROM users WHERE email = ? AND disabled_at <> ''", (email,)).fetchone()
    return row is not None


def disable(tx: Tx, user_id: str, at: str) -> None:
    """Disable an account at this moment; enable it where that is empty."""
    tx.connection.execute("UPDATE users SET disabled_at = ? WHERE id = ?", (at, user_id))


def has_admin(connection: Connection, workspace_id: str, besides: str = "") -> bool:
    """Tell whether a workspace has an admin who is not disabled, besides the user with this id."""
    sql = (
        "SELECT 1 FROM memberships AS m JOIN users AS u ON u.id = m.user_id AND u.disabled_at = '' "
        "WHERE m.workspace_id = ? AND m.role = 'admin' AND m.user_id <> ? LIMIT 1"
    )
    return connection.execute(sql, (workspace_id, besides)).fetchone() is not None


def has_workspace(connection: Connection, id: str) -> bool:
    """Tell whether there is a workspace with this id."""
    return connection.execute("SELECT 1 FROM workspaces WHERE id = ?", (id,)).fetchone() is not None


def has_nobody(connection: Connection) -> bool:
    """Tell whether nobody has an account."""
    return connection.execute("SELECT 1 FROM users LIMIT 1").fetchone() is None


def user(connection: Connection, id: str) -> User:
    """Return the user with this id, who exists."""
    return User(*connection.execute("SELECT id, email FROM users WHERE id = ?", (id,)).fetchone())


def insert_user(tx: Tx, email: str, id: str = "") -> User:
    """Return the new user of this address, who has this id if it is free."""
    is_free = id and tx.connection.execute("SELECT 1 FROM users WHERE id = ?", (id,)).fetchone() is None
    user = User(id if is_free else unused(tx, "users", "u"), email)
    tx.connection.execute("INSERT INTO users (id, email, created_at) VALUES (?, ?, ?)", (user.id, email, tx.now))
    return user


def insert_workspace(tx: Tx, user: User, name: str, plan: str) -> Membership:
    """Return the membership of `user` as admin of a new workspace."""
    id = unused(tx, "workspaces", "ws")
    tx.enter(id)
    (number,) = tx.connection.execute(
        "INSERT INTO workspaces (id, name, plan, created_at, created_by) VALUES (?, ?, ?, ?, ?) RETURNING number",
        (id, name, plan, tx.now, user.email),
    ).fetchone()
    insert_membership(tx, id, user.id, "admin")
    return Membership(id, number, name, plan, "admin", tx.now, user.email)


def insert_membership(tx: Tx, workspace_id: str, user_id: str, role: str, joined_at: str = "") -> None:
    """Let a user belong to a workspace, from now on or since then; one who does already stays what they are."""
    tx.connection.execute(
        "INSERT INTO memberships (workspace_id, user_id, role, joined_at) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (workspace_id, user_id) DO NOTHING",
        (workspace_id, user_id, role, joined_at or tx.now),
    )


def change_role(tx: Tx, workspace_id: str, user_id: str, role: str) -> None:
    tx.connection.execute(
        "UPDATE memberships SET role = ? WHERE workspace_id = ? AND user_id = ?", (role, workspace_id, user_id)
    )


def remove_membership(tx: Tx, workspace_id: str, user_id: str) -> None:
    """Let a user no longer belong to a workspace, and end their tokens in it."""
    key = (workspace_id, user_id)
    gone = tx.connection.execute("DELETE FROM tokens WHERE workspace_id = ? AND user_id = ? RETURNING id", key)
    answers.drop_all(tx, workspace_id, [id for (id,) in gone.fetchall()])
    tx.connection.execute("DELETE FROM memberships WHERE workspace_id = ? AND user_id = ?", key)


def remove_user(tx: Tx, user_id: str, email: str) -> None:
    """Remove a user who belongs to no workspace any more, with the counters and codes of the address.

    What they did stays in the audit log and the records of the workspaces where they did it.
    """
    named = tx.connection.dialect.contains.format("' ' || purpose || ' '", "' ' || ? || ' '")
    for sql, value in (
        ("DELETE FROM tokens WHERE user_id = ?", user_id),
        ("DELETE FROM grants WHERE user_id = ?", user_id),
        ("DELETE FROM signins WHERE email = ?", email),
        ("DELETE FROM attempts WHERE who = ?", email),
        ("DELETE FROM attempts WHERE who = ?", user_id),
        ("DELETE FROM codes WHERE email = ?", email),
        # what others were about to do with them, whose id or address is a word of the purpose
        (f"DELETE FROM codes WHERE {named}", email),
        (f"DELETE FROM codes WHERE {named}", user_id),
        ("DELETE FROM invites WHERE invited_by = ?", email),
        ("DELETE FROM users WHERE id = ?", user_id),
    ):
        tx.connection.execute(sql, (value,))


def change_workspace(tx: Tx, workspace_id: str, values: Mapping[str, str]) -> None:
    """Write columns of a workspace: its name, or preferences."""
    names = ", ".join(f"{quoted(name)} = ?" for name in values)
    tx.connection.execute(f"UPDATE workspaces SET {names} WHERE id = ?", (*values.values(), workspace_id))


def change_timezone(tx: Tx, user_id: str, timezone: str) -> None:
    """Give a user a time zone of their own; an empty one is that of each workspace."""
    tx.connection.execute("UPDATE users SET timezone = ? WHERE id = ?", (timezone, user_id))


def people(connection: Connection, workspace_id: str) -> list[Member]:
    """Return who belongs to a workspace, the one who joined first in front."""
    rows = connection.execute(
        "SELECT u.id, u.email, m.role, m.joined_at FROM memberships AS m JOIN users AS u ON u.id = m.user_id "
        "WHERE m.workspace_id = ? ORDER BY m.joined_at, u.id",
        (workspace_id,),
    )
    return [Member(*row) for row in rows]


def memberships(connection: Connection, user_id: str) -> list[Membership]:
    """Return the workspaces a user belongs to, the one joined first in front, their own before others."""
    rows = connection.execute(
        f"SELECT {_MEMBERSHIP.format(role='m.role')} FROM memberships AS m "
        "JOIN workspaces AS w ON w.id = m.workspace_id JOIN users AS u ON u.id = m.user_id WHERE m.user_id = ? "
        "ORDER BY m.joined_at, w.created_by = u.email DESC, w.number",
        (user_id,),
    )
    return [_membership(row) for row in rows]


def role(connection: Connection, workspace_id: str, user_id: str) -> str | None:
    """Return the role that a user has in a workspace, None for who does not belong to it."""
    sql = "SELECT role FROM memberships WHERE workspace_id = ? AND user_id = ?"
    row = connection.execute(sql, (workspace_id, user_id)).fetchone()
    return None if row is None else str(row[0])


def is_known_to(connection: Connection, user_id: str, email: str) -> bool:
    """Tell whether the person with this address belongs to a workspace that the user belongs to as well."""
    sql = (
        "SELECT 1 FROM users AS u JOIN memberships AS theirs ON theirs.user_id = u.id JOIN memberships AS own "
        "ON own.workspace_id = theirs.workspace_id AND own.user_id = ? WHERE u.email = ? LIMIT 1"
    )
    return connection.execute(sql, (user_id, email)).fetchone() is not None


def workspace(connection: Connection, id: str, role: str) -> Membership:
    """Return the workspace with this id, which exists, as someone with this role sees it."""
    sql = f"SELECT {_MEMBERSHIP.format(role='?')} FROM workspaces AS w WHERE w.id = ?"
    return _membership(connection.execute(sql, (role, id)).fetchone())


def _membership(row: tuple[Any, ...]) -> Membership:
    return replace(Membership(*row[:7]), preferences=Preferences(*row[7:]))


def members(connection: Connection, workspace_id: str) -> int:
    """Return how many people belong to the workspace or are invited to it."""
    belong = _number(connection, "SELECT count(*) FROM memberships WHERE workspace_id = ?", workspace_id)
    return belong + _number(connection, "SELECT count(*) FROM invites WHERE workspace_id = ?", workspace_id)


def workspaces_created(connection: Connection, email: str) -> int:
    """Return how many workspaces the person with this address has opened."""
    return _number(connection, "SELECT count(*) FROM workspaces WHERE created_by = ?", email)


def _number(connection: Connection, sql: str, value: Any) -> int:
    number: int = connection.execute(sql, (value,)).fetchone()[0]
    return number
