"""Links over HTTP: an address that shows a path to people without a token, for a while."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from crmkit.boot import KINDS
from crmkit.clock import after
from crmkit.core.transfer.links import verbs as links
from crmkit.web.app import routes
from tests.house import ALICE, BOB, UNLIMITED, House, Person, house
from tests.teams.office import JSON, Books, address, enter, erased, error_of, new, team, working_in
from tests.web.connecting import App


def linked(person: Person, path: str, **more: Any) -> dict[str, Any]:
    answer = person.post("/links", json={"path": path, **more}, headers=JSON)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def opened(home: House, link: dict[str, Any], method: str = "GET", **headers: str) -> httpx.Response:
    """Return what a browser is answered at the address of a link."""
    return home.visitor().request(method, link["url"].removeprefix(home.crm.settings.base_url), headers=headers)


@pytest.fixture
def alice(town: House) -> Person:
    """Alice, admin of a workspace that is hers alone in each test."""
    return enter(town, address("alice"))


def test_a_link_shows_its_path_without_a_token_as_a_file(town: House, alice: Person) -> None:
    new(alice, "/contacts", name="Jane", stage="lead")
    answer = alice.post("/links", json={"path": "/contacts?stage=lead"})
    assert answer.status_code == 201
    assert re.fullmatch(
        r"OK link/(ln_\w{8})\nurl: http://127\.0\.0\.1:\d+/l/[a-z2-9]{39}\npath: /contacts\?stage=lead\n"
        r"expires_at: 2026-06-10T10:0\d:\d\dZ\n# note: .*\n",
        answer.text,
    )
    link = linked(alice, "/contacts?stage=lead")
    assert link["expires_at"] == after(link["created_at"], minutes=60)
    shown = opened(town, link)
    assert (shown.status_code, shown.text) == (200, alice.text("GET", "/contacts?stage=lead"))
    told = shown.headers
    assert told["Content-Type"] == "text/plain; charset=utf-8"
    assert told["Content-Disposition"] == 'attachment; filename="contacts.txt"'
    assert (told["X-Content-Type-Options"], told["Referrer-Policy"]) == ("nosniff", "no-referrer")
    assert (told["Cache-Control"], told["Content-Security-Policy"]) == ("no-store", "sandbox; default-src 'none'")
    assert opened(town, link).text == shown.text  # again
    assert opened(town, link, "HEAD").headers["Content-Length"] == str(len(shown.content))


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/contacts/export?format=csv", "contacts.csv"),
        ("/contacts/export?format=jsonl&stage=lead&fields=name", "contacts.jsonl"),
        ("/contacts?format=csv&bom=1", "contacts.csv"),
        ("/contacts/count?by=stage", "contacts-count.txt"),
        ("/contacts?format=json", "contacts.json"),
        ("/contacts/{c}", "contacts.txt"),
        ("/contact/{c}?fields=name", "contacts.txt"),
        ("/contacts/contact/{c}/activities", "contacts-activities.txt"),
        ("/contacts/jané%40example.com?format=json", "contacts.json"),
        ("/contacts?name=con:Jané", "contacts.txt"),
        ("/search?q=jane", "search.txt"),
        ("/reminders", "reminders.txt"),
        ("/duplicates", "duplicates.txt"),
        ("/changes", "changes.txt"),
        ("/analytics/summary", "analytics-summary.txt"),
        ("/views/hot", "views-hot.txt"),
        ("/contacts?limit=1&timezone=Asia/Tokyo", "contacts.txt"),
    ],
)
def test_lists_records_counts_figures_and_views_may_be_linked(town: House, alice: Person, path: str, name: str) -> None:
    jane = new(alice, "/contacts", name="Jane", email="jané@example.com", stage="lead")
    new(alice, "/views", name="hot", path="/contacts?stage=lead")
    path = path.format(c=jane)
    shown = opened(town, linked(alice, path), Accept="application/json, text/html")
    assert shown.status_code == 200
    assert shown.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert re.sub("# now: .*", "", shown.text) == re.sub("# now: .*", "", alice.text("GET", path))


def test_the_next_page_of_what_a_link_shows_is_that_of_its_path(town: House, alice: Person) -> None:
    for name in ("Jane", "Joe"):
        new(alice, "/contacts", name=name)
    link = linked(alice, "/contacts?format=csv&limit=1")
    assert re.fullmatch(
        r'<\S*/contacts\?format=csv&limit=1&cursor=\S+>; rel="next"', opened(town, link).headers["Link"]
    )


def test_what_each_route_says_of_links() -> None:
    every = {path: route for route in routes(KINDS) if "GET" in route.methods for path in route.paths}
    refused = {path for path, route in every.items() if not route.is_linked and not route.public}
    of_kinds = {
        f"/{kind.plural}/{{id}}/{log}" for kind in (*KINDS.records, KINDS.activity) for log in ("history", "blame")
    }
    of_settings = {path for path in every if path.startswith(("/views", "/fields", "/scoring-rules", "/webhooks"))} - {
        "/views/{id}"
    }
    scores = {f"{kind.path}/{{id}}/score" for kind in KINDS.scored}  # which name rules
    assert refused == of_kinds | of_settings | scores | {
        *("/whoami", "/tokens", "/links", "/jobs/{id}", "/audit", "/audit/export", "/brief"),
        "/imports",
        *("/proposals", "/proposals/{id}"),
        *(
            "/workspaces",
            "/workspaces/{id}/members",
            "/workspaces/{id}/export",
            "/pipelines/contacts",
            "/pipelines/deals",
        ),
    }


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("/tokens", "is nothing that a link may show"),
        ("/links", "is nothing that a link may show"),
        ("/mcp", "is nothing that a link may show"),
        ("/auth/request", "is nothing that a link may show"),
        ("/authorize?x=1", "is nothing that a link may show"),
        ("/audit", "is nothing that a link may show"),
        ("/brief", "is nothing that a link may show"),
        ("/whoami", "is nothing that a link may show"),
        ("/workspaces", "is nothing that a link may show"),
        ("/contacts/batch", "is nothing that a link may show"),
        ("/l/abc", "is nothing that a link may show"),
        ("/nowhere", "leads nowhere"),
        ("/changes?wait=20", "has wait, which is for one request alone: leave it out"),
        ("/contacts?wait=20", "has wait, which is for one request alone: leave it out"),
        ("/contacts?confirm=x", "has confirm, which is for one request alone: leave it out"),
        ("/contacts?stage=%FF", "has a query that is not percent-encoded UTF-8"),
        ("/contacts?colour=red", "colour is no field*"),
        ("/contacts?format=yaml", "format must be *"),
        ("contacts", "must be the path of *"),
        ("http://example.com/contacts", "must be the path of *"),
        ("//example.com/contacts", "leads nowhere"),
        ("", "*required*"),
        (1, "must be *"),
    ],
)
def test_what_no_link_may_show_is_refused_and_told(alice: Person, path: Any, what: str) -> None:
    answer = alice.post("/links", json={"path": path}, headers=JSON)
    assert answer.status_code == 400, answer.text
    found = answer.json()["fields"]["path"]
    assert re.match(re.escape(what).replace(r"\*", ".*"), found) or path == "", found
    assert alice.json_of("GET", "/links")["items"] == []


@pytest.mark.parametrize("minutes", [0, -1, 1441, 1.5, "60", True, 10**15])
def test_a_link_lives_from_a_minute_to_a_day(alice: Person, minutes: Any) -> None:
    answer = alice.post("/links", json={"path": "/contacts", "minutes": minutes}, headers=JSON)
    assert answer.status_code == 400
    assert "minutes" in answer.text


def test_a_record_that_is_not_there_or_of_others_cannot_be_linked(town: House, alice: Person) -> None:
    theirs = new(enter(town, address("charlie")), "/contacts", name="Theirs")
    for id in (theirs, "c_aaaaaaaa", "nobody@example.com"):
        answer = alice.post("/links", json={"path": f"/contacts/{id}"}, headers=JSON)
        assert error_of(answer) == (404, "not_found")


def over(home: House, link: dict[str, Any]) -> bool:
    """Tell whether a link is over, to browsers, programs, and everybody else alike."""
    page, told = opened(home, link, Accept="text/html,*/*"), opened(home, link, Accept="application/json")
    if page.status_code == 200:
        return False
    assert (page.status_code, page.headers["Content-Type"]) == (410, "text/html; charset=utf-8")
    assert "<h1>This link is over</h1>" in page.text
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert error_of(told) == (410, "link_over")
    assert opened(home, link).status_code == 410
    return True


def test_a_link_is_over_after_its_minutes(home: House) -> None:
    with home.sign_in(ALICE) as alice:
        short, long = linked(alice, "/contacts", minutes=1), linked(alice, "/contacts", minutes=1440)
        home.clock.move(seconds=59)
        assert (over(home, short), over(home, long)) == (False, False)
        home.clock.move(seconds=1)
        assert (over(home, short), over(home, long)) == (True, False)
        assert [item["id"] for item in alice.json_of("GET", "/links")["items"]] == [long["id"]]
        home.clock.move(hours=24)
        assert over(home, long)
        assert error_of(alice.delete(f"/links/{long['id']}", headers=JSON)) == (404, "not_found")


def test_a_link_ends_when_it_is_ended_or_its_token_is(town: House, alice: Person) -> None:
    place = alice.json_of("GET", "/whoami")["workspace"]
    twin = working_in(alice, place)
    own, other = linked(twin, "/contacts"), linked(twin, "/contacts")
    assert alice.text("DELETE", f"/links/{own['id']}").startswith(f"OK ended link/{own['id']}\n")
    assert over(town, own)
    assert not over(town, other)
    token = next(item["id"] for item in twin.json_of("GET", "/tokens")["items"] if item["current"])
    assert alice.delete(f"/tokens/{token}").status_code == 200
    assert over(town, other)
    assert alice.json_of("GET", "/links")["items"] == []


def test_a_link_ends_with_the_membership_and_reads_with_the_role_of_the_moment(town: House) -> None:
    us = team(town)
    new(us.alice, "/contacts", name="Jane")
    link = linked(us.bob, "/contacts")
    assert "Jane" in opened(town, link).text
    bob = us.bob.json_of("GET", "/whoami")["user"]
    assert us.alice.delete(f"/workspaces/{us.id}/members/{bob}").status_code == 200
    assert over(town, link)


def test_a_link_ends_when_its_token_was_not_used_for_too_long(tmp_path: Path) -> None:
    with house(tmp_path / "data", {**UNLIMITED, "CRMKIT_AUTH_TOKEN_IDLE_DAYS": "1"}) as home, home.sign_in(ALICE) as me:
        home.clock.move(minutes=9)  # too soon to write down that the token was used again
        link = linked(me, "/contacts", minutes=1440)
        home.clock.move(hours=23, minutes=50)
        assert not over(home, link)
        home.clock.move(minutes=2)
        assert over(home, link)


def test_members_see_and_end_their_own_links_and_admins_all(town: House) -> None:
    us = team(town)
    hers, his = linked(us.alice, "/contacts"), linked(us.bob, "/deals?limit=1")
    assert [item["id"] for item in us.bob.json_of("GET", "/links")["items"]] == [his["id"]]
    assert {item["id"] for item in us.alice.json_of("GET", "/links")["items"]} == {hers["id"], his["id"]}
    assert us.charlie.json_of("GET", "/links")["items"] == []
    line = us.bob.text("GET", "/links").splitlines()[0]
    assert line.startswith(f"link/{his['id']}  path=/deals?limit=1  by={us.bob.email}  created_at=")
    for person, link in ((us.bob, hers), (us.charlie, his), (us.charlie, hers)):
        assert error_of(person.delete(f"/links/{link['id']}", headers=JSON)) == (404, "not_found")
    assert us.alice.delete(f"/links/link/{his['id']}").status_code == 200
    assert us.bob.delete(f"/links/{his['id']}").status_code == 404
    logged = [(row["action"], row["target"]) for row in us.alice.json_of("GET", "/audit?limit=3")["items"]]
    assert logged[0] == ("link.delete", f"link/{his['id']}")
    assert ("link.create", f"link/{his['id']}") in logged
    for query in ("action=link.create", f"target={his['id']}", "target=links"):
        assert us.alice.json_of("GET", f"/audit?{query}")["items"], query


def test_a_person_has_a_hundred_links_at_most(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "MOST", 2)
    for _ in range(2):
        made = linked(alice, "/contacts")
    answer = alice.post("/links", json={"path": "/contacts"}, headers=JSON)
    assert error_of(answer) == (403, "plan_limit_reached")
    assert answer.json()["resource"] == "links"
    assert alice.delete(f"/links/{made['id']}").status_code == 200
    linked(alice, "/contacts")


@pytest.mark.parametrize("secret", ["x", "a" * 38, "A" * 39, "a" * 40, "%2e%2e", "ln_aaaaaaaa", "l" * 39])
def test_what_cannot_be_a_secret_leads_nowhere_and_what_can_is_over(town: House, secret: str) -> None:
    assert town.visitor().get(f"/l/{secret}").status_code in (404, 405)
    assert town.visitor().get(f"/l/{'a' * 39}").status_code == 410


def test_an_address_takes_nothing_and_no_other_method(town: House, alice: Person) -> None:
    link = linked(alice, "/contacts")
    path = link["url"].removeprefix(town.crm.settings.base_url)
    assert town.visitor().get(f"{path}?stage=lead").status_code == 400
    for method in ("POST", "PATCH", "DELETE", "PUT"):
        assert town.visitor().request(method, path).status_code == 405
    own = alice.get(path)  # a token that is sent counts for nothing
    assert own.status_code == 200


def test_neither_the_log_nor_the_database_nor_the_audit_log_has_an_address(home: House) -> None:
    with home.sign_in(ALICE, "Claude") as alice:
        link = linked(alice, "/contacts")
        secret = link["url"].rpartition("/")[2]
        opened(home, link)
        assert alice.delete(f"/links/{link['id']}").status_code == 200
        opened(home, link)
        assert secret not in alice.text("GET", "/audit?format=json") + alice.text("GET", "/links")
    logged = home.logged()
    assert secret not in logged
    (line,) = re.findall(r".*path=/l/\S+  status=200.*", logged)
    assert "path=/l/{secret}" in line
    assert "token=Claude" in line
    with Books(home.folder) as books:
        for table in books.tables():
            assert secret not in str(books.ask(f"SELECT * FROM {table}"))


def test_under_a_key_a_link_is_made_once_and_its_address_is_shown_once(town: House, alice: Person) -> None:
    def sent(**more: Any) -> httpx.Response:
        return alice.post("/links", json={"path": "/contacts"}, headers={"Idempotency-Key": "k", **JSON, **more})

    first, again = sent(), sent()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])
    secret = first.json()["url"].rpartition("/")[2]
    assert not over(town, first.json())
    assert secret not in again.text
    assert again.json()["url"] is None
    assert len(alice.json_of("GET", "/links")["items"]) == 1


def test_a_dry_run_makes_no_link(town: House, alice: Person) -> None:
    tried = alice.post("/links?dry_run=1", json={"path": "/contacts"}, headers=JSON).json()
    assert tried["dry_run"] is True
    assert alice.json_of("GET", "/links")["items"] == []
    assert "\nurl: new\n" in alice.text("POST", "/links?dry_run=1", {"path": "/contacts"})


def test_each_use_counts_against_the_limit_of_its_token(tmp_path: Path) -> None:
    with house(tmp_path / "data", {"CRMKIT_LIMITS_REQUESTS_PER_MINUTE": "5"}) as home, home.sign_in(ALICE) as alice:
        link = linked(alice, "/contacts")
        seen = [opened(home, link).status_code for _ in range(5)]
        assert seen == [200, 200, 200, 200, 429]
        assert error_of(alice.get("/contacts", headers=JSON)) == (429, "rate_limited")


def test_a_view_of_what_no_link_may_show_is_not_shown_either(town: House, alice: Person) -> None:
    view = new(alice, "/views", name="any", path="/contacts")
    link = linked(alice, "/views/any")
    assert opened(town, link).status_code == 200
    for path in ("/fields", "/views", "/audit"):
        if alice.patch(f"/views/{view}", json={"path": path}).status_code == 200:
            assert opened(town, link).status_code == 400
            assert alice.post("/links", json={"path": "/views/any"}).status_code == 400


def test_a_path_that_cannot_be_read_any_more_is_told(town: House, alice: Person) -> None:
    jane = new(alice, "/contacts", name="Jane")
    link = linked(alice, f"/contacts/{jane}")
    erased(alice, f"/contacts/{jane}")
    gone = opened(town, link)
    assert (gone.status_code, gone.headers["Referrer-Policy"]) == (404, "no-referrer")
    assert "Content-Disposition" not in gone.headers


def test_a_link_of_a_connected_app_lives_an_hour_at_most(home: House) -> None:
    with home.sign_in(ALICE):
        app = App(home)
    with Person(home.url, app.token(ALICE)) as connected:
        link = linked(connected, "/contacts", minutes=1440)
        assert link["expires_at"] == "2026-06-10T10:00:00Z"
        assert "60 minutes at most" in " ".join(link["notes"])
        assert linked(connected, "/contacts", minutes=5)["expires_at"] == "2026-06-10T09:05:00Z"
        assert not over(home, link)
        assert connected.delete(f"/links/{link['id']}").status_code == 200


def test_the_address_has_the_path_of_the_base_url(tmp_path: Path) -> None:
    base = "https://example.com/crm"
    with house(tmp_path / "data", {**UNLIMITED, "CRMKIT_SERVER_BASE_URL": base}) as home, home.sign_in(BOB) as bob:
        link = linked(bob, "/contacts")
        assert link["url"].startswith(f"{base}/l/")
        for path in (link["url"].removeprefix(base), link["url"].removeprefix("https://example.com")):
            assert home.visitor().get(path).status_code == 200
