"""The routes of scores: all records in a run, why one has its score, one now."""

from collections.abc import Mapping
from typing import Any

from crmkit.core.configuration import rights
from crmkit.core.jobs.kind import Result
from crmkit.core.reading import opened
from crmkit.core.scoring import explain, run
from crmkit.core.scoring.explain import Explained
from crmkit.model.record import Kind, Kinds
from crmkit.render.answers import Answer
from crmkit.render.figures import scored
from crmkit.storage.jobs import Job
from crmkit.storage.scoring.scores import Given
from crmkit.web.call import HttpCall
from crmkit.web.handlers.jobs import answer_of, done_with
from crmkit.web.route import FREE, Route, read, route


def score_routes(kinds: Kinds, kind: Kind) -> list[Route]:
    """Return the handlers of one kind, if its records have a score."""
    if not kind.is_scored:
        return []
    path, also = f"{kind.path}/{{id}}/score", ("scoring.read",)

    def shows(_: HttpCall, found: Explained) -> Answer:
        return _shown(kinds, found)

    @read(
        path, name=f"get_{kind.name}_score", summary=f"why a {kind.name} has its score", area=kind, also=also, tool=""
    )
    async def explained(call: HttpCall, id: str) -> Answer:
        return _shown(kinds, await explain.explained(call, kind, id))

    @route(
        "POST",
        path,
        name=f"score_{kind.name}",
        tool="",
        summary=f"score a {kind.name} now",
        area=kind,
        verb="write",
        also=(*also, opened.scope(kind)),
        consent=FREE,
        shows=shows,
    )
    async def score(call: HttpCall, id: str) -> Explained:
        return await explain.score(call, kind, id)

    return [explained, score]


def _shows_run(_: HttpCall, value: Result | Job) -> Answer:
    return answer_of(value) if isinstance(value, Job) else done_with(value)


@route(
    "POST",
    "/scoring-rules/run",
    name="run_scoring_rules",
    tool="",
    summary="score all records now, or those of a kind: kind",
    area="scoring",
    verb="write",
    consent=FREE,
    query=run.PARAMETERS,
    shows=_shows_run,
)
async def run_all(call: HttpCall) -> Result | Job:
    await rights.check_admin(call)
    return await run.begin(call, call.parameters())


ROUTES: tuple[Route, ...] = (run_all,)


def _shown(kinds: Kinds, found: Explained) -> Answer:
    rule = kinds.by_word["rule"]
    rows = [(rule.handle(each.rule.id), _row(each)) for each in found.given]
    return scored(found.record.handle, rows, found.score, found.remarks)


def _row(each: Given) -> Mapping[str, Any]:
    rule = each.rule
    return {"id": rule.id, "name": rule.name, "value": each.value, "weight": rule.weight, "points": each.points}
