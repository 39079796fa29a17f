"""Heads and bodies without an end, and a log that nobody reads: refused early, and others are served."""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

from attack import report
from attack.client import Gone, read_answer
from attack.lab import Lab
from attack.program import Program
from attack.report import Row
from attack.victim import bound_of, quiet, watching

MB = 1 << 20
TAKEN_MB = 16.0  # of a head or body that is refused: what the buffers of both sides hold, and a little more
MEMORY_MB = 20.0
WAIT_SECONDS = 0.5  # that somebody else may wait for one answer meanwhile
WATCHED_SECONDS = 2.5  # of somebody else's requests: enough to tell a p99
LOGGED = 2_000  # requests; their lines fill a pipe several times


async def campaign(lab: Lab) -> AsyncGenerator[Row, None]:
    """Yield what each of these clients got, and what others waited."""
    for part in (heads, bodies, unread_log):
        async for row in part(lab):
            yield row


@dataclass(frozen=True)
class Taken:
    """How a flood ended: the status that answered it (0: none) and the bytes that were taken before the end."""

    status: int
    bytes: int


async def flood(port: int, first: bytes, piece: bytes, size: int) -> Taken:
    """Send `first` and then so many bytes of a piece over and over, until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = asyncio.create_task(read_answer(reader))
    sent = 0
    try:
        writer.write(first)
        while sent < size and not writer.is_closing():
            writer.write(piece)
            await writer.drain()
            sent += len(piece)
    except OSError:
        pass
    status = 0
    with suppress(Gone, TimeoutError):
        status = (await asyncio.wait_for(answer, 10)).status
    writer.transport.abort()
    return Taken(status, sent)


async def heads(lab: Lab) -> AsyncIterator[Row]:
    """Heads without an end: one long header, very many short ones, a long URL."""
    served = await lab.start("heads")
    alice = await served.sign_in("alice@example.com")
    piece, size = 64 * 1024, lab.many(64, 131) * MB
    floods = {
        "one header": (b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ", b"x" * piece),
        "short headers": (b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n", b"a: b\r\n" * (piece // 6)),
        "a URL": (b"GET /healthz?", b"x" * piece),
    }
    alone = await quiet(served.port, alice.token, "/whoami", seconds=WATCHED_SECONDS)
    before = served.memory()
    served.forget_peak()
    for what, (first, more) in floods.items():
        found = []
        async with watching(served.port, alice.token, "/whoami") as waits:
            end = time.perf_counter() + WATCHED_SECONDS
            while time.perf_counter() < end:  # one after another, as long as it takes to tell a p99
                found.append(await flood(served.port, first, more, size))
        told = f"{len(found)} x {size // MB} MB"
        yield report.exactly(f"{what}: answers", told, {taken.status for taken in found}, {431})
        yield report.at_most(f"{what}: most taken", told, max(taken.bytes for taken in found) / MB, TAKEN_MB, "MB")
        yield report.at_most(f"{what}: p99 of others", told, waits.p99, bound_of(alone), "ms")
        yield report.at_most(f"{what}: longest wait of others", told, waits.longest, WAIT_SECONDS, "s")
    yield report.at_most("memory of endless heads", "the above", served.memory(peak=True) - before, MEMORY_MB, "MB")


async def bodies(lab: Lab) -> AsyncIterator[Row]:
    """Bodies that go on after they were refused, with a length and in chunks."""
    served = await lab.start("bodies")
    alice = await served.sign_in("alice@example.com")
    size = lab.many(256, 1024) * MB
    alone = await quiet(served.port, alice.token, "/whoami", seconds=WATCHED_SECONDS)
    before = served.memory()
    served.forget_peak()
    async with watching(served.port, alice.token, "/whoami") as waits:
        rows = [row async for row in _refused(served, alice.token, size)]
    for row in rows:
        yield row
    yield report.at_most("endless bodies: p99 of others", "the above", waits.p99, bound_of(alone), "ms")
    yield report.at_most("memory of endless bodies", "the above", served.memory(peak=True) - before, MEMORY_MB, "MB")


async def _refused(served: Program, token: str, size: int) -> AsyncIterator[Row]:
    largest = 0
    for path, method, sent, status in (
        ("/contacts", "POST", token, 413),
        ("/contacts", "POST", "", 401),
        ("/nowhere", "POST", token, 404),
        ("/whoami", "POST", token, 405),
    ):
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        head += f"Authorization: Bearer {sent}\r\n" if sent else ""
        piece = b"x" * 65536
        whole = await flood(served.port, f"{head}Content-Length: {size}\r\n\r\n".encode(), piece, size)
        chunk = b"10000\r\n" + piece + b"\r\n"
        pieces = await flood(served.port, f"{head}Transfer-Encoding: chunked\r\n\r\n".encode(), chunk, size)
        largest = max(largest, whole.bytes, pieces.bytes)
        found = (whole.status, pieces.status)
        yield report.exactly(
            f"endless body to {method} {path}: answers", f"2 x {size // MB} MB", found, (status, status)
        )
    yield report.at_most("endless bodies: taken of one", f"8 x {size // MB} MB", largest / MB, TAKEN_MB, "MB")


async def unread_log(lab: Lab) -> AsyncIterator[Row]:
    """A reader of the access log that stops reading: requests are answered all the same."""
    reading, writing = os.pipe()
    answered = 0
    try:
        served = await lab.start("unread", errors=writing)
        before = served.memory()
        served.forget_peak()
        async with served.client() as client:
            with suppress(TimeoutError, Gone):
                for _ in range(LOGGED):
                    await asyncio.wait_for(client.get("/healthz"), 2)
                    answered += 1
        memory = served.memory(peak=True) - before
    finally:
        os.close(reading)
        os.close(writing)
    yield report.exactly("answers while nobody reads the log", f"{LOGGED:,}", answered, LOGGED)
    yield report.at_most("memory of a log that nobody reads", f"{LOGGED:,}", memory, MEMORY_MB, "MB")
