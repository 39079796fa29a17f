"""An answer in pieces over real connections: whole or noticeably cut, of one moment, in constant memory."""

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Coroutine, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from crmkit.storage.interface.lanes import ANYWHERE
from crmkit.storage.interface.tx import Tx
from crmkit.storage.reads import streams
from crmkit.web.call import HttpCall
from crmkit.web.reply import Response, streamed
from crmkit.web.route import read
from tests.house import ALICE, BOB, ROOT, UNLIMITED, House, Person, command, house
from tests.web.connection.raw import TAKES, announced, connected, head, rest
from tests.web.connection.streaming import BATCH, JSON_LINES, MEDIA, ROUTES
from tests.web.test_routes import built

T = TypeVar("T")

MANY = 10 * BATCH + 1  # contacts
LARGE = 700  # pieces of 20 KB: more than the kernel buffers for a client
MIB = 1 << 20


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("streams") / "data", UNLIMITED, more=ROUTES) as running:
        yield running


@pytest.fixture
def hasty(tmp_path: Path) -> Iterator[House]:
    """A server that waits for a client a second."""
    with house(tmp_path / "data", {**UNLIMITED, "CRMKIT_LIMITS_STALL_SECONDS": "1"}, more=ROUTES) as running:
        yield running


@pytest.fixture(scope="module")
def alice(home: House) -> Iterator[Person]:
    with home.sign_in(ALICE) as person:
        for at in range(MANY):
            person.post("/contacts", json={"name": f"Person {at}"})
        yield person


def names(text: str) -> list[str]:
    return [json.loads(line)["name"] for line in text.splitlines()]


def whole() -> list[str]:
    return [f"Person {at}" for at in range(MANY)]


