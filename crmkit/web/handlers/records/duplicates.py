"""The routes of records that are likely one."""

from crmkit.core.duplicates import dismissing, listing
from crmkit.core.duplicates.dismissing import Two
from crmkit.errors import listed
from crmkit.model.record import Kinds
from crmkit.render.answers import Answer, done, page
from crmkit.web.call import HttpCall
from crmkit.web.route import FREE, Route, read, route


def routes(kinds: Kinds) -> list[Route]:
    """Return the handlers of this module."""

    @read(
        "/duplicates",
        summary=f"pairs that are likely one: {listed(listing.PARAMETERS)}",
        area="*",
        query=listing.PARAMETERS,
        is_linked=True,
    )
    async def duplicates(call: HttpCall) -> Answer:
        return page(await listing.find_all(call, call.parameters()))

    @route(
        "POST",
        "/duplicates/dismiss",
        summary="these are two: not listed again",
        area="*",
        verb="write",
        consent=FREE,
        form=dismissing.form(kinds),
        shows=_shows_dismissed,
    )
    async def dismiss_duplicate(call: HttpCall) -> Two:
        return await dismissing.dismiss(call, await call.body())

    return [duplicates, dismiss_duplicate]


def _shows_dismissed(_: HttpCall, two: Two) -> Answer:
    a, b = (record.handle for record in two)
    return done(f"dismissed {a} and {b}", {"a": a, "b": b})
