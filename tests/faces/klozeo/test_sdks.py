"""Requests as the clients for TypeScript and Go send them, byte for byte, and what these clients read of the answers.

No registry serves the two, so their requests are written out here: headers, spelling of queries, order within bodies.
"""

import http.client
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlsplit

import pytest

from tests.teams.office import Team

Pairs = list[tuple[str, str]]
NONE = object()  # no body
NUMBER = (int, float)


@dataclass(frozen=True)
class Sdk:
    """How a client asks: headers, the query, the body; `empty` is how it filters by an empty value."""

    headers: Callable[[str, bytes | None, bool], Pairs]  # of a key, a body, and whether a file is asked for
    query: Callable[[Pairs], str]
    body: Callable[[Any], str]
    empty: str


def _ts_headers(key: str, body: bytes | None, is_file: bool) -> Pairs:
    own = [] if is_file else [("Content-Type", "application/json")]
    accepts = [("Accept", "*/*" if is_file else "application/json"), ("accept-language", "*")]
    made = [("connection", "keep-alive"), ("X-API-Key", key), *own, *accepts]
    return [*made, ("sec-fetch-mode", "cors"), ("user-agent", "node"), ("accept-encoding", "gzip, deflate")]


def _go_headers(key: str, body: bytes | None, is_file: bool) -> Pairs:
    own = [] if body is None else [("Content-Type", "application/json")]
    made = [("User-Agent", "Go-http-client/1.1"), ("Accept", "application/json"), *own]
    return [*made, ("X-Api-Key", key), ("Accept-Encoding", "gzip")]


def _ts_query(pairs: Pairs) -> str:
    return "&".join(f"{name}={quote_plus(text, safe='*').replace('~', '%7E')}" for name, text in pairs)


def _go_query(pairs: Pairs) -> str:
    return "&".join(f"{name}={quote_plus(text)}" for name, text in sorted(pairs, key=lambda pair: pair[0]))


