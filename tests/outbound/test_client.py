"""Requests that leave the machine: to the address that was checked, within bounds, and what is said when one fails."""

import asyncio
import itertools
import socket
import ssl
import struct
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
import uvloop

from crmkit import __version__
from crmkit.outbound import client as module
from crmkit.outbound.client import Answer, Outbound, Unreached
from crmkit.outbound.names import AT_ONCE, Resolver
from tests.outbound.receiving import OK, OTHERS, OURS, Names, outbound, receiver, says

T = TypeVar("T")
NAME = "hooks.example.com"
Certified = Callable[[str], ssl.SSLContext]


async def reason(sent: Awaitable[Answer]) -> str:
    with pytest.raises(Unreached) as caught:
        await sent
    assert str(caught.value) == caught.value.reason
    return caught.value.reason


def test_a_post_arrives_as_it_was_sent_and_its_answer_is_told_without_its_body() -> None:
    async def run() -> None:
        async with receiver(says(b"HTTP/1.1 202 Fine\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 2\r\n\r\nok")) as running:
            answer = await outbound(f"{OURS}/32").post(
                f"http://{OURS}:{running.port}/hook?a=b",
                b'{"a":1}',
                {"Content-Type": "application/json", "webhook-id": "e"},
            )
        assert (answer.status, answer.headers["x-a"], answer.body) == (202, "1, 2", b"")
        assert 0 <= answer.ms < 5_000
        head, _, body = running.got[0].partition(b"\r\n\r\n")
        line, *headers = head.decode().split("\r\n")
        assert (line, body) == ("POST /hook?a=b HTTP/1.1", b'{"a":1}')
        assert dict(header.lower().split(": ", 1) for header in headers) == {
            "host": f"{OURS}:{running.port}",
            "user-agent": f"crmkit/{__version__}",
            "connection": "close",
            "accept-encoding": "identity",
            "content-type": "application/json",
            "webhook-id": "e",
            "content-length": "7",
        }

    uvloop.run(run())


def test_a_get_returns_a_body_within_its_bound() -> None:
    async def run() -> None:
        async with receiver(says(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100)) as running:
            url, client = f"http://{OURS}:{running.port}/", outbound(OURS)
            assert (await client.get(url, 100)).body == b"x" * 100
            assert await reason(client.get(url, 99)) == "the answer has more than 99 bytes"

    uvloop.run(run())


def test_a_name_is_looked_up_once_for_each_connection_and_what_was_checked_is_connected_to() -> None:
    async def run() -> None:
        async with receiver(says(OK)) as ours, receiver(says(OK), OTHERS, ours.port) as others:
            names = Names({NAME: [[OURS], [OTHERS], [OURS, OTHERS], [OURS], ["::1"]]})
            client, url = outbound(OURS, names=names), f"http://{NAME}:{ours.port}/"
            for is_refused in (False, True, True, False, True):
                if is_refused:
                    assert "is not public (" in await reason(client.post(url, b"", {}))
                else:
                    assert (await client.post(url, b"", {})).status == 200
            assert names.asked == [NAME] * 5
            assert (ours.connections, others.connections) == (2, 0)
            assert all(f"Host: {NAME}:{ours.port}".encode() in got for got in ours.got)

    uvloop.run(run())


def test_a_name_with_several_addresses_is_reached_by_the_first_that_answers() -> None:
    async def run() -> None:
        async with receiver(says(OK)) as ours:
            names = Names({NAME: [["127.0.0.3", OURS]]})
            answer = await outbound("127.0.0.0/29", names=names).get(f"http://{NAME}:{ours.port}/", 10)
            assert answer.body == b"ok"

    uvloop.run(run())


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_nobody_is_sent_where_it_leads(status: int) -> None:
    async def run() -> None:
        async with receiver(says(OK), OTHERS) as others:
            head = f"HTTP/1.1 {status} Moved\r\nLocation: http://{OTHERS}:{others.port}/\r\nContent-Length: 0\r\n\r\n"
            async with receiver(says(head.encode())) as ours:
                url, client = f"http://{OURS}:{ours.port}/", outbound(OURS)
                assert (await client.post(url, b"{}", {})).status == status
                assert (await client.get(url, 100)).status == status
                assert (ours.connections, others.connections) == (2, 0)

    uvloop.run(run())


