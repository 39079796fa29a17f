"""How a stage is spelled where records are grouped by it: one way in counts, in the funnel and in the brief."""

from collections.abc import Iterable

from crmkit.model.record import Kind
from crmkit.storage.columns import quoted
from crmkit.storage.configuration import pipelines
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.statement import Statement, at_most


def spelled(connection: Connection, kind: Kind, workspace_id: str, keys: Iterable[str]) -> dict[str, str]:
    """Return the names of stages that records are at, by how stages are compared.

    A name is that of the pipeline that was put, else of the record there that nobody changed for the longest time, of
    several the one that was created first: the index on stages leads to it.
    """
    pipeline = pipelines.pipeline_of(connection, workspace_id, kind.plural)
    names = dict[str, str]()
    for key in keys:
        known = pipeline.find(key) if pipeline.is_put else None
        name = known.name if known else _of_record(connection, kind, workspace_id, key)
        if name is not None:
            names[key] = name
    return names


def _of_record(connection: Connection, kind: Kind, workspace_id: str, key: str) -> str | None:
    stage = kind.by_name["stage"]
    table, compared, values = quoted(kind.plural), quoted(stage.compared), (workspace_id, key)
    oldest = Statement(
        f"SELECT min(o.updated_at) FROM {table} AS o WHERE o.workspace_id = ? AND o.{compared} = ?", values
    )
    sql = Statement(f"SELECT r.{quoted(stage.name)} FROM {table} AS r WHERE r.workspace_id = ? ", (workspace_id,))
    sql += Statement(f"AND r.{compared} = ? AND r.updated_at = (", (key,)) + oldest + Statement(") ORDER BY r.seq")
    row = (sql + at_most(connection.dialect, 1)).run(connection).fetchone()
    return None if row is None else row[0]
