"""A disk that fills up under writers: reads go on, writes are refused in plain words, and all recovers by itself."""

import asyncio
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from attack import program, report
from attack.client import Client
from attack.lab import Lab
from attack.ledger import Writer, stored
from attack.program import NotStarted, Program
from attack.report import Row
from crmkit.storage.sqlite.engine.driver import sqlite3
from crmkit.storage.sqlite.engine.folder import FILE

DISK_MB, SPARE_MB = 24, 8  # of the small disk, and of the file on it that is removed to give room again
TEXT = 1_800  # times a step stands in a writer's long text: about 18 KB
WRITERS = 4
FULL_SECONDS = 3.0
RECOVERY_SECONDS = 5.0
UNUSED = 20  # tokens; to note the use of one is a write, so small that the first ones may still find room
PAUSE = 0.05  # seconds after a refusal
MIX = ("patch", "upsert", "activity")
# lines other than those of requests, in the seconds that the disk is full: one for each kind of write that fails
LOG_LINES = 2


@contextmanager
def small_disk(at: Path) -> Iterator[str]:
    """Mount a small disk there until the block ends; yield why that cannot be, empty when it can."""
    at.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "crmkit-attack", str(at)]
    if sys.platform != "linux":
        yield "no tmpfs"
        return
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        yield f"no tmpfs: {error}"
        return
    if done.returncode:
        yield f"no tmpfs: {' '.join(done.stderr.split())}"
        return
    try:
        yield ""
    finally:
        subprocess.run(["umount", "-l", str(at)], check=False)


async def campaign(lab: Lab) -> AsyncGenerator[Row, None]:
    """Yield what went on while the disk was full, and after."""
    folder = lab.folder / "data"
    with small_disk(folder) as reason:
        if reason:
            yield report.skipped("a disk that fills up", reason)
            return
        (folder / "spare").write_bytes(bytes(SPARE_MB << 20))
        async for row in _filled(lab, folder):
            yield row


async def _filled(lab: Lab, folder: Path) -> AsyncIterator[Row]:
    served = await lab.start()
    async with await served.sign_in("alice@example.com") as client:
        alice = client.token
        tokens = f"/workspaces/{(await client.get('/whoami')).json()['workspace']}/tokens"
        minted = [await client.ask("POST", tokens, {"token_name": f"idle{number}"}) for number in range(UNUSED)]
    await served.stop()
    leave_unused(folder)
    served = await lab.start()
    writers = [Writer(f"writer{number}", number, TEXT) for number in range(WRITERS)]
    for row in await _while_full(served, alice, [answer.json()["token"] for answer in minted], writers):
        yield row
    await served.kill()
    served = await lab.start()
    async with served.client(alice) as reader:
        held = await stored(reader)
    wrong = [fault for writer in writers for fault in writer.check(held)]
    size = f"{sum(writer.acknowledged for writer in writers):,} acknowledged"
    yield report.exactly("acknowledged writes lost after kill -9", size, len(wrong), 0)
    code, _ = await served.stop()
    yield report.exactly("tracebacks", "all of it", served.tracebacks(), 0)
    yield report.exactly("a start on a full disk says", "1", await _start_when_full(lab, folder), "the disk is full")
    yield report.exactly("exit of the stop", "1", code, 0)
    _, told = await program.run("doctor", folder=folder)
    # which asks for more room than a disk of DISK_MB has
    yield report.exactly(
        "what crmkit doctor finds wrong", "1", re.findall(r"^BAD +(\w+):", told, re.MULTILINE), ["disk"]
    )


async def _while_full(served: Program, token: str, unused: list[str], writers: list[Writer]) -> list[Row]:
    """Return what was answered from when the disk is full until there is room and all is well again."""
    folder, refused, reads = served.folder, Counter[str](), Counter[int]()
    ready = 0
    async with asyncio.TaskGroup() as group, served.client(token) as reader:
        await reader.get("/whoami")  # so that this token counts as used lately
        working = [group.create_task(_keep_on(writer, served, token, refused)) for writer in writers]
        while not refused:
            await asyncio.sleep(0.01)
        fill(folder)
        refused.clear()
        since, end = served.size_of_log(), time.perf_counter() + FULL_SECONDS
        while time.perf_counter() < end:
            reads[(await reader.get("/contacts?limit=50&fields=name")).status] += 1
            ready = (await reader.get("/readyz")).status
            await asyncio.sleep(PAUSE)
        await _use_up(reader)
        late = {await _status(served, one) for one in unused}
        told = [line for line in served.printed(since).splitlines() if not line.startswith("at=")]
        (folder / "spare").unlink()
        (folder / "filler").unlink()
        recovered = await recovery(served, token)
        for task in working:
            task.cancel()
    size = f"{FULL_SECONDS:.0f} s, {sum(refused.values())} refused writes"
    return [
        report.exactly("refusals while the disk is full", size, sorted(refused), ["503 not_ready"]),
        report.exactly("reads meanwhile", f"{sum(reads.values())}", sorted(reads), [200]),
        report.exactly("reads with a token unused for hours", f"{len(unused)}", sorted(late), [200]),
        report.exactly("/readyz meanwhile", "the last", ready, 503),
        report.at_most("lines of the log that tell of no request", size, len(told), LOG_LINES),
        report.at_most("write and /readyz again after room is back", "1", recovered, RECOVERY_SECONDS, "s"),
    ]


async def _start_when_full(lab: Lab, folder: Path) -> str:
    """Return what a start says while the disk is full, the end of its last line if that is something else."""
    fill(folder)
    try:
        await lab.start()
    except NotStarted as error:
        last = str(error).strip().rpartition("\n")[2]
        return "the disk is full" if re.search(r"\bdisk\b.* is full", last) else last[-60:]
    finally:
        (folder / "filler").unlink()
    return "it starts"


async def _keep_on(writer: Writer, served: Program, token: str, refused: Counter[str]) -> None:
    """Write without an end, with a pause after each refusal, which is counted by its status and code."""
    async with served.client(token) as client:
        while True:
            answer = await writer.step(served, client, MIX)
            if answer and answer.status >= 400:
                refused[f"{answer.status} {answer.error}"] += 1
                await asyncio.sleep(PAUSE)


def leave_unused(folder: Path) -> None:
    """Have no token of this data used for hours; the server must be stopped."""
    with closing(sqlite3.connect(folder / FILE)) as file:
        file.execute("UPDATE tokens SET last_used_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-2 hours')")
        file.commit()


async def _status(served: Program, token: str) -> int:
    async with served.client(token) as client:
        return (await client.get("/contacts")).status


async def _use_up(client: Client) -> None:
    """Use up by small writes what a large one that failed has left in the write-ahead log."""
    refused = 0
    while refused < 3:
        refused += (await client.ask("POST", "/contacts", {"name": "Small"})).status >= 500


def fill(folder: Path) -> None:
    """Leave no room on the disk of this folder."""
    with suppress(OSError), (folder / "filler").open("ab", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            with suppress(OSError):
                while file.write(bytes(size)):
                    pass


async def recovery(served: Program, token: str) -> float:
    """Return the seconds until a write is done and /readyz is 200 again, more than may be when that does not come."""
    started = time.perf_counter()
    async with served.client(token) as client:
        while time.perf_counter() < started + 2 * RECOVERY_SECONDS:
            if await _is_well(client):
                break
            await asyncio.sleep(PAUSE)
    return time.perf_counter() - started


async def _is_well(client: Client) -> bool:
    written = await client.ask("POST", "/companies", {"name": "After", "domain": "after.example.com"})
    return written.status in (200, 201) and (await client.get("/readyz")).status == 200
