"""The rows on webhooks: what they cost those who create contacts, while nobody listens and while somebody does."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench.lab import Lab
from bench.load.generators import Result
from bench.report import Line
from bench.rows.requests import creating, middle
from bench.servers.processes import LOADER_CORE, ROOT, Server, free_port, pinned

ROOM = {"CRMKIT_WEBHOOKS_ALLOW": "127.0.0.0/8"}


def webhooks(lab: Lab) -> list[Line]:
    """Compare creates in a workspace without webhooks with those in one whose webhook is off, and in one that sends."""
    made = lab.data(lab.small)
    without, off, on = (lab.product(lab.small, kind=f"webhooks {kind}", environ=ROOM) for kind in ("no", "off", "on"))
    found: dict[str, list[Result]] = {"no": [], "off": [], "on": []}
    with _receiver() as url:
        _webhook(off, made.token, url)
        hook = _webhook(on, made.token, url)
        shots = {"no": creating(lab, without, made.token), "off": creating(lab, off, made.token)}
        busy = creating(lab, on, made.token)
        lab.warm(*shots.values(), busy)
        for _ in range(lab.plan.rounds):
            for kind, shot in shots.items():
                found[kind].append(lab.fire(shot))
                shot.server.settle()
            on.patch(f"/webhooks/{hook}", made.token, '{"active":true}')
            found["on"].append(lab.fire(busy))
            on.patch(f"/webhooks/{hook}", made.token, '{"active":false}')
            on.settle()
    told = {kind: middle(results) for kind, results in found.items()}

    def ratios(kind: str) -> list[float]:
        return [a.rate / b.rate for a, b in zip(found[kind], found["no"], strict=True)]

    return [
        Line(
            "creates/s beside a webhook that is off",
            "without webhooks",
            ratios("off"),
            0.99,
            1.0,
            absolute=f"{told['off']}; without {told['no']}",
        ),
        Line("creates/s beside a webhook that is told of each", "without webhooks", ratios("on"), 0.90, 0.95),
    ]


def _webhook(server: Server, token: str, url: str) -> str:
    body = json.dumps({"url": url, "events": ["contact.created"], "active": False})
    id: str = json.loads(server.post("/webhooks?format=json", token, body))["id"]
    return id


@contextmanager
def _receiver() -> Iterator[str]:
    port = free_port()
    started = subprocess.Popen([sys.executable, "-m", "bench.servers.receiver", str(port)], cwd=ROOT)
    with pinned(started, LOADER_CORE) as process:
        try:
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.kill()
