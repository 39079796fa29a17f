"""A call of a tool is the request it stands for: the same status and body, limits, log and history."""

import json
import random
import re
import shlex
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from crmkit import ids
from tests.house import ALICE, UNLIMITED, House, Person, house
from tests.kinds import PREFIXES
from tests.web.connecting import rpc

CALLS = 2_000
ID = re.compile(rf"\b(?:{'|'.join(PREFIXES)})_[{ids.ALPHABET}]{{8}}\b")
# what is random or belongs to one request: confirm tokens, cursors, tokens, request ids, the server's own address
ONCE = [
    (re.compile(r"confirm=[a-z0-9]+|\"confirm\":\"[a-z0-9]+\""), "CONFIRM"),
    (re.compile(r"# next: \S+|\"next_cursor\":\"[^\"]+\""), "CURSOR"),
    (re.compile(r"ck_[a-z0-9]{39}"), "TOKEN"),
    (re.compile(r"\"request_id\":\"[^\"]+\""), "REQUEST"),
    (re.compile(r"last_used_at=\S+|\"last_used_at\":\"[^\"]+\""), "USED"),  # a call is a use, whatever it asks for
    # what a tool is told in place of what it cannot send
    (re.compile(r"with If-Match: \d+\.|with \\?\"version\\?\":\d+ in the body\."), "VERSION"),
    (
        re.compile(r"POST /workspaces/\S+/tokens gives a token that works in it|an app works in one workspace[^\n]*"),
        "TOKEN",
    ),
    (re.compile(r"\(or the header X-Escalation-Code\)\.|added to its path\."), "CODE"),
    (re.compile(r"HEAD, "), ""),
    (re.compile(r"http://127\.0\.0\.1:\d+"), "URL"),
]
PATHS = {"contact": "contacts", "company": "companies", "deal": "deals", "activity": "activities"}


@dataclass
class Side:
    """One of two servers that are asked alike; what it names is told by the order in which it was first seen."""

    house: House
    person: Person
    by_tool: bool
    seen: dict[str, str] = field(default_factory=dict)
    held: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in PATHS})
    confirm: str = ""

    def ask(self, method: str, path: str, body: Any) -> tuple[bool | int, str]:
        """Return (status, body) of a request; over MCP whether it failed stands for the status."""
        for kind, known in self.held.items():
            path = re.sub(rf"<{kind}:(\d+)>", lambda m, known=known: known[int(m[1]) % len(known)], path)
            body = json.loads(
                re.sub(rf"<{kind}:(\d+)>", lambda m, known=known: known[int(m[1]) % len(known)], json.dumps(body))
            )
        path = path.replace("<confirm>", self.confirm)
        if self.by_tool:
            arguments = {"method": method, "path": path, **({} if body is None else {"body": body})}
            result = self.person.post(
                "/mcp", json=rpc("tools/call", {"name": "request", "arguments": arguments})
            ).json()
            text = result["result"]["content"][0]["text"]
            failed: bool | int = result["result"]["isError"]
        else:
            answer = self.person.send_it(method, self.house.url + quote(path, safe="/?&=:%+,-._~!"), body)
            failed, text = answer.status_code >= 400, answer.text
        for kind in PATHS:
            for found in re.findall(rf"^{kind}/(\S+)", text, re.MULTILINE):
                if found not in self.held[kind] and "# created" in text:
                    self.held[kind].append(found)
        confirm = re.search(r"confirm=([a-z0-9]+)", text)
        self.confirm = confirm.group(1) if confirm else self.confirm
        return failed, self.plain(text)

    def plain(self, text: str) -> str:
        """Return the text with everything that differs between two servers named alike."""
        for pattern, name in ONCE:
            text = pattern.sub(name, text)
        return ID.sub(lambda m: self.seen.setdefault(m[0], f"#{len(self.seen)}"), text)


