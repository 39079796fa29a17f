"""The rows of what a request computes, measured in process: the edge, a key, the look for likely duplicates."""

import json
import statistics
import subprocess
import sys

from bench.lab import Lab
from bench.load.generators import Broken
from bench.report import Line
from bench.servers.processes import ROOT, SERVER_CORE, pinned

CALLS = 4_000  # in each round of the edge
WRITES = 2_000


def _rounds(lab: Lab, module: str, calls: int) -> list[list[float]]:
    """Return what a module that measures in process printed of each round."""
    calls = max(160, int(calls * min(1.0, lab.plan.seconds)))
    command = [sys.executable, "-m", module, str(lab.plan.rounds), str(calls)]
    started = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with pinned(started, SERVER_CORE) as process:
        printed, errors = process.communicate()
    if process.returncode:
        raise Broken(errors.decode(errors="replace").strip().splitlines()[-1])
    rounds: list[list[float]] = json.loads(printed)
    return rounds


def keys(lab: Lab) -> list[Line]:
    rounds = _rounds(lab, "bench.in_process.idempotency", WRITES)
    usual, keyed = (statistics.median(column) for column in zip(*rounds, strict=True))
    absolute = f"{keyed:.0f} us of CPU with a key, {usual:.0f} us without"
    ratios = [keyed / usual for usual, keyed in rounds]
    return [Line("create with a key, in process", "create", ratios, 1.10, 1.05, at_most=True, absolute=absolute)]


def looks(lab: Lab) -> list[Line]:
    """Compare creates that look for likely duplicates with those of a process in which that is replaced."""
    rounds = _rounds(lab, "bench.in_process.duplicates", WRITES)
    without, usual = (statistics.median(column) for column in zip(*rounds, strict=True))
    absolute = f"{usual:.0f} us of CPU with the look for likely duplicates, {without:.0f} us without"
    ratios = [usual / without for without, usual in rounds]
    return [Line("create, in process", "without the look", ratios, 1.10, at_most=True, absolute=absolute)]


def edge(lab: Lab) -> list[Line]:
    rounds = _rounds(lab, "bench.in_process.edge", CALLS)
    ratios = [(ours - alone) / usual for ours, alone, usual in rounds]
    ours, alone, usual = (statistics.median(column) for column in zip(*rounds, strict=True))
    absolute = (
        f"a ready answer {ours:.0f} us behind edge and gate, {alone:.0f} us alone; Litestar's text {usual:.0f} us"
    )
    return [
        Line(
            "auth, request id, log, limits, in process",
            "bare handler",
            ratios,
            0.6,
            0.4,
            at_most=True,
            absolute=absolute,
        )
    ]
