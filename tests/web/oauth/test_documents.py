"""An app may be described by a document at its client id: fetched, judged, kept for a while, within bounds."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from crmkit.core.oauth import documents
from crmkit.core.oauth.client import Client
from crmkit.core.oauth.documents import fresh_seconds
from crmkit.outbound.names import AT_ONCE
from tests.house import ALICE, House, house
from tests.outbound.publishing import Publisher, publisher
from tests.web.connecting import CALLBACK, App, returned

pytestmark = pytest.mark.slow

PATH = "/oauth/client.json"


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    """A publisher whom the server trusts."""
    authority = tmp_path / "authority.pem"
    with publisher(authority) as running:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        yield running


@pytest.fixture
def home(tmp_path: Path, published: Publisher) -> Iterator[House]:
    with house(tmp_path / "data", {"CRMKIT_WEBHOOKS_ALLOW": "127.0.0.1, ::1"}) as running:
        yield running


class Described(App):
    """An app that registers nowhere: its document is published."""

    def __init__(self, home: House, published: Publisher, path: str = PATH, **more: Any) -> None:
        self.published, self.path, self.more = published, path, more
        super().__init__(home, callbacks=tuple(more.get("redirect_uris", [CALLBACK])))

    def __post_init__(self) -> None:
        self.browser = self.house.visitor()
        self.id = f"{self.published.url}{self.path}"
        self.publish()

    def publish(self, status: int = 200, cache: str = "", **other: Any) -> None:
        told = {"client_id": self.id, "client_name": "Claude", "redirect_uris": [CALLBACK], **self.more, **other}
        headers = {"Cache-Control": cache} if cache else {}
        self.published.documents[self.path] = (status, headers, json.dumps(told).encode())


def why(page: httpx.Response) -> str:
    assert page.status_code == 400, page.text
    assert "This cannot go on" in page.text
    return page.text


def test_discovery_says_that_documents_are_taken(home: House) -> None:
    told = home.visitor().get("/.well-known/oauth-authorization-server").json()
    assert told["client_id_metadata_document_supported"] is True
    assert "none" in told["token_endpoint_auth_methods_supported"]
    assert told["registration_endpoint"]


def test_an_app_that_is_described_by_a_document_gets_a_token(home: House, published: Publisher) -> None:
    app = Described(home, published, client_uri="https://claude.ai", token_endpoint_auth_method="private_key_jwt")
    page = app.open()
    assert page.status_code == 200
    assert (
        'Claude</b> · <span class="host">localhost</span>, returns to <span class="host">claude.ai</span>' in page.text
    )
    token = app.token(ALICE)
    assert published.asked == [PATH]  # once for all pages
    answer = home.visitor().get("/whoami", headers={"Authorization": f"Bearer {token}"})
    assert "token_name: Claude" in answer.text
    letter = home.letterbox.letters[-1].body
    assert "Described at:    localhost\n" in letter


def test_its_host_stands_in_for_a_name_that_it_does_not_give(home: House, published: Publisher) -> None:
    page = Described(home, published, client_name="").open().text
    assert "<h1><b>localhost</b> asks to work in your CRM</h1>" in page
    assert (
        '<p class="app"><span class="host">localhost</span>, returns to <span class="host">claude.ai</span></p>' in page
    )


def test_a_program_on_loopback_may_listen_on_any_port_and_its_user_is_told_who_describes_it(
    home: House, published: Publisher
) -> None:
    uris = ["http://localhost/callback", "http://127.0.0.1/callback"]
    app = Described(home, published, redirect_uris=uris)
    page = app.open(redirect_uri="http://127.0.0.1:43117/callback")
    assert page.status_code == 200
    assert '<span class="host">localhost</span>, returns to <span class="host">this computer</span>' in page.text
    assert "redirect_uri is none" in why(app.open(redirect_uri="http://127.0.0.1:43117/other"))
    assert "redirect_uri is none" in why(app.open(redirect_uri="https://localhost:43117/callback"))


def test_the_code_is_bound_to_the_document_that_asked_for_it(home: House, published: Publisher) -> None:
    app, evil = Described(home, published), Described(home, published, "/evil.json")
    code = app.allowed(ALICE)["code"]
    assert app.redeem(code, client_id=evil.id).json()["error"] == "invalid_grant"
    assert app.redeem(app.allowed(ALICE)["code"]).status_code == 200
    assert app.redeem("x", client_id="https://10.0.0.1/client.json").json()["error"] == "invalid_client"
    assert published.asked == [PATH]  # /token fetches nothing


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is no description"),
        (b"[]", "is no description"),
        (b"<html>", "is no description"),
        (b"[" * 5_000, "is no description"),
        (b'{"client_id":1,"redirect_uris":["https://a.example.com/"]}', "is no description"),
        (b'{"client_id":"https://localhost/","redirect_uris":["https://a.example.com/"]}', "names another client_id"),
        ({"redirect_uris": []}, "has no redirect_uris"),
        ({"redirect_uris": "https://claude.ai/"}, "is no description"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "has the app&#x27;s own scheme"),
        ({"redirect_uris": [CALLBACK, "http://evil.example.com/"]}, "stays on the machine"),
        ({"client_name": ["x"]}, "is no description"),
        ({"padding": "x" * 5 * 1024}, "could not be fetched"),
    ],
)
def test_a_document_that_describes_no_app_is_told_on_the_page(
    home: House, published: Publisher, content: Any, words: str
) -> None:
    app = Described(home, published)
    if isinstance(content, bytes):
        published.documents[PATH] = (200, {}, content)
    else:
        app.publish(**content)
    assert words in why(app.open())
    assert words in why(app.post({"email": ALICE}))
    assert published.asked == [PATH]  # not again at once
    assert home.letterbox.letters == []


@pytest.mark.parametrize("status", [201, 204, 301, 302, 308, 401, 404, 500])
def test_only_a_document_that_is_there_counts(home: House, published: Publisher, status: int) -> None:
    app = Described(home, published)
    other = Described(home, published, "/other.json")
    body = b"" if status == 204 else published.documents[PATH][2]
    published.documents[PATH] = (status, {"Location": other.id}, body)
    assert f"could not be fetched from localhost (status {status})" in why(app.open())
    assert published.asked == [PATH]


@pytest.mark.parametrize(
    "url",
    [
        "https://localhost",
        "https://localhost/",
        "https://localhost/?a=b",
        "https://localhost/../client.json",
        "https://localhost/./client.json",
        "https://localhost/client.json#a",
        "https://user@localhost/client.json",
        "https://user:secret@localhost/client.json",
        "https://10.0.0.1/client.json",
        "https://169.254.169.254/latest/meta-data",
        "https://0x7f.1/client.json",
        "https://[::ffff:a00:1]/client.json",
        "https://localhost/" + "a" * 2_000,
        "https://",
    ],
)
def test_a_client_id_that_is_no_public_url_with_a_path_is_never_fetched(
    home: House, published: Publisher, url: str
) -> None:
    app = Described(home, published)
    assert "its client_id is no" in why(app.open(client_id=url))
    assert "client_id" in why(app.open(client_id=app.id.replace("https:", "http:")))
    assert published.asked == []


def test_nobody_learns_what_a_private_name_is(tmp_path: Path, published: Publisher) -> None:
    with house(tmp_path / "closed") as home:
        app = Described(home, published)
        assert "its client_id is no public https URL" in why(app.open())
        machine, missing = socket.gethostname(), "no-such-name.invalid"
        told = {why(app.open(client_id=f"https://{name}/a.json")).replace(name, "NAME") for name in (machine, missing)}
        assert ["its description could not be fetched from NAME." in page for page in told] == [True]
    assert published.asked == []


def test_a_document_is_kept_as_long_as_it_says_within_bounds(home: House, published: Publisher) -> None:
    app = Described(home, published)
    app.publish(cache="max-age=3600")
    assert app.open().status_code == 200
    home.clock.move(minutes=59)
    assert app.open().status_code == 200
    assert len(published.asked) == 1
    home.clock.move(minutes=2)
    assert app.open().status_code == 200
    assert len(published.asked) == 2


def test_a_stale_document_serves_for_a_day_while_it_cannot_be_fetched(home: House, published: Publisher) -> None:
    app = Described(home, published)
    assert app.open().status_code == 200
    app.publish(status=503)
    home.clock.move(hours=1)
    for _ in range(3):
        assert app.open().status_code == 200
    assert len(published.asked) == 2  # a failed fetch is not tried again at once
    home.clock.move(hours=24)
    assert "could not be fetched from localhost (status 503)" in why(app.open())
    app.publish()
    home.clock.move(minutes=2)
    assert app.open().status_code == 200


def test_a_document_that_was_changed_is_taken_as_it_is_now(home: House, published: Publisher) -> None:
    app = Described(home, published)
    assert app.open().status_code == 200
    app.publish(redirect_uris=["https://claude.com/other"])
    home.clock.move(minutes=6)
    assert "redirect_uri is none" in why(app.open())
    published.documents[PATH] = (200, {}, b"{}")
    home.clock.move(minutes=6)
    assert "is no description" in why(app.open())


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", 300),
        ("max-age=0", 300),
        ("max-age=301", 301),
        ("public, Max-Age=7200, immutable", 7200),
        ('max-age="600"', 600),
        ("max-age=999999", 86_400),
        ("max-age=99999999999999999999", 300),
        ("max-age=-5", 300),
        ("max-age=x", 300),
        ("max-age", 300),
        ("s-maxage=900", 300),
        ("no-store, max-age=7200", 300),
        ("no-cache, max-age=7200", 300),
    ],
)
def test_how_long_a_document_is_fresh(header: str, seconds: int) -> None:
    assert fresh_seconds(header) == seconds


def test_many_who_ask_at_once_wait_for_one_fetch(home: House, published: Publisher) -> None:
    app = Described(home, published)

    async def ask() -> list[Client]:
        return await asyncio.gather(*(home.crm.documents.client(app.id, f"192.0.2.{at}") for at in range(50)))

    found = home.do(ask())
    assert len(found) == 50
    assert set(found) == {Client((CALLBACK,), "Claude", app.id)}
    assert published.asked == [PATH]


def test_a_stranger_can_have_only_so_many_documents_fetched(home: House, published: Publisher) -> None:
    known = Described(home, published)
    assert known.open().status_code == 200
    for at in range(documents.FETCHES_PER_CLIENT - 1):
        assert "could not be fetched" in why(known.open(client_id=f"{published.url}/{at}.json"))
    page = known.open(client_id=f"{published.url}/one-more.json")
    assert page.status_code == 429
    assert 0 < int(page.headers["retry-after"]) <= 60
    assert "then try again" in page.text
    assert len(published.asked) == documents.FETCHES_PER_CLIENT
    assert known.open().status_code == 200  # what is kept needs no fetch
    home.clock.move(seconds=61)
    assert "could not be fetched" in why(known.open(client_id=f"{published.url}/one-more.json"))


def test_all_strangers_together_are_bounded_and_so_is_what_is_kept(
    home: House, published: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "FETCHES", 3)
    monkeypatch.setattr(documents, "MOST_KEPT", 2)
    app = Described(home, published)
    for at in range(3):
        assert "could not be fetched" in why(app.open(client_id=f"{published.url}/{at}.json"))
    assert app.open().status_code == 429
    home.clock.move(seconds=61)
    assert len(home.crm.documents._kept) == 2
    assert app.open().status_code == 200
    assert len(home.crm.documents._kept) == 2


def test_a_copy_serves_where_no_more_documents_are_fetched_now(
    home: House, published: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "FETCHES", 1)
    app = Described(home, published)
    assert app.open().status_code == 200
    home.clock.move(minutes=6)
    assert "could not be fetched" in why(app.open(client_id=f"{published.url}/other.json"))
    assert app.open().status_code == 200
    assert published.asked == [PATH, "/other.json"]
    home.clock.move(hours=25)
    assert "could not be fetched" in why(app.open(client_id=f"{published.url}/other.json"))
    assert app.open().status_code == 429  # a copy of a day ago is none


def test_names_that_hang_hold_up_documents_alone(
    home: House, published: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up, go_on = socket.getaddrinfo, threading.Event()

    def slow(host: Any, *more: Any, **named: Any) -> Any:
        if str(host).startswith("hangs"):
            go_on.wait(20)
        return looked_up(host, *more, **named)

    async def ask() -> int:
        fetches = [
            asyncio.create_task(home.crm.documents.client(f"https://hangs{at}.invalid/a.json", f"192.0.2.{at}"))
            for at in range(2 * AT_ONCE)
        ]
        await asyncio.wait(fetches)
        assert {str(task.exception()).partition(" from ")[0] for task in fetches} == {
            "its description could not be fetched"
        }
        return (await home.crm.outbound.get(f"{published.url}{PATH}", 10_000)).status

    app = Described(home, published)
    monkeypatch.setattr(socket, "getaddrinfo", slow)
    monkeypatch.setattr(documents, "FETCH_SECONDS", 0.3)  # those that wait for a place give up then, too
    try:
        assert home.do(ask()) == 200
        assert published.asked == [PATH]
        assert "could not be fetched" in why(app.open())  # all places for documents are taken
    finally:
        go_on.set()


def test_a_user_who_refuses_leads_back_to_the_app(home: House, published: Publisher) -> None:
    app = Described(home, published)
    signin, _ = app.enter(ALICE)
    answer = app.post({"signin": signin, "workspace": ""})
    assert answer.status_code == 303
    assert returned(answer)["error"] == "access_denied"