@pytest.fixture
def sides(tmp_path: Path) -> Iterator[list[Side]]:
    with ExitStack() as stack:
        both = []
        for name in ("wire", "tool"):
            home = stack.enter_context(house(tmp_path / name, UNLIMITED))
            both.append(Side(home, stack.enter_context(home.sign_in(ALICE)), name == "tool"))
        yield both


def drawn(choice: random.Random) -> tuple[str, str, Any]:
    """Return a request that may be right or wrong in many ways; `<contact:3>` stands for an id."""
    kind = choice.choice(["contact", "contact", "company", "deal"])
    plural, number = PATHS[kind], choice.randrange(1000)
    title = "title" if kind == "deal" else "name"
    one = choice.choice(
        [f"<{kind}:{number}>", f"<{kind}:{number}>", f"{kind}/<{kind}:{number}>", "c_k7m2q9xa", "nonsense"]
    )
    words = ["Jane Doe", "José", "a\nb", '"quoted"', "x" * 250, "", "5", "véry – long", "tab\there", None, 7, ["a"]]
    body: dict[str, Any] = {title: f"{choice.choice(['Ann', 'Bob', 'Zoë'])} {number}"}
    extras: dict[str, list[Any]] = {
        "email": [f"p{number % 40}@example.com", "nonsense"],
        "domain": [f"d{number % 20}.example.com"],
        "tags": [["vip", "b"], ["a b"], "vip"],
        "notes": words,
        "custom": [{"region": "emea", "score": number}, {"full name": "x"}, {"a": {"b": [1, 2.5]}}, {"a": None}],
        "stage": ["lead", "customer"],
        "amount_cents": [number, -1, 2**60, 1.5],
        "follow_up_at": [f"2026-06-0{1 + number % 9}T{choice.randrange(24):02d}:{number % 60:02d}:07+02:00", "soon"],
        "company_id": ["<company:1>", "co_k7m2q9xa", None],
        "version": [1, 2],
        "nope": [1],
        title: words,
    }
    for name in choice.sample(list(extras), choice.randrange(4)):
        body[name] = choice.choice(extras[name])
    queries = [
        "",
        "limit=3&sort=created_at",
        "stage=in:lead,customer&sort=stage,created_at",
        "search=jane doe&sort=created_at",
        "search=José&sort=created_at",
        "name=like:a&sort=-created_at",
        "title=not:null&sort=created_at",
        "custom.score=gte:500&sort=created_at",
        'custom."full name"=x&sort=created_at',
        "tags=vip&sort=created_at&fields=tags,custom",
        "format=json&sort=created_at",
        "format=xml",
        "nope=1",
        "sort=nope",
        "limit=0",
        "limit=9999&sort=created_at",
        "cursor=abc",
        "amount_cents=gte:10&amount_cents=lt:900&sort=created_at",
        "search=100%25&sort=created_at",
        "fields=name,nope",
    ]
    return choice.choice(
        [
            ("POST", f"/{plural}", body),
            ("POST", f"/{plural}", body),
            ("PATCH", f"/{plural}/{one}", {name: value for name, value in body.items() if choice.random() < 0.7}),
            ("GET", f"/{plural}/{one}", None),
            ("GET", f"/{plural}/{one}?format=json", None),
            ("GET", f"/{plural}?{choice.choice(queries)}", None),
            ("GET", f"/{plural}?{choice.choice(queries)}", None),
            ("DELETE", f"/{plural}/{one}", None),
            ("DELETE", f"/{plural}/{one}?confirm=<confirm>", None),
            (
                "POST",
                f"/{plural}/{one}/activities",
                {"kind": choice.choice(["call", "nope"]), "body": choice.choice(words)},
            ),
            ("GET", f"/{plural}/{one}/activities?limit=5", None),
            (
                "GET",
                choice.choice(["/activities?limit=5", "/reminders?days=7", "/audit?limit=4", "/whoami", "/tokens"]),
                None,
            ),
            (
                "GET",
                choice.choice(["/search?q=ann", "/search?q=", "/", "/help", "/nope", "/contacts/", "//contacts", "/é"]),
                None,
            ),
            (
                "GET",
                choice.choice(["/workspaces", "/healthz", "/readyz", "/contacts%2F", "/contacts?a b=c", "/%ff"]),
                None,
            ),
            ("POST", "/workspaces", {"name": choice.choice(["Acme", "", None])}),
            (choice.choice(["PATCH", "DELETE", "POST"]), choice.choice(["/whoami", "/contacts", "/help"]), {}),
        ]
    )


