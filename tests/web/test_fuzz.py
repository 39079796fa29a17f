"""Whatever arrives, the server answers in house style, never with a 5xx, and goes on."""

import http.client
import json
import socket
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from crmkit import ids
from crmkit.errors import CATALOGUE
from crmkit.model.operators.rows import OPERATORS
from crmkit.model.query.parse import RESERVED
from tests.house import ALICE, UNLIMITED, House, house
from tests.kinds import CONTACT
from tests.render.lines import is_visible

pytestmark = pytest.mark.slow

EXAMPLES = 2_500
RAW_EXAMPLES = 300


@dataclass
class Door:
    """A running server, and one connection that is opened anew when the server closes it."""

    house: House
    token: str
    contact: str
    answered: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.host, port = self.house.url.removeprefix("http://").split(":")
        self.port = int(port)
        self.connection = http.client.HTTPConnection(self.host, self.port, timeout=30)

    def ask(self, method: str, target: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        try:
            self.connection.request(method, target, body, headers)
            answer = self.connection.getresponse()
            return answer.status, {name.lower(): text for name, text in answer.getheaders()}, answer.read()
        except (http.client.HTTPException, OSError):
            self.connection.close()
            raise

    def shout(self, content: bytes) -> bytes:
        """Return all that comes back to bytes that may not even be HTTP."""
        with socket.create_connection((self.host, self.port), 30) as connection:
            came: list[bytes] = []
            try:
                connection.sendall(content)
                connection.shutdown(socket.SHUT_WR)
                came.extend(iter(lambda: connection.recv(65536), b""))
            except OSError as error:  # the server may hang up in the middle, but not keep silent
                if isinstance(error, TimeoutError):
                    raise
            return b"".join(came)


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    environ = {**UNLIMITED, "CRMKIT_SERVER_LOG": "json"}
    with house(tmp_path_factory.mktemp("fuzz") / "data", environ) as town, town.sign_in(ALICE) as alice:
        alice.post("/contacts", json={"name": "Tom", "email": "tom@acme.com"})
        contact = alice.json_of("POST", "/contacts", {"name": "Jane", "custom": {"score": 1}})["id"]
        opened = Door(town, alice.token, contact)
        yield opened
        opened.connection.close()
        assert alice.get("/contacts").status_code == 200
        logged = [json.loads(line)["status"] for line in town.logged().splitlines()]
        assert len(logged) > 2 * sum(opened.answered.values())
        assert max(logged) < 500  # nor did anything fail that nobody was left to be told


# more digits than Python reads, more levels than it nests, a character that becomes eighteen
_LONG = ["9" * 4_400, "-" + "0" * 4_400 + "1d", "[" * 2_000, "in:[" + "1" * 4_400 + "]", "\ufdfa" * 100]
odd = st.text(max_size=12) | st.sampled_from(
    ["", "%", "%00", "\u202e", "null", "-1", "1e999", "9" * 30, "x" * 300, "'", *_LONG]
)
names = st.sampled_from([field.name for field in CONTACT.fields] + ["custom.score", 'custom."full name".x', *RESERVED])
operands = odd | st.sampled_from(
    ["lead", "2026-06-10", "null", "5", "a,b", "-0.5", "2026-06-10T09:00:00+02:00", "Jane"]
)
values = st.builds(lambda word, text: f"{word}:{text}", st.sampled_from(OPERATORS), operands) | operands
parameters = (
    st.tuples(names, values) | st.tuples(odd, values) | st.tuples(st.just("sort"), st.builds("-{}".format, names))
)
queries = st.lists(st.tuples(parameters, st.booleans()), max_size=3).map(
    lambda pairs: "&".join(
        f"{quote(name, safe='') if encoded else _plain(name)}={quote(text, safe='') if encoded else _plain(text)}"
        for (name, text), encoded in pairs
    )
)
ids_ = st.sampled_from(["{contact}", "contact/{contact}", ids.mint("c"), ids.mint("tok"), "c_2222222a"]) | odd
things_with_ids = st.builds(
    lambda place, name: f"/{place}/{quote(name, safe='{}/')}", st.sampled_from(["contacts", "contacts", "tokens"]), ids_
)
strange_paths = st.lists(odd, max_size=4).map(lambda parts: "/" + "/".join(quote(part, safe="") for part in parts)) | (
    st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="?#"), max_size=30).map("/{}".format)
)
lists = st.sampled_from(["/contacts"] * 4 + ["/audit", "/tokens", "/whoami", "/help", "/"])
posts = st.sampled_from(["/contacts"] * 4 + ["/auth/verify", "/auth/request"])
methods = st.sampled_from(["GET", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS", "TRACE"])
asked = st.one_of(
    st.tuples(st.just("GET"), lists, queries),
    st.tuples(st.just("GET"), lists, queries),
    st.tuples(st.just("POST"), posts, st.just("")),
    st.tuples(st.just("POST"), posts, st.just("format=json")),
    st.tuples(st.sampled_from(["GET", "PATCH", "PATCH", "DELETE"]), things_with_ids, st.just("") | queries),
    st.tuples(methods, lists | posts | things_with_ids | strange_paths, queries),
)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | odd
things = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(odd, inner, max_size=3), max_leaves=8
)
written = st.sampled_from([*CONTACT.writable, "email", "code", "token_name", "version", "id"])
free = st.dictionaries(
    st.text(min_size=1, max_size=9), st.text(max_size=20) | st.booleans() | st.integers(-9, 9), max_size=3
)
contacts = st.fixed_dictionaries(
    {"name": st.text(min_size=1, max_size=20)},
    optional={
        "custom": free,
        "notes": st.text(max_size=40),
        "tags": st.lists(st.text(min_size=1, max_size=5), max_size=3),
    },
)
bodies = st.one_of(
    contacts.map(lambda body: json.dumps(body).encode()),
    contacts.map(lambda body: json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")),
    st.dictionaries(written | odd, things, max_size=5).map(lambda body: json.dumps(body).encode()),
    st.just(b"") | st.binary(max_size=60) | things.map(lambda thing: json.dumps(thing).encode()),
)
latin = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=30)
headers = st.just({}) | st.dictionaries(
    st.sampled_from(
        ["Accept", "If-Match", "Content-Type", "Authorization", "X-Request-Id", "Range", "Cookie", "X-Odd"]
    ),
    latin | st.sampled_from(["application/json", "*/*;q=x", '"1"', "W/2", "application/json;q=0.5, text/plain;q=nan"]),
    max_size=3,
)
signed = st.sampled_from([True, True, True, False])


def _plain(text: str) -> str:
    """Return what of a text may stand in a request line as it is."""
    return "".join(character for character in text if "!" <= character <= "~" and character not in "#&=")


def test_no_request_is_answered_with_a_5xx(door: Door) -> None:
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(asked, headers, bodies, signed)
    @example(("GET", "/contacts", "sort=custom.a"), {"Accept": "application/json;q=1e999"}, b"", True)
    def holds(what: tuple[str, str, str], more: dict[str, str], body: bytes, signed_in: bool) -> None:
        method, target, query = what
        target = target.replace("{contact}", door.contact) + (f"?{query}" if query else "")
        authorized = {"Authorization": f"Bearer {door.token}"} if signed_in else {}
        status, answered, content = door.ask(method, target, {**authorized, **more}, body)
        door.answered[status] += 1
        assert status < 500, content
        assert answered["x-request-id"]
        assert answered["cache-control"] == "no-store"
        if method != "HEAD":
            _in_house_style(status, answered, content.decode())
        assert door.ask("GET", "/healthz", {}, b"")[::2] == (200, b"ok\n")

    holds()
    # much of what was tried got past the first checks
    assert min(door.answered[status] for status in (200, 201, 400, 401, 404, 405)) > EXAMPLES / 60


def _in_house_style(status: int, headers: dict[str, str], content: str) -> None:
    assert content.endswith("\n")
    if headers["content-type"] == "application/json":
        data: Any = json.loads(content)
        code = data.get("error")
        assert (code is None) == (status < 300)
        assert code is None or data["request_id"] == headers["x-request-id"]
    else:
        assert headers["content-type"] == "text/plain; charset=utf-8"
        lines = content.removesuffix("\n").split("\n")
        assert all(map(is_visible, lines))
        code = lines[0].removeprefix("ERROR ") if lines[0].startswith("ERROR ") else None
        assert (code is None) == (status < 300)
        assert code is None or any(line.startswith("HINT  ") for line in lines)
    assert code is None or status in CATALOGUE[code][0]


lines_ = st.sampled_from(
    [
        *(b"GET / HTTP/1.1", b"GET /help", b"POST /contacts HTTP/1.1", b"get / http/1.1", b"GET http://x/ HTTP/1.1"),
        *(b"CONNECT x:1 HTTP/1.1", b"PRI * HTTP/2.0", b"GET / HTTP/9.9", b"GET /\xff HTTP/1.1", b"\x16\x03\x01\x02"),
        *(b"Host: x", b"Content-Length: 5", b"Content-Length: 6", b"Content-Length: -1", b"Content-Length: 9e9"),
        *(
            b"Transfer-Encoding: chunked",
            b"Transfer-Encoding: gzip, chunked",
            b"Connection: keep-alive",
            b"Upgrade: h2c",
        ),
        *(b"Connection: upgrade", b"Upgrade: websocket", b"Expect: 100-continue", b"Range: bytes=0-,1-,2-", b"X: \x00"),
        *(
            b"",
            b"",
            b"5",
            b"0",
            b"ffffffffffffffff",
            b"{}",
            b"hello",
            b" folded",
            b"LONG",
            b"A: LONG",
        ),
    ]
)


@settings(max_examples=RAW_EXAMPLES, deadline=None)
@given(st.lists(lines_ | st.binary(max_size=20), max_size=12))
def test_bytes_that_are_hardly_http_get_no_5xx_and_the_server_goes_on(door: Door, lines: list[bytes]) -> None:
    answer = door.shout(b"\r\n".join(lines).replace(b"LONG", b"x" * 70_000) + b"\r\n\r\n")
    assert not answer.startswith(b"HTTP/1.1 5"), answer
    assert b"\nHTTP/1.1 5" not in answer
    assert door.ask("GET", "/healthz", {}, b"")[::2] == (200, b"ok\n")