def test_tls_asks_for_the_name_and_checks_its_certificate(certified: Certified, trusting: ssl.SSLContext) -> None:
    async def run() -> None:
        asked: list[str | None] = []
        tls = certified(NAME)
        tls.sni_callback = lambda _, name, __: asked.append(name)  # type: ignore[assignment]
        async with receiver(says(OK), tls=tls) as running:
            names = Names({NAME: [[OURS]], "other.example.com": [[OURS]]})
            client = outbound(OURS, names=names, trusting=trusting)
            answer = await client.post(f"https://{NAME}:{running.port}/", b"{}", {})
            assert (answer.status, asked) == (200, [NAME])
            assert f"Host: {NAME}:{running.port}".encode() in running.got[0]
            wrong = await reason(client.post(f"https://other.example.com:{running.port}/", b"{}", {}))
            assert wrong.startswith("its certificate is not valid: Hostname mismatch")
            wrong = await reason(client.post(f"https://{OURS}:{running.port}/", b"{}", {}))
            assert wrong.startswith("its certificate is not valid: IP address mismatch")
            wrong = await reason(outbound(OURS, names=names).get(f"https://{NAME}:{running.port}/", 10))
            assert wrong.startswith("its certificate is not valid: ")
            assert len(running.got) == 1

    uvloop.run(run())


def test_a_certificate_of_an_address_is_valid_for_it(certified: Certified, trusting: ssl.SSLContext) -> None:
    async def run() -> None:
        async with receiver(says(OK), tls=certified(OURS)) as running:
            answer = await outbound(OURS, trusting=trusting).get(f"https://{OURS}:{running.port}/", 10)
            assert answer.body == b"ok"

    uvloop.run(run())


async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


def dripping(start: bytes, piece: bytes) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """Return a server that sends one piece after the other for ever, the next as soon as the last has gone."""

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.01)

    return talk


ENDLESS = dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n", b"x" * 65536)


@pytest.mark.parametrize(
    "talk", [silent, dripping(b"HTTP/1.1 200 OK\r\nX: ", b"x"), dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n")]
)
def test_a_server_that_never_ends_its_answer_is_left_in_time(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> None:
    async def run() -> None:
        async with receiver(talk) as running:
            url, client = f"http://{OURS}:{running.port}/", outbound(OURS)
            start = time.monotonic()
            for sent in (client.post(url, b"{}", {}, 0.2), client.get(url, 5_000_000, 0.2)):
                assert await reason(sent) == "no answer within 0.2 seconds"
            assert time.monotonic() - start < 5

    uvloop.run(run())


def test_a_body_without_end_is_not_read_by_a_post_and_bounds_a_get() -> None:
    async def run() -> None:
        async with receiver(ENDLESS) as running:
            url, client = f"http://{OURS}:{running.port}/", outbound(OURS)
            assert (await client.post(url, b"{}", {})).status == 200
            assert await reason(client.get(url, 5_000)) == "the answer has more than 5000 bytes"
        async with receiver(dripping(b"HTTP/1.1 200 OK\r\n\r\n", b"x")) as running:
            url = f"http://{OURS}:{running.port}/"
            assert await reason(client.get(url, 5_000, 0.2)) == "no answer within 0.2 seconds"

    uvloop.run(run())


def test_a_handshake_that_nobody_answers_is_left_in_time() -> None:
    async def run() -> None:
        async with receiver(silent) as running:
            sent = outbound(OURS).get(f"https://{OURS}:{running.port}/", 10, 0.2)
            assert await reason(sent) == "no answer within 0.2 seconds"

    uvloop.run(run())


def test_no_caller_waits_longer_than_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert module.LONGEST_SECONDS == 10
    monkeypatch.setattr(module, "LONGEST_SECONDS", 0.1)

    async def run() -> None:
        async with receiver(silent) as running:
            sent = outbound(OURS).get(f"http://{OURS}:{running.port}/", 10, 3600)
            assert await reason(sent) == "no answer within 0.1 seconds"

    uvloop.run(run())


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"", "the server ended the connection, or its answer is no HTTP"),
        (b"SECRET of the server\r\n\r\n", "the server ended the connection, or its answer is no HTTP"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nSECRET",
            "the server ended the connection, or its answer is no HTTP",
        ),
        (
            b"HTTP/1.1 200 OK\r\n" + b"X: SECRET\r\n" * 20_000,
            "the server ended the connection, or its answer is no HTTP",
        ),
    ],
)
def test_why_an_answer_failed_repeats_nothing_of_it(answer: bytes, told: str) -> None:
    async def run() -> None:
        async with receiver(says(answer)) as running:
            assert await reason(outbound(OURS).get(f"http://{OURS}:{running.port}/", 1_000)) == told

    uvloop.run(run())


