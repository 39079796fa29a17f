"""Triggers that notice every statement that changes who may do what."""

from crmkit.storage.interface.auth_cache import AuthCache
from crmkit.storage.sqlite.engine.connection import SqliteConnection

# table -> what makes the cache wrong when it happens there; a new row makes nothing wrong
_WATCHED = {
    "tokens": ("DELETE", "UPDATE"),
    "memberships": ("DELETE", "UPDATE"),
    "workspaces": ("DELETE", "UPDATE"),
    "users": ("DELETE", "UPDATE"),
}


def watch(connection: SqliteConnection, cache: AuthCache) -> None:
    """Tell the cache from now on what this connection changes."""
    connection.create_function("crm_changing", 0, cache.note_change)
    for table, events in _WATCHED.items():
        for event in events:
            trigger = f"CREATE TEMP TRIGGER {table}_{event} AFTER {event} ON main.{table}"
            connection.execute(f"{trigger} BEGIN SELECT crm_changing(); END")
