"""The routes of figures: the summary of a period, the funnel, campaigns."""

from crmkit.core.analytics import campaigns, funnel, summary
from crmkit.render.answers import Answer
from crmkit.render.figures import of_period
from crmkit.render.formats import LISTS
from crmkit.web.call import HttpCall
from crmkit.web.route import read


@read(
    "/analytics/summary",
    name="get_analytics_summary",
    summary=f"created, contacted, moved, won, lost: {', '.join(summary.PARAMETERS)}",
    area="analytics",
    is_linked=True,
    query=summary.PARAMETERS,
    formats=LISTS,
)
async def summarised(call: HttpCall) -> Answer:
    found, span = await summary.summary(call, call.parameters())
    return of_period(found, span.period, span.since, span.until, tells=False)


@read(
    "/analytics/funnel",
    name="get_analytics_funnel",
    summary=f"records created, by stage: {', '.join(funnel.PARAMETERS)}",
    area="analytics",
    is_linked=True,
    query=funnel.PARAMETERS,
    formats=LISTS,
)
async def by_stage(call: HttpCall) -> Answer:
    found, span = await funnel.funnel(call, call.parameters())
    return of_period(found, span.period, span.since, span.until, tells=True)


@read(
    "/analytics/campaigns",
    name="get_analytics_campaigns",
    summary=f"members, conversions, value: {', '.join(campaigns.PARAMETERS)}",
    area="analytics",
    is_linked=True,
    query=campaigns.PARAMETERS,
    formats=LISTS,
)
async def by_campaign(call: HttpCall) -> Answer:
    found, span = await campaigns.campaigns(call, call.parameters())
    return of_period(found, span.period, span.since, span.until, tells=True)


ROUTES = [summarised, by_stage, by_campaign]
