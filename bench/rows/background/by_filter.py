"""The row of a change of very many records by one request: what others notice of the job that does it."""

from bench.lab import Lab, Skip
from bench.report import Line
from bench.rows.background.jobs import asked, beside, writing
from bench.servers.processes import Server


def by_filter(lab: Lab) -> list[Line]:
    return beside(lab, "by filter", "the job wrote {} records a second", started)


def started(server: Server, token: str, number: int) -> str:
    """Return the handle of a job that changes every contact, once it writes."""
    path, body = "/contacts?id=not:null", {"city": f"city-{number}"}
    confirm = asked(server, token, "PATCH", path, body)["confirm"]
    answer = asked(server, token, "PATCH", f"{path}&confirm={confirm}", body)
    if "handle" not in answer:
        raise Skip("needs more records: all were changed before the request was answered")
    return writing(server, token, answer["handle"])
