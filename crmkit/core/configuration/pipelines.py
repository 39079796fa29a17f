"""The pipelines of a workspace: what they are, and another one put in place."""

from collections.abc import Mapping
from typing import Annotated, Any

from crmkit.core.call import Call
from crmkit.core.people import access
from crmkit.errors import Problem
from crmkit.model.configuration.pipeline import LONGEST, MEANINGS, Pipeline, Stage, Stages
from crmkit.model.fields import Bool, Choice, Text
from crmkit.model.fold import fold
from crmkit.model.form import REQUIRED, Default, form_of
from crmkit.model.record import Kind, Kinds
from crmkit.storage import audit
from crmkit.storage.configuration import pipelines
from crmkit.storage.interface.tx import Tx


class PipelineBody:
    stages: Annotated[list[dict[str, Any]], Stages(), REQUIRED, "in their order"]
    strict: Annotated[bool, Bool(), Default(False), "whether other stages are refused"]


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
    sent = PIPELINE.filled(body)
    stages = [_stage(f"stages.{at}", each) for at, each in enumerate(sent["stages"])]
    places: dict[str, int] = {}
    for at, stage in enumerate(stages):
        first = places.setdefault(fold(stage.name), at)
        if first != at:
            raise Problem(
                "invalid_value",
                "Give each stage a name of its own, whatever the case.",
                fields={f"stages.{at}.name": f"is the name of stages.{first} too"},
            )
    return Pipeline(tuple(stages), bool(sent["strict"]))


def _stage(place: str, sent: Mapping[str, Any]) -> Stage:
    try:
        values = STAGE.filled(sent)
    except Problem as problem:
        problem.fields = {f"{place}.{name}": what for name, what in problem.fields.items()}
        raise
    return Stage(values["name"], values["means"] or "")
