"""The routes of counts: how many records of a kind filters find, by what they have in common."""

from crmkit.core.counting import count as counting
from crmkit.model.query.count import PARAMETERS
from crmkit.model.record import Kind, Kinds
from crmkit.render.answers import Answer
from crmkit.render.figures import figures
from crmkit.web.call import HttpCall
from crmkit.web.route import ANY, Route, read


def count_route(kinds: Kinds, kind: Kind) -> Route:
    """Return the handler of the counts of one kind."""
    is_log = kind is kinds.activity
    of_log = dict.fromkeys((*PARAMETERS, *counting.parameters(kinds), *kinds.activity.filters))

    @read(
        f"{kind.path}/count",
        name=f"count_{kind.plural}",
        tool="count",
        summary="count: by, sum, avg, min, max",
        kind=kind,
        query=tuple(of_log) if is_log else ANY,
        has_groups=is_log,
        shown=(),
        is_list=True,
    )
    async def count(call: HttpCall) -> Answer:
        if is_log:
            return figures(await counting.count_activities(call, call.pairs))
        return figures(await counting.count(call, kind, call.pairs))

    return count
