"""From where a token may be used: the address of the client, as trusted proxies tell it and nobody else."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.house import House, Person
from tests.teams.office import JSON, address, enter, error_of, office, person_of
from tests.web.connecting import rpc

WITHIN, OUTSIDE = "203.0.113.9", "198.51.100.1"
LOCAL = "127.0.0.1"


@pytest.fixture(scope="module", params=[LOCAL, "10.9.9.9"], ids=["behind a proxy", "without"])
def home(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[House]:
    """A server that trusts what this machine forwards, and one that trusts another machine."""
    folder: Path = tmp_path_factory.mktemp("addresses") / "data"
    with office(folder, {"CRMKIT_SERVER_TRUSTED_PROXIES": request.param}) as running:
        yield running


@pytest.fixture
def is_trusted(home: House) -> bool:
    return LOCAL in home.crm.settings.server.trusted_proxies


@pytest.fixture
def alice(home: House) -> Person:
    return enter(home, address("alice"))


def bound(home: House, alice: Person, *ips: str) -> Person:
    """Return Alice with a token for these networks."""
    path = f"/workspaces/{alice.json_of('GET', '/whoami')['workspace']}/tokens"
    token = alice.post(path, json={"ips": ips}, headers=JSON).json()["token"]
    return person_of(home.url, token, alice.email)


def seen(answer: httpx.Response) -> bool:
    """Tell whether a token was taken; where it was not, nothing more is told than of one that was revoked."""
    assert error_of(answer) in ((200, ""), (401, "invalid_token"))
    return answer.status_code == 200


WAYS = [
    ("GET", "/whoami", None),
    ("GET", "/help?topic=setup", None),
    ("POST", "/mcp", rpc("tools/call", {"name": "request", "arguments": {"method": "GET", "path": "/contacts"}})),
]


@pytest.mark.parametrize(("method", "path", "body"), WAYS, ids=str)
@pytest.mark.parametrize(
    ("forwarded", "behind"),
    [
        (WITHIN, True),
        (f"::ffff:{WITHIN}", True),
        (f"{WITHIN}:4711", True),
        (f"{OUTSIDE}, {WITHIN}", True),
        (OUTSIDE, False),
        (f"{WITHIN}, {OUTSIDE}", False),  # the client wrote the first itself
        ("", False),
        ("unknown", False),
    ],
)
def test_a_token_is_taken_from_its_networks_as_a_trusted_proxy_tells_and_nobody_else(
    home: House, alice: Person, is_trusted: bool, method: str, path: str, body: object, forwarded: str, behind: bool
) -> None:
    person = bound(home, alice, "203.0.113.0/24")
    told = {"X-Forwarded-For": forwarded, "X-Real-IP": WITHIN, "Forwarded": f"for={WITHIN}"}
    answer = person.send_it(method, path, body, headers=told | JSON)
    assert seen(answer) is (behind and is_trusted)
    if answer.status_code == 401:
        shown = forwarded.rpartition(", ")[2].removeprefix("::ffff:").removesuffix(":4711")
        assert f"from the address {(is_trusted and shown) or LOCAL}." in answer.json()["hint"]


def test_what_is_forwarded_takes_no_token_away_where_no_proxy_is_trusted(
    home: House, alice: Person, is_trusted: bool
) -> None:
    person = bound(home, alice, "127.0.0.0/8", "::1")
    assert seen(person.get("/whoami"))
    assert seen(person.get("/whoami", headers={"X-Forwarded-For": OUTSIDE})) is not is_trusted


def test_a_token_that_is_cached_is_taken_from_its_networks_alone(home: House, alice: Person, is_trusted: bool) -> None:
    person = bound(home, alice, "203.0.113.0/24", "2001:db8::/32")
    for forwarded, taken in ((WITHIN, True), (OUTSIDE, False), (WITHIN, True), ("2001:db8::7", True), ("::7", False)):
        assert seen(person.get("/whoami", headers={"X-Forwarded-For": forwarded})) is (taken and is_trusted)
