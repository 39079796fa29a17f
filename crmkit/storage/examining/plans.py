"""Which plans workspaces have."""

from collections.abc import Collection

from crmkit.storage.interface.connection import Connection


def others(connection: Connection, declared: Collection[str]) -> list[tuple[str, int, str]]:
    """Return plans that are not declared, each with the number of its workspaces and the id of one of these."""
    rows = connection.execute("SELECT plan, count(*), min(id) FROM workspaces GROUP BY plan ORDER BY plan").fetchall()
    return [(plan, count, id) for plan, count, id in rows if plan not in declared]
