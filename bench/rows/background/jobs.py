"""Jobs beside requests: how one is asked for and looked at, and what others' creates wait while it runs."""

import http.client
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from bench.lab import Lab, Shot
from bench.load.generators import Broken, Result
from bench.report import Line
from bench.rows.requests import AT_ONCE, middle
from bench.servers.processes import Server

START_SECONDS = 60  # until a job writes


def beside(lab: Lab, name: str, wrote: str, started: Callable[[Server, str, int], str]) -> list[Line]:
    """Compare creates while jobs run with those that are undisturbed.

    `started` gets the server, a token and the number of the round, and returns the handle of a job that writes; `wrote`
    is a pattern that takes how many records it wrote a second.
    """
    made = lab.data(lab.usual)
    server = lab.product(lab.usual, kind=name)
    others = Shot(server, lab.creates, AT_ONCE, made.token, writes=True)
    lab.warm(others)
    calm = [lab.fire(others) for _ in range(lab.plan.rounds)]
    disturbed: list[Result] = []
    began, job = time.perf_counter(), ""
    steps: list[tuple[float, int]] = []
    for number in range(lab.plan.rounds):
        if not job or standing(server, made.token, job)["state"] not in ("waiting", "running"):
            job = started(server, made.token, number)
        before = time.perf_counter(), standing(server, made.token, job)["done"]
        disturbed.append(lab.fire(others))
        steps.append((time.perf_counter() - before[0], standing(server, made.token, job)["done"] - before[1]))
    rate = sum(done for _, done in steps) / sum(seconds for seconds, _ in steps)
    seconds = time.perf_counter() - began
    return [
        others_wait(lab, name, disturbed, calm, f"; {wrote.format(f'{rate:,.0f}')} beside them for {seconds:.0f} s")
    ]


def others_wait(lab: Lab, name: str, disturbed: Sequence[Result], calm: Sequence[Result], told: str = "") -> Line:
    """Return the p99 of others' creates beside work of this name, against that of creates which nothing disturbs."""
    return Line(
        f"{name}: others' p99 at {lab.usual:,}, {AT_ONCE} clients",
        "undisturbed",
        [a.p99 / b.p99 for a, b in zip(disturbed, calm, strict=True)],
        3.0,
        2.0,
        at_most=True,
        absolute=f"{middle(disturbed)}; undisturbed {middle(calm)}{told}",
    )


def writing(server: Server, token: str, handle: str) -> str:
    """Return the handle of a job once it writes."""
    deadline = time.monotonic() + START_SECONDS
    while not standing(server, token, handle).get("done"):
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
