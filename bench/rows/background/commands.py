"""The rows of an operator's commands beside a server: what others notice of backups and examinations."""

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle

from bench.lab import Lab, Shot
from bench.load.generators import Broken, Result
from bench.report import Line
from bench.rows.requests import AT_ONCE, middle
from bench.servers.processes import ENVIRON, ROOT, SERVER_CORE, pinned


def backup(lab: Lab) -> list[Line]:
    """Compare creates beside backups with those that are undisturbed."""
    file = lab.folder / "backup.db"
    line = _beside(lab, f"backups of {lab.usual:,} contacts", [["backup", str(file)]])
    file.unlink(missing_ok=True)
    return [line]


def examinations(lab: Lab) -> list[Line]:
    """Compare creates beside `audit verify`, which seals first, and `doctor` with those that are undisturbed."""
    return [_beside(lab, f"audit verify and doctor, {lab.usual:,} contacts,", [["audit", "verify"], ["doctor"]])]


def _beside(lab: Lab, what: str, commands: Sequence[Sequence[str]]) -> Line:
    made = lab.data(lab.usual)
    server = lab.product(lab.usual, kind="beside commands")
    data = lab.file_of(server).parent
    shot = Shot(server, lab.creates, AT_ONCE, made.token)
    lab.warm(shot)
    calm, disturbed = list[Result](), list[Result]()
    for _ in range(lab.plan.rounds):
        calm.append(lab.fire(shot, lab.plan.seconds * 2))
        server.settle()
        with repeating([[*command, "--data", str(data)] for command in commands]):
            disturbed.append(lab.fire(shot, lab.plan.seconds * 2))
        server.settle()
    return Line(
        f"p99 of create while {what} run, {AT_ONCE} clients",
        "undisturbed",
        [a.p99 / b.p99 for a, b in zip(disturbed, calm, strict=True)],
        2.0,
        1.5,
        at_most=True,
        absolute=f"{middle(disturbed)}; undisturbed {middle(calm)}",
    )


@contextmanager
def repeating(commands: Sequence[Sequence[str]]) -> Iterator[None]:
    """Run these commands of crmkit, one after another on the server's own core, until the block ends.

    The last one is waited for. Raises Broken where one fails.
    """
    enough, failed = threading.Event(), list[str]()

    def work() -> None:
        for command in cycle(commands):
            started = subprocess.Popen(
                [sys.executable, "-m", "crmkit", *command],
                env={**ENVIRON, "PYTHONPATH": str(ROOT)},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            told, _ = pinned(started, SERVER_CORE).communicate()
            if started.returncode:
                failed.append(f"{command[0]}: {told.decode(errors='replace')[-200:]}")
            if enough.is_set() or failed:
                break

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        enough.set()
        thread.join()
    if failed:
        raise Broken(f"a command failed: {failed[0]}")
