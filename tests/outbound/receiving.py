"""Servers of the tests on addresses of loopback, and ways to reach them.

`OURS` stands for a public address, since the tests allow it; `OTHERS` for one that may not be reached.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from crmkit.ip import Networks
from crmkit.outbound.client import Outbound

OURS, OTHERS = "127.0.0.2", "127.0.0.1"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def says(answer: bytes) -> Talk:
    """Return a server that answers each request with the same bytes."""

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    return talk


@dataclass
class Receiver:
    """A server that runs: its port, the heads and bodies of what it got, and how many connections came."""

    port: int
    got: list[bytes] = field(default_factory=list)
    connections: int = 0


async def turns() -> None:
    """Let the event loop do all that is due."""
    for _ in range(20):
        await asyncio.sleep(0)


@asynccontextmanager
async def receiver(
    talk: Talk, host: str = OURS, port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Receiver]:
    """Run a server; it reads the head of each request and a body of the told length, then talks, then closes."""
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        running.connections += 1
        with suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
            running.got.append(head + await reader.readexactly(int(length[0]) if length else 0))
            await talk(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, host, port, ssl=tls)
    running = Receiver(server.sockets[0].getsockname()[1])
    try:
        yield running
    finally:
        server.close()
        await turns()  # connections that were accepted a moment ago have their writer now
        for writer in writers:  # which ends whatever waits for its client
            writer.transport.abort()
        await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)
        await turns()


@dataclass
class Names:
    """A resolver: each lookup of a name takes its next answer, the last one again and again."""

    answers: dict[str, list[list[str]]]
    asked: list[str] = field(default_factory=list)

    async def __call__(self, host: str) -> list[str]:
        self.asked.append(host)
        answers = self.answers.get(host)
        if not answers:
            raise OSError("no such name")
        return answers.pop(0) if len(answers) > 1 else answers[0]


def outbound(*allowed: str, names: Names | None = None, trusting: ssl.SSLContext | None = None) -> Outbound:
    return Outbound(Networks(allowed), names, trusting)
