"""`python -m bench.load.loader`: the loader for machines without wrk, one process that sends over raw sockets.

Its orders are one JSON object on standard input, its result one on standard output.
"""

import asyncio
import sys
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import msgspec

SERIAL = b"0SERIAL00"


class Orders(msgspec.Struct):
    """`count` requests in all, or as many as `seconds` allow when it is 0; of several tokens each has its turn."""

    port: int
    requests: str
    connections: int
    token: str
    serial: int
    seconds: float
    count: int = 0
    key: str = ""  # an Idempotency-Key, which may have a serial


class Sender(asyncio.Protocol):
    """One connection, which sends the next request as soon as the answer before it is whole."""

    def __init__(self, requests: Iterator[bytes], times: list[float], ended: asyncio.Future[None]) -> None:
        self._requests, self._times, self._ended = requests, times, ended
        self._received = bytearray()
        self._missing = -1  # bytes of the answer still to come; -1 before its head is whole
        self.errors = 0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        if self._missing < 0:
            self._received += data
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self._received[:end]).lower()
            length = int(head.partition(b"content-length:")[2].partition(b"\r")[0])
            self.errors += head[9:10] not in b"23"
            self._missing = length - (len(self._received) - end - 4)
        else:
            self._missing -= len(data)
        if self._missing <= 0:
            self._times.append(time.perf_counter() - self._started)
            self._send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self._ended.done():
            self.errors += 1
            self._ended.set_result(None)

    def _send(self) -> None:
        request = next(self._requests, None)
        if request is None:
            if not self._ended.done():
                self._ended.set_result(None)
            self._transport.close()
            return
        self._received.clear()
        self._missing = -1
        self._started = time.perf_counter()
        self._transport.write(request)


def prepared(orders: Orders) -> list[bytes]:
    """Return the requests as they are sent, serials still to be filled in."""
    tokens = cycle([f"Authorization: Bearer {token}\r\n" for token in orders.token.split()] or [""])
    key, found = f"Idempotency-Key: {orders.key}\r\n" if orders.key else "", []
    for line, token in zip(Path(orders.requests).read_text().splitlines(), tokens, strict=False):
        method, path, *body = line.split(" ", 2)
        content = "".join(body).encode()
        more = f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n" if content else ""
        found.append(f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{token}{key}{more}\r\n".encode() + content)
    return found


def in_turn(orders: Orders) -> Iterator[bytes]:
    """Yield what is to be sent, until the time or the count is over."""
    requests = prepared(orders)
    at, serial = orders.serial // 1_000_000 * 7, orders.serial
    end = time.perf_counter() + orders.seconds
    sent = 0
    while sent < orders.count if orders.count else time.perf_counter() < end:
        serial += 1
        sent += 1
        yield requests[(at + sent) % len(requests)].replace(SERIAL, b"%09d" % serial)


async def load(orders: Orders) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    times: list[float] = []
    requests = in_turn(orders)
    ends = [loop.create_future() for _ in range(orders.connections)]
    started = time.perf_counter()
    senders = [
        (await loop.create_connection(lambda end=end: Sender(requests, times, end), "127.0.0.1", orders.port))[1]
        for end in ends
    ]
    await asyncio.gather(*ends)
    seconds = time.perf_counter() - started
    times.sort()
    return {
        "requests": len(times),
        "seconds": seconds,
        "errors": sum(sender.errors for sender in senders),
        "p50": times[len(times) // 2] * 1e3 if times else 0.0,
        "p99": times[int(len(times) * 0.99)] * 1e3 if times else 0.0,
    }


def main() -> None:
    import uvloop

    orders = msgspec.json.decode(sys.stdin.buffer.read(), type=Orders)
    print(msgspec.json.encode(uvloop.run(load(orders))).decode())


if __name__ == "__main__":
    main()
