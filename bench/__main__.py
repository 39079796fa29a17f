"""`make bench`: what a request costs beside a bare Litestar text handler, both called in this process, no network.

Machines are shared and noisy, so only ratios within one run count: the two take turns, and each figure is the median of
the rounds, with the spread behind it.
"""

import asyncio
import io
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from litestar import Litestar, get

from crmkit import boot
from crmkit.settings import load
from crmkit.web.accesslog import AccessLog

ROUNDS = 7
CALLS = 400
AT_ONCE = 16
CONTACTS = 5_000

Call = Callable[[], Awaitable[bytes]]


@get("/", media_type="text/plain", sync_to_thread=False)
def bare() -> str:
    return "contact/c_k7m2q9xa  name=Jane"


async def call(app: Any, method: str, path: str, body: bytes = b"", token: str = "", query: bytes = b"") -> bytes:
    """Return the body of an answer to a request made without a network."""
    sent: list[bytes] = []
    headers = [(b"host", b"127.0.0.1"), (b"content-length", b"%d" % len(body))]
    if token:
        headers.append((b"authorization", f"Bearer {token}".encode()))
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "root_path": "",
        "scheme": "http",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "state": {},
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message.get("body", b""))

    await app(scope, receive, send)
    return b"".join(sent)


async def seconds_per_call(one: Call) -> float:
    """Return how long a call takes when AT_ONCE of them are under way."""

    async def worker() -> None:
        for _ in range(CALLS // AT_ONCE):
            await one()

    started = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
    return (time.perf_counter() - started) / CALLS


async def measure(folder: Path) -> None:
    environ = {"CRMKIT_SERVER_DATA": str(folder), "CRMKIT_LIMITS_REQUESTS_PER_MINUTE": "10000000"}
    crm = boot.crm_of(load(environ=environ))
    app = boot.application(crm, AccessLog("text", io.StringIO()))
    reference = Litestar([bare], openapi_config=None, logging_config=None)
    async with app.app.lifespan():
        token = boot.operator_token(crm.settings, "bench@example.com", "bench")
        number = iter(range(10**9))

        def draft() -> bytes:
            n = next(number)
            return json.dumps({"name": f"Jane Doe {n}", "email": f"jane{n}@acme{n % 97}.com", "stage": "lead"}).encode()

        async def create() -> bytes:
            return await call(app, "POST", "/contacts", draft(), token.token)

        for _ in range(CONTACTS // 100):
            await asyncio.gather(*(create() for _ in range(100)))
        line = await create()
        id = line.split(b" ", 1)[0].decode()
        measured: dict[str, Call] = {
            "GET one": lambda: call(app, "GET", f"/contacts/{id.partition('/')[2]}", token=token.token),
            "list of 50": lambda: call(
                app, "GET", "/contacts", query=b"stage=lead&sort=-updated_at", token=token.token
            ),
            "search": lambda: call(app, "GET", "/contacts", query=b"search=acme42", token=token.token),
            "create": create,
        }
        print(f"{CONTACTS:,} contacts, {AT_ONCE} at once, {ROUNDS} rounds of {CALLS} calls; bare Litestar is 1.00")
        print(f"{'what':<12}{'times bare':>12}{'least':>8}{'most':>8}{'us':>9}")
        for name, one in measured.items():
            await seconds_per_call(one)
            pairs = [
                (await seconds_per_call(one), await seconds_per_call(lambda: call(reference, "GET", "/")))
                for _ in range(ROUNDS)
            ]
            ratios = sorted(ours / theirs for ours, theirs in pairs)
            median = statistics.median(ratios)
            us = statistics.median(ours for ours, _ in pairs) * 1e6
            print(f"{name:<12}{median:>12.2f}{ratios[0]:>8.2f}{ratios[-1]:>8.2f}{us:>9.0f}")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder) / "data"))


main()
