"""Stages follow the pipeline of their kind; where records have a status of won and lost, the two go together."""

from functools import cache

from crmkit.core.rules.rule import Rule, Values, Write, has
from crmkit.errors import Problem, in_quotes, nearest
from crmkit.model.configuration.pipeline import OPEN, Pipeline
from crmkit.model.fields import Choice
from crmkit.model.fold import fold
from crmkit.model.query.filters import quoted
from crmkit.model.record import Kind
from crmkit.storage.configuration import pipelines
from crmkit.storage.interface.tx import Tx


def meaning(tx: Tx, kind: Kind, stage: str | None) -> str:
    """Return what a stage of this kind means in the actor's workspace: won, lost, or nothing."""
    return "" if stage is None else pipelines.known(tx, kind.plural).meaning(stage)


@cache
def ends(kind: Kind) -> bool:
    """Tell whether records of this kind have a stage and a status that can be open, won and lost."""
    status = kind.writable.get("status")
    is_ending = status is not None and isinstance(status.type, Choice) and set(_STATUSES) <= set(status.type.choices)
    return is_ending and "stage" in kind.writable


_STATUSES = (OPEN, "won", "lost")


def _settled(write: Write, values: Values) -> Values:
    """Return the values with the stage as the pipeline spells it, and a status that agrees; raises `invalid_value`."""
    has_status = ends(write.kind)
    if "stage" not in values and not (has_status and "status" in values):
        return values
    pipeline = pipelines.known(write.tx, write.kind.plural)
    if values.get("stage") is not None:
        values = {**values, "stage": _spelled(write, pipeline, values["stage"])}
    return _agreed(write, pipeline, values) if has_status else values


def _spelled(write: Write, pipeline: Pipeline, stage: str) -> str:
    """Return a stage as the pipeline spells it; raises `invalid_value` for one that a strict pipeline does not have.

    A record may keep a stage that it has already.
    """
    known = pipeline.find(stage)
    if known is not None:
        return known.name if pipeline.is_put else stage
    if pipeline.strict and not _is_same(write.was("stage"), stage):
        names = [each.name for each in pipeline.stages]
        path = f"/pipelines/{write.kind.plural}"
        raise Problem(
            "invalid_value",
            f'Send one of these stages. An admin may add it, or allow others with "strict":false: PUT {path}.',
            fields={"stage": f"must be one of {in_quotes(names)}{nearest(stage, names)}"},
        )
    return stage


def _agreed(write: Write, pipeline: Pipeline, values: Values) -> Values:
    """Return the values with the stage or the status that follows from the one that was sent, if that changes.

    Where both were sent, raises `invalid_value` if they contradict each other, unless neither changes.
    """
    was_stage, was_status = write.was("stage"), write.was("status") or OPEN
    sends_stage = "stage" in values and (write.before is not None or values["stage"] is not None)
    if sends_stage and "status" in values:
        is_kept = write.before is not None and _is_same(values["stage"], was_stage) and values["status"] == was_status
        if not is_kept:
            _check_both(pipeline, values["stage"], values["status"])
        return values
    if sends_stage:
        if write.before is not None and _is_same(values["stage"], was_stage):
            return values
        return {**values, "status": pipeline.meaning(values["stage"]) or OPEN}
    if "status" not in values or (write.before is not None and values["status"] == was_status):
        return values
    means, status = pipeline.meaning(was_stage), values["status"]
    if status == OPEN:
        return {**values, "stage": None} if means else values
    first = None if means == status else pipeline.first(status)
    return values if first is None else {**values, "stage": first.name}


def _check_both(pipeline: Pipeline, stage: str | None, status: str) -> None:
    """Raise `invalid_value` if a stage and a status contradict each other.

    A stage that means nothing stands beside any status until a pipeline is put: other programs keep the two apart.
    """
    means = pipeline.meaning(stage)
    if status == (means or OPEN) or (not means and not (pipeline.is_put and pipeline.first(status))):
        return
    shown = "null" if stage is None else quoted(stage)
    raise Problem(
        "invalid_value",
        "Send the stage or the status alone: the other one follows.",
        fields={
            "stage": f"{shown} means {means or OPEN}, but status is {status}",
            "status": f"{status} contradicts the stage {shown}",
        },
    )


def _is_same(one: str | None, other: str | None) -> bool:
    return one == other or (one is not None and other is not None and fold(one) == fold(other))


RULE = Rule(has("stage"), _settled)
