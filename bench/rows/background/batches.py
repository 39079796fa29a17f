"""The rows about batches: what an item costs beside a create of its own, and what others wait meanwhile."""

import random
import statistics
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import msgspec

from bench.data.drawn import Drawn, another
from bench.lab import WRITING, Lab, Shot
from bench.load.generators import SERIAL_TEXT, Result, fire
from bench.report import Line
from bench.rows.requests import AT_ONCE, middle, one_by_id

SIZES = (500, 1_000)  # items; the first is judged
BATCHES = 6  # in a round of the first size
WAIT_MS = 60  # at most, that others wait longer
OTHERS = 4  # clients beside the one that sends batches


def batches(lab: Lab, size: int, connections: int = 1) -> Shot:
    """Batches of contacts that were never there."""
    drawn = Drawn(random.Random(12), 10**9)
    bodies = [drawn.contact(number, None) for number in range(3, 2003)]
    lines = []
    for start in range(0, len(bodies), size):
        items = [another(body, f"{100 + number}{SERIAL_TEXT}") for number, body in enumerate(bodies[start:][:size])]
        lines.append(f"POST /contacts/batch {msgspec.json.encode({'items': items}).decode()}")
    made = lab.data(lab.usual)
    return Shot(lab.product(lab.usual), lab.requests(f"batches-{size}", lines), connections, made.token, writes=True)


def _cpu(lab: Lab, shot: Shot, requests: int) -> float:
    """Return the seconds that the server computes for so many requests, until all their texts are indexed."""
    before = shot.server.cpu_seconds()
    lab.fire(shot, count=requests)
    return shot.server.cpu_seconds() - before


def cost(lab: Lab) -> list[Line]:
    """Compare a client that sends a batch with one that sends its items one after another, and with many at once."""
    size, batch = SIZES[0], batches(lab, SIZES[0])
    single = Shot(lab.product(lab.usual), lab.creates, 1, lab.data(lab.usual).token, writes=True)
    many = replace(single, connections=AT_ONCE)
    lab.warm(many)
    rounds = [
        tuple(_cpu(lab, shot, BATCHES * count) / BATCHES for shot, count in ((batch, 1), (single, size), (many, size)))
        for _ in range(lab.plan.rounds)
    ]
    lines = []
    for place, clients, must, aim in ((1, "one client", None, None), (2, f"{AT_ONCE} clients", 1 / 3, 1 / 5)):
        ours, theirs = (statistics.median(row[at] for row in rounds) * 1_000 for at in (0, place))
        absolute = f"{ours:.0f} ms and {theirs:.0f} ms, with the indexing of texts"
        ratios = [row[0] / row[place] for row in rounds]
        against = f"{size} single creates of {clients}"
        lines.append(
            Line(f"CPU of a batch of {size} creates", against, ratios, must, aim, at_most=True, absolute=absolute)
        )
    return lines


def _beside(lab: Lab, shot: Shot, batch: Shot) -> tuple[Result, Result]:
    """Return what a round of requests comes to while batches are written, and what those come to."""
    with ThreadPoolExecutor(1) as beside:
        # the own loader, since wrk tells nothing of a request that outlasts the round
        batches = beside.submit(fire, batch, lab.plan.seconds * WRITING, "own")
        found = lab.fire(shot)
        many = batches.result()
    batch.server.settle()
    return found, many


def others(lab: Lab) -> list[Line]:
    made, product = lab.data(lab.usual), lab.product(lab.usual)
    creates = Shot(product, lab.creates, OTHERS, made.token, writes=True)
    shots = {"GET": one_by_id(lab, lab.usual, OTHERS), "create": creates}
    lab.warm(*shots.values())
    return [_waits(lab, what, shot, size) for size in SIZES for what, shot in shots.items()]


def _waits(lab: Lab, what: str, shot: Shot, size: int) -> Line:
    batch = batches(lab, size)
    rounds = [(lab.fire(shot), *_beside(lab, shot, batch)) for _ in range(lab.plan.rounds)]
    alone, beside, many = zip(*rounds, strict=True)
    judged = size == SIZES[0]
    return Line(
        f"p99 of {what} beside batches of {size}, less that alone",
        f"{WAIT_MS} ms",
        [max(0.0, b.p99 - a.p99) / WAIT_MS for a, b in zip(alone, beside, strict=True)],
        1.0 if judged else None,
        0.7 if judged else None,
        at_most=True,
        absolute=f"beside batches {middle(beside)}; alone {middle(alone)}; the batches {middle(many)}",
    )