@pytest.mark.slow
def test_two_thousand_requests_over_the_wire_and_by_the_tool_are_answered_alike(sides: list[Side]) -> None:
    choice = random.Random(20260728)
    first = [
        ("POST", "/contacts", {"name": "First"}),
        ("POST", "/companies", {"name": "Acme"}),
        ("POST", "/deals", {"title": "Big"}),
        ("POST", "/contacts/<contact:0>/activities", {"body": "x"}),
    ]
    requests = chain(first, (drawn(choice) for _ in range(CALLS)))
    failures = 0
    for number, request in enumerate(requests):
        for side in sides:
            side.house.clock.move(seconds=1)
        wire, tool = (side.ask(*request) for side in sides)
        assert wire[1].splitlines() == tool[1].splitlines(), f"call {number}: {request}"
        assert wire == tool, f"call {number}: {request}"
        failures += bool(wire[0])
    assert CALLS * 0.2 < failures < CALLS * 0.8
    assert all(len(known) > 5 for known in sides[0].held.values()), {k: len(v) for k, v in sides[0].held.items()}
    for path in ("/audit?limit=200", "/contacts?limit=200&sort=created_at&format=json", "/activities?limit=200"):
        assert sides[0].ask("GET", path, None) == sides[1].ask("GET", path, None)


def call(person: Person, name: str, **arguments: Any) -> tuple[bool, str]:
    """Return (whether it failed, the text) of a call."""
    answer = person.post("/mcp", json=rpc("tools/call", {"name": name, "arguments": arguments}))
    assert answer.status_code == 200, answer.text
    result = answer.json()["result"]
    (content,) = result["content"]
    assert content["type"] == "text"
    return result["isError"], content["text"]


@pytest.mark.parametrize(
    "path",
    [
        "/mcp",
        "/mcp/",
        "//mcp",
        "/%6dcp",
        "/authorize",
        "/authorize?x=1",
        "/token",
        "/register",
        "/revoke",
        "/auth/request",
        "/auth/verify",
        "/auth%2Frequest",
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-protected-resource/mcp",
    ],
)
def test_what_signs_in_or_connects_is_not_reached_by_a_tool(town: House, client: Person, path: str) -> None:
    letters = len(town.letterbox.letters)
    for method in ("GET", "POST", "DELETE"):
        failed, text = call(client, "request", method=method, path=path, body={"email": ALICE})
        assert failed
        assert text.startswith("ERROR ")
        assert "HINT  " in text
        assert "signed in already" in text or "unknown_path" in text or "method_not_allowed" in text
    assert len(town.letterbox.letters) == letters


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("request", {}, "The tool request takes method, path, body, key: method is needed; path is needed."),
        ("request", {"method": "GET"}, "path is needed."),
        ("request", {"method": "OPTIONS", "path": "/contacts"}, "GET, POST, PUT, PATCH, DELETE"),
        ("request", {"method": "HEAD", "path": "/contacts"}, "GET, POST, PUT, PATCH, DELETE"),
        ("request", {"method": "DELET", "path": "/contacts"}, "GET, POST, PUT, PATCH, DELETE (did you mean DELETE?)"),
        ("request", {"method": 5, "path": "/contacts"}, "method must be text."),
        ("request", {"method": "GET", "path": "contacts"}, "starts with /"),
        ("request", {"method": "GET", "path": "https://evil.com/contacts"}, "starts with /"),
        ("request", {"method": "GET", "path": ""}, "starts with /"),
        ("read", {"path": "/contacts?search=" + "x" * 8_000}, "at most 8000 characters"),
        ("request", {"method": "GET", "path": "/contacts", "headers": {}}, "headers is no argument of request."),
        ("read", {}, "The tool read takes path: path is needed."),
        ("read", {"path": "/contacts", "method": "POST"}, "method is no argument of read."),
        ("read", {"paths": "/contacts"}, "paths is no argument of read (did you mean path?); path is needed."),
        ("read", {"path": 7}, "path must be text."),
        ("read", {"path": None}, "path must be text."),
        ("read", {"path": "/", **{f"x{n}": n for n in range(500)}}, "x0 is no argument of read; x1 is no"),
    ],
    ids=str,
)
def test_wrong_arguments_are_told_to_the_model(client: Person, name: str, arguments: dict[str, Any], says: str) -> None:
    failed, text = call(client, name, **arguments)
    assert failed
    assert text.startswith("ERROR invalid_value\nHINT  ")
    assert says in text
    assert text.count("\n") == 2


