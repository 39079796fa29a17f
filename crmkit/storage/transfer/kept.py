"""Which of the files that clients sent are still needed."""

from crmkit.storage.interface.connection import Connection


def names(connection: Connection) -> set[str]:
    """Return the names of the files that rows of the database name."""
    return set()
