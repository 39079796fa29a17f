"""The row of backups: what others notice of one."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.lab import Lab, Shot
from bench.load import Broken, Result
from bench.report import Line
from bench.rows.requests import AT_ONCE, middle
from bench.servers import ENVIRON, ROOT, SERVER_CORE, pinned


def backup(lab: Lab) -> list[Line]:
    """Compare creates beside backups, one after the other on the server's own core, with those that are undisturbed."""
    made = lab.data(lab.usual)
    server = lab.product(lab.usual, kind="backing up")
    shot = Shot(server, lab.creates, AT_ONCE, made.token)
    lab.warm(shot)
    calm, disturbed = list[Result](), list[Result]()
    for _ in range(lab.plan.rounds):
        calm.append(lab.fire(shot, lab.plan.seconds * 2))
        server.settle()
        with backing_up(lab.file_of(server).parent, lab.folder / "backup.db"):
            disturbed.append(lab.fire(shot, lab.plan.seconds * 2))
        server.settle()
    return [
        Line(
            f"p99 of create while backups of {lab.usual:,} contacts run, {AT_ONCE} clients",
            "undisturbed",
            [a.p99 / b.p99 for a, b in zip(disturbed, calm, strict=True)],
            2.0,
            1.5,
            at_most=True,
            absolute=f"{middle(disturbed)}; undisturbed {middle(calm)}",
        )
    ]


@contextmanager
def backing_up(data: Path, file: Path) -> Iterator[None]:
    """Make one backup after another until the block ends; the last one is waited for."""
    enough, failed = threading.Event(), list[bytes]()

    def work() -> None:
        command = [sys.executable, "-m", "crmkit", "backup", str(file), "--data", str(data)]
        while not (enough.is_set() or failed):
            started = subprocess.Popen(
                command, env={**ENVIRON, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
            )
            _, told = pinned(started, SERVER_CORE).communicate()
            if started.returncode:
                failed.append(told)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        enough.set()
        thread.join()
        file.unlink(missing_ok=True)
    if failed:
        raise Broken(f"a backup failed: {failed[0].decode(errors='replace')[-200:]}")
