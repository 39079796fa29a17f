"""The row of a change of very many records by one request: what others notice of the job that does it."""

import http.client
import json
import time
from typing import Any

from bench.lab import Lab, Shot, Skip
from bench.load import Broken, Result
from bench.report import Line
from bench.rows.requests import AT_ONCE, middle
from bench.servers import Server

START_SECONDS = 60  # until the job writes


def by_filter(lab: Lab) -> list[Line]:
    made = lab.data(lab.usual)
    server = lab.product(lab.usual, kind="by filter")
    others = Shot(server, lab.creates, AT_ONCE, made.token, writes=True)
    lab.warm(others)
    calm = [lab.fire(others) for _ in range(lab.plan.rounds)]
    disturbed: list[Result] = []
    began, job = time.perf_counter(), ""
    steps: list[tuple[float, int]] = []
    for number in range(lab.plan.rounds):
        if not job or standing(server, made.token, job)["state"] not in ("waiting", "running"):
            job = started(server, made.token, f"city-{number}")
        before = time.perf_counter(), standing(server, made.token, job)["done"]
        disturbed.append(lab.fire(others))
        steps.append((time.perf_counter() - before[0], standing(server, made.token, job)["done"] - before[1]))
    rate = sum(done for _, done in steps) / sum(seconds for seconds, _ in steps)
    told = f"{middle(disturbed)}; undisturbed {middle(calm)}; the job wrote {rate:,.0f} records a second beside them"
    seconds = time.perf_counter() - began
    return [
        Line(
            f"by filter: others' p99 at {lab.usual:,}, {AT_ONCE} clients",
            "undisturbed",
            [a.p99 / b.p99 for a, b in zip(disturbed, calm, strict=True)],
            3.0,
            2.0,
            at_most=True,
            absolute=f"{told} for {seconds:.0f} s",
        )
    ]


def started(server: Server, token: str, city: str) -> str:
    """Return the handle of a job that changes every contact, once it writes."""
    path, body = "/contacts?id=not:null", {"city": city}
    confirm = asked(server, token, "PATCH", path, body)["confirm"]
    answer = asked(server, token, "PATCH", f"{path}&confirm={confirm}", body)
    if "handle" not in answer:
        raise Skip("needs more records: all were changed before the request was answered")
    handle: str = answer["handle"]
    deadline = time.monotonic() + START_SECONDS
    while not standing(server, token, handle)["done"]:
        if time.monotonic() > deadline:
            raise Broken("the job does not write")
        time.sleep(0.1)
    return handle


def standing(server: Server, token: str, handle: str) -> Any:
    return asked(server, token, "GET", f"/jobs/{handle}")


def asked(server: Server, token: str, method: str, path: str, body: Any = None) -> Any:
    """Return the JSON of an answer, whatever its status."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()
