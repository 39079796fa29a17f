"""The routes of what admins set up in a workspace."""

from crmkit.core.configuration import pipelines, rights
from crmkit.model.configuration.pipeline import Pipeline
from crmkit.model.record import Kind, Kinds
from crmkit.render.answers import Answer, numbered
from crmkit.web.call import HttpCall
from crmkit.web.route import FREE, Route, read, route

UNPUT = "no pipeline was put yet: won and lost mean themselves"


def routes(kinds: Kinds) -> list[Route]:
    """Return the handlers of all pipelines."""
    return [each for kind in pipelines.having(kinds) for each in _of(kind)]


def _of(kind: Kind) -> list[Route]:
    path = f"/pipelines/{kind.plural}"

    @read(
        path,
        name=f"get_{kind.name}_pipeline",
        summary=f"stages of {kind.plural}, in order",
        area="workspace",
    )
    async def fetch(call: HttpCall) -> Answer:
        return _shows(call, await pipelines.shown(call, kind))

    @route(
        "PUT",
        path,
        name=f"put_{kind.name}_pipeline",
        summary="set them, and which mean won or lost (admin)",
        area="workspace",
        verb="write",
        form=pipelines.PIPELINE,
        consent=FREE,
        shows=_shows,
    )
    async def put(call: HttpCall) -> Pipeline:
        await rights.check_admin(call)
        return await pipelines.put(call, kind, await call.body())

    return [fetch, put]


def _shows(_: HttpCall, pipeline: Pipeline) -> Answer:
    facts = pipelines.facts(pipeline)
    return numbered("stage", facts.pop("stages"), facts, () if pipeline.is_put else (UNPUT,))
