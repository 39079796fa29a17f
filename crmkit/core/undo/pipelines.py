"""How an entry of a pipeline is taken back: the one before is put again."""

from typing import Any

from crmkit.core import roles
from crmkit.core.configuration.pipelines import facts
from crmkit.core.undo.reversal import Reversal, UndoContext
from crmkit.model.configuration.pipeline import Pipeline, Stage
from crmkit.storage.configuration import pipelines
from crmkit.storage.log import audit
from crmkit.storage.log.operations import Entry


def reversal(context: UndoContext, entry: Entry) -> Reversal:
    """Return how the entry of a pipeline is taken back; raises `admin_required` for whoever is no admin."""
    roles.check_admin(context.tx)
    held = pipelines.pipeline_of(context.tx.connection, context.workspace_id, entry.id)
    now: dict[str, Any] = facts(held) if held.is_put else {}
    differs = context.differs("workspace")
    others = {name: differs(now.get(name), new) for name, (_, new) in entry.changes.items() if now.get(name) != new}
    if others:
        return Reversal({f"{entry.target}.{name}": what for name, what in others.items()})
    return Reversal(write=lambda: _put_back(context, entry, now))


def _put_back(context: UndoContext, entry: Entry, now: dict[str, Any]) -> None:
    was = {**now, **{name: old for name, (old, _) in entry.changes.items()}}
    if was["stages"] is None:
        pipelines.remove(context.tx, entry.id)
    else:
        stages = tuple(Stage(each["name"], each.get("means", "")) for each in was["stages"])
        pipelines.put(context.tx, entry.id, Pipeline(stages, bool(was["strict"])))
    audit.append(
        context.tx, "pipeline.update", entry.target, {name: [new, old] for name, (old, new) in entry.changes.items()}
    )
