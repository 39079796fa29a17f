"""SIGTERM under load and with requests that never end: a stop is soon over, clean, and loses nothing acknowledged."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack

from attack import report
from attack.client import Client
from attack.lab import Lab
from attack.ledger import Writer, stored
from attack.program import Program
from attack.report import Row

STOP_SECONDS = 2.0
WRITERS = 8
MIX = ("patch", "upsert", "activity", "delete")
UNFINISHED = 20  # requests of each kind that do not end


async def campaign(lab: Lab) -> AsyncGenerator[Row, None]:
    """Yield how stops under load went, then stops with slow bodies, half heads and clients that do not read."""
    stops = lab.many(5, 20)
    writers = [Writer(f"writer{number}", number) for number in range(WRITERS)]
    wrong: list[str] = []
    codes, seconds, token = [], [], ""
    for number in range(stops + 1):
        served = await lab.start()
        token = token or (await served.sign_in("alice@example.com")).token
        async with served.client(token) as alice:
            held = await stored(alice)
            wrong += [fault for writer in writers for fault in writer.check(held)]
        if number == stops:
            break
        working = [asyncio.create_task(writer.work(served, token, MIX)) for writer in writers]
        await asyncio.sleep(lab.choice.uniform(0.2, 0.8))
        code, took = await served.stop()
        codes.append(code)
        seconds.append(took)
        await asyncio.gather(*working)
    size = f"{stops} stops, {sum(writer.acknowledged for writer in writers):,} acknowledged"
    yield report.exactly("acknowledged writes lost at a stop under load", size, len(wrong), 0)
    yield report.at_most("stop under load", size, max(seconds), STOP_SECONDS, "s")
    for what, request in UNENDING.items():
        async with AsyncExitStack() as stack:
            await _opened(stack, served, token, request)
            code, took = await served.stop()
        codes.append(code)
        yield report.at_most(f"stop with {what}", f"{UNFINISHED}", took, STOP_SECONDS, "s")
        served = await lab.start()
    yield report.exactly("exit codes", f"{len(codes)} stops", sorted(set(codes)), [0])
    yield report.exactly("tracebacks", f"{len(codes)} stops", served.tracebacks(), 0)


UNENDING = {
    "half bodies": (
        b"POST /contacts HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer TOKEN\r\nContent-Length: 99\r\n\r\n{",
        1,
    ),
    "half heads": (b"GET /contacts HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: ", 1),
    "connections that say nothing": (b"", 1),
    "lists that nobody reads": (
        b"GET /contacts?limit=200 HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer TOKEN\r\n\r\n",
        200,
    ),
}


async def _opened(stack: AsyncExitStack, served: Program, token: str, request: tuple[bytes, int]) -> None:
    """Leave requests of one kind unfinished until the stack ends, and see that the server has taken them up."""
    sent, times = request
    for _ in range(UNFINISHED):
        client = await stack.enter_async_context(Client(served.port, token))
        reader, writer = await client.open()
        assert isinstance(writer.transport, asyncio.Transport)
        writer.transport.pause_reading()
        writer.write(sent.replace(b"TOKEN", token.encode()) * times)
        assert reader
    async with served.client(token) as alice:
        for _ in range(50):
            await alice.get("/whoami")
