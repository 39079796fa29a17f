"""The rows of exports: how fast one is, what others notice of it, and the memory that it takes."""

import http.client
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.lab import Lab, Shot, Skip
from bench.load.generators import Broken, Result
from bench.report import Line
from bench.rows.requests import AT_ONCE, middle, one_by_id
from bench.servers.processes import ENVIRON, ROOT, SERVER_CORE, UNTOLD, Server, pinned

EXPORT = "/contacts/export?format=csv"
TAKEN = 1 << 18  # bytes read at a time
SECONDS = 600  # that an export may take
HELD_MB = 64  # beyond idle


@dataclass
class Taken:
    """What it took to get a whole export."""

    lines: int = 0
    seconds: float = 0.0
    cpu: float = 0.0


def taken(server: Server, token: str) -> Taken:
    """Export all contacts as CSV, and throw it away; raises Broken."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    started, before, lines = time.perf_counter(), server.cpu_seconds(), 0
    try:
        connection.request("GET", EXPORT, headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        if answer.status != 200:
            raise Broken(f"an export is answered {answer.status}: {answer.read(200)!r}")
        while piece := answer.read(TAKEN):
            lines += piece.count(b"\n")
    finally:
        connection.close()
    return Taken(lines, time.perf_counter() - started, server.cpu_seconds() - before)


def rate(lab: Lab) -> list[Line]:
    """Compare an export with the same SELECT whose rows Python's csv module writes to a file, on the same core."""
    made, server = lab.data(lab.large), lab.product(lab.large)
    rounds = []
    for _ in range(min(lab.plan.rounds, 3)):
        ours = taken(server, made.token)
        rows, seconds, cpu = by_hand(lab.file_of(server), lab.workspace(made), lab.folder / "by-hand.csv")
        rounds.append((ours.lines / ours.seconds, rows / seconds, ours.cpu / ours.lines, cpu / rows))
    mine, theirs, cpu, floor = (sum(each) / len(rounds) for each in zip(*rounds, strict=True))
    return [
        Line(
            f"export of {lab.large:,} contacts as CSV, rows a second",
            "the same SELECT through Python's csv",
            [ours / hand for ours, hand, *_ in rounds],
            0.5,
            0.8,
            absolute=f"{mine:,.0f}/s, {cpu * 1e6:.1f} us of CPU a row; by hand {theirs:,.0f}/s, {floor * 1e6:.1f} us",
            cpu=floor / cpu if cpu else None,
        )
    ]


def by_hand(file: Path, workspace: str, target: Path) -> tuple[int, float, float]:
    """Return the rows that a process of its own wrote, and its seconds and CPU seconds."""
    command = [sys.executable, str(ROOT / "bench" / "references" / "by_hand.py"), str(file), workspace, str(target)]
    started = subprocess.Popen(command, env={**ENVIRON, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE)
    told, _ = pinned(started, SERVER_CORE).communicate()
    if started.returncode:
        raise Broken("the export by hand failed")
    rows, seconds, cpu = told.split()
    return int(rows), float(seconds), float(cpu)


@contextmanager
def exporting(server: Server, token: str) -> Iterator[threading.Event]:
    """Export all contacts again and again for the length of the block; the event is set once bytes come."""
    begun, done = threading.Event(), threading.Event()

    def run() -> None:
        while not done.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
            try:
                connection.request("GET", EXPORT, headers={"Authorization": f"Bearer {token}"})
                answer = connection.getresponse()
                while not done.is_set() and answer.read(TAKEN):
                    begun.set()
            finally:
                connection.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield begun
    finally:
        done.set()
        thread.join(SECONDS)


def others(lab: Lab) -> list[Line]:
    """Compare what other clients wait while all contacts are exported with what they wait undisturbed."""
    made, server = lab.data(lab.large), lab.product(lab.large)
    shots = {
        "GET": one_by_id(lab, lab.large),
        "create": Shot(server, lab.creates, AT_ONCE, made.token, writes=True),
    }
    lab.warm(*shots.values())
    return [_waits(lab, what, shot) for what, shot in shots.items()]


def _waits(lab: Lab, what: str, shot: Shot) -> Line:
    calm, disturbed = list[Result](), list[Result]()
    for _ in range(lab.plan.rounds):
        calm.append(lab.fire(shot))
        with exporting(shot.server, shot.token) as begun:
            if not begun.wait(SECONDS):
                raise Broken("the export does not begin")
            # not `lab.fire`, which waits after writes until the server computes nothing
            disturbed.append(lab.fire(Shot(shot.server, shot.requests, shot.connections, shot.token)))
        shot.server.settle()
    return Line(
        f"p99 of {what} while {lab.large:,} contacts are exported, {AT_ONCE} clients",
        "undisturbed",
        [a.p99 / b.p99 for a, b in zip(disturbed, calm, strict=True)],
        3.0,
        2.0,
        at_most=True,
        absolute=f"{middle(disturbed)}; undisturbed {middle(calm)}",
    )


def memory(lab: Lab) -> list[Line]:
    """Return by how much the memory of a server grows at most while it exports all contacts."""
    made = lab.data(lab.large)
    server = lab.product(lab.large, kind="exporting")
    server.settle()  # what the start leaves to do fills caches
    idle, most = server.memory(), 0.0
    if not idle:
        raise Skip(UNTOLD)
    thread = threading.Thread(target=taken, args=(server, made.token), daemon=True)
    thread.start()
    while thread.is_alive():
        most = max(most, server.memory()["Anonymous"])
        time.sleep(0.05)
    grown = most - idle["Anonymous"]
    return [
        Line(
            f"memory (anonymous) of an export of {lab.large:,} contacts, beyond idle",
            f"{HELD_MB} MB",
            [max(0.0, grown) / HELD_MB],
            1.0,
            0.5,
            at_most=True,
            absolute=f"{grown:.1f} MB beyond {idle['Anonymous']:.0f} MB",
        )
    ]