def test_what_cannot_be_reached_says_why() -> None:
    async def run() -> None:
        async with receiver(says(OK)) as running:
            port = running.port
        client = outbound(OURS, names=Names({"none.example.com": [[]], "odd.example.com": [["no address"]]}))
        assert await reason(client.get(f"http://{OURS}:{port}/", 10)) == "no connection"
        assert await reason(client.get("http://none.example.com/", 10)) == "none.example.com has no address"
        for name in ("odd.example.com", "unknown.example.com"):
            assert await reason(client.get(f"http://{name}/", 10)) == f"the name {name} cannot be looked up"

    uvloop.run(run())


def test_a_server_that_resets_what_it_accepted_is_one_that_was_not_reached() -> None:
    def reset_each(server: socket.socket) -> None:
        for at in itertools.count():
            try:
                accepted, _ = server.accept()
            except OSError:  # it was closed
                return
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            time.sleep(at % 20 * 5e-5)  # so that resets come in each step of a connection
            accepted.close()

    async def run() -> None:
        with socket.create_server((OURS, 0)) as server:
            resetting = asyncio.create_task(asyncio.to_thread(reset_each, server))
            url = f"http://{OURS}:{server.getsockname()[1]}/"
            for _ in range(20):
                told = await asyncio.gather(*(reason(outbound(OURS).post(url, b"{}", {})) for _ in range(20)))
                assert set(told) <= {"no connection", "the connection broke"}
            server.shutdown(socket.SHUT_RDWR)
            await resetting

    uvloop.run(run())


def test_proxies_of_the_environment_have_no_part_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        async with receiver(says(OK), OTHERS) as proxy, receiver(says(OK)) as ours:
            for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
                monkeypatch.setenv(name, f"http://{OTHERS}:{proxy.port}")
            assert (await outbound(OURS).get(f"http://{OURS}:{ours.port}/", 10)).status == 200
            assert (ours.connections, proxy.connections) == (1, 0)

    uvloop.run(run())


def test_a_lookup_that_hangs_holds_nobody_up_but_those_who_wait_for_its_place() -> None:
    async def run() -> None:
        go_on = asyncio.Event()
        loop = asyncio.get_running_loop()

        def lookup(host: str) -> list[str]:
            if host.startswith("hangs"):
                asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(20)
            return [OURS]

        async with receiver(says(OK)) as running:
            client = Outbound(outbound(OURS).allowed, Resolver(lookup))
            hanging = [
                client.get(f"http://hangs{at}.example.com:{running.port}/", 10, 0.3) for at in range(AT_ONCE - 1)
            ]
            tasks = [asyncio.create_task(reason(sent)) for sent in hanging]
            assert (await client.get(f"http://{NAME}:{running.port}/", 10)).status == 200
            assert set(await asyncio.gather(*tasks)) == {"no answer within 0.3 seconds"}
            assert (await client.get(f"http://{NAME}:{running.port}/", 10)).status == 200
            go_on.set()
            for _ in range(AT_ONCE + 1):  # their places are free again
                assert (await client.get(f"http://{NAME}:{running.port}/", 10)).status == 200

    uvloop.run(run())


def test_the_system_is_asked_for_names_off_the_event_loop() -> None:
    async def run() -> None:
        assert OTHERS in await Resolver()("localhost")
        with pytest.raises(OSError, match="."):
            await Resolver()("no-such-name.invalid")

    uvloop.run(run())


@pytest.mark.slow
def test_the_library_is_not_loaded_before_the_first_request() -> None:
    line = "import sys, crmkit.boot, crmkit.web.app; print({'httpcore', 'h11', 'httpx'} & set(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout == "set()\n"
