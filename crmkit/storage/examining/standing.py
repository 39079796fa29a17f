"""What stands still, or is ahead of the clock: jobs, imports and webhooks of the whole server."""

from crmkit.model.events.names import SENDS
from crmkit.storage import jobs
from crmkit.storage.interface.connection import Connection
from crmkit.storage.transfer import imports

MOST = 5  # of each that are told


def newest_at(connection: Connection) -> str:
    """Return the time of the newest entry of the log of any workspace, empty without one."""
    sql = "SELECT max((SELECT max(a.at) FROM audit AS a WHERE a.workspace_id = w.id)) FROM workspaces AS w"
    (found,) = connection.execute(sql).fetchone()
    return found or ""


def late_jobs(connection: Connection, before: str) -> list[str]:
    """Return what to say of jobs whose time came before this, or whose step failed and is tried again."""
    sql = (
        "SELECT workspace_id, id, kind, due_at, tries FROM jobs WHERE due_at IS NOT NULL "
        f"AND (tries > 0 OR (due_at <> '' AND due_at < ?)) ORDER BY due_at {connection.dialect.limit}"
    )
    rows = connection.execute(sql, (before, MOST)).fetchall()
    return [
        f"{id} ({kind}) of {workspace or 'the server'} "
        + (f"failed {tries} times and is tried again" if tries else f"was due at {due_at}")
        for workspace, id, kind, due_at, tries in rows
    ]


def failed_jobs(connection: Connection) -> list[str]:
    """Return what to say of jobs that ended by a fault of ours, of those that are kept."""
    sql = (
        "SELECT workspace_id, id, kind, ended_at FROM jobs WHERE ended_at IS NOT NULL AND state = ? "
        f"AND error LIKE 'server_error%' ORDER BY ended_at DESC {connection.dialect.limit}"
    )
    rows = connection.execute(sql, (jobs.FAILED, MOST)).fetchall()
    return [f"{id} ({kind}) of {workspace or 'the server'} failed at {at}" for workspace, id, kind, at in rows]


def stuck_imports(connection: Connection) -> list[str]:
    """Return what to say of imports that run, though the job that writes them has ended."""
    sql = (
        "SELECT i.workspace_id, i.id FROM imports AS i WHERE i.state = ? AND NOT EXISTS (SELECT 1 FROM jobs AS j "
        "WHERE j.workspace_id = i.workspace_id AND j.id = i.job_id AND j.due_at IS NOT NULL) "
        f"{connection.dialect.limit}"
    )
    rows = connection.execute(sql, (imports.RUNNING, MOST)).fetchall()
    return [f"import/{id} of {workspace} runs without a job" for workspace, id in rows]


def failing_webhooks(connection: Connection, since: str) -> list[str]:
    """Return what to say of webhooks that are paused, or off though nobody switched them off, or fail since then."""
    sql = (
        "SELECT workspace_id, id, state, coalesce(reason, ''), coalesce(failing_since, '') FROM webhooks "
        f"WHERE active = 1 AND (state <> ? OR failing_since < ?) {connection.dialect.limit}"
    )
    rows = connection.execute(sql, (SENDS, since, MOST)).fetchall()
    return [
        f"webhook/{id} of {workspace} "
        + (f"is {state}: {reason}" if state != SENDS else f"reaches nobody since {failing}")
        for workspace, id, state, reason, failing in rows
    ]
