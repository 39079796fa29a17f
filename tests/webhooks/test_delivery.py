"""How events are sent: in order for each record, again when they fail, for three days; others do not wait."""

import time
from datetime import datetime

from crmkit.storage.interface.lanes import ANYWHERE
from tests.house import CHARLIE, House, Person
from tests.teams.office import Team, plainly, stepped
from tests.webhooks.making import made, sent, standing
from tests.webhooks.receiver import Message, Receiver, moved, receiver, until


def test_a_record_that_fails_holds_back_its_own_later_events_alone(alice: Person, there: Receiver, home: House) -> None:
    made(alice, there, events=["contact.*"])
    refused = True
    ana = alice.json_of("POST", "/contacts", {"name": "Ana"})["id"]
    there.wait_for(1)

    def answers(message: Message) -> int:
        return 500 if refused and message.body["data"]["id"] == ana else 204

    there.answers = answers
    for number in range(3):
        alice.json_of("PATCH", f"/contacts/{ana}", {"job_title": f"No {number}"})
    bea = alice.json_of("POST", "/contacts", {"name": "Bea"})["id"]
    alice.json_of("PATCH", f"/contacts/{bea}", {"job_title": "Head"})

    def of(id: str) -> list[str]:
        own = [each.body for each in there.received if each.body["data"]["id"] == id]
        return [body["changes"].get("job_title", [0, ""])[1] for body in own]

    there.wait(lambda: len(of(bea)) == 2 and len(of(ana)) > 1)
    assert set(of(ana)[1:]) == {"No 0"}
    refused = False
    until(lambda: moved(home, seconds=5) or of(ana)[-1] == "No 2")
    told = [title for title in dict.fromkeys(of(ana)) if title]
    assert told == ["No 0", "No 1", "No 2"]


def test_a_slow_receiver_does_not_delay_another(alice: Person, there: Receiver) -> None:
    def slow(message: Message) -> int:
        time.sleep(2)
        return 204

    with receiver(slow) as other:
        made(alice, other, events=["contact.created"])
        made(alice, there, events=["contact.created"])
        for number in range(10):
            alice.json_of("POST", "/contacts", {"name": f"No {number}"})
        there.wait_for(10, 15)
        assert len(other.received) < 10


def test_pauses_grow_and_the_event_keeps_its_id(alice: Person, there: Receiver, home: House) -> None:
    webhook = made(alice, there, events=["contact.created"])
    there.answers = lambda message: 503
    alice.json_of("POST", "/contacts", {"name": "Ana"})
    for attempt, pause in enumerate((1, 5, 30, 120, 600, 3600, 6 * 3600, 6 * 3600), start=1):
        there.wait_for(attempt)
        row = until(lambda count=attempt: (rows := sent(alice, webhook)) and rows[0]["attempts"] == count and rows[0])
        assert (row["state"], row["status"]) == ("waiting", 503)
        gap = _seconds(row["next_at"]) - _seconds(row["tried_at"])
        assert gap == pause
        moved(home, seconds=pause)
    messages = there.wait_for(9)
    until(lambda: sent(alice, webhook)[0]["attempts"] == 9)
    assert len({message.headers["webhook-id"] for message in messages}) == 1
    assert standing(alice, webhook)["failing_since"]
    there.answers = lambda message: 204
    moved(home, hours=6)
    until(lambda: sent(alice, webhook)[0]["state"] == "delivered")
    assert standing(alice, webhook)["failing_since"] is None


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()


def test_after_three_days_without_an_answer_it_is_off_and_the_brief_says_so(
    alice: Person, there: Receiver, home: House
) -> None:
    webhook = made(alice, there, events=["contact.created"])
    there.answers = lambda message: {"status": 302, "headers": {"Location": "http://127.0.0.1:1/"}}
    alice.json_of("POST", "/contacts", {"name": "Ana"})
    there.wait_for(1)
    row = until(lambda: (rows := sent(alice, webhook)) and rows[0])
    assert (row["attempts"], row["status"]) == (1, 302)
    for tried in range(2, 30):
        moved(home, hours=6)
        until(lambda tried=tried: sent(alice, webhook)[0]["attempts"] == tried)
        if standing(alice, webhook)["state"] == "off":
            break
    found = standing(alice, webhook)
    assert found["state"] == "off"
    assert "nothing arrived for 3 days" in found["reason"]
    assert f"webhook/{webhook['id']}" in alice.text("GET", "/brief")
    assert sent(alice, webhook)[0]["state"] == "failed"
    alice.json_of("POST", "/contacts", {"name": "Meanwhile"})
    there.answers = lambda message: 204
    assert alice.json_of("PATCH", f"/webhooks/{webhook['id']}", {"active": True})["state"] == "active"
    before = len(there.received)
    bea = alice.json_of("POST", "/contacts", {"name": "Bea"})["id"]
    assert there.wait_for(before + 1)[-1].body["data"]["id"] == bea
    assert f"webhook/{webhook['id']}" not in alice.text("GET", "/brief")


