"""Whose request it is, when proxies forward it."""

import socket
from pathlib import Path

import httpx
import pytest

from crmkit import ip
from crmkit.web.connection.proxies import MAX_HOP, client_address
from tests.house import Person, house, process

TRUSTED = ip.Networks(["10.0.0.0/8", "2001:db8:ffff::/48"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "asks"),
    [
        ("192.0.2.1", ["198.51.100.1"], "192.0.2.1"),  # a stranger's word
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("::ffff:10.0.0.1", ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["203.0.113.9, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["203.0.113.9", "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1, 10.0.0.2,::ffff:10.0.0.3"], "198.51.100.1"),
        ("10.0.0.1", ["10.0.0.9, 10.0.0.2"], "10.0.0.9"),
        ("2001:db8:ffff::1", ["2001:db8:1::5"], "2001:db8:1::5"),
        ("10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("10.0.0.1", ["[2001:db8:1::5]:443"], "2001:db8:1::5"),
        ("10.0.0.1", ["[2001:db8:1::5]"], "2001:db8:1::5"),
        ("10.0.0.1", ["unknown"], "unknown"),
        ("10.0.0.1", ["", " , "], "10.0.0.1"),
        ("10.0.0.1", ["x" * 5000], "x" * MAX_HOP),
        ("10.0.0.1", ["10.0.0.2," * 5000], "10.0.0.2"),
    ],
)
def test_the_client_is_the_nearest_address_that_is_no_trusted_proxy(peer: str, forwarded: list[str], asks: str) -> None:
    headers = [(b"x-forwarded-for", text.encode()) for text in forwarded]
    scope = {"client": (peer, 1), "headers": [(b"host", b"x"), *headers, (b"accept", b"*/*")]}
    assert client_address(scope, TRUSTED) == asks  # type: ignore[arg-type]


def wrong_tries(url: str, count: int, source: str = "", forwarded: str = "") -> list[int]:
    """Return the statuses of wrong sign-ins, which are counted per client, from an address of this machine."""
    entry = {"email": "nobody@example.com", "code": "zzzzzzzz"}
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    with Person(url, transport=httpx.HTTPTransport(local_address=source or None)) as someone:
        return [someone.post("/auth/verify", json=entry, headers=headers).status_code for _ in range(count)]


@pytest.mark.slow
def test_a_proxy_that_writes_ipv4_as_ipv6_names_the_same_clients(tmp_path: Path) -> None:
    with house(tmp_path / "data", {"CRMKIT_SERVER_TRUSTED_PROXIES": "127.0.0.1"}) as home:
        assert wrong_tries(home.url, 61, forwarded="::ffff:203.0.113.1")[-2:] == [401, 429]
        assert wrong_tries(home.url, 1, forwarded="203.0.113.1") == [429]
        assert wrong_tries(home.url, 1, forwarded="::ffff:203.0.113.2") == [401]


@pytest.mark.slow
@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_a_dual_stack_server_keeps_ipv4_clients_apart_and_knows_its_proxies(tmp_path: Path) -> None:
    with process(tmp_path / "data", "--host", "::", local=False, CRMKIT_SERVER_TRUSTED_PROXIES="127.0.0.9") as served:
        port = served.url.rpartition(":")[2]
        four, six = f"http://127.0.0.1:{port}", f"http://[::1]:{port}"
        assert wrong_tries(four, 61, "127.0.0.2")[-2:] == [401, 429]
        assert wrong_tries(four, 1, "127.0.0.3") == [401]
        assert wrong_tries(six, 1) == [401]
        assert wrong_tries(four, 1, "127.0.0.9", forwarded="127.0.0.2") == [429]  # the proxy speaks for 127.0.0.2
        assert wrong_tries(four, 1, "127.0.0.8", forwarded="127.0.0.2") == [401]  # and nobody else does
