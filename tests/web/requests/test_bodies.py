"""Bodies: one JSON object whatever the Content-Type says, and a hint for everything else."""

import gzip
import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.house import ALICE, House, Person, record_in
from tests.web.refused import refused

KIB = 1024


@pytest.fixture(scope="module")
def alice(town: House) -> Iterator[Person]:
    with town.sign_in(ALICE) as person:
        yield person


NOT_JSON = {
    "cut off": b'{"name":"X"',
    "no JSON": b"name=X&email=x@acme.com",
    "a list": b'[{"name":"X"}]',
    "a string": b'"X"',
    "null": b"null",
    "a number": b"5",
    "two objects": b'{"name":"X"}{"name":"Y"}',
    "a key twice": b'{"name":"X","name":"Y"}',
    "a key twice inside": b'{"name":"X","custom":{"a":{"b":1,"b":2}}}',
    "a key twice, spelled in two ways": b'{"name":"X","n\\u0061me":"Y"}',
    "NaN": b'{"name":"X","custom":{"n":NaN}}',
    "Infinity": b'{"name":"X","custom":{"n":Infinity}}',
    "minus Infinity": b'{"name":"X","custom":{"n":-Infinity}}',
    "a number past every double": b'{"name":"X","custom":{"n":1e999}}',
    "a whole number past 64 bits": b'{"name":"X","custom":{"n":9223372036854775808}}',
    "a number of many digits": b'{"name":"X","custom":{"n":' + b"9" * 5000 + b"}}",
    "33 levels": b'{"name":"X","custom":' + b'{"a":' * 32 + b"1" + b"}" * 33,
    "a hundred thousand lists": b'{"name":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "a hundred thousand open objects": b'{"a":' * 100_000,
    "no UTF-8": b'{"name":"\xff"}',
    "a raw NUL at the start": b'\0{"name":"X"}',
    "two byte order marks": b'\xef\xbb\xbf\xef\xbb\xbf{"name":"X"}',
    "half a surrogate pair": b'{"name":"\\ud83d"}',
    "half a surrogate pair in a key": b'{"name":"X","custom":{"\\udc00":1}}',
    "NUL": b'{"name":"X\\u0000Y"}',
    "a raw line break in a string": b'{"name":"X\nY"}',
    "single quotes": b"{'name':'X'}",
    "a trailing comma": b'{"name":"X",}',
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_not_one_json_object_is_refused_and_writes_nothing(alice: Person, body: bytes) -> None:
    contact = record_in(alice.json_of("POST", "/contacts", {"name": "Jane", "email": "jane@acme.com"}))
    before = alice.json_of("GET", "/audit?limit=1")
    refused(alice, "invalid_json", "POST", "/contacts", body, does=r"^Send one JSON object, like \{")
    refused(alice, "invalid_json", "PATCH", f"/contacts/{contact['id']}", body)
    refused(alice, "invalid_json", "POST", "/auth/request", body)
    assert alice.json_of("GET", "/audit?limit=1") == before
    assert alice.json_of("GET", f"/contacts/{contact['id']}") == contact


@pytest.mark.parametrize("depth", [31, 200])
def test_a_body_of_32_levels_is_taken_and_a_deeper_one_is_refused(alice: Person, depth: int) -> None:
    """The body is one level, custom the second: 30 further levels fit into 32."""
    nested: Any = 1
    for _ in range(depth - 1):
        nested = {"a": nested}
    body = {"name": "Deep", "custom": {"a": nested}}
    if depth == 31:
        assert alice.send_it("POST", "/contacts", body).status_code == 201
    else:
        refused(alice, "invalid_json", "POST", "/contacts", body, does="32 levels")


@pytest.mark.parametrize(
    "media_type",
    [
        *("application/json", "application/x-www-form-urlencoded", "text/plain", "application/xml", "nonsense", ""),
        *("multipart/form-data; boundary=x", "application/json; charset=utf-8", "application/msgpack"),
        *('application/json;Charset="UTF-8"', "text/plain; charset=utf8; format=flowed"),
    ],
)
def test_the_content_type_does_not_matter(alice: Person, media_type: str) -> None:
    answer = alice.post("/contacts", content='{"name":"José"}', headers={"Content-Type": media_type})
    assert answer.status_code == 201
    assert "  name=José  " in answer.text


JANE = '{"name":"Jane"}'
CODED = {
    "gzip": (gzip.compress(JANE.encode()), {"Content-Encoding": "gzip"}, "as it is, .*: its coding is gzip"),
    "a coding that is not there": (JANE.encode(), {"Content-Encoding": "br"}, "its coding is br"),
    "two codings": (JANE.encode(), {"Content-Encoding": "identity, GZIP"}, "its coding is GZIP"),
    "a charset": (JANE.encode("utf-16"), {"Content-Type": "application/json; charset=utf-16"}, "its charset is utf-16"),
    "a quoted charset": (JANE.encode(), {"Content-Type": 'text/plain; charset="ISO-8859-1"'}, "charset is ISO-8859-1"),
    "UTF-16": (JANE.encode("utf-16"), {}, "in UTF-8: its charset is UTF-16"),
    "UTF-16, big end first": (b"\xfe\xff" + JANE.encode("utf-16-be"), {}, "its charset is UTF-16"),
    "UTF-32": (JANE.encode("utf-32"), {}, "its charset is UTF-32"),
    "gzip that no header tells": (gzip.compress(JANE.encode()), {}, "not compressed: its coding is gzip"),
    "UTF-16 without a mark": (JANE.encode("utf-16-le"), {}, "its charset is UTF-16"),
    "UTF-16 without a mark, big end first": (
        JANE.encode("utf-16-be"),
        {"Content-Type": "application/json; charset=utf-8"},
        "its charset is UTF-16",
    ),
    "UTF-32 without a mark": (JANE.encode("utf-32-le"), {}, "its charset is UTF-32"),
    "UTF-32 without a mark, big end first": (JANE.encode("utf-32-be"), {}, "its charset is UTF-32"),
}


@pytest.mark.parametrize(("body", "headers", "told"), CODED.values(), ids=CODED)
def test_a_coded_body_and_another_charset_are_refused_by_name(
    alice: Person, body: bytes, headers: dict[str, str], told: str
) -> None:
    for path in ("/contacts", "/auth/request"):
        refused(alice, "unsupported_encoding", "POST", path, body, does=f"^Send the body .*{told}", headers=headers)
    for path in ("/token", "/revoke", "/register"):
        answer = alice.post(path, content=body, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (415, "unsupported_encoding")
        assert re.search(told, answer.json()["error_description"])
    refused(alice, "unsupported_encoding", "POST", "/mcp", body, does=told, headers=headers)


@pytest.mark.parametrize("coding", ["identity", "", "Identity , identity"])
def test_a_body_that_is_not_coded_may_say_so(alice: Person, coding: str) -> None:
    assert alice.post("/contacts", content=JANE, headers={"Content-Encoding": coding}).status_code == 201


def test_a_byte_order_mark_of_utf_8_is_ignored(alice: Person) -> None:
    assert alice.post("/contacts", content=b"\xef\xbb\xbf" + JANE.encode()).status_code == 201
    assert alice.post("/revoke", content=b"\xef\xbb\xbftoken=ck_x").status_code == 200
    ping = b'\xef\xbb\xbf{"jsonrpc":"2.0","id":1,"method":"ping"}'
    assert alice.post("/mcp", content=ping).json()["result"] == {}


def test_no_body_needs_no_coding(alice: Person) -> None:
    for coding in ("gzip", "br"):
        told = alice.post("/contacts", headers={"Content-Encoding": coding})
        assert told.text.startswith("ERROR missing_field")


LIMITS = {
    # field: what just fits, what is just too much, what is told
    "name": ("ü" * 200, "ü" * 201, "at most 200"),
    "phone": ("1" * 200, "1" * 201, "at most 200"),
    "notes": ("n" * 20_000, "n" * 20_001, "at most 20,000"),
    "follow_up_note": ("n" * 1_000, "n" * 1_001, "at most 1,000"),
    "tags": ([f"t{n}" for n in range(50)], [f"t{n}" for n in range(51)], "at most 50 fit"),
    "tags of 50 characters": (["t" * 50], ["t" * 51], "up to 50 characters"),
    "custom": ({f"k{n}": n for n in range(100)}, {f"k{n}": n for n in range(101)}, "at most 100 fit"),
    "custom of 32 KiB": ({"k": "x" * (32 * KIB - 8)}, {"k": "x" * (32 * KIB - 7)}, "larger than 32 KiB"),
}


@pytest.mark.parametrize("limit", LIMITS)
def test_what_just_fits_is_kept_and_what_is_just_too_much_is_refused_naming_the_limit(
    alice: Person, limit: str
) -> None:
    field = limit.split(" ", maxsplit=1)[0]
    fits, too_much, told = LIMITS[limit]
    assert alice.json_of("POST", "/contacts", {"name": "X", field: fits})[field] == fits
    refused(alice, "invalid_value", "POST", "/contacts", {"name": "X", field: too_much}, {field: told})


def test_an_empty_body_is_an_empty_object(alice: Person) -> None:
    contact = alice.json_of("POST", "/contacts", {"name": "Jane", "email": "jane@acme.com"})
    for nothing in (b"", b" \r\n\t", b"{}", None):
        refused(alice, "missing_field", "POST", "/contacts", nothing, ["name"])
        assert alice.json_of("PATCH", f"/contacts/{contact['id']}", nothing) == record_in(contact)


def test_a_body_of_exactly_the_limit_is_taken_and_one_byte_more_is_not(alice: Person) -> None:
    body = b'{"name":"X"}'.ljust(KIB * KIB)
    assert alice.post("/contacts", content=body).status_code == 201
    assert alice.post("/contacts", content=iter([body[:500_000], body[500_000:]])).status_code == 201
    refused(alice, "too_large", "POST", "/contacts", body + b" ", does="at most 1024 KiB")


def test_a_body_that_does_not_tell_its_length_is_cut_off_at_the_limit(alice: Person) -> None:
    for accept in ("text/plain", "application/json"):
        pieces = iter([b" " * 100_000] * 11)
        answer = alice.post("/contacts", content=pieces, headers={"Accept": accept})
        assert "Content-Length" not in answer.request.headers
        assert answer.status_code == 413
        assert "too_large" in answer.text
    assert alice.get("/whoami").status_code == 200


def test_a_length_past_the_limit_is_refused_before_the_body_comes(town: House, alice: Person) -> None:
    host, port = town.url.removeprefix("http://").split(":")
    head = f"POST /contacts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {alice.token}\r\nContent-Length: 99999999\r\n"
    with socket.create_connection((host, int(port)), 30) as connection:
        connection.sendall(head.encode() + b"\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_a_client_that_leaves_in_the_middle_of_its_body_is_logged_as_its_own_fault(
    home: House, caplog: pytest.LogCaptureFixture
) -> None:
    host, port = home.url.removeprefix("http://").split(":")
    with home.sign_in(ALICE) as alice:
        head = f"POST /contacts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {alice.token}\r\nX-Request-Id: gone\r\n"
        with socket.create_connection((host, int(port)), 30) as connection:
            connection.sendall(head.encode() + b'Content-Length: 50\r\nExpect: 100-continue\r\n\r\n{"name":')
            assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")  # the server waits for the rest
        assert alice.json_of("GET", "/contacts")["items"] == []
    with home.stranger() as someone:  # its connection is closed before this one is answered
        for _ in range(1000):
            if "request=client:gone" in home.logged():
                break
            assert someone.get("/healthz").status_code == 200
    line = next(line for line in home.logged().splitlines() if "request=client:gone" in line)
    assert "status=400" in line
    assert not caplog.records


def test_without_a_token_the_body_is_not_even_read(town: House) -> None:
    with town.stranger() as someone:
        refused(someone, "auth_required", "POST", "/contacts", b"x" * (KIB * KIB + 1))
        refused(someone, "auth_required", "POST", "/contacts", b"{")
