"""`python -m bench.in_process.idempotency ROUNDS WRITES`: what an Idempotency-Key costs a create, in CPU.

Creates go through edge, gate and verb to the disk, without a network, AT_ONCE under way, and garbage is collected as in
a server. Those with a key and those without take turns in batches.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import uvloop

from bench.data.drawn import Body
from bench.in_process.asgi import bearer, send
from crmkit import boot
from crmkit.settings import load
from crmkit.web.connection.accesslog import AccessLog

AT_ONCE = 16
BATCHES = 10  # of each sort in a round

Way = Callable[[Any, str, int], Awaitable[float]]  # so many creates by this token: what they take

_numbers = count(1)


def usual(number: int) -> Body:
    return {"name": f"Jane Doe {number}", "email": f"jane.{number}@example.com", "stage": "lead"}


async def create(app: Any, token: str, has_key: bool, made: Callable[[int], Body]) -> None:
    number = next(_numbers)
    body = json.dumps(made(number)).encode()
    headers = [bearer(token)]
    if has_key:
        headers.append((b"idempotency-key", b"8c2f1a5e-6f1c-4b0e-9d5a-%012d" % number))
    await send(app, "POST", "/contacts", headers, body)


async def seconds(
    app: Any, token: str, writes: int, has_key: bool = False, made: Callable[[int], Body] = usual
) -> float:
    async def worker() -> None:
        for _ in range(max(1, writes // AT_ONCE)):
            await create(app, token, has_key, made)

    started = time.process_time()
    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
    return time.process_time() - started


async def measure(folder: Path, log: Any, rounds: int, writes: int, ways: Sequence[Way]) -> list[list[float]]:
    """Return for each round the microseconds of a create, each way."""
    limits = {f"CRMKIT_LIMITS_{name}": "0" for name in ("REQUESTS_PER_MINUTE", "REQUESTS_PER_MINUTE_USER")}
    crm = boot.crm_of(load(environ={"CRMKIT_SERVER_DATA": str(folder), **limits}))
    app, found = boot.application(crm, AccessLog("text", log)), []
    token = boot.operator_token(crm.settings, "bench@example.com", "bench").token
    each = max(AT_ONCE, writes // BATCHES // AT_ONCE * AT_ONCE)
    async with app.app.lifespan():
        boot.freeze_startup_objects()
        for way in ways:
            await way(app, token, each)
        for _ in range(rounds):
            spent = [0.0] * len(ways)
            for _ in range(BATCHES):
                for place, way in enumerate(ways):
                    spent[place] += await way(app, token, each)
            found.append([one / (BATCHES * each) * 1e6 for one in spent])
    return found


def run(ways: Sequence[Way]) -> None:
    rounds, writes = map(int, sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("w") as log:
        print(json.dumps(uvloop.run(measure(Path(folder) / "data", log, rounds, writes, ways))))


if __name__ == "__main__":
    run((seconds, partial(seconds, has_key=True)))
