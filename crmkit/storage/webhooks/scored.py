"""Changed scores, which no entry of the log tells: kept as deliveries of the webhooks that are told of them."""

from collections.abc import Collection, Iterator, Mapping

import msgspec

from crmkit.model.events import names
from crmkit.model.record import SCORE, Kind
from crmkit.storage import jobs
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from crmkit.storage.log import entries
from crmkit.storage.webhooks import deliveries, keys
from crmkit.storage.webhooks.deliveries import Delivery
from crmkit.storage.workspaces import lookup

_encode = msgspec.json.encode
_decode = msgspec.json.Decoder(list[str]).decode


def note(tx: Tx, workspace_id: str, kind: Kind, id: str, old: float, new: float, is_run: bool) -> None:
    """Have the webhooks told of the new score of a record.

    Those of several records that one unit writes are told together, and those of a run.
    """
    for webhook_id in _listeners(tx.database, workspace_id, f"{kind.name}.{names.SCORED}"):
        key = (webhook_id, kind.plural)
        number, scores = tx.scored.get(key, (0, {}))
        if id in scores:
            scores[id] = (scores[id][0], new)
        elif not number or len(scores) == names.MOST_IDS:
            number, scores = 0, {id: (old, new)}
        else:
            scores[id] = (old, new)
        told = _told(kind, scores, is_run)
        if not number or not deliveries.retell(tx, workspace_id, number, *told):
            number = _added(tx, workspace_id, webhook_id, told)
        tx.scored[key] = (number, scores)


def forget(tx: Tx, workspace_id: str, kind: Kind, ids: Collection[str]) -> None:
    """Have no webhook told of scores that this unit gave records which it takes away."""
    for key, (number, scores) in [*tx.scored.items()]:
        if key[1] != kind.plural or scores.keys().isdisjoint(ids):
            continue
        left = {id: pair for id, pair in scores.items() if id not in ids}
        if left:
            deliveries.retell(tx, workspace_id, number, *_told(kind, left, False))
            tx.scored[key] = (number, left)
        else:
            deliveries.drop(tx, workspace_id, number)
            del tx.scored[key]


def _told(kind: Kind, scores: Mapping[str, tuple[float, float]], is_run: bool) -> tuple[str, str, str]:
    """Return type, target and text of the event of these new scores."""
    if len(scores) > 1 or is_run:
        return f"{kind.plural}.{names.SCORED}", "", _encode({"ids": [*scores]}).decode()
    ((id, pair),) = scores.items()
    return f"{kind.name}.{names.SCORED}", kind.handle(id), _encode({SCORE: pair}).decode()


def _added(tx: Tx, workspace_id: str, webhook_id: str, event: tuple[str, str, str]) -> int:
    """Keep an event behind the newest entry of the log, that of the write, and return its number."""
    workspace = lookup.existing(tx.connection, workspace_id)
    place = max(entries.newest(tx.connection, workspace), tx.known.last.get(("audit", workspace.number), 0))
    type, target, told = event
    (made,) = deliveries.add(tx, workspace, [Delivery(0, "", webhook_id, "", type, target, place, place, told, tx.now)])
    found = keys.find(tx.connection, workspace_id, webhook_id)
    if found is not None:
        jobs.wake_one(tx, workspace_id, found.job_id)
    return made.seq


def _listeners(connection: Connection, workspace_id: str, name: str) -> Iterator[str]:
    for id, events, state in keys.states(connection, workspace_id):
        if state != names.OFF and names.wants(_decode(events), name):
            yield id
