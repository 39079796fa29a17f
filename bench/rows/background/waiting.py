"""The rows on calls that wait for changes: what they cost others, how much memory they take, how soon they end."""

import json
import socket
import time
from contextlib import ExitStack

from bench.lab import Lab, Shot, Skip
from bench.report import Line
from bench.rows.requests import AT_ONCE, middle
from bench.servers.processes import UNTOLD, Server

CALLS, PER_TOKEN = 1_000, 4
ROOM = {"CRMKIT_LIMITS_TOKENS_PER_USER": "1000", "CRMKIT_LIMITS_CONNECTIONS_PER_CLIENT": "0"}
WAITS = "GET /changes?wait=60&kinds=campaigns HTTP/1.1\r\nHost: crmkit\r\nAuthorization: Bearer {}\r\n\r\n"
ENDS = 60.0  # seconds


def waiting(lab: Lab) -> list[Line]:
    """Compare reads beside calls that wait, in the same workspace, with reads alone."""
    made = lab.data(lab.small)
    server = lab.product(lab.small, kind="waiting", environ=ROOM)
    file = lab.requests("waiting", [f"GET /contacts/{id}" for id in lab.drawn(made, "id")])
    shot = Shot(server, file, AT_ONCE, made.token)
    if not server.memory():
        raise Skip(UNTOLD)
    alone, beside, woken, per_call = [], [], [], []
    lab.warm(shot)
    tokens = _tokens(server, made.token)
    for _ in range(lab.plan.rounds):
        alone.append(lab.fire(shot))
        before = server.memory()["Pss"]
        with ExitStack() as stack:
            calls = [stack.enter_context(socket.create_connection(("127.0.0.1", server.port))) for _ in range(CALLS)]
            for number, call in enumerate(calls):
                call.sendall(WAITS.format(tokens[number // PER_TOKEN]).encode())
            server.settle()
            per_call.append((server.memory()["Pss"] - before) * 1024 / CALLS)
            beside.append(lab.fire(shot))
            server.post("/campaigns", made.token, '{"name":"Spring"}')
            written = time.perf_counter()
            for call in calls:
                call.settimeout(ENDS)
                if b"campaign/" not in call.recv(65536):
                    raise RuntimeError("a call ended without what it waited for")
            woken.append((time.perf_counter() - written) * 1000)
    ratios = [a.p99 / b.p99 for a, b in zip(beside, alone, strict=True)]
    told = f"beside {middle(beside)}; alone {middle(alone)}"
    return [
        Line(
            f"p99 of GET one beside {CALLS:,} calls that wait", "alone", ratios, 1.5, 1.1, at_most=True, absolute=told
        ),
        Line("memory of a call that waits, with its connection", "20 KB", [kb / 20 for kb in per_call], 1.0, 0.5, True),
        Line(f"the last of {CALLS:,} calls ends after a commit", "200 ms", [ms / 200 for ms in woken], 1.0, 0.5, True),
    ]


def _tokens(server: Server, token: str) -> list[str]:
    """Return new tokens, as many as the calls need."""
    workspace = json.loads(server.get("/whoami", token, accept="application/json"))["workspace"]
    made = (
        server.post(f"/workspaces/{workspace}/tokens?format=json", token, json.dumps({"token_name": f"waits {number}"}))
        for number in range(CALLS // PER_TOKEN)
    )
    return [json.loads(answer)["token"] for answer in made]