@pytest.mark.parametrize("arguments", ["x", 5, [1]])
def test_arguments_that_are_no_object_are_told_to_the_model(client: Person, arguments: Any) -> None:
    answer = client.post("/mcp", json=rpc("tools/call", {"name": "read", "arguments": arguments})).json()
    assert answer["result"]["isError"]
    (content,) = answer["result"]["content"]
    assert content["text"] == "ERROR invalid_value\nHINT  Send the arguments as one JSON object: path.\n"


def test_unambiguous_slips_of_models_are_understood(home: House, alice: Person) -> None:
    """A full URL, a lower-case method, blanks, JSON in a string: meant well and not ambiguous."""
    assert call(alice, "read", path=f" {home.url}/healthz ") == (False, "ok\n")
    failed, text = call(alice, "request", method="post", path="/contacts", body='{"name":"Jane Doe"}')
    assert (failed, "# created" in text) == (False, True)
    assert call(alice, "read", path="/contacts?search=jane doe")[1].startswith("contact/")
    assert call(alice, "request", method="POST", path="/contacts", body=None)[1].startswith("ERROR missing_field")


def test_a_key_that_stands_twice_is_refused_over_mcp_too(alice: Person) -> None:
    raw = (
        '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"request","arguments":'
        '{"method":"POST","path":"/contacts","body":{"name":"A","name":"B"}}}}'
    )
    text = alice.post("/mcp", content=raw).json()["result"]["content"][0]["text"]
    assert text.startswith("ERROR invalid_json")


def test_the_read_tool_never_changes_anything(home: House, alice: Person) -> None:
    call(alice, "request", method="POST", path="/contacts", body={"name": "Jane"})
    before = alice.text("GET", "/audit")
    id = re.findall(r"contact/(\S+)", alice.text("GET", "/contacts"))[0]
    for path in (
        f"/contacts/{id}",
        f"/contacts/{id}?confirm=x",
        "/contacts",
        "/tokens",
        "/workspaces",
        "/auth/request",
    ):
        call(alice, "read", path=path)
    assert alice.text("GET", "/audit") == before


def test_a_call_counts_once_against_the_limit_and_past_it_the_model_is_told(tmp_path: Path) -> None:
    with house(tmp_path / "data", {"CRMKIT_LIMITS_REQUESTS_PER_MINUTE": "5"}) as home, home.sign_in(ALICE) as alice:
        for number, path in enumerate(["/whoami", "/healthz", "/whoami", "/nope"]):
            assert call(alice, "read", path=path)[0] is (path == "/nope"), number
        assert alice.post("/mcp", content=b"{").status_code == 400  # whatever it holds, it counts
        failed, text = call(alice, "read", path="/whoami")
        assert failed
        assert text.startswith("ERROR rate_limited\nHINT  ")
        assert alice.send_it("GET", "/whoami").status_code == 429
        refused = alice.post("/mcp", json=rpc("tools/list"))
        assert (refused.status_code, "retry-after" in refused.headers) == (429, True)


