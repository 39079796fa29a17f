"""What becomes of a webhook, and of what waits for it, when people, workspaces and apps go or move."""

from pathlib import Path

from crmkit import boot
from tests import postgres
from tests.house import ALICE, UNLIMITED, House, Person, house
from tests.teams.office import JSON, Team, asked, stepped
from tests.web.connecting import App
from tests.web.erasure.leaving import erased
from tests.webhooks.conftest import ALLOW
from tests.webhooks.making import made, sent, standing
from tests.webhooks.receiver import Receiver, moved, until


def test_what_waits_of_a_person_who_is_erased_is_sent_without_them(alice: Person, there: Receiver, home: House) -> None:
    webhook = made(alice, there, events=["contact.*"])
    there.answers = lambda message: 500
    ana = alice.json_of("POST", "/contacts", {"name": "Xanthippe", "email": "x@example.com"})["id"]
    until(lambda: (rows := sent(alice, webhook)) and rows[0]["attempts"])
    assert erased(home, alice, f"/contacts/{ana}").status_code == 200
    there.answers = lambda message: 204
    before = len(there.received)
    until(lambda: moved(home, seconds=30) or len(sent(alice, webhook, "?state=delivered")) == 2)
    told = [message.body for message in there.received[before:]]
    assert [body["type"] for body in told] == ["contact.created", "contact.deleted"]
    assert [(body["data"], body["changes"]) for body in told] == [({"handle": f"contact/{ana}", "id": ana}, {})] * 2
    assert "Xanthippe" not in str(told)


def test_an_erasure_tells_who_went_also_of_one_who_was_deleted_before(
    alice: Person, there: Receiver, home: House
) -> None:
    made(alice, there)
    ana = alice.json_of("POST", "/contacts", {"name": "Xanthippe"})["id"]
    there.wait_for(1)
    gone = {"handle": f"contact/{ana}", "id": ana}
    asks = alice.json_of("DELETE", f"/contacts/{ana}")["confirm"]
    alice.json_of("DELETE", f"/contacts/{ana}?confirm={asks}")
    assert there.wait_for(2)[1].body["data"]["name"] == "Xanthippe"
    assert erased(home, alice, f"/contacts/{ana}").status_code == 200
    body = there.wait_for(3)[2].body
    assert (body["type"], body["data"], body["changes"]) == ("contact.deleted", gone, {})


def test_an_activity_that_goes_with_a_person_is_told_without_what_it_said(
    alice: Person, there: Receiver, home: House
) -> None:
    made(alice, there, events=["activity.deleted", "contact.deleted"])
    ana = alice.json_of("POST", "/contacts", {"name": "Xanthippe"})["id"]
    alice.json_of("POST", f"/contacts/{ana}/activities", {"kind": "call", "body": "plurbwexen"})
    assert erased(home, alice, f"/contacts/{ana}").status_code == 200
    told = [message.body for message in there.wait_for(2)]  # two records, so in any order
    assert sorted(body["type"] for body in told) == ["activity.deleted", "contact.deleted"]
    assert all(body["data"].keys() == {"handle", "id"} and body["changes"] == {} for body in told)


def test_the_end_of_a_workspace_ends_its_webhooks(alice: Person, there: Receiver, home: House) -> None:
    place = alice.json_of("POST", "/workspaces", {"name": "Doomed"})["id"]
    token = alice.json_of("POST", f"/workspaces/{place}/tokens", {"token_name": "in"})["token"]
    with Person(home.url, token, ALICE) as inside:
        made(inside, there, events=["contact.created"])
        inside.json_of("POST", "/contacts", {"name": "Ana"})
        there.wait_for(1)
        assert stepped(home, alice, "DELETE", f"/workspaces/{place}").status_code == 200

    def left() -> int:
        sql = "SELECT (SELECT count(*) FROM webhook_keys) + (SELECT count(*) FROM deliveries) + count(*) FROM jobs"
        found: int = home.do(
            home.crm.database.read(None, lambda c: c.execute(f"{sql} WHERE kind = 'webhook'").fetchone())
        )[0]
        return found

    until(lambda: left() == 0)
    alice.json_of("POST", "/contacts", {"name": "Bea"})
    assert there.types() == ["contact.created"]