def _ts_body(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _go_body(value: Any) -> str:
    """Return JSON as Go has it: no angle brackets, whatever is empty left out."""
    text = json.dumps(_filled(value), separators=(",", ":"), ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _filled(value: Any) -> Any:
    if isinstance(value, list):
        return [_filled(each) for each in value]
    if isinstance(value, dict) and "type" not in value:
        return {name: _filled(each) for name, each in value.items() if each not in ("", None, [])}
    return value


TS = Sdk(_ts_headers, _ts_query, _ts_body, "and.eq.email")
GO = Sdk(_go_headers, _go_query, _go_body, "and.eq.email.")


@dataclass
class Client:
    """One of the clients, with a key, at a base URL."""

    sdk: Sdk
    base: str
    key: str
    line: http.client.HTTPConnection

    def ask(self, method: str, path: str, body: Any = NONE, is_file: bool = False) -> tuple[int, Any]:
        """Return the status and what the body of the answer says."""
        sent = None if body is NONE else self.sdk.body(body).encode()
        self.line.putrequest(method, self.base + path, skip_accept_encoding=True)
        for name, text in self.sdk.headers(self.key, sent, is_file):
            self.line.putheader(name, text)
        if sent is not None or method in ("POST", "PUT"):
            self.line.putheader("Content-Length", str(len(sent or b"")))
        self.line.endheaders(sent)
        answer = self.line.getresponse()
        content = answer.read()
        assert "Content-Encoding" not in answer.headers  # nothing here is compressed
        if answer.status == 204:
            assert content == b""
            return 204, {}
        return answer.status, content if is_file else json.loads(content)

    def got(self, method: str, path: str, body: Any = NONE, is_file: bool = False) -> Any:
        status, shown = self.ask(method, path, body, is_file)
        assert 200 <= status < 300, shown
        return shown

    def found(self, *filters: str, **more: str) -> Any:
        """Return a page of leads."""
        pairs = [("filter", each) for each in filters] + [*more.items()]
        page = self.got("GET", f"/leads?{self.sdk.query(pairs)}")
        reads(page, leads=list, has_more=bool, count=int)
        assert (page["next_cursor"] is not None) is page["has_more"]
        for each in page["leads"]:
            reads_lead(each)
        return page


def reads(shown: Mapping[str, Any], **types: Any) -> None:
    """Look for what a client decodes: Go refuses a value of another type, both show nothing where one is missing."""
    for name, type_ in types.items():
        assert isinstance(shown[name], type_), (name, shown)
        assert type_ not in (int, NUMBER) or not isinstance(shown[name], bool)


def reads_lead(shown: Mapping[str, Any]) -> None:
    told = {"created_at": int, "updated_at": int, "last_interaction_at": int, "tags": list, "attributes": list}
    reads(shown, id=str, name=str, source=str, score=NUMBER, status=str, **told)
    optional = {"latitude": NUMBER, "longitude": NUMBER, "rating": NUMBER, "review_count": int}
    for name in ("description", "address", "city", "state", "country", "postal_code", "phone", "email", "website"):
        optional[name] = str
    for name in ("category", "source_id", "logo_url"):
        optional[name] = str
    reads(shown, **{name: type_ for name, type_ in optional.items() if shown[name] is not None})
    for each in shown["attributes"]:
        reads(each, id=str, name=str, type=str, value=object)


@contextmanager
def speaking(us: Team, sdk: Sdk, base: str = "/api/v1") -> Iterator[Client]:
    line = http.client.HTTPConnection(urlsplit(us.home.url).netloc, timeout=30)
    try:
        yield Client(sdk, base, us.alice.token, line)
    finally:
        line.close()


@pytest.fixture(params=[TS, GO], ids=["typescript", "go"])
def client(us: Team, request: pytest.FixtureRequest) -> Iterator[Client]:
    with speaking(us, request.param) as made:
        yield made


LEAD = {
    **{"name": "Acme & Söhne <GmbH>", "source": "website", "description": "Où?", "address": "1 Main St"},
    **{"city": "New York", "state": "NY", "country": "US", "postal_code": "10001", "latitude": 40.7},
    **{"longitude": -74, "phone": "+12125550100", "email": "a+b@acme.com", "website": "https://acme.com"},
    **{"rating": 4.5, "review_count": 12, "category": "IT", "tags": ["enterprise"], "source_id": "ext 1"},
    **{"logo_url": "https://acme.com/logo.png"},
}
ATTRIBUTES = [
    {"name": "industry", "type": "text", "value": "Software, R&D"},
    {"name": "employees", "type": "number", "value": 500},
    {"name": "open", "type": "bool", "value": True},
    {"name": "brands", "type": "list", "value": ["A"]},
    {"name": "social", "type": "object", "value": {"x": "y"}},
]


def test_a_lead_is_made_merged_read_changed_and_deleted(client: Client) -> None:
    made = client.got("POST", "/leads", {**LEAD, "attributes": ATTRIBUTES})
    reads(made, id=str, message=str, created_at=int)
    assert {"duplicate", "potential_duplicate_id"}.isdisjoint(made)
    again = client.got("POST", "/leads", {"name": "Acme", "source": "website", "email": "A+B@acme.com"})
    assert (again["id"], again["duplicate"]) == (made["id"], True)
    lead = client.got("GET", f"/leads/{made['id']}")
    reads_lead(lead)
    assert {name: lead[name] for name in LEAD} == {**LEAD, "name": "Acme"}
    assert [{**each, "id": ""} for each in lead["attributes"]] == [{**each, "id": ""} for each in ATTRIBUTES]
    changed = client.got("PUT", f"/leads/{made['id']}", {"city": "Bonn", "country": "DE", "rating": 0})
    assert (changed["city"], changed["rating"], changed["email"]) == ("Bonn", 0, lead["email"])
    if client.sdk is TS:
        assert client.got("PUT", f"/leads/{made['id']}", {"email": None, "tags": []})["tags"] == []
    sent_whole = client.got("POST", "/leads", {**lead, "email": "new@acme.com", "source_id": "", "phone": ""})
    assert sent_whole["id"] != made["id"]  # what only the server writes is left out
    assert client.got("DELETE", f"/leads/{made['id']}") == {}
    status, told = client.ask("GET", f"/leads/{made['id']}")
    assert (status, told["error"], told["code"]) == (404, "not_found", "not_found")
    reads(told, message=str)


def test_a_list_takes_their_filters_sorts_and_cursors(client: Client) -> None:
    id = client.got("POST", "/leads", {**LEAD, "attributes": ATTRIBUTES})["id"]
    assert client.got("GET", "/leads?")["count"] == 1
    for each in (
        *("and.eq.city.New York", "and.contains.name.Söhne <", "and.eq.email.a+b@acme.com", "and.gte.rating.4.5"),
        *("and.lt.review_count.1e+21", "and.array_contains.tags.enterprise", "and.array_not_empty.tags"),
        *("and.within_radius.location.40.7,-74,0.5", "and.is_set.location", "and.eq.attr:industry.Software, R&D"),
        *("and.eq.attr:employees.500", "and.lte.attr:employees.500", "and.is_not_empty.email", "and.neq.state.CA"),
        *("or.eq.city.New York", "and.not_contains.website.example", "and.eq.country.US"),
    ):
        assert [lead["id"] for lead in client.found(each)["leads"]] == [id], each
    assert client.found(client.sdk.empty)["leads"] == []
    assert client.found("or.eq.city.Paris", "or.eq.city.New York", "and.gte.rating.4")["count"] == 1
    leads = [{"name": f"No {number}", "source": "import", "rating": number} for number in range(5)]
    assert client.got("POST", "/leads/batch", {"leads": leads})["success"] == 5
    names, cursor, pages = [], {}, 0
    while True:
        page = client.found("and.eq.source.import", sort_by="rating", sort_order="DESC", limit="2", **cursor)
        names += [lead["name"] for lead in page["leads"]]
        pages += 1
        if not page["has_more"]:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert (pages, names) == (3, [f"No {number}" for number in range(4, -1, -1)])
    assert client.found(sort_by="attr:employees", sort_order="DESC")["leads"][0]["id"] == id
    for format, begins in (("csv", b"id,name,"), ("json", b"[{"), ("xlsx", b"PK")):
        query = client.sdk.query([("filter", "and.eq.source.import"), ("sort_by", "name"), ("format", format)])
        assert client.got("GET", f"/leads/export?{query}", is_file=True).startswith(begins)


def test_batches_tell_of_each_lead(client: Client) -> None:
    leads = [{"name": "One", "source": "import"}, {"name": "Two", "source": ""}]
    made = client.got("POST", "/leads/batch", {"leads": leads})
    reads(made, created=list, errors=list, total=int, success=int, failed=int)
    reads(made["created"][0], index=int, id=str, created_at=int)
    reads(made["errors"][0], index=int, message=str)
    ids = [made["created"][0]["id"], "cl_nothing"]
    for method, body in (("PUT", {"ids": ids, "data": {"city": "Bonn"}}), ("DELETE", {"ids": ids})):
        told = client.got(method, "/leads/batch", dict(sorted(body.items())))
        reads(told, results=list, total=int, success=int, failed=int)
        assert [each["success"] for each in told["results"]] == [True, False]
        reads(told["results"][1], index=int, id=str, message=str)


def test_notes_rules_scores_and_webhooks_are_wrapped_as_they_read_them(client: Client) -> None:
    id = client.got("POST", "/leads", LEAD)["id"]
    times = {"created_at": int, "updated_at": int}
    note = client.got("POST", f"/leads/{id}/notes", {"content": "Hello <you>"})
    reads(note, id=str, lead_id=str, content=str, **times)
    assert client.got("PUT", f"/notes/{note['id']}", {"content": "Bye"})["content"] == "Bye"
    assert [each["content"] for each in client.got("GET", f"/leads/{id}/notes")["notes"]] == ["Bye"]
    assert client.got("DELETE", f"/notes/{note['id']}") == {}

    rule = client.got("POST", "/scoring-rules", {"name": "R", "expression": "rating > 4 ? 10 : 0", "priority": 2})
    reads(rule, id=str, name=str, expression=str, priority=int, **times)
    assert client.got("GET", "/scoring-rules")["rules"] == [rule]
    assert client.got("PUT", f"/scoring-rules/{rule['id']}", {"expression": "7"})["expression"] == "7"
    told = client.got("POST", f"/leads/{id}/score")
    assert told == {"id": id, "score": 7}
    assert client.got("GET", f"/scoring-rules/{rule['id']}")["priority"] == 2
    again = client.got("POST", "/scoring-rules", rule)  # as Go sends what it was given
    assert again["id"] != rule["id"]
    for each in (rule, again):
        assert client.got("DELETE", f"/scoring-rules/{each['id']}") == {}

    hook = client.got(
        "POST", "/webhooks", {"url": "https://webhooks.invalid/h", "events": ["lead.created"], "secret": ""}
    )
    reads(hook, id=str, url=str, events=list, active=bool, created_at=str)
    assert client.got("GET", "/webhooks")["webhooks"] == [hook]
    assert client.got("DELETE", f"/webhooks/{hook['id']}") == {}


def test_errors_have_what_they_show(us: Team, client: Client) -> None:
    client.key = "sk_live_0123456789abcdef"
    line = http.client.HTTPConnection(urlsplit(us.home.url).netloc, timeout=30)
    line.request("GET", "/api/v1/leads?", headers=dict(client.sdk.headers(client.key, None, False)))
    answer = line.getresponse()
    told = json.loads(answer.read())
    line.close()
    assert (answer.status, told["code"]) == (401, "unauthorized")
    client.key = us.alice.token
    status, told = client.ask("POST", "/leads", {"name": "A", "source": "s", "email": "x"})
    assert (status, told["code"], "email" in told["message"]) == (400, "bad_request", True)


@pytest.mark.parametrize("base", ["/api/v1/", "/api/v1"])
def test_a_base_url_may_end_with_a_slash_which_go_does_not_take_away(us: Team, base: str) -> None:
    with speaking(us, GO, base) as client:
        assert client.got("GET", "/leads?")["count"] == 0
        assert client.got("POST", "/leads", LEAD)["message"]