def awaited(home: House, coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run_coroutine_threadsafe(coroutine, home.loop).result(TAKES)


def is_held(home: House) -> bool:
    """Tell whether a stream keeps the log from being emptied."""
    return not awaited(home, home.crm.database.forget_log())


def assert_freed(home: House) -> None:
    """Wait until the log can be emptied."""
    deadline = time.monotonic() + TAKES
    while is_held(home):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def unchunked(body: bytes) -> tuple[bytes, bytes]:
    """Return the content of a chunked body, and what follows it."""
    found = b""
    while True:
        size, _, body = body.partition(b"\r\n")
        if size == b"0":
            assert body[:2] == b"\r\n"
            return found, body[2:]
        found += body[: int(size, 16)]
        assert body[int(size, 16) :][:2] == b"\r\n"
        body = body[int(size, 16) + 2 :]


def test_a_stream_has_every_row_and_the_headers_and_log_line_of_any_answer(home: House, alice: Person) -> None:
    answer = alice.get("/all", headers={"X-Request-ID": "all-of-it"})
    assert names(answer.text) == whole()
    assert answer.headers["Content-Type"] == MEDIA
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert "Content-Length" not in answer.headers
    plain = alice.get("/contacts").headers
    assert set(plain) - set(answer.headers) == {"content-length"}
    assert answer.headers["X-Request-ID"] == "all-of-it"
    assert re.search(r"request=client:all-of-it  method=GET  path=/all  status=200  ms=", home.logged())


def test_the_log_tells_the_time_until_the_last_byte(home: House, alice: Person) -> None:
    alice.get("/made?many=5&seconds=0.05", headers={"X-Request-ID": "slowly"})
    found = re.search(r"client:slowly .* ms=([\d.]+)", home.logged())
    assert found
    assert float(found[1]) > 200


def test_a_connection_is_kept_after_a_stream_and_requests_sent_ahead_are_answered(home: House, alice: Person) -> None:
    with connected(home.url) as connection:
        connection.sendall(head(path="/all", token=alice.token) + head("GET", "/healthz", "Connection: close"))
        start, _, body = rest(connection).partition(b"\r\n\r\n")
    assert start.startswith(b"HTTP/1.1 200 OK\r\n")
    content, after = unchunked(body)
    assert names(content.decode()) == whole()
    assert after.startswith(b"HTTP/1.1 200 OK\r\n")
    assert after.endswith(b"ok\n")


def test_http_1_0_gets_the_same_up_to_the_end_of_the_connection(home: House, alice: Person) -> None:
    with connected(home.url) as connection:
        connection.sendall(head(path="/all", token=alice.token).replace(b"HTTP/1.1", b"HTTP/1.0"))
        start, _, body = rest(connection).partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in start
    assert b"connection: close" in start
    assert names(body.decode()) == whole()


def test_head_gets_the_head_alone_and_frees_the_stream(home: House, alice: Person) -> None:
    with connected(home.url) as connection:
        connection.sendall(head("HEAD", "/all", token=alice.token) + head("GET", "/healthz", "Connection: close"))
        first, second, body = rest(connection).split(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in first
    assert second.startswith(b"HTTP/1.1 200 OK")
    assert body == b"ok\n"
    assert_freed(home)


def test_an_error_before_the_first_piece_is_an_answer_like_any_other(home: House, alice: Person) -> None:
    answer = alice.get("/broken?at=0")
    assert (answer.status_code, answer.headers["Content-Type"]) == (500, "text/plain; charset=utf-8")
    assert answer.text.startswith("ERROR server_error\n")
    answer = alice.get("/all?format=text")
    assert answer.text.splitlines()[1] == "FIELD format  must be jsonl"


def test_an_error_in_the_middle_is_noticed_by_httpx_and_logged(
    home: House, alice: Person, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        alice.get("/broken?at=3", headers={"X-Request-ID": "in-the-middle"})
    assert "request client:in-the-middle was cut off" in caplog.text
    assert "broken in the middle" in caplog.text
    assert re.search(r"client:in-the-middle .* status=200", home.logged())
    assert_freed(home)


@pytest.mark.parametrize("version", ["--http1.1", "--http1.0"])
def test_an_error_in_the_middle_is_noticed_by_curl(home: House, alice: Person, version: str) -> None:
    line = ["curl", "-sS", version, "-H", f"Authorization: Bearer {alice.token}"]
    for at in (1, 3, 300):
        run = subprocess.run([*line, f"{home.url}/broken?at={at}"], capture_output=True, timeout=TAKES, check=False)
        assert run.returncode in (18, 56), run.stderr  # a partial file, or a reset
    run = subprocess.run([*line, f"{home.url}/all"], capture_output=True, timeout=TAKES, check=True)
    assert names(run.stdout.decode()) == whole()


@pytest.mark.slow
def test_a_stream_sees_one_moment_while_another_client_writes_and_deletes(home: House) -> None:
    with home.sign_in("dora@example.com") as dora:
        ids = [dora.json_of("POST", "/contacts", {"name": f"Old {at}" + "x" * 190})["id"] for at in range(1000)]
        with dora.stream("GET", "/all") as answer:
            pieces = answer.iter_lines()
            found = [next(pieces)]
            with Person(home.url, dora.token) as other:
                for at in range(20):
                    other.post("/contacts", json={"name": f"New {at}"})
                    path = f"/contacts/{ids[-1 - at]}"
                    other.delete(f"{path}?confirm={other.json_of('DELETE', path)['confirm']}")
                    other.patch(f"/contacts/{ids[-30 - at]}", json={"name": "Changed"})
            found += list(pieces)
    assert [json.loads(line)["id"] for line in found] == ids
    assert {json.loads(line)["name"][:4] for line in found} == {"Old "}


def test_a_client_that_reads_nothing_is_cut_off_and_holds_nothing_meanwhile(hasty: House) -> None:
    with hasty.sign_in(ALICE) as alice:
        with connected(hasty.url) as connection:
            connection.sendall(head(path=f"/made?many={LARGE}", token=alice.token))
            connection.recv(100)
            assert_freed(hasty)
            assert alice.get("/all").text == ""
            assert alice.get("/contacts").status_code == 200
            with hasty.sign_in(BOB) as bob:
                assert bob.get("/all").text == ""
                assert bob.post("/contacts", json={"name": "Jane"}).status_code == 201
            time.sleep(3)
            with pytest.raises(ConnectionResetError):
                rest(connection)
        assert alice.get("/all").text == ""


def test_a_workspace_has_a_few_streams_at_once(home: House, alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "MOST_OWN", 2)
    with ExitStack() as stack:
        for _ in range(streams.MOST_OWN):
            connection = stack.enter_context(connected(home.url))
            connection.sendall(head(path=f"/made?many={LARGE}", token=alice.token))
            connection.recv(100)
        busy = alice.get("/all")
        assert (busy.status_code, busy.headers["Retry-After"]) == (503, "10")
    assert_freed(home)
    assert names(alice.get("/all").text) == whole()


@pytest.mark.slow
def test_a_client_that_reads_ten_kilobytes_a_second_holds_nothing_and_gets_all_of_it(
    home: House, alice: Person
) -> None:
    found = b""
    with connected(home.url) as connection:
        connection.sendall(head("GET", f"/made?many={LARGE}", "Connection: close", token=alice.token))
        for _ in range(4):
            found += connection.recv(5_000)
            time.sleep(0.5)
        assert_freed(home)
        found += rest(connection)
    content, after = unchunked(found.partition(b"\r\n\r\n")[2])
    assert after == b""
    assert len(content.splitlines()) == 20 * LARGE


def test_a_stream_whose_head_cannot_be_sent_is_closed_at_once(tmp_path: Path) -> None:
    closed = []

    async def pieces() -> AsyncGenerator[bytes, None]:
        try:
            while True:
                yield b"x"
        finally:
            closed.append(True)

    rest = pieces()

    @read("/endless", public=True, formats=(JSON_LINES,), streams=True)
    async def endless(call: HttpCall) -> Response:
        return await streamed(rest, MEDIA)

    async def send(message: Any) -> None:
        raise OSError("the client has gone")

    async def asked() -> None:
        scope = {"type": "http", "method": "GET", "raw_path": b"/endless", "query_string": b""}
        with pytest.raises(OSError, match="the client has gone"):
            await built(tmp_path, endless)({**scope, "headers": [(b"host", b"127.0.0.1:8000")]}, None, send)
        assert closed == [True]

    asyncio.run(asked())


def test_a_client_that_leaves_ends_its_stream(home: House, alice: Person) -> None:
    for path in ("/made?many=1000000", "/made?many=1000000&seconds=0.05"):
        with connected(home.url) as connection:
            connection.sendall(head(path=path, token=alice.token))
            connection.recv(100)
        assert_freed(home)


@pytest.mark.slow
def test_a_slow_client_gets_all_of_it(hasty: House) -> None:
    """It takes longer than it may read nothing, and it always reads a little."""
    found = 0
    with hasty.sign_in(ALICE) as alice, connected(hasty.url) as connection:
        connection.sendall(head("GET", "/made?many=150", "Connection: close", token=alice.token))
        while part := connection.recv(40_000):
            found += len(part)
            time.sleep(0.03)
    assert found > 150 * 20 * 1000


@pytest.mark.alone
def test_memory_stays_the_same_for_ten_times_the_rows(home: House, alice: Person) -> None:
    def fill(tx: Tx) -> None:
        tx.connection.execute("CREATE TABLE scratch (number INTEGER PRIMARY KEY, word TEXT)")
        numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000)"
        tx.connection.execute(
            f"INSERT INTO scratch (word) SELECT hex(randomblob(250)) FROM ({numbers} SELECT i FROM n)"
        )

    awaited(home, home.crm.database.write(fill, lanes=ANYWHERE))

    def most(many: int) -> tuple[int, int]:
        """Return the bytes of a stream, and by how much memory (PSS) grew at most while it ran."""
        before, highest, size = pss(), 0, 0
        with alice.stream("GET", f"/scratch?many={many}") as answer:
            for at, piece in enumerate(answer.iter_raw(65536)):
                size += len(piece)
                if at % 50 == 0:
                    highest = max(highest, pss())
        return size, highest - before

    most(1000)
    small, grown = most(10_000)
    large, grown_too = most(100_000)
    assert large > 9 * small > 40 * MIB
    assert grown_too < grown + 4 * MIB


def pss() -> int:
    found = re.search(r"^Pss:\s+(\d+) kB", Path("/proc/self/smaps_rollup").read_text(), re.MULTILINE)
    assert found
    return int(found[1]) * 1024


def test_a_tool_call_gets_the_beginning_of_a_stream_and_hears_of_one_that_failed(home: House, alice: Person) -> None:
    def called(path: str) -> dict[str, object]:
        wanted = {"name": "request", "arguments": {"method": "GET", "path": path}}
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": wanted}
        result: dict[str, object] = alice.json_of("POST", "/mcp", call)["result"]
        return result

    assert "# note: cut after" in str(called("/made?many=1000000"))
    assert "ERROR busy" in str(called("/broken?at=2"))
    assert called("/broken?at=2")["isError"]
    assert_freed(home)


PROGRAM = """
import sys
from crmkit import boot, cli
from tests.web.connection.streaming import ROUTES
plain = boot.application
boot.application = lambda crm, log: plain(crm, log, ROUTES)
sys.argv = ["crmkit", *sys.argv[1:]]
sys.exit(cli.main())
"""


@pytest.mark.parametrize("reads", [True, False])
def test_sigterm_ends_a_stream_within_the_grace(tmp_path: Path, reads: bool) -> None:
    line, environ = command("serve", "--port", "0", "--data", str(tmp_path / "data"), "--local", **UNLIMITED)
    started = [sys.executable, "-c", PROGRAM, *line[3:]]
    with subprocess.Popen(started, env=environ, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as program:
        url = announced(program)
        with Person(url) as someone:
            code = someone.json_of("POST", "/auth/request", {"email": ALICE})["local_code"]
            entry = {"email": ALICE, "code": code, "token_name": "test"}
            token = someone.json_of("POST", "/auth/verify", entry)["token"]
        with connected(url) as connection:
            connection.sendall(head(path="/made?many=1000000&seconds=0.01", token=token))
            connection.recv(100)
            if not reads:
                time.sleep(1)  # until all buffers are full
            began = time.monotonic()
            program.terminate()
            if not reads:
                program.wait(TAKES)
            with pytest.raises(ConnectionResetError):
                rest(connection)
            assert program.wait(TAKES) == 0
            assert time.monotonic() - began < 3
        assert program.stdout
        assert b"Traceback" not in program.stdout.read()