def test_a_receiver_that_is_gone_switches_it_off_and_one_that_asks_for_time_gets_it(
    alice: Person, there: Receiver
) -> None:
    webhook = made(alice, there, events=["contact.created"])
    there.answers = lambda message: {"status": 429, "headers": {"Retry-After": "90"}}
    alice.json_of("POST", "/contacts", {"name": "Ana"})
    row = until(lambda: (each := sent(alice, webhook)) and each[0]["attempts"] and each[0])
    assert _seconds(row["next_at"]) - _seconds(row["tried_at"]) == 90
    there.answers = lambda message: 410
    alice.json_of("POST", "/contacts", {"name": "Bea"})
    until(lambda: standing(alice, webhook)["state"] == "off")
    off = standing(alice, webhook)
    assert "410" in off["reason"]
    assert {each["state"] for each in sent(alice, webhook)} == {"failed"}
    assert alice.json_of("PATCH", f"/webhooks/{webhook['id']}", {"active": True})["version"] == off["version"] + 1
    entry = alice.json_of("GET", f"/webhooks/{webhook['id']}/history?fields=changes")["items"][0]
    assert entry["changes"] == {"state": ["off", "active"]}


def test_it_is_switched_off_and_on_by_hand_and_ends_with_its_delete(
    alice: Person, there: Receiver, home: House
) -> None:
    webhook = made(alice, there, events=["contact.created"])
    path = f"/webhooks/{webhook['id']}"
    off = alice.json_of("PATCH", path, {"active": False})
    assert (off["active"], off["state"]) == (False, "off")
    alice.json_of("POST", "/contacts", {"name": "Unheard"})
    assert alice.json_of("PATCH", path, {"active": True})["state"] == "active"
    alice.json_of("POST", "/contacts", {"name": "Heard"})
    assert there.wait_for(1)[0].body["data"]["name"] == "Heard"
    deleted = alice.json_of("DELETE", path)
    alice.json_of("POST", "/contacts", {"name": "Unheard"})
    rows = home.do(home.crm.database.read(None, _left))
    assert rows == (0, 0, 0)
    assert alice.json_of("POST", f"/undo/{deleted['operation']}")["error"] == "undo_conflict"


def _left(connection: object) -> tuple[int, ...]:
    tables = ("webhook_keys", "deliveries", "jobs WHERE kind = 'webhook' AND due_at IS NOT NULL")
    return tuple(
        connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # type: ignore[attr-defined]
        for table in tables
    )


def test_it_pauses_while_its_maker_is_no_admin(alice: Person, there: Receiver, home: House) -> None:
    us = Team(home, alice.json_of("GET", "/whoami")["workspace"], alice, alice, alice)
    bob = us.joins("bob", role="admin")
    webhook = made(bob, there, events=["contact.created"])
    assert plainly(home, alice, "POST", f"{us.member(bob)}/role", {"role": "member"}).status_code == 200
    alice.json_of("POST", "/contacts", {"name": "Ana"})
    until(lambda: standing(alice, webhook)["state"] == "paused")
    assert "no admin" in standing(alice, webhook)["reason"]
    assert f"webhook/{webhook['id']} is paused" in bob.text("GET", "/brief")
    assert there.url not in bob.text("GET", "/brief")
    assert f"PATCHes /webhooks/{webhook['id']} with active true" in alice.text("GET", "/brief")
    assert not there.received
    assert bob.json_of("PATCH", f"/webhooks/{webhook['id']}", {"active": False})["error"] == "admin_required"
    assert stepped(home, alice, "POST", f"{us.member(bob)}/role", {"role": "admin"}).status_code == 200
    assert there.wait_for(1)[0].body["data"]["name"] == "Ana"
    until(lambda: standing(alice, webhook)["state"] == "active")
    assert plainly(home, alice, "DELETE", us.member(bob)).status_code == 200
    alice.json_of("POST", "/contacts", {"name": "Bea"})
    until(lambda: standing(alice, webhook)["state"] == "paused")
    assert "no member" in standing(alice, webhook)["reason"]
    assert alice.json_of("PATCH", f"/webhooks/{webhook['id']}", {"active": True})["state"] == "active"
    assert there.wait_for(2)[-1].body["data"]["name"] == "Bea"