def test_the_log_has_the_call_and_its_request_under_one_id(home: House, alice: Person) -> None:
    call(alice, "read", path="/contacts?search=secretword")
    *_, inner, outer = home.logged().splitlines()
    assert "path=/contacts  status=200" in inner
    assert "path=/mcp  status=200" in outer
    assert re.findall(r"request=(\S+)", inner) == re.findall(r"request=(\S+)", outer)
    assert "secretword" not in home.logged()


def test_what_a_tool_changed_is_logged_as_the_callers(home: House) -> None:
    with home.sign_in(ALICE, "Claude") as alice:
        call(alice, "request", method="POST", path="/contacts", body={"name": "Jane"})
        newest = alice.json_of("GET", "/audit?limit=1")["items"][0]
        assert (newest["by"], newest["token_name"], newest["action"]) == (ALICE, "Claude", "contact.create")


def test_me_is_the_caller_of_a_tool_too(alice: Person) -> None:
    body = {"name": "Mine", "owner": "me"}
    failed, made = call(alice, "request", method="POST", path="/contacts", body=body)
    assert not failed
    assert f"owner={ALICE}" in made
    handle = made.partition("  ")[0]
    assert handle in call(alice, "read", path="/contacts?owner=me")[1]


def test_a_page_that_has_rows_alone_is_followed_by_the_path_of_the_next(client: Person) -> None:
    for at in range(3):
        client.json_of("POST", "/campaigns", {"name": f"C{at}"})

    def page(path: str) -> list[str]:
        answer = client.post("/mcp", json=rpc("tools/call", {"name": "read", "arguments": {"path": path}})).json()
        return [part["text"] for part in answer["result"]["content"]]

    rows, following = page("/campaigns?format=csv&limit=2&fields=name")
    assert rows.startswith("handle,id,name\r\n")
    assert following.startswith("# next: GET /campaigns?format=csv&limit=2&fields=name&cursor=")
    (rest,) = page(following.removeprefix("# next: GET "))
    assert len(rest.splitlines()) == 2


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_what_headers_tell_of_a_page_that_has_rows_alone_is_told(client: Person, format: str) -> None:
    path = f"/campaigns?format={format}&limit=5000&explain=1"
    answer = client.post("/mcp", json=rpc("tools/call", {"name": "read", "arguments": {"path": path}})).json()
    _, *told = [part["text"] for part in answer["result"]["content"]]
    headers = client.get(path).headers
    assert told == [f"# note: {headers['x-note']}", f"# read as: {headers['x-read-as']}"]


def test_a_file_that_is_no_text_is_refused_with_the_line_that_gets_it(alice: Person) -> None:
    workspace = alice.json_of("GET", "/workspaces")["items"][0]["id"]
    for path in ("/contacts/export?format=xlsx&name=contains:o'b$x", f"/workspaces/{workspace}/export"):
        failed, told = call(alice, "read", path=path)
        assert failed
        assert told.startswith("ERROR unknown_format\n")
        line = shlex.split(told[told.index("curl") :].splitlines()[0])
        assert line[:3] == ["curl", "-H", "Authorization: Bearer ck_…"]
        assert urlsplit(line[-1]).path == path.partition("?")[0]
        answer = alice.get(urlsplit(line[-1])._replace(scheme="", netloc="").geturl())
        assert answer.content.startswith(b"PK")
    for format in ("csv", "vcf", "jsonl"):
        assert not call(alice, "read", path=f"/contacts/export?format={format}")[0]
