"""The conformance suite of MCP, as far as it can ask a server that is no example: both endpoints, and its sign-in."""

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.house import Process
from tests.interop.foreign import node, run
from tests.interop.mcp.adder import with_token

SUITE = ("@modelcontextprotocol/conformance", "dist/index.js")
BASELINE = Path(__file__).with_name("baseline.yml")  # what fails because it cannot be asked here


@pytest.fixture(scope="module")
def server(served: Process) -> Iterator[str]:
    with served.sign_in("suite@example.com") as person, with_token(served.url, person.token) as url:
        yield url


@pytest.mark.parametrize("place", ["/mcp", "/mcp/typed"])
@pytest.mark.parametrize(
    ("revision", "scenario", "passed"),
    [
        ("2025-11-25", "server-initialize", "2/2"),
        ("2025-11-25", "ping", "2/2"),
        ("2025-11-25", "tools-list", "3/3"),
        ("2025-11-25", "resources-list", "2/2"),
        ("2025-11-25", "prompts-list", "2/2"),
        ("2025-11-25", "dns-rebinding-protection", "2/2"),
        ("2026-07-28", "tools-list", "4/4"),
        ("2026-07-28", "dns-rebinding-protection", "2/2"),
        ("2026-07-28", "http-header-validation", "14/14"),
        ("2026-07-28", "resources-list", "2/2"),
        ("2026-07-28", "sep-2164-resource-not-found", "4/4"),
        ("2026-07-28", "prompts-list", "2/2"),
        ("2026-07-28", "caching", "8/8"),
        ("2026-07-28", "server-stateless", "21/25"),
    ],
)
def test_a_scenario_of_servers_passes(
    server: str, place: str, tmp_path: Path, revision: str, scenario: str, passed: str
) -> None:
    line = ["server", "--url", f"{server}{place}", "--scenario", scenario, "--spec-version", revision]
    ended = run(node(*SUITE, *line, "--expected-failures", str(BASELINE)), tmp_path)
    assert ended.status == 0, ended.printed
    assert f"Passed: {passed}, " in ended.printed


def test_the_scenarios_of_authorization_servers_pass(served: Process, tmp_path: Path, email: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = {"client_name": "suite", "redirect_uris": [f"http://127.0.0.1:{port}/callback"]}
    client_id = httpx.post(f"{served.url}/register", json=app).json()["client_id"]
    line = ["authorization", "--url", served.url, "--client-id", client_id, "--port", str(port)]
    ended = run(node(*SUITE, *line, "--resource", f"{served.url}/mcp"), tmp_path, email)
    assert ended.status == 0, ended.printed
    assert ended.signins == 1
    assert "Total: 3 passed, 0 failed" in ended.printed
