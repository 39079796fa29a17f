"""The pipelines of a workspace: one for each kind whose records have a stage. `kind` is the plural of its name."""

import msgspec

from crmkit.model.configuration.pipeline import UNPUT, Pipeline, Stage
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx

_decode = msgspec.json.Decoder(list[tuple[str, str]]).decode


def pipeline_of(connection: Connection, workspace_id: str, kind: str) -> Pipeline:
    """Return the pipeline of a kind, UNPUT until one is put."""
    sql = "SELECT stages, strict FROM pipelines WHERE workspace_id = ? AND kind = ?"
    row = connection.execute(sql, (workspace_id, kind)).fetchone()
    return UNPUT if row is None else _pipeline(*row)


def known(tx: Tx, kind: str) -> Pipeline:
    """Return the pipeline of a kind in the actor's workspace, which is read once in a transaction."""
    key = (tx.by.workspace_id, kind)
    found = tx.known.pipelines.get(key)
    if found is None:
        found = tx.known.pipelines[key] = pipeline_of(tx.connection, *key)
    return found


def pipelines_of(connection: Connection, workspace_id: str) -> dict[str, Pipeline]:
    """Return the pipelines that were put, by kind."""
    sql = "SELECT kind, stages, strict FROM pipelines WHERE workspace_id = ? ORDER BY kind"
    return {kind: _pipeline(*rest) for kind, *rest in connection.execute(sql, (workspace_id,))}


def put(tx: Tx, kind: str, pipeline: Pipeline) -> None:
    """Make this the pipeline of a kind."""
    stages = msgspec.json.encode([(stage.name, stage.means) for stage in pipeline.stages]).decode()
    tx.connection.execute(
        "INSERT INTO pipelines (workspace_id, kind, stages, strict) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (workspace_id, kind) DO UPDATE SET stages = excluded.stages, strict = excluded.strict",
        (tx.by.workspace_id, kind, stages, int(pipeline.strict)),
    )
    tx.known.pipelines.clear()


def remove(tx: Tx, kind: str) -> None:
    """Make the pipeline of a kind one that nobody has put."""
    tx.connection.execute("DELETE FROM pipelines WHERE workspace_id = ? AND kind = ?", (tx.by.workspace_id, kind))
    tx.known.pipelines.clear()


def _pipeline(stages: str, strict: int) -> Pipeline:
    return Pipeline(tuple(Stage(name, means) for name, means in _decode(stages)), bool(strict))