def _narrow(home: House, alice: Person, *scopes: str) -> Person:
    """Return Alice with a token that reads contacts alone, and writes webhooks."""
    given = {"token_name": "n", "scopes": ["webhooks.write", "webhooks.read", *scopes]}
    place = alice.json_of("GET", "/whoami")["workspace"]
    return Person(home.url, alice.json_of("POST", f"/workspaces/{place}/tokens", given)["token"])


def test_a_narrow_token_makes_a_webhook_of_what_it_reads_and_its_answers_say_so(
    alice: Person, there: Receiver, home: House
) -> None:
    with _narrow(home, alice, "contacts.read") as agent:
        refused = agent.json_of("POST", "/webhooks", {"url": there.url, "events": ["deal.*"]})
        assert (refused["error"], refused["scope"]) == ("scope_required", "deals.read")
        webhook = made(agent, there)
        note = "it is told of contacts alone: the token that wrote it last reads no other kind"
        assert note in webhook["remarks"]
        assert standing(alice, webhook)["remarks"] == [note]
        assert f"# note: {note}" in alice.text("GET", f"/webhooks/{webhook['id']}")
        assert "remarks" not in standing(alice, made(agent, there, events=["contact.created"], active=False))
        alice.json_of("POST", "/deals", {"title": "Big"})
        alice.json_of("POST", "/contacts", {"name": "Ana"})
        assert there.wait_for(1)[0].type == "contact.created"
        assert there.types() == ["contact.created"]
    assert "remarks" not in standing(alice, made(alice, there, active=False))


def test_only_a_change_of_what_it_sends_has_it_work_for_who_makes_that_and_a_narrow_token_takes_nothing_away(
    alice: Person, there: Receiver, home: House
) -> None:
    webhook = made(alice, there)
    path = f"/webhooks/{webhook['id']}"
    with _narrow(home, alice, "contacts.read") as agent:
        for same in ({"active": True}, {"url": there.url}, {"events": ["*"]}, {"secret": webhook["secret"]}, {}):
            assert agent.send_it("PATCH", path, same).status_code == 200
        for change in ({"url": f"{there.url}/else"}, {"events": ["contact.*"]}, {"secret": None}):
            refused = agent.json_of("PATCH", path, change)
            assert (refused["error"], refused["scope"]) == ("scope_required", "companies.read")
        alice.json_of("POST", "/deals", {"title": "Big"})
        assert there.wait_for(1)[0].type == "deal.created"
        assert agent.json_of("PATCH", path, {"active": False})["state"] == "off"
        assert agent.json_of("PATCH", path, {"active": True})["error"] == "scope_required"
    assert "remarks" not in alice.json_of("PATCH", path, {"active": True})
    alice.json_of("POST", "/deals", {"title": "Bigger"})
    assert there.wait_for(2)[-1].type == "deal.created"


def test_others_workspaces_hear_nothing_and_see_nothing(alice: Person, there: Receiver, home: House) -> None:
    webhook = made(alice, there)
    with home.sign_in(CHARLIE) as charlie:
        charlie.json_of("POST", "/contacts", {"name": "Secret"})
        for method, end in (("GET", ""), ("POST", "/test"), ("GET", "/deliveries"), ("DELETE", "")):
            assert charlie.send_it(method, f"/webhooks/{webhook['id']}{end}").status_code == 404
    ana = alice.json_of("POST", "/contacts", {"name": "Ana"})["id"]
    assert [each.body["data"]["id"] for each in there.wait_for(1)] == [ana]


def test_a_test_of_one_whose_job_a_fault_ended_starts_another(alice: Person, there: Receiver, home: House) -> None:
    webhook = made(alice, there, events=["contact.created"])
    ends = "UPDATE jobs SET state = 'failed', due_at = NULL, ended_at = '2026-01-01T00:00:00Z' WHERE kind = 'webhook'"
    home.do(home.crm.database.write(lambda tx: tx.connection.execute(ends), lanes=ANYWHERE))
    tried = alice.json_of("POST", f"/webhooks/{webhook['id']}/test")
    assert (tried["state"], tried["status"]) == ("delivered", 204)
