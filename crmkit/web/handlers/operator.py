"""What the operator asks: the metrics of the server, and what is wrong with it."""

import platform
from collections.abc import Iterator, Mapping

from msgspec import to_builtins

from crmkit import __version__
from crmkit.core.examining import running
from crmkit.core.examining.findings_cache import KEPT_SECONDS
from crmkit.core.operating.figures import Counted, figures
from crmkit.render.answers import Answer, Document
from crmkit.render.tail import Tail
from crmkit.storage.interface.database import Gauges
from crmkit.web.call import HttpCall
from crmkit.web.metrics.exposition import CONTENT_TYPE, Family, Type, gauge, written
from crmkit.web.metrics.requests import Requests
from crmkit.web.reply import Response
from crmkit.web.route import Route, read


@read("/metrics", for_operator=True)
async def metrics(call: HttpCall) -> Response:
    found = await figures(call)
    requests: Requests = call.app.state["edge"].requests
    tally = found.tally
    mails = {"sent": tally.mails_sent, "failed": tally.mails_failed}
    deliveries = {"delivered": tally.deliveries_sent, "failed": tally.deliveries_failed}
    families = [
        gauge("crmkit_info", "Versions of the program.", 1, _versions(found.gauges)),
        gauge("crmkit_start_time_seconds", "When the server started, since 1970.", requests.started_at),
        gauge("crmkit_connections", "Open connections of clients.", requests.connections()),
        *_of_requests(requests),
        *_of_database(found.gauges),
        _by("crmkit_mails_total", "counter", "Mails that were handed over, and that could not be.", "result", mails),
        _by("crmkit_webhook_attempts_total", "counter", "Attempts to deliver to webhooks.", "result", deliveries),
        *_of_rows(found.counted),
    ]
    return Response.of(written(families), CONTENT_TYPE)


def _versions(gauges: Gauges) -> dict[str, str]:
    return {"version": __version__, "python": platform.python_version(), "database": gauges.version}


def _of_requests(requests: Requests) -> Iterator[Family]:
    routes = sorted(requests.routes.items())
    yield Family(
        "crmkit_requests_total",
        "counter",
        "Requests that were answered, by the pattern of their route; * is no route.",
        [
            ({"route": route, "status": str(status)}, number)
            for route, seen in routes
            for status, number in sorted(seen.statuses.items())
        ],
    )
    yield Family(
        "crmkit_request_seconds",
        "histogram",
        "Seconds from the head of a request to the end of its answer.",
        [({"route": route}, seen) for route, seen in routes],
    )


def _of_database(gauges: Gauges) -> Iterator[Family]:
    yield gauge("crmkit_database_bytes", "Size of the database.", gauges.size)
    yield gauge("crmkit_database_log_bytes", "Size of its write-ahead log.", gauges.log_size)
    yield gauge("crmkit_writes_waiting", "Units of work that wait for the one writer.", gauges.writes_waiting)
    told = "Units of work that were committed together."
    yield Family("crmkit_write_group_size", "histogram", told, [({}, gauges.groups)])


def _of_rows(counted: Counted | None) -> Iterator[Family]:
    """Yield what rows of the database say, and whether it answers."""
    yield gauge("crmkit_database_up", "Whether the database answers: 1, or 0.", int(counted is not None))
    if counted is None:
        return
    yield _by("crmkit_imports", "gauge", "Imports of the last 30 days by state.", "state", counted.imports)
    waiting = counted.deliveries_waiting
    yield gauge("crmkit_webhook_deliveries_waiting", "Deliveries to webhooks that wait to be sent.", waiting)
    yield gauge("crmkit_jobs_waiting", "Jobs whose next step is due.", counted.jobs_due)


def _by(name: str, type: Type, help: str, label: str, values: Mapping[str, int]) -> Family:
    return Family(name, type, help, [({label: word}, number) for word, number in values.items()])


@read("/doctor", for_operator=True)
async def doctor(call: HttpCall) -> Answer:
    found = await running.examine(call)
    left_out = f"not looked at here: {', '.join(running.LEFT_OUT)}; `crmkit doctor` does, beside the server"
    notes = (left_out, f"as it was at {found.at}; it is looked at again after {KEPT_SECONDS} seconds")
    lines = [*(finding.line for finding in found.findings), *Tail(notes=notes).lines()]
    facts = {
        "good": all(finding.good for finding in found.findings),
        "at": found.at,
        "findings": [to_builtins(finding) for finding in found.findings],
        "left_out": list(running.LEFT_OUT),
    }
    return Document("\n".join(lines), facts)


ROUTES: list[Route] = [metrics, doctor]
