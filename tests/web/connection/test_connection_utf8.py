"""URLs with raw UTF-8, as curl sends them, and refusals of what the parser does not read."""

import json
import time
from collections.abc import Iterator

import pytest

from tests.house import Process
from tests.web.connection.raw import answer, connected, head, refused, rest

NAME = "Ana Peña 山田"


@pytest.fixture(scope="module")
def here(program: Process) -> Iterator[str]:
    with program.sign_in() as me:
        me.json_of("POST", "/contacts", {"name": NAME})
        yield me.token


def last(method: str, path: str, *headers: str, token: str) -> bytes:
    return head(method, path, "Connection: close", *headers, token=token)


def asked(program: Process, *pieces: bytes) -> tuple[int, str]:
    """Return status and body of the answer to the last of the requests in these pieces, each sent by itself."""
    with connected(program.url) as connection:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(0.01)  # so that the next piece does not join it
        start, _, body = rest(connection).rpartition(b"HTTP/1.1 ")[2].partition(b"\r\n\r\n")
    return int(start[:3]), body.decode()


def test_raw_utf8_in_a_query_is_taken_as_if_it_were_percent_encoded(program: Process, here: str) -> None:
    for query in ("search=Peña", "search=山田", "name=like:山&sort=name"):
        status, body = asked(program, last("GET", f"/contacts?{query}", token=here))
        assert status == 200
        assert f'name="{NAME}"' in body


def test_raw_utf8_in_a_path_is_taken_as_if_it_were_percent_encoded(program: Process, here: str) -> None:
    for path in ("/contacts/Peña", "/contacts/Pe%C3%B1a"):
        status, body = asked(program, last("GET", path, token=here))
        assert (status, body.split("\n")[1][:19]) == (404, "HINT  Peña is no id")


def test_raw_bytes_that_are_no_utf8_are_refused_as_such(program: Process, here: str) -> None:
    raw = last("GET", "/contacts?search=Pe_a", token=here).replace(b"Pe_a", b"Pe\xf1a")
    assert "Percent-encode the query as UTF-8" in asked(program, raw)[1]


@pytest.mark.parametrize("at", range(1, 60, 3))
def test_a_url_with_raw_utf8_may_come_in_pieces_after_another_request(program: Process, here: str, at: int) -> None:
    before, wanted = head("GET", "/healthz"), last("GET", "/contacts?limit=5&search=Peña+山田", token=here)
    for pieces in ((wanted[:at], wanted[at:]), (before + wanted[:at], wanted[at:]), (before, wanted)):
        status, body = asked(program, *pieces)
        assert status == 200
        assert f'name="{NAME}"' in body


def test_a_long_url_with_raw_utf8_is_held_to_the_same_bound(program: Process, here: str) -> None:
    assert "ñ" in asked(program, last("GET", f"/contacts/{'ñ' * 2000}", token=here))[1]
    with connected(program.url) as connection:
        connection.sendall(head("GET", f"/contacts?name={'ñ' * 6000}", token=here))
        refused(connection, 431, "head_too_large", "URL of at most 16 KiB")


def test_headers_and_bodies_keep_the_bytes_that_are_not_ascii(program: Process, here: str) -> None:
    lines = ("X-Note: señor", f"Content-Length: {len(json.dumps(NAME, ensure_ascii=False).encode()) + 9}")
    body = f'{{"name":{json.dumps(NAME, ensure_ascii=False)}}}'.encode()
    raw = last("POST", "/contacts?format=json", *lines, token=here) + body
    for at in range(0, len(raw), 17):
        status, found = asked(program, raw[:at], raw[at:])
        assert (status, json.loads(found)["name"]) == (201, NAME)


@pytest.mark.parametrize(
    ("raw", "hint"),
    [
        (b"GET /contacts?search=Jane Doe HTTP/1.1\r\n\r\n", "Percent-encode blanks in the URL"),
        (b"GET /a\x01b HTTP/1.1\r\n\r\n", "percent-encode odd characters"),
        (b"GET contacts HTTP/1.1\r\n\r\n", "Begin the path with /"),
        (b"GET /contacts HTTP/1.1\r\nBad Name: x\r\n\r\n", "each header as NAME: VALUE"),
        ("GET /contacts HTTP/1.1\r\nSeñor: x\r\n\r\n".encode(), "each header as NAME: VALUE"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "without TLS"),
    ],
)
def test_what_the_parser_refuses_is_answered_like_any_other_mistake(program: Process, raw: bytes, hint: str) -> None:
    with connected(program.url) as connection:
        connection.sendall(raw)
        refused(connection, 400, "invalid_value", hint)


def test_what_the_parser_refuses_is_told_as_json_to_whom_asks_for_it(program: Process) -> None:
    for start in (
        b"GET /x?format=json HTTP/9.9\r\n",
        b"GET /x HTTP/1.1\r\nAccept: application/json\r\nHost: x\r\nBad Name: x\r\n",
    ):
        with connected(program.url) as connection:
            connection.sendall(start + b"\r\n")
            status, headers, body = answer(connection)
        assert (status, json.loads(body)["error"], headers["connection"]) == (400, "invalid_value", "close")
