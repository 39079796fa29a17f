"""What the operator is told of all accounts, workspaces and tokens."""

from msgspec import Struct

from crmkit.storage.interface.connection import Connection


class ListedAccount(Struct, frozen=True):
    """An account: to how many workspaces it belongs, how many tokens it has. An empty time is one that never was."""

    handle: str
    email: str
    created_at: str
    disabled_at: str
    workspaces: int
    tokens: int
    last_used_at: str  # by any of its tokens


class ListedWorkspace(Struct, frozen=True):
    """A workspace: its plan, who belongs to it, and how many records and activities it holds."""

    handle: str
    name: str
    plan: str
    members: int
    records: int
    created_at: str
    created_by: str


class ListedToken(Struct, frozen=True):
    """A token: whose it is and where it works; never its text, which is stored nowhere."""

    handle: str
    email: str
    workspace: str
    name: str
    access: str
    is_app: bool
    created_at: str
    last_used_at: str
    expires_at: str  # empty where it ends once it is not used


def accounts(connection: Connection) -> list[ListedAccount]:
    """Return all accounts, the oldest first."""
    rows = connection.execute(
        "SELECT u.id, u.email, u.created_at, u.disabled_at, "
        "(SELECT count(*) FROM memberships AS m WHERE m.user_id = u.id), "
        "(SELECT count(*) FROM tokens AS t WHERE t.user_id = u.id), "
        "coalesce((SELECT max(t.last_used_at) FROM tokens AS t WHERE t.user_id = u.id), '') "
        "FROM users AS u ORDER BY u.created_at, u.id"
    )
    return [ListedAccount(f"user/{id}", *rest) for id, *rest in rows.fetchall()]


def workspaces(connection: Connection) -> list[ListedWorkspace]:
    """Return all workspaces, the oldest first."""
    rows = connection.execute(
        "SELECT w.id, w.name, w.plan, (SELECT count(*) FROM memberships AS m WHERE m.workspace_id = w.id), "
        "coalesce((SELECT sum(c.live) FROM counts AS c WHERE c.workspace_id = w.id), 0), w.created_at, w.created_by "
        "FROM workspaces AS w ORDER BY w.number"
    )
    return [ListedWorkspace(f"workspace/{id}", *rest) for id, *rest in rows.fetchall()]


def tokens(connection: Connection) -> list[ListedToken]:
    """Return all tokens, the oldest first."""
    rows = connection.execute(
        "SELECT t.id, u.email, t.workspace_id, t.name, t.access, t.is_app, t.created_at, t.last_used_at, t.expires_at "
        "FROM tokens AS t JOIN users AS u ON u.id = t.user_id ORDER BY t.created_at, t.id"
    )
    return [
        ListedToken(f"token/{id}", email, workspace, name, access, bool(is_app), *times)
        for id, email, workspace, name, access, is_app, *times in rows.fetchall()
    ]
