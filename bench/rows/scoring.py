"""The row of a run that scores all records: what others notice of it, and how many it scores a second."""

import time

from bench.lab import Lab, Shot, Skip
from bench.load import Broken, Result
from bench.report import Line
from bench.rows.by_filter import START_SECONDS, asked, standing
from bench.rows.requests import AT_ONCE, middle
from bench.servers import Server

# rules as people write them: words, a time, counts, a key of custom
RULES = (
    ('stage == "customer" ? 30 : stage == "lead" ? 10 : 0', 1),
    ('has(tags, "vip")', 20),
    ("max(0, 30 - days_since(updated_at))", 1),
    ("min(activities, 10)", 2.5),
    ("custom.score > 50", 5),
)


def scoring_run(lab: Lab) -> list[Line]:
    made = lab.data(lab.usual)
    server = lab.product(lab.usual, kind="scoring run")
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
    told = f"{middle(disturbed)}; undisturbed {middle(calm)}; the run scored {rate:,.0f} records a second beside them"
    seconds = time.perf_counter() - began
    return [
        Line(
            f"scoring run: others' p99 at {lab.usual:,}, {AT_ONCE} clients",
            "undisturbed",
            [a.p99 / b.p99 for a, b in zip(disturbed, calm, strict=True)],
            3.0,
            2.0,
            at_most=True,
            absolute=f"{told} for {seconds:.0f} s",
        )
    ]


def started(server: Server, token: str, number: int) -> str:
    """Return the handle of a run that gives every contact another score than the one before, once it scores."""
    for expression, weight in (*RULES, ("1", number + 1)):
        asked(server, token, "POST", "/scoring-rules", {"name": "bench", "expression": expression, "weight": weight})
    answer = asked(server, token, "POST", "/scoring-rules/run?kind=contacts", {})
    if "handle" not in answer:
        raise Skip("needs more records: all were scored before the request was answered")
    handle: str = answer["handle"]
    deadline = time.monotonic() + START_SECONDS
    while not standing(server, token, handle).get("done"):
        if time.monotonic() > deadline:
            raise Broken("the run does not score")
        time.sleep(0.1)
    return handle
