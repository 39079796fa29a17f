"""No form of a special address is connected to, as it is written or as a name has it."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from crmkit import ip
from crmkit.errors import Problem
from crmkit.ip import Networks
from crmkit.outbound.client import Outbound, Unreached
from crmkit.outbound.guard import Target, _is_own, check
from tests.outbound.hostile import SPECIAL_V4, SPECIAL_V6, hosts
from tests.outbound.receiving import Names, outbound

HOSTS = hosts()
NOTHING = Networks([])
PUBLIC = [
    "93.184.216.34",
    "8.8.8.8",
    "1.1.1.1",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "2606:4700::1",
]


@pytest.fixture
def listeners() -> Iterator[list[socket.socket]]:
    """Listen on all addresses of this machine, on one port; a connection would wait to be accepted."""
    with ExitStack() as stack:
        found = [stack.enter_context(socket.create_server(("0.0.0.0", 0)))]
        port = found[0].getsockname()[1]
        if socket.has_dualstack_ipv6():
            found.append(stack.enter_context(socket.create_server(("::", port), family=socket.AF_INET6)))
        for listener in found:
            listener.setblocking(False)
        yield found


def came(listeners: list[socket.socket]) -> int:
    """Return how many connections came since this was asked last."""
    count = 0
    for listener in listeners:
        while True:
            try:
                listener.accept()[0].close()
                count += 1
            except BlockingIOError:
                break
    return count


async def refusals(client: Outbound, urls: list[str]) -> list[str]:
    """Send to each URL by both methods and return why each was not reached."""
    found = []
    for url in urls:
        for send in (client.post(url, b"{}", {}, 1), client.get(url, 100, 1)):
            with pytest.raises(Unreached) as caught:
                await send
            found.append(caught.value.reason)
    return found


def test_the_table_of_hostile_hosts_is_long_and_the_listeners_would_count(listeners: list[socket.socket]) -> None:
    assert len(HOSTS) >= 400
    port = listeners[0].getsockname()[1]
    for address in ("127.0.0.1", "127.1.2.3", "::1"):
        with socket.create_connection((address, port)):
            pass
    assert came(listeners) == 3


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_no_hostile_host_gets_a_connection(listeners: list[socket.socket], scheme: str) -> None:
    port = listeners[0].getsockname()[1]
    urls = [f"{scheme}://{host}:{port}/" for host in HOSTS] + [f"{scheme}://{host}" for host in HOSTS]
    found = asyncio.run(refusals(outbound(), urls))
    assert len(found) == 2 * len(urls)
    assert all(reason.startswith("Use a public https:// URL: ") for reason in found)
    assert came(listeners) == 0


def test_no_name_of_a_special_address_gets_a_connection(listeners: list[socket.socket]) -> None:
    port = listeners[0].getsockname()[1]
    addresses = [*SPECIAL_V4, *SPECIAL_V6, *(f"::ffff:{address}" for address in SPECIAL_V4), "fe80::1%lo", "::1%lo"]
    names = {f"n{at}.example.com": [[address]] for at, address in enumerate(addresses)}
    client = outbound(names=Names(names))
    found = asyncio.run(refusals(client, [f"https://{name}:{port}/" for name in names]))
    assert all("is not public" in reason for reason in found)
    assert came(listeners) == 0


@pytest.mark.parametrize("second", ["127.0.0.1", "10.0.0.1", "::1", "169.254.169.254"])
def test_a_name_with_a_public_and_a_private_address_is_refused_as_a_whole(
    listeners: list[socket.socket], second: str
) -> None:
    port = listeners[0].getsockname()[1]
    names = Names({"two.example.com": [["93.184.216.34", second]], "owt.example.com": [[second, "93.184.216.34"]]})
    urls = [f"https://{name}:{port}/" for name in names.answers]
    found = asyncio.run(refusals(outbound(names=names), urls))
    assert all(reason.startswith("its address is not public (") for reason in found)  # and nobody learns it
    assert came(listeners) == 0


def test_names_of_loopback_that_the_system_knows_get_no_connection(listeners: list[socket.socket]) -> None:
    port = listeners[0].getsockname()[1]
    found = asyncio.run(refusals(outbound("192.168.7.0/24"), [f"https://{socket.gethostname()}:{port}/"]))
    assert "cannot be looked up" in found[0] or "is not public" in found[0]
    assert came(listeners) == 0


def test_an_address_of_this_machine_is_told_from_those_of_others() -> None:
    assert _is_own(ip.address("127.0.0.1"))
    assert not any(_is_own(ip.address(address)) for address in PUBLIC)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_asked_for_by_https_alone(address: str) -> None:
    host = f"[{address}]" if ":" in address else address
    assert check(f"https://{host}/hook?a=1", NOTHING).authority == host
    with pytest.raises(Problem, match="http is not encrypted"):
        check(f"http://{host}/hook", NOTHING)


@pytest.mark.parametrize(
    ("allow", "url"),
    [
        ("10.0.0.0/8", "http://10.1.2.3:8080/hook"),
        ("10.0.0.0/8", "https://10.1.2.3/hook"),
        ("127.0.0.1", "http://localhost:8080/hook"),
        ("::1", "http://localhost:8080/hook"),
        ("fd00::/8", "http://[fd00::2]/hook"),
        ("127.0.0.0/8", "http://[::ffff:127.0.0.1]/hook"),
        ("10.0.0.0/8", "http://crm.internal/hook"),
    ],
)
def test_an_allowed_network_may_be_asked_for_also_by_http(allow: str, url: str) -> None:
    assert check(url, Networks([allow]))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://10.1.2.3/", "not public"),
        ("http://8.8.8.8/", "http is not encrypted"),
        ("http://0x0a010203/", "four decimal numbers"),
        ("http://2130706433/", "four decimal numbers"),
        ("http://u@10.0.0.1/", "a user or a password"),
    ],
)
def test_an_allowed_network_opens_no_other(url: str, words: str) -> None:
    with pytest.raises(Problem, match=words) as caught:
        check(url, Networks(["10.0.0.0/24"]))
    assert (caught.value.code, caught.value.status) == ("address_refused", 400)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://example.com/", "only https"),
        ("file:///etc/passwd", "only https"),
        ("gopher://example.com/", "only https"),
        ("javascript:alert(1)", "only https"),
        ("//example.com/", "only https"),
        ("example.com", "only https"),
        ("", "visible ASCII"),
        ("https://example.com/a b", "visible ASCII"),
        ("https://example.com/\r\nX: y", "visible ASCII"),
        ("https://example.com/" + "a" * 2_000, "at most 2000"),
        ("https://example.com/#a", "fragment"),
        ("https://example.com/#", "fragment"),
        ("https:///a", "names no host"),
        ("https://?a", "names no host"),
        ("https://example.com:0/", "the port"),
        ("https://example.com:65536/", "the port"),
        ("https://example.com:+1/", "the port"),
        ("https://example.com:8_0/", "the port"),
        ("https://" + "a" * 64 + ".com/", "no name"),
    ],
)
def test_a_url_that_cannot_be_asked_for_says_why(url: str, words: str) -> None:
    with pytest.raises(Problem, match=words):
        check(url, NOTHING)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://Hooks.Example.com", Target("https", "hooks.example.com", 443, "/", None)),
        (
            "https://hooks.example.com:8443/a//b?c=d&e=%2f",
            Target("https", "hooks.example.com", 8443, "/a//b?c=d&e=%2f", None),
        ),
        ("HTTPS://xn--exmple-cua.com?x", Target("https", "xn--exmple-cua.com", 443, "/?x", None)),
        ("https://a_b.example.com:/", Target("https", "a_b.example.com", 443, "/", None)),
    ],
)
def test_a_url_is_asked_for_as_it_was_written(url: str, target: Target) -> None:
    assert check(url, NOTHING) == target
