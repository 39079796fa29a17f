"""`python -m attack.victim`: somebody else's ordinary reads at a steady pace, timed in a process of their own."""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from attack.client import Client, Gone
from attack.program import ENVIRON, ROOT

PACE = 0.01  # seconds between two requests
WINDOW = 200  # requests of which a p99 is taken; a median of those leaves out what else the machine does now and then
NOISE_MS = 5.0  # a p99 below that tells of the machine, not of the attack


@dataclass
class Waits:
    """What the victim waited for its answers, in ms and in their order; `failed` of them were none or refusals."""

    times: list[float] = field(default_factory=list)
    failed: int = 0

    @property
    def p99(self) -> float:
        """Return the median of the p99 of each WINDOW requests."""
        starts = range(0, max(1, len(self.times) - WINDOW + 1), WINDOW)
        return statistics.median(percentile(self.times[start : start + WINDOW], 99) for start in starts)

    @property
    def longest(self) -> float:
        """Return the longest wait in seconds."""
        return max(self.times, default=0.0) / 1e3


def percentile(times: Sequence[float], percent: int) -> float:
    """Return the least of these times that so many percent of them do not pass; 0 when there are none."""
    return sorted(times)[max(0, -(-len(times) * percent // 100) - 1)] if times else 0.0


def bound_of(quiet: Waits, times: float = 2.0) -> float:
    """Return the p99 that an attack may raise the victim's to: so many times the quiet one."""
    return max(times * quiet.p99, NOISE_MS)


@asynccontextmanager
async def watching(port: int, token: str, *paths: str) -> AsyncIterator[Waits]:
    """Yield what a victim waits for these paths in turn; it is filled in when the block has ended."""
    waits = Waits()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "attack.victim",
        str(port),
        token,
        *paths,
        cwd=ROOT,
        env=ENVIRON,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin
    assert process.stdout
    try:
        await process.stdout.readline()  # it has had its first answers
        yield waits
    finally:
        process.stdin.close()
        found = json.loads(await process.stdout.read() or "{}")
        waits.times, waits.failed = found.get("times", []), found.get("failed", 0)
        await process.wait()


async def quiet(port: int, token: str, *paths: str, seconds: float = 6) -> Waits:
    """Return what the victim waits while nothing else goes on."""
    async with watching(port, token, *paths) as waits:
        await asyncio.sleep(seconds)
    return waits


async def _ask(port: int, token: str, paths: list[str]) -> Waits:
    waits = Waits()
    over = asyncio.ensure_future(asyncio.to_thread(sys.stdin.read))
    async with Client(port, token) as client:
        for path in paths:
            await client.get(path)
        print("ready", flush=True)
        due, number = time.perf_counter(), 0
        while not over.done():
            due += PACE
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            # one that waited for the answer before it has waited since it was due
            late = time.perf_counter() - due > PACE
            started = due if late else time.perf_counter()
            number += 1
            try:
                answer = await client.get(paths[number % len(paths)])
                waits.failed += answer.status != 200
            except (Gone, TimeoutError):
                waits.failed += 1
            waits.times.append((time.perf_counter() - started) * 1e3)
    return waits


def main() -> None:
    waits = asyncio.run(_ask(int(sys.argv[1]), sys.argv[2], sys.argv[3:]))
    print(json.dumps({"times": waits.times, "failed": waits.failed}))


if __name__ == "__main__":
    main()
