"""Which of the files that clients sent are still needed."""

from crmkit.storage.interface.connection import Connection
from crmkit.storage.transfer import imports


def names(connection: Connection, workspace_id: str | None = None) -> set[str]:
    """Return the names of the files that rows of the database name: all, or those of one workspace."""
    return imports.files(connection, workspace_id)
