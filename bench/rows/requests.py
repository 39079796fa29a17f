"""The requests that most rows send, and how what came of them is compared."""

import statistics
from collections.abc import Sequence

from bench.lab import Lab, Shot
from bench.load.generators import Result
from bench.servers.processes import Server

LISTED = "/contacts?stage=lead&sort=-updated_at"
AT_ONCE, CREATING = 16, 64


def rates(ours: Sequence[Result], theirs: Sequence[Result]) -> list[float]:
    return [a.rate / b.rate for a, b in zip(ours, theirs, strict=True)]


def middle(results: Sequence[Result]) -> str:
    """Return the medians of some rounds, in words."""
    rate = statistics.median(result.rate for result in results)
    p50, p99 = (statistics.median(getattr(result, name) for result in results) for name in ("p50", "p99"))
    cpu = statistics.median(result.us for result in results)
    return f"{rate:,.0f}/s, p50 {p50:.2f} ms, p99 {p99:.2f} ms, {cpu:.0f} us of CPU"


def cpu(ours: Sequence[Result], theirs: Sequence[Result]) -> float | None:
    """Return the ratio of both rates by CPU time alone, which other processes disturb less."""
    if not all(result.cpu for result in (*ours, *theirs)):
        return None
    return statistics.median(b.us / a.us for a, b in zip(ours, theirs, strict=True))


def one_by_id(lab: Lab, size: int, connections: int = AT_ONCE, server: Server | None = None) -> Shot:
    made = lab.data(size)
    lines = [f"GET /contacts/{id}" for id in lab.drawn(made, "id")]
    return Shot(server or lab.product(size), lab.requests(f"one-{size}", lines), connections, made.token)


def listed(lab: Lab, size: int, path: str = LISTED, server: Server | None = None) -> Shot:
    file = lab.requests(f"list-{size}", [f"GET {path}"])
    return Shot(server or lab.product(size), file, AT_ONCE, lab.data(size).token)


def creating(lab: Lab, server: Server, token: str) -> Shot:
    return Shot(server, lab.creates, CREATING, token, writes=True)
