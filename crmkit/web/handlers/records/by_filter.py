"""The routes that change or delete all records of a kind that filters find."""

from crmkit.core.jobs.kind import Result
from crmkit.core.many import by_filter
from crmkit.core.reading import opened
from crmkit.errors import Problem
from crmkit.model.query.parse import TIMEZONE
from crmkit.model.record import Kind
from crmkit.render.answers import Answer
from crmkit.storage.jobs import Job
from crmkit.web.call import HttpCall
from crmkit.web.handlers.jobs import answer_of, done_with
from crmkit.web.route import ANY, Route, route


def many_routes(kind: Kind, parameters: tuple[str, ...] = ANY) -> list[Route]:
    """Return the handlers of one kind; its list takes these parameters in place of filters, if any are named."""
    path, finds = kind.path, (opened.scope(kind),)  # the answer counts what the filters find
    query = ANY if parameters == ANY else (*parameters, TIMEZONE, "confirm")

    @route(
        "PATCH",
        path,
        name=f"change_{kind.plural}",
        tool="update_many",
        summary=f"change all {kind.plural} that filters find, in two steps",
        kind=kind,
        verb="write",
        also=finds,
        query=query,
        has_groups=query != ANY,
        shows=_shown,
        undoes=True,
    )
    async def change(call: HttpCall) -> Result | Job:
        _check_no_version(call)
        body = await call.body()
        return await by_filter.change(call, kind, call.sent, body, call.format.is_whole_record)

    @route(
        "DELETE",
        path,
        name=f"delete_{kind.plural}",
        tool="delete_many",
        summary=f"delete all {kind.plural} that filters find, in two steps",
        kind=kind,
        verb="delete",
        also=finds,
        query=query,
        has_groups=query != ANY,
        shows=_shown,
    )
    async def remove(call: HttpCall) -> Result | Job:
        _check_no_version(call)
        return await by_filter.remove(call, kind, call.sent, call.format.is_whole_record)

    return [change, remove]


def _shown(_: HttpCall, value: Result | Job) -> Answer:
    return answer_of(value) if isinstance(value, Job) else done_with(value)


def _check_no_version(call: HttpCall) -> None:
    """Raise `invalid_value` for a version in If-Match."""
    if call.if_match() is not None:
        raise Problem(
            "invalid_value",
            "Leave If-Match out: a request for many records expects no version.",
            fields={"If-Match": "is the version of one record"},
            for_tools="A request for many records expects no version.",
        )
