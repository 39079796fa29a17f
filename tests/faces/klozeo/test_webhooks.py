"""Webhooks: made, listed and deleted by Klozeo's clients; what a receiver gets of them."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from crmkit.faces.klozeo import ids
from crmkit.faces.klozeo.words import EVENTS
from crmkit.model.access import Access
from tests.faces.klozeo import documents
from tests.house import Person
from tests.teams.office import JSON, Team, enter, error_of, holding, new, office
from tests.web.connecting import App
from tests.webhooks.receiver import Message, Receiver, until

P = "/api/v1"
NAMES = {*documents.EVENTS}


def done(person: Person, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    answer = person.send_it(method, f"{P}{path}", body)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def made(person: Person, there: Receiver, *events: str, **more: Any) -> Any:
    return done(person, "POST", "/webhooks", {"url": there.url, **({"events": events} if events else {}), **more}, 201)


def lead(person: Person, **fields: Any) -> Any:
    return done(person, "POST", "/leads", {"name": "Acme", "source": "tests", **fields}, 201)


def verified(message: Message, secret: str) -> bool:
    """Tell what the function in their documents tells."""
    expected = hmac.new(secret.encode(), message.raw, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, message.headers["x-klozeo-signature"])


def standard(message: Message, secret: str) -> bool:
    """Tell whether a message is signed as Standard Webhooks says."""
    at = datetime.fromtimestamp(int(message.headers["webhook-timestamp"]), UTC)
    signed = Webhook(secret).sign(message.headers["webhook-id"], at, message.raw.decode())
    return signed == message.headers["webhook-signature"]


def test_a_webhook_is_made_listed_and_deleted_as_they_have_it(us: Team, there: Receiver) -> None:
    webhook = made(us.alice, there, "lead.created", "leads.scored", secret="optional-signing-secret")
    assert webhook == {
        "id": webhook["id"],
        "url": there.url,
        "events": ["lead.created", "leads.scored"],
        "active": True,
        "created_at": webhook["created_at"],
    }
    assert webhook["created_at"].endswith("Z")
    new(us.alice, "/webhooks", url=there.url)  # one of ours, which is none of theirs
    assert done(us.alice, "GET", "/webhooks") == {"webhooks": [webhook]}
    assert done(us.alice, "DELETE", f"/webhooks/{webhook['id']}", status=204) is None
    done(us.alice, "DELETE", f"/webhooks/{webhook['id']}", status=404)
    assert done(us.alice, "GET", "/webhooks") == {"webhooks": []}
    ours = ids.of(us.alice.json_of("GET", "/webhooks")["items"][0]["id"])
    done(us.alice, "DELETE", f"/webhooks/{ours}", status=404)


def test_a_webhook_without_events_is_told_of_all_that_they_have(us: Team, there: Receiver) -> None:
    assert set(EVENTS.values()) == NAMES
    assert set(made(us.alice, there)["events"]) == NAMES
    assert set(made(us.alice, there, "*")["events"]) == NAMES
    reads = Access("webhooks.read webhooks.write contacts.read")
    of_leads = made(holding(us.home, us.alice, us.id, reads), there)
    assert set(of_leads["events"]) == {name for name in NAMES if name.startswith("lead")}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "url"),
        ({"url": "ftp://example.com"}, "url"),
        ({"url": "https://10.0.0.1/"}, "its address is not public"),
        ({"url": "https://example.com", "events": ["lead.created", "lead.craeted"]}, "did you mean lead.created?"),
        ({"url": "https://example.com", "events": ["contact.created"]}, "contact.created"),
        ({"url": "https://example.com", "events": []}, "events"),
        ({"url": "https://example.com", "secret": 5}, "secret"),
        ({"url": "https://example.com", "secret": "x" * 501}, "secret"),
        ({"url": "https://example.com", "state": "off"}, "state"),
    ],
)
def test_a_webhook_that_is_none_is_refused_in_their_shape(us: Team, body: Any, says: str) -> None:
    told = done(us.alice, "POST", "/webhooks", body, 400)
    assert told["code"] == "bad_request"
    assert says in told["message"]
    assert done(us.alice, "GET", "/webhooks") == {"webhooks": []}


def test_webhooks_are_for_admins(us: Team, there: Receiver) -> None:
    webhook = made(us.alice, there)
    body = {"url": there.url}
    for method, path, sent in (
        *(("GET", "/webhooks", None), ("POST", "/webhooks", body)),
        ("DELETE", f"/webhooks/{webhook['id']}", None),
    ):
        assert done(us.bob, method, path, sent, 403)["code"] == "forbidden"
    done(us.charlie, "DELETE", f"/webhooks/{webhook['id']}", status=404)


def test_a_connected_app_needs_the_mailed_code(us: Team, there: Receiver) -> None:
    app = us.home.stranger()
    app.headers["Authorization"] = f"Bearer {App(us.home).token(us.alice.email, us.id)}"
    body = {"url": there.url, "events": ["lead.created"]}
    told = done(app, "POST", "/webhooks", body, 403)
    assert told["code"] == "forbidden"
    assert "?code=CODE" in told["message"]
    code = us.home.letterbox.code_for(us.alice.email)
    assert done(app, "POST", f"/webhooks?code={code}", body, 201)["events"] == ["lead.created"]
    app.close()


def test_a_webhook_speaks_on_after_its_face_was_switched_off(tmp_path: Path, there: Receiver) -> None:
    allowed = {"CRMKIT_WEBHOOKS_ALLOW": "127.0.0.0/8"}
    with office(tmp_path / "data", {**allowed, "CRMKIT_SERVER_FACES": "klozeo"}) as home:
        token = enter(home, "alice@example.com").token
        with Person(home.url, token) as alice:
            made(alice, there, "lead.created")
    with office(tmp_path / "data", allowed) as home, Person(home.url, token) as alice:
        assert alice.get(f"{P}/webhooks").status_code == 404
        new(alice, "/contacts", name="Jane")
        (message,) = there.wait_for(1)
        assert (message.body["event"], message.body["data"]["name"]) == ("lead.created", "Jane")


def test_an_event_has_the_whole_lead_or_note_and_is_signed_by_their_secret(us: Team, there: Receiver) -> None:
    secret = " a secret of théirs "
    made(us.alice, there, secret=secret)
    acme = lead(us.alice, email="a@example.com", attributes=[{"name": "size", "type": "number", "value": 5}])
    done(us.alice, "PUT", f"/leads/{acme['id']}", {"city": "Paris", "status": "qualified"})
    note = done(us.alice, "POST", f"/leads/{acme['id']}/notes", {"content": "Spoke"}, 201)
    changed = done(us.alice, "PUT", f"/notes/{note['id']}", {"content": "Closed"})
    there.wait_for(4)
    done(us.alice, "DELETE", f"/notes/{note['id']}", status=204)
    there.wait_for(5)
    now = done(us.alice, "GET", f"/leads/{acme['id']}")
    done(us.alice, "DELETE", f"/leads/{acme['id']}", status=204)
    messages = there.wait_for(6)
    for about in ("lead", "note"):  # several are sent at once, those of one record in order
        types = [each for each in there.types() if each.startswith(about)]
        assert types == [f"{about}.created", f"{about}.updated", f"{about}.deleted"]
    for message in messages:
        assert message.body.keys() == {"event", "timestamp", "data"}
        assert isinstance(message.body["timestamp"], int)
        assert verified(message, secret)
        assert message.headers["content-type"] == "application/json"
        assert standard(message, f"whsec_{base64.b64encode(secret.encode()).decode()}")
        assert message.headers["webhook-id"].startswith("evt_")
    told = {message.body["event"]: message.body["data"] for message in messages}
    created, note_gone, lead_gone = (told[event] for event in ("lead.created", "note.deleted", "lead.deleted"))
    assert created.keys() == now.keys()
    assert (created["id"], created["attributes"]) == (acme["id"], acme["attributes"])
    assert told["note.updated"] == changed
    assert (note_gone["id"], note_gone["lead_id"], note_gone["content"]) == (note["id"], acme["id"], "Closed")
    assert (lead_gone["id"], lead_gone["city"], lead_gone["status"]) == (acme["id"], "Paris", "qualified")
    assert lead_gone["created_at"] == acme["created_at"]


def test_without_a_secret_nothing_is_signed_until_one_is_set(us: Team, there: Receiver) -> None:
    webhook = made(us.alice, there, "lead.created")
    lead(us.alice)
    (message,) = there.wait_for(1)
    assert {"x-klozeo-signature", "webhook-signature"}.isdisjoint(message.headers)
    assert {"webhook-id", "webhook-timestamp"} <= message.headers.keys()
    own = f"/webhooks/{ids.ours(webhook['id'], '', 'wh')}"
    secret = us.alice.json_of("PATCH", own, {"secret": None})["secret"]
    lead(us.alice)
    message = there.wait_for(2)[-1]
    assert verified(message, secret)
    assert standard(message, secret)


def test_a_batch_is_one_event_of_its_own_name_and_goes_to_whoever_chose_that(us: Team, there: Receiver) -> None:
    made(us.alice, there, "leads.created", "leads.updated", "leads.deleted", "leads.scored", "lead.scored")
    body = {"leads": [{"name": f"No {number}", "source": "tests", "rating": number} for number in range(3)]}
    own = [each["id"] for each in done(us.alice, "POST", "/leads/batch", body, 201)["created"]]
    single = lead(us.alice, name="Unheard")
    done(us.alice, "PUT", "/leads/batch", {"ids": own, "data": {"city": "Bonn"}})
    there.wait_for(2)
    done(us.alice, "POST", "/scoring-rules", {"name": "Rating", "expression": "rating * 10"}, 201)
    done(us.alice, "POST", "/leads/score/batch")
    there.wait_for(3)
    done(us.alice, "PUT", f"/leads/{single['id']}", {"rating": 4})
    there.wait_for(4)
    done(us.alice, "DELETE", "/leads/batch", {"ids": own})
    messages = there.wait_for(5)
    assert there.types() == ["leads.created", "leads.updated", "leads.scored", "lead.scored", "leads.deleted"]
    for number in (0, 1, 4):
        data = messages[number].body["data"]
        assert (set(data["ids"]), data["count"]) == (set(own), 3)
    scored = messages[2].body["data"]
    assert scored["count"] == len(scored["leads"]) == 2  # that of the first was 0 already
    assert {each["id"]: each["score"] for each in scored["leads"]} == {own[1]: 10, own[2]: 20}
    assert (messages[3].body["data"]["id"], messages[3].body["data"]["score"]) == (single["id"], 40)


def test_who_chose_events_of_one_lead_is_told_of_no_batch(us: Team, there: Receiver) -> None:
    made(us.alice, there, "lead.created", "lead.deleted", "lead.scored")
    done(us.alice, "POST", "/scoring-rules", {"name": "Two", "expression": "2"}, 201)
    body = {"leads": [{"name": f"No {number}", "source": "tests"} for number in range(3)]}
    done(us.alice, "POST", "/leads/batch", body, 201)
    heard = lead(us.alice, name="Heard")
    messages = there.wait_for(2)
    assert there.types() == ["lead.created", "lead.scored"]
    assert {message.body["data"]["id"] for message in messages} == {heard["id"]}
    (ours,) = us.alice.json_of("GET", "/webhooks")["items"]
    path, wanted = f"/webhooks/{ours['id']}/deliveries", ["contact.created", "contact.scored"]
    until(lambda: sorted(each["type"] for each in us.alice.json_of("GET", path)["items"]) == wanted)


def test_notes_of_one_operation_are_told_one_by_one_and_other_activities_not_at_all(us: Team, there: Receiver) -> None:
    acme = lead(us.alice)
    for content in ("One", "Two"):
        done(us.alice, "POST", f"/leads/{acme['id']}/notes", {"content": content}, 201)
    contact = ids.ours(acme["id"], ids.LEAD, "c")
    made(us.alice, there, "note.created", "note.deleted", "lead.updated")
    new(us.alice, f"/contacts/{contact}/activities", kind="call", body="A call")
    gone = us.alice.delete(f"{P}/leads/{acme['id']}")
    there.wait_for(2)
    assert us.alice.post(f"/undo/{gone.headers['X-Operation']}").status_code == 200
    messages = there.wait_for(4)
    assert [(each.type, each.body["data"]["content"]) for each in messages[:2]] == [
        *(("note.deleted", "One"), ("note.deleted", "Two"))
    ] or [each.body["data"]["content"] for each in messages[:2]] == ["Two", "One"]
    assert {(each.type, each.body["data"]["content"]) for each in messages[2:]} == {
        *(("note.created", "One"), ("note.created", "Two"))
    }
    assert {each.body["data"]["lead_id"] for each in messages} == {acme["id"]}


def test_of_two_contacts_that_become_one_a_lead_changes_and_the_other_is_gone(us: Team, there: Receiver) -> None:
    one, two = lead(us.alice, name="One"), lead(us.alice, name="Two", city="Bonn")
    made(us.alice, there, "lead.updated", "lead.deleted")
    path = f"/contacts/{ids.ours(one['id'], ids.LEAD, 'c')}/merge"
    body = {"from": ids.ours(two["id"], ids.LEAD, "c")}
    shown = us.alice.json_of("POST", path, body)["confirm"]
    assert us.alice.post(f"{path}?confirm={shown}", json=body).status_code == 200
    told = {(each.type, each.body["data"]["id"]) for each in there.wait_for(2)}
    assert told == {("lead.updated", one["id"]), ("lead.deleted", two["id"])}


def test_one_of_theirs_is_a_webhook_of_ours_that_says_so(us: Team, there: Receiver) -> None:
    webhook = made(us.alice, there, "lead.created", "note.created", secret="s")
    (ours,) = us.alice.json_of("GET", "/webhooks")["items"]
    whole = us.alice.json_of("GET", f"/webhooks/{ours['id']}")
    assert whole["speaks"] == {"klozeo": ["lead.created", "note.created"]}
    assert whole["events"] == ["contact.created", "activity.created"]
    tried = us.alice.json_of("POST", f"/webhooks/{ours['id']}/test")
    assert (tried["state"], tried["status"]) == ("delivered", 204)
    (message,) = there.wait_for(1)
    assert message.type == "webhook.test"
    assert verified(message, "s")
    changed = us.alice.json_of("PATCH", f"/webhooks/{ours['id']}", {"events": ["contact.*"]})
    assert set(changed["speaks"]["klozeo"]) == NAMES  # of which the events of ours leave those of leads
    acme = lead(us.alice)
    done(us.alice, "POST", f"/leads/{acme['id']}/notes", {"content": "Unheard"}, 201)
    lead(us.alice)
    assert [each.type for each in there.wait_for(3)[1:]] == ["lead.created", "lead.created"]
    off = us.alice.json_of("PATCH", f"/webhooks/{ours['id']}", {"active": False})
    assert off["speaks"] == changed["speaks"]
    (listed,) = done(us.alice, "GET", "/webhooks")["webhooks"]
    assert (listed["id"], listed["active"]) == (webhook["id"], False)
    for path in ("/audit", "/webhooks", f"/webhooks/{ours['id']}/history", "/webhooks/export"):
        assert '"s"' not in json.dumps(us.alice.get(path).text)


def test_what_of_an_erased_lead_is_told_is_its_id(us: Team, there: Receiver) -> None:
    acme = lead(us.alice, name="Secret")
    there.answers = lambda message: 503
    made(us.alice, there, "lead.updated")
    done(us.alice, "PUT", f"/leads/{acme['id']}", {"city": "Paris"})
    there.wait_for(1)
    path = f"/contacts/{ids.ours(acme['id'], ids.LEAD, 'c')}?erase=1"
    assert error_of(us.alice.delete(path))[1] == "escalation_required"
    asked = us.alice.delete(f"{path}&code={us.home.letterbox.code_for(us.alice.email)}", headers=JSON)
    erased = us.alice.delete(f"{path}&confirm={asked.json()['confirm']}")
    assert erased.status_code in (200, 202), erased.text
    there.answers = lambda message: 204
    (ours,) = us.alice.json_of("GET", "/webhooks")["items"]
    rows = us.alice.json_of("GET", f"/webhooks/{ours['id']}/deliveries")["items"]
    us.alice.json_of("POST", f"/webhooks/{ours['id']}/deliveries/{rows[0]['id']}/redeliver")
    assert there.wait_for(2)[-1].body["data"] == {"id": acme["id"]}
