"""Writes and flushes of the log that fail: no answer says what is not so, and writing recovers by itself."""

import errno
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from pathlib import Path

from attack import report
from attack.campaigns.disk import RECOVERY_SECONDS, leave_unused, recovery
from attack.client import Answer, Gone
from attack.lab import Lab
from attack.ledger import items
from attack.program import Program
from attack.report import Row

SOURCE = Path(__file__).parent / "shim.c"
WRITES = 20  # while writing fails
UNKNOWN = re.compile(r"\bmay\b|\bmight\b|unknown|whether", re.IGNORECASE)  # words of an answer that leaves it open
DENIED = re.compile(r"nothing (was|has been|is) \w+|was not (done|saved|written)", re.IGNORECASE)


async def campaign(lab: Lab) -> AsyncGenerator[Row, None]:
    """Yield what was answered while writes and flushes failed, and what was there after kill -9."""
    control, shim = lab.folder / "control", lab.folder / "shim.so"
    if reason := _built(shim):
        yield report.skipped("writes and flushes that fail", reason)
        return
    environ = {"LD_PRELOAD": str(shim), "ATTACK_CONTROL": str(control)}
    served = await lab.start(environ=environ)
    token, idle = [(await served.sign_in(f"{name}@example.com")).token for name in ("alice", "idle")]
    await served.stop()
    leave_unused(served.folder)
    served = await lab.start(environ=environ)
    for name in ("ENOSPC", "EIO"):
        async for row in _writes(served, token, idle, control, name):
            yield row
    rounds = lab.many(6, 30)
    wrong, kept = [], 0
    for number in range(rounds):
        async with served.client(token) as alice:
            _set(control, f"flush {errno.EIO}")
            answer = await _posted(alice.ask("POST", "/contacts", {"name": f"Doubtful {number}"}))
        await served.kill()
        control.unlink()
        served = await lab.start(environ=environ)
        async with served.client(token) as alice:
            names = {item["name"] async for item in items(alice, "/contacts?limit=200&fields=name")}
        is_there = f"Doubtful {number}" in names
        kept += is_there
        if not is_true(answer, is_there):
            wrong.append(answer)
    size = f"{rounds}, {kept} of them there after kill -9"
    yield report.exactly("answers to a failed flush that proved wrong", size, len(wrong), 0)
    yield report.exactly("tracebacks", "all of it", served.tracebacks(), 0)


async def _writes(served: Program, token: str, idle: str, control: Path, name: str) -> AsyncIterator[Row]:
    number = getattr(errno, name)
    async with served.client(token) as alice, served.client(idle) as late:
        await alice.ask("POST", "/contacts", {"name": "Before"})
        _set(control, f"write {number}")
        refused = [await _posted(alice.ask("POST", "/contacts", {"name": f"{name} {at}"})) for at in range(WRITES)]
        reads = {(await alice.get(path)).status for path in ("/contacts", "/whoami", "/search?q=before")}
        unused = (await late.get("/contacts")).status
        ready = (await alice.get("/readyz")).status
        control.unlink()
    found = {f"{answer.status} {answer.error}" if answer else "no answer" for answer in refused}
    yield report.exactly(f"{name} on write: refusals", f"{WRITES}", sorted(found), ["503 not_ready"])
    yield report.exactly(f"{name} on write: reads, /readyz meanwhile", "3, 1", (sorted(reads), ready), ([200], 503))
    yield report.exactly(f"{name} on write: read with a token unused for hours", "1", unused, 200)
    recovered = await recovery(served, token)
    yield report.at_most(f"{name} on write: write and /readyz again", "1", recovered, RECOVERY_SECONDS, "s")


async def _posted(asking: Awaitable[Answer]) -> Answer | None:
    """Return the answer, None when there is none."""
    try:
        return await asking
    except Gone:
        return None


def is_true(answer: Answer | None, is_there: bool) -> bool:
    """Tell whether an answer to a create says nothing that is not so, seen from what is there after a kill."""
    if answer is None:
        return True
    if answer.status == 201:
        return is_there
    return not is_there or (bool(UNKNOWN.search(answer.text)) and not DENIED.search(answer.text))


def _set(control: Path, order: str) -> None:
    part = control.with_suffix(".part")
    part.write_text(order, encoding="ascii")
    part.rename(control)


def _built(shim: Path) -> str:
    """Compile the shim; return why that cannot be, empty when it is done."""
    if sys.platform != "linux" or not shutil.which("gcc"):
        return "no gcc" if sys.platform == "linux" else "no LD_PRELOAD"
    command = ["gcc", "-shared", "-fPIC", "-O1", "-o", str(shim), str(SOURCE), "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return f"gcc: {done.stderr.strip()[-80:]}" if done.returncode else ""
