"""The pipelines of a workspace: what they are, and another one put in place."""

from collections.abc import Mapping
from typing import Annotated, Any

from crmkit.core.call import Call
from crmkit.core.people import access
from crmkit.core.records.nested import Faults
from crmkit.model.configuration.pipeline import LONGEST, MEANINGS, Pipeline, Stage, Stages
from crmkit.model.fields import Choice, Flag, Text
from crmkit.model.fold import fold
from crmkit.model.form import REQUIRED, Default, form_of
from crmkit.model.record import Kind, Kinds
from crmkit.storage.configuration import pipelines
from crmkit.storage.interface.tx import Tx
from crmkit.storage.log import audit


class PipelineBody:
    stages: Annotated[list[dict[str, Any]], Stages(), REQUIRED, "in their order"]
    strict: Annotated[bool, Flag(), Default(False), "whether other stages are refused"]


class StageBody:
    name: Annotated[str, Text(LONGEST), REQUIRED, "as records have it in stage"]
    means: Annotated[str | None, Choice(MEANINGS), "what a record is that reaches it"]


PIPELINE = form_of(PipelineBody, "pipeline")
STAGE = form_of(StageBody, "stage")


def having(kinds: Kinds) -> list[Kind]:
    """Return the kinds that have a pipeline: those whose records have a stage."""
    return [kind for kind in kinds.records if "stage" in kind.writable]


async def shown(call: Call, kind: Kind) -> Pipeline:
    """Return the pipeline of a kind; any member may ask."""
    return await call.read(pipelines.pipeline_of, call.actor.workspace_id, kind.plural)


async def put(call: Call, kind: Kind, body: Mapping[str, Any]) -> Pipeline:
    """Make `body` the pipeline of a kind, and return it; records stay as they are.

    Only admins may: raises `admin_required`. A fault of a stage is named like `stages.1.name`.
    """
    after = _pipeline(body)

    def unit(tx: Tx) -> Pipeline:
        access.enter_as_admin(tx, tx.by.workspace_id)
        before = pipelines.pipeline_of(tx.connection, tx.by.workspace_id, kind.plural)
        was: Mapping[str, Any] = facts(before) if before.is_put else {}
        changes = {name: [was.get(name), value] for name, value in facts(after).items() if value != was.get(name)}
        if changes:
            pipelines.put(tx, kind.plural, after)
            audit.append(tx, "pipeline.update", f"pipeline/{kind.plural}", changes)
        return after

    return await call.write(unit)


def facts(pipeline: Pipeline) -> dict[str, Any]:
    """Return a pipeline as the body that puts it."""
    stages = [{"name": each.name, **({"means": each.means} if each.means else {})} for each in pipeline.stages]
    return {"stages": stages, "strict": pipeline.strict}


def _pipeline(body: Mapping[str, Any]) -> Pipeline:
    """Return the pipeline that a body is; raises one Problem for the faults of all stages."""
    sent, faults = PIPELINE.filled(body), Faults()
    places: dict[str, int] = {}
    stages: list[Stage] = []
    for at, each in enumerate(sent["stages"]):
        values = faults.of(f"stages.{at}", STAGE.filled, each)
        if values is None:
            continue
        first = places.setdefault(fold(values["name"]), at)
        if first != at:
            faults.add(f"stages.{at}.name", f"is the name of stages.{first} too, whatever the case")
        stages.append(Stage(values["name"], values["means"] or ""))
    faults.check()
    return Pipeline(tuple(stages), bool(sent["strict"]))
