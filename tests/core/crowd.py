"""Many requests in the same moment, each over a connection of its own."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


def at_once(url: str, calls: Sequence[Call], token: str = "") -> list[httpx.Response]:
    """Return the answers, in the order of the calls; all connections stand before the first call is sent."""

    async def send() -> list[httpx.Response]:
        headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        async with httpx.AsyncClient(base_url=url, headers=headers, limits=limits, timeout=60, verify=False) as client:
            await asyncio.gather(*(client.get("/healthz") for _ in calls))
            sent = (client.request(c.method, c.path, json=c.body, headers=c.headers) for c in calls)
            return await asyncio.gather(*sent)

    return asyncio.run(send())


def statuses(answers: Sequence[httpx.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)