def test_it_travels_switched_off_and_without_its_secret(
    alice: Person, there: Receiver, home: House, tmp_path: Path
) -> None:
    webhook = made(alice, there, events=["contact.created"])
    place, file = alice.json_of("GET", "/whoami")["workspace"], tmp_path / "moving.zip"
    boot.export_workspace(boot.load_settings(None, postgres.environ(home.folder)), place, file)
    with house(tmp_path / "other", {**UNLIMITED, **ALLOW}, home.clock) as other:
        boot.import_workspace(boot.load_settings(None, postgres.environ(other.folder)), file)
        with other.sign_in(ALICE) as again:
            found = standing(again, webhook)
            assert (found["state"], found["url"], found["active"]) == ("off", there.url, True)
            assert "another server" in found["reason"]
            assert again.json_of("POST", f"/webhooks/{webhook['id']}/test")["error"] == "invalid_value"
            on = again.json_of("PATCH", f"/webhooks/{webhook['id']}", {"active": True})
            assert on["state"] == "active"
            assert on["secret"] not in ("", webhook["secret"])
            again.json_of("POST", "/contacts", {"name": "Ana"})
            assert there.wait_for(1)[0].body["data"]["name"] == "Ana"


def test_a_connected_app_needs_the_mailed_code_and_takes_its_webhook_along(
    alice: Person, there: Receiver, home: House
) -> None:
    place = alice.json_of("GET", "/whoami")["workspace"]
    with Person(home.url, App(home).token(ALICE, place), ALICE) as app:
        body = {"url": there.url, "events": ["contact.created"]}
        code = asked(home, app, "POST", "/webhooks", body)
        webhook = app.json_of("POST", f"/webhooks?code={code}", body)
        assert webhook["state"] == "active"
        assert "127.0.0.1" in home.letterbox.letters[-1].body
        path, id = f"/webhooks/{webhook['id']}", webhook["id"]
        for change, says in (
            ({"url": f"{there.url}/else"}, f"send what {id} tells to another address at 127.0.0.1"),
            ({"url": "https://example.com/x"}, f"send what {id} tells to example.com in place of 127.0.0.1"),
            (
                {"events": ["deal.*"], "secret": None},
                f"have {id} tell 127.0.0.1 of deal.*, not contact.created; "
                f"give {id}, which sends to 127.0.0.1, another secret",
            ),
        ):
            asked(home, app, "PATCH", path, change)
            assert says in home.letterbox.letters[-1].body
        code = asked(home, app, "PATCH", path, {"active": False})
        assert f"switch {id}, which sends to 127.0.0.1, off" in home.letterbox.letters[-1].body
        other = app.json_of("PATCH", f"{path}?code={code}", {"active": False, "secret": None})
        assert other["error"] == "invalid_code"
        alice.json_of("POST", "/contacts", {"name": "Ana"})
        there.wait_for(1)
        token = next(each["id"] for each in app.json_of("GET", "/tokens")["items"] if each["current"])
        assert app.delete(f"/tokens/{token}").status_code == 200
    alice.json_of("POST", "/contacts", {"name": "Bea"})
    until(lambda: standing(alice, webhook)["state"] == "paused")
    assert "not connected" in standing(alice, webhook)["reason"]


def test_only_admins_read_webhooks_and_what_is_known_of_them(alice: Person, there: Receiver, home: House) -> None:
    us = Team(home, alice.json_of("GET", "/whoami")["workspace"], alice, alice, alice)
    bob = us.joins("bob")
    id = made(alice, there, active=False)["id"]
    alice.json_of("POST", "/views", {"name": "hooks", "path": "/webhooks"})
    ends = ("", "/history", "/blame", "/deliveries", "?as_of=2100-01-01")
    paths = ["/webhooks", "/webhooks/count", "/webhooks/export", *(f"/webhooks/{id}{end}" for end in ends)]
    for path in (*paths, "/views/hooks"):
        answer = bob.get(path, headers=JSON)
        assert (answer.status_code, answer.json()["error"]) == (403, "admin_required"), path
    for path in ("/audit", "/audit?fields=changes", "/changes?since=2020-01-01", "/brief"):
        assert "127.0.0.1" not in bob.get(path, headers=JSON).text, path
    assert there.url in alice.get("/audit", headers=JSON).text
    given = {"token_name": "r", "scopes": ["webhooks.read"]}
    with Person(home.url, alice.json_of("POST", f"/workspaces/{us.id}/tokens", given)["token"]) as reader:
        assert standing(reader, {"id": id})["url"] == there.url
    assert stepped(home, alice, "POST", f"{us.member(bob)}/role", {"role": "admin"}).status_code == 200
    assert standing(bob, {"id": id})["url"] == there.url


def test_no_import_makes_one(alice: Person) -> None:
    answer = alice.post("/import?kind=webhooks", content="url\nhttps://example.com\n", headers=JSON)
    assert answer.status_code == 400
    assert "webhooks" not in answer.json()["fields"]["kind"]
