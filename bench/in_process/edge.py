"""`python -m bench.in_process.edge ROUNDS CALLS`: what authentication, request id, log and limits cost.

One handler that returns ready bytes is called two ways: as a route of crmkit behind its edge and gate, and found and
called by the router alone, with nothing around it. The first minus the second is what crmkit puts around a handler; the
measure is Litestar's usual text handler. AT_ONCE calls are under way, as in a server.
"""

import asyncio
import json
import sys
import tempfile
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvloop
from litestar import Litestar

from bench.in_process.asgi import bearer, send
from bench.references.applications import LINE, answer
from crmkit import boot
from crmkit.settings import load
from crmkit.web.app import build
from crmkit.web.call import HttpCall
from crmkit.web.connection.accesslog import AccessLog
from crmkit.web.gate import Gate
from crmkit.web.reply import Response
from crmkit.web.route import read
from crmkit.web.router import Application, Router

AT_ONCE = 16
BODY = LINE.encode()


@read("/bench", area="own")
async def ready(call: HttpCall) -> Response:
    return Response.of(BODY, "text/plain")


class Open(Gate):
    """A gate that lets everything through."""

    def __init__(self) -> None:
        pass

    def check_host(self, scope: Any) -> None:
        pass

    async def check(self, scope: Any, route: Any) -> None:
        pass


def alone(crm: Any) -> Any:
    """Return an application that finds and calls the handler, and sends what it returns."""
    router = Router(Application(), [ready], Open(), crm)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        response = await router.answer(scope, receive)
        length = (b"content-length", b"%d" % len(response.body))
        await send({"type": "http.response.start", "status": response.status, "headers": [*response.headers, length]})
        await send({"type": "http.response.body", "body": response.body})

    return app


async def microseconds(app: Any, path: str, token: str, calls: int) -> float:
    async def worker() -> None:
        for _ in range(calls // AT_ONCE):
            await send(app, "GET", path, [bearer(token)])

    started = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
    return (time.perf_counter() - started) / (calls // AT_ONCE * AT_ONCE) * 1e6


async def measure(folder: Path, log: Any, rounds: int, calls: int) -> list[list[float]]:
    environ = {
        "CRMKIT_SERVER_DATA": str(folder),
        "CRMKIT_LIMITS_REQUESTS_PER_MINUTE": "100000000",
        "CRMKIT_LIMITS_REQUESTS_PER_MINUTE_USER": "100000000",
    }
    crm = boot.crm_of(load(environ=environ))

    @asynccontextmanager
    async def opened() -> Any:
        async with crm.database:
            yield

    app = build(crm, AccessLog("text", log), opened, [ready])
    usual = Litestar([answer], openapi_config=None, logging_config=None)
    token = boot.operator_token(crm.settings, "bench@example.com", "bench").token
    ways: list[tuple[Any, str]] = [(app, "/bench"), (alone(crm), "/bench"), (usual, "/")]
    async with app.app.lifespan():
        for way in ways:
            await microseconds(*way, token, calls // 4)
        return [[await microseconds(*way, token, calls) for way in ways] for _ in range(rounds)]


def main() -> None:
    rounds, calls = map(int, sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("w") as log:
        print(json.dumps(uvloop.run(measure(Path(folder) / "data", log, rounds, calls))))


if __name__ == "__main__":
    main()
