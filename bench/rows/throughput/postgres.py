"""The rows on PostgreSQL: beside a folder, two processes beside one, a million contacts beside ten thousand."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from bench.lab import Lab, Shot, Skip
from bench.load.generators import Result
from bench.report import Line
from bench.rows.latency.scale import searched
from bench.rows.requests import AT_ONCE, CREATING, cpu, listed, middle, one_by_id, rates
from bench.servers.processes import Server
from bench.servers.shares import bounded

READS: dict[str, Callable[..., Shot]] = {"GET one by id": one_by_id, "list of 50": listed}
SHARE = 0.25  # of a core, that each of two processes gets
SETTLED = 120.0  # seconds that upkeep may take after the start


def _created(lab: Lab, size: int) -> Shot:
    return Shot(lab.product(size), lab.creates, AT_ONCE, lab.data(size).token, writes=True)


def beside_a_folder(lab: Lab) -> list[Line]:
    """Compare requests to one process on PostgreSQL with the same to one on a folder."""
    server = lab.on_postgres(lab.usual)
    lab.product(lab.usual).settle(SETTLED)
    found = []
    for what, make, must in (
        ("GET one by id", one_by_id, 0.45),
        ("list of 50", listed, 0.5),
        ("search", searched, None),
        ("creates/s", _created, 0.5),
    ):
        folder = make(lab, lab.usual)
        ours, theirs = lab.rounds(replace(folder, server=server), folder)
        found.append(
            Line(
                f"{what} on PostgreSQL at {lab.usual:,}, {AT_ONCE} clients",
                "in a folder",
                rates(ours, theirs),
                must,
                absolute=f"PostgreSQL {middle(ours)}; folder {middle(theirs)}",
                cpu=cpu(ours, theirs),
            )
        )
    return found


def two_processes(lab: Lab) -> list[Line]:
    """Compare two processes on one PostgreSQL with one, none of them kept on a core; creates are in many workspaces."""
    return _two(lab, "")


def two_shares(lab: Lab) -> list[Line]:
    """Compare two processes with one, where each has a share of a core, so that the others have what they need."""
    try:
        with bounded([each.pid for each in _pair(lab)], SHARE):
            return _two(lab, f" of {SHARE:.0%} of a core each")
    except OSError as error:
        raise Skip(f"no share of a core can be set: {error}") from None


def _pair(lab: Lab) -> list[Server]:
    return [lab.on_postgres(lab.usual, number, None) for number in (1, 2)]


def _two(lab: Lab, bound: str) -> list[Line]:
    from bench.data.filled import TOKENS

    size, pair = lab.usual, _pair(lab)
    tokens = TOKENS[: lab.plan.others[0]] if lab.plan.others else TOKENS
    many = Shot(pair[0], lab.creates, CREATING, " ".join(tokens), writes=True)
    found = []
    for what, shot, must in (
        *((what, make(lab, size, server=pair[0]), 1.5) for what, make in READS.items()),
        (f"creates/s in {len(tokens)} workspaces", many, 1.3),
    ):
        two, one = list[Result](), list[Result]()
        alone = replace(shot, server=pair[0])
        lab.warm(*(replace(shot, server=server) for server in pair))
        for _ in range(lab.plan.rounds):
            one.append(lab.fire(alone))
            two.append(_together(lab, shot, pair))
        found.append(
            Line(
                f"{what} by two processes{bound} on PostgreSQL at {size:,}",
                "by one",
                rates(two, one),
                must,
                absolute=f"two {middle(two)}; one {middle(one)}",
            )
        )
    return found


def _together(lab: Lab, shot: Shot, servers: Sequence[Server]) -> Result:
    """Send to all servers at once, each with its share of the connections."""
    share = shot.connections // len(servers)
    with ThreadPoolExecutor(len(servers)) as threads:
        results = [*threads.map(lab.fire, (replace(shot, server=one, connections=share) for one in servers))]
    return Result(
        sum(result.requests for result in results),
        max(result.seconds for result in results),
        0,
        max(result.p50 for result in results),
        max(result.p99 for result in results),
        sum(result.cpu for result in results),
    )


def percentiles(lab: Lab) -> list[Line]:
    """Compare the slowest reads of a million contacts in PostgreSQL with those of ten thousand."""
    found = []
    for what, make in {**READS, "search": searched}.items():
        shots = [make(lab, size, server=lab.on_postgres(size)) for size in (lab.large, lab.small)]
        large, small = lab.rounds(*shots)
        found.append(
            Line(
                f"p99 of {what} on PostgreSQL at {lab.large:,}",
                f"at {lab.small:,}",
                [a.p99 / b.p99 for a, b in zip(large, small, strict=True)],
                3.0,
                2.0,
                at_most=True,
                absolute=f"large {middle(large)}; small {middle(small)}",
            )
        )
    return found
