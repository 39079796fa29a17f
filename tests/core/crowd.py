"""Many requests in the same moment, each over a connection of its own, without a client that would line them up."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    form: dict[str, str] | None = None  # in place of a body

    def written(self, host: str, token: str) -> bytes:
        body = b"" if self.body is None else json.dumps(self.body).encode()
        if self.form is not None:
            body = urlencode(self.form).encode()
        headers = {"Host": host, "Accept": "application/json", "Content-Length": str(len(body)), "Connection": "close"}
        headers |= {"Content-Type": "application/x-www-form-urlencoded"} if self.form else {}
        headers |= ({"Authorization": f"Bearer {token}"} if token else {}) | self.headers
        lines = [f"{self.method} {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass(frozen=True)
class Answer:
    status_code: int
    body: bytes
    head: str = ""

    @property
    def is_replay(self) -> bool:
        """Whether it is an answer of before, to a request that was sent again under its key."""
        return "idempotent-replayed: true" in self.head.lower()

    def json(self) -> Any:
        return json.loads(self.body)


def at_once(urls: str | Sequence[str], calls: Sequence[Call], token: str = "") -> list[Answer]:
    """Return the answers, in the order of the calls; all connections stand before the first call is sent.

    Of several servers each gets the next call.
    """
    addresses = [urlsplit(url) for url in ([urls] if isinstance(urls, str) else urls)]
    places = [addresses[number % len(addresses)] for number in range(len(calls))]

    async def answer(reader: asyncio.StreamReader) -> Answer:
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        return Answer(int(head.split(b" ", 2)[1]), body, head.decode("latin-1"))

    async def send() -> list[Answer]:
        opening = (asyncio.open_connection(place.hostname, place.port) for place in places)
        lines = await asyncio.gather(*opening)
        for (_, writer), call, place in zip(lines, calls, places, strict=True):
            writer.write(call.written(place.netloc, token))
        answers = await asyncio.gather(*(answer(reader) for reader, _ in lines))
        for _, writer in lines:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for _, writer in lines))
        return answers

    return asyncio.run(asyncio.wait_for(send(), 60))


def statuses(answers: Sequence[Answer]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)
