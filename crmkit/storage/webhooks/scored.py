"""Changed scores, which no entry of the log tells: kept as deliveries of the webhooks that are told of them."""

from collections.abc import Iterator, Sequence

import msgspec

from crmkit.model.events import names
from crmkit.model.record import SCORE, Kind
from crmkit.storage import jobs
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.log import entries
from crmkit.storage.webhooks import deliveries, keys
from crmkit.storage.webhooks.deliveries import Delivery

MOST_IDS = 1_000  # of the event of a run

_encode = msgspec.json.encode
_decode = msgspec.json.Decoder(list[str]).decode


def note(tx: Tx, workspace_id: str, kind: Kind, id: str, old: float, new: float, is_run: bool) -> None:
    """Have the webhooks told of the new score of a record.

    Those of several records that one unit writes are told together, and those of a run.
    """
    for webhook_id in _listeners(tx.database, workspace_id, f"{kind.name}.{names.SCORED}"):
        key = (webhook_id, kind.plural)
        number, ids = tx.scored.get(key, (0, []))
        if id in ids[-1:]:
            continue
        if number and len(ids) < MOST_IDS:
            ids.append(id)
            if deliveries.group(tx, workspace_id, number, f"{kind.plural}.{names.SCORED}", _told(ids)):
                continue
        tx.scored[key] = (_added(tx, workspace_id, webhook_id, kind, id, None if is_run else [old, new]), [id])


def _added(tx: Tx, workspace_id: str, webhook_id: str, kind: Kind, id: str, scores: Sequence[float] | None) -> int:
    """Keep an event of one record, or of a group that has no other yet, and return its number."""
    (number,) = tx.connection.execute("SELECT number FROM workspaces WHERE id = ?", (workspace_id,)).fetchone()
    workspace = Workspace(workspace_id, number)
    newest = max(entries.newest(tx.connection, workspace), tx.known.last.get(("audit", number), 0))
    name = f"{kind.plural if scores is None else kind.name}.{names.SCORED}"
    target = "" if scores is None else kind.handle(id)
    told = _told([id]) if scores is None else _encode({SCORE: scores}).decode()
    place = newest + 1  # behind the entry of the write, which may come after this
    event = Delivery(0, "", webhook_id, "", name, target, place, place, told, tx.now)
    (made,) = deliveries.add(tx, workspace, [event])
    found = keys.find(tx.connection, workspace_id, webhook_id)
    if found is not None:
        jobs.wake_one(tx, workspace_id, found.job_id)
    return made.seq


def _told(ids: Sequence[str]) -> str:
    return _encode({"ids": ids}).decode()


def _listeners(connection: Connection, workspace_id: str, name: str) -> Iterator[str]:
    for id, events, state in keys.states(connection, workspace_id):
        if state == names.SENDS and names.wants(_decode(events), name):
            yield id
