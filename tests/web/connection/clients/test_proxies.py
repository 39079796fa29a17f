"""Who asks and under which name: X-Forwarded-For from trusted proxies alone, and in local mode only our own Host."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import ALICE, House, Person, Process, house, process
from tests.web.connection.raw import answer, connected
from tests.web.refused import of_text

PER_MINUTE = 60  # sign-in requests of one client


def tries(served: Process, forwarded: list[str]) -> list[int]:
    """Return the statuses of a wrong sign-in under each X-Forwarded-For."""
    entry = {"email": "nobody@example.com", "code": "zzzzzzzz"}
    with Person(served.url) as someone:
        return [
            someone.post("/auth/verify", json=entry, headers={"X-Forwarded-For": address}).status_code
            for address in forwarded
        ]


@pytest.mark.slow
def test_x_forwarded_for_is_ignored_where_no_proxy_is_trusted(tmp_path: Path) -> None:
    with process(tmp_path / "data") as served:
        statuses = tries(served, [f"203.0.113.{n}" for n in range(PER_MINUTE + 5)])
    assert statuses == [401] * PER_MINUTE + [429] * 5


@pytest.mark.slow
def test_behind_a_trusted_proxy_each_client_has_a_limit_of_its_own(tmp_path: Path) -> None:
    with process(tmp_path / "data", CRMKIT_SERVER_TRUSTED_PROXIES="10.9.9.9, 127.0.0.0/8") as served:
        assert tries(served, [f"203.0.113.{n}" for n in range(PER_MINUTE + 5)]) == [401] * (PER_MINUTE + 5)
        # what the client itself wrote in front of the proxy's word counts for nothing
        spoofed = [f"198.51.100.{n}, 192.0.2.7" for n in range(PER_MINUTE + 5)]
        assert tries(served, spoofed) == [401] * PER_MINUTE + [429] * 5


@pytest.mark.slow
def test_x_forwarded_for_of_a_proxy_that_is_not_listed_is_ignored(tmp_path: Path) -> None:
    with process(tmp_path / "data", CRMKIT_SERVER_TRUSTED_PROXIES="10.9.9.9") as served:
        assert tries(served, [f"203.0.113.{n}" for n in range(PER_MINUTE + 1)])[-1] == 429


FOREIGN = ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "0.0.0.0"]
ODD = ["", "[", "[::1", "]:80", "http://127.0.0.1", "127.0.0.1@evil.example", "evil.example#127.0.0.1", "@", "a b", "é"]


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("local") / "data", {"CRMKIT_AUTH_LOCAL": "true"}) as running:
        yield running


@pytest.mark.parametrize("host", [*FOREIGN, *ODD])
def test_in_local_mode_a_host_that_is_not_this_machine_is_refused(local: House, host: str) -> None:
    with local.stranger() as someone:
        for method, path in (("POST", "/auth/request"), ("GET", "/help"), ("GET", "/contacts")):
            body = {"email": ALICE} if method == "POST" else None
            answer = someone.request(method, path, json=body, headers={"Host": host.encode()})
            assert answer.status_code == 400
            assert of_text(answer)["error"] == "invalid_value"
            assert host in ODD or "use http://127.0.0.1 or http://localhost" in of_text(answer)["hint"]
    assert local.letterbox.letters == []


def test_in_local_mode_the_names_of_this_machine_are_answered(tmp_path: Path) -> None:
    environ = {"CRMKIT_AUTH_LOCAL": "true", "CRMKIT_SERVER_BASE_URL": "http://crm.home:8000"}
    with house(tmp_path / "data", environ) as home, home.stranger() as someone:
        for host in ("127.0.0.1", "127.0.0.1:8000", "localhost", "LOCALHOST:1", "[::1]:8000", "127.9.9.9", "crm.home"):
            assert someone.get("/help", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("hosts", [[], ["127.0.0.1", "127.0.0.1"], ["127.0.0.1", "evil.example"]])
def test_http_1_1_names_exactly_one_host_and_http_1_0_may_name_none(
    town: House, local: House, hosts: list[str]
) -> None:
    lines = "".join(f"Host: {host}\r\n" for host in hosts)
    for home in (town, local):
        for version in ("1.1", "1.0"):
            with home.stranger() as someone:  # what was let in last changes nothing
                assert someone.get("/healthz", headers={"Host": "127.0.0.1"}).status_code == 200
            with connected(home.url) as connection:
                connection.sendall(f"GET /healthz HTTP/{version}\r\n{lines}\r\n".encode())
                status, _, body = answer(connection)
            if version == "1.0" and not hosts and home is town:
                assert (status, body) == (200, "ok\n")
            else:
                assert (status, body.split("\n")[0]) == (400, "ERROR invalid_value")
                assert "exactly one Host" in body or (version == "1.0" and not hosts)


def test_without_local_mode_any_name_is_answered(town: House) -> None:
    with town.stranger() as someone:
        for host in FOREIGN:
            assert someone.get("/help", headers={"Host": host}).status_code == 200
        for host in ("a b", "é", "evil/example", "evil.example#x", "<x>", 'a"b'):
            answer = someone.get("/help", headers={"Host": host.encode()})
            assert (answer.status_code, of_text(answer)["error"]) == (400, "invalid_value"), host
        for host in ODD:
            assert someone.get("/help", headers={"Host": host.encode()}).status_code in (200, 400)
