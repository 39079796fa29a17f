"""Clients that send slowly, say nothing, never read or leave: they are cut in time, and others wait no longer."""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from attack import report
from attack.client import Gone
from attack.lab import Lab
from attack.program import LIMITS, Program
from attack.report import Row
from attack.victim import bound_of, quiet, watching

HEAD_SECONDS, BODY_SECONDS = 10.0, 30.0  # that the server waits for a whole head, for progress of a body
SLACK = 3.0  # seconds that its looking around may come later
MEMORY_MB = 20.0
USUAL_FILES = 1024  # descriptors of a process on many systems
ATTACKER = "127.0.0.2"  # another address of this machine


@dataclass
class Held:
    """Connections of one kind, and how many seconds each was kept by the server; those still open are not in `kept`."""

    what: str
    patience: float
    count: int
    first: bytes
    drip: bytes = b""  # sent each second after that
    kept: list[float] = field(default_factory=list)

    async def hold(self, port: int, seconds: float) -> None:
        await asyncio.gather(*(self._one(port, seconds) for _ in range(self.count)))

    async def _one(self, port: int, seconds: float) -> None:
        started = time.perf_counter()
        try:
            async with asyncio.timeout(seconds):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(self.first)
                dripping = asyncio.create_task(_drip(writer, self.drip))
                try:
                    while await reader.read(65536):
                        pass
                finally:
                    dripping.cancel()
                    writer.transport.abort()
        except TimeoutError:
            return
        except OSError:
            pass
        self.kept.append(time.perf_counter() - started)

    def row(self, seconds: float) -> Row:
        longest = max(self.kept) if len(self.kept) == self.count else seconds
        return report.at_most(f"{self.what}: kept", f"{self.count}", longest, self.patience + SLACK, "s")


async def campaign(lab: Lab) -> AsyncGenerator[Row, None]:
    """Yield how long each kind is kept, and what others wait meanwhile."""
    served = await lab.start()
    alice = await served.sign_in("alice@example.com")
    id = (await alice.ask("POST", "/contacts", {"name": "Jane"})).json()["id"]
    for number in range(200):
        await alice.ask("POST", "/contacts", {"name": f"Contact {number}", "stage": "lead"})
    paths = ("/healthz", f"/contacts/{id}")
    usual = await quiet(served.port, alice.token, *paths)
    before = served.memory()
    served.forget_peak()
    head = f"Host: 127.0.0.1:{served.port}\r\nAuthorization: Bearer {alice.token}\r\n".encode()
    each = lab.many(150, 500)
    kinds = [
        Held("heads of a byte a second", HEAD_SECONDS, each, b"GET /contacts HTTP/1.1\r\n" + head + b"X-Slow: ", b"x"),
        Held("half heads", HEAD_SECONDS, each, b"GET /contacts HTTP/1.1\r\nHost:"),
        Held("connections that say nothing", HEAD_SECONDS, each, b""),
        Held("half bodies", BODY_SECONDS, each, b"POST /contacts HTTP/1.1\r\n" + head + b"Content-Length: 99\r\n\r\n{"),
    ]
    seconds = BODY_SECONDS + SLACK + 1
    async with watching(served.port, alice.token, *paths) as waits:
        await asyncio.gather(*(kind.hold(served.port, seconds) for kind in kinds))
    for kind in kinds:
        yield kind.row(seconds)
    yield report.at_most("p99 of others beside all these", f"{each * len(kinds)}", waits.p99, bound_of(usual), "ms")
    refused = waits.failed
    for what, attack in (("readers of nothing", unread), ("pipelining clients that leave", leaving)):
        async with watching(served.port, alice.token, *paths) as waits:
            await attack(served, head, lab.many(40, 200))
        size = f"{lab.many(40, 200)} x {PIPELINED}"
        yield report.at_most(f"p99 of others beside {what}", size, waits.p99, bound_of(usual), "ms")
        refused += waits.failed
    grown = served.memory(peak=True) - before
    yield report.at_most("memory of all that", "the above", grown, MEMORY_MB, "MB")
    yield report.exactly("reads of others that were refused or failed", "the above", refused, 0)
    yield report.exactly("tracebacks", "the above", served.tracebacks(), 0)
    async for row in crowded(lab):
        yield row


PIPELINED = 50  # requests that one connection sends at once
LEAVE_SECONDS = 4.0  # in which all have left


async def unread(served: Program, head: bytes, connections: int) -> None:
    """Ask for long lists on many connections and read nothing of them."""
    writers = []
    for _ in range(connections):
        _, writer = await asyncio.open_connection("127.0.0.1", served.port)
        assert isinstance(writer.transport, asyncio.Transport)
        writer.transport.pause_reading()
        writer.write((b"GET /contacts?limit=200 HTTP/1.1\r\n" + head + b"\r\n") * PIPELINED)
        writers.append(writer)
    await asyncio.sleep(LEAVE_SECONDS)
    for writer in writers:
        writer.transport.abort()


async def leaving(served: Program, head: bytes, connections: int) -> None:
    """Send many requests at once on each connection and go away before the answers."""
    for _ in range(connections):
        _, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write((b"GET /contacts?limit=50 HTTP/1.1\r\n" + head + b"\r\n") * PIPELINED)
        await asyncio.sleep(LEAVE_SECONDS / connections)
        writer.transport.abort()
    await asyncio.sleep(0.5)


async def crowded(lab: Lab) -> AsyncIterator[Row]:
    """Yield whether somebody gets in while another address holds more connections than there are descriptors."""
    size, what = USUAL_FILES + 100, "others get in beside silent connections of one address"
    # the bound on the connections of one client is what is tried here
    served = await lab.start("crowded", files=USUAL_FILES, lifted=tuple(set(LIMITS) - {"connections_per_client"}))
    before = served.memory()
    served.forget_peak()
    writers = []
    try:
        for _ in range(size):
            try:
                opened = asyncio.open_connection("127.0.0.1", served.port, local_addr=(ATTACKER, 0))
                writers.append((await opened)[1])
            except OSError as error:
                if not writers:
                    yield report.skipped(what, f"no address {ATTACKER}: {os.strerror(error.errno or 0)}")
                    return
                break
        await asyncio.sleep(1)
        reached = await _tried(lambda: served.client().get("/healthz"), 20)
        yield report.exactly(what, f"{size}, {USUAL_FILES} files", f"{reached} of 20", "20 of 20")
        yield report.at_most("memory of them", str(size), served.memory(peak=True) - before, MEMORY_MB, "MB")
    finally:
        for writer in writers:
            writer.transport.abort()


async def _tried(ask: Callable[[], Awaitable[object]], times: int) -> int:
    """Return how often an answer comes within a second."""
    reached = 0
    for _ in range(times):
        try:
            await asyncio.wait_for(ask(), 1)
        except (Gone, TimeoutError):
            continue
        reached += 1
    return reached


async def _drip(writer: asyncio.StreamWriter, drop: bytes) -> None:
    while drop and not writer.is_closing():
        await asyncio.sleep(1)
        writer.write(drop)
