"""The order of events of one record, also of those that no entry of the log tells."""

from tests.house import House, Person
from tests.teams.office import Team, plainly, stepped
from tests.web.scoring.ruling import ruled
from tests.webhooks.making import made, sent, standing
from tests.webhooks.receiver import Receiver, moved, until

CREATED, UPDATED, SCORED = "contact.created", "contact.updated", "contact.scored"


def called(person: Person, id: str) -> None:
    person.json_of("POST", f"/contacts/{id}/activities", {"kind": "call", "body": "hello"})


def test_events_come_and_are_listed_in_the_order_of_what_happened(alice: Person, there: Receiver, home: House) -> None:
    ruled(alice, "activities")
    webhook = made(alice, there, events=["contact.*"])
    there.answers = lambda message: 500
    id = alice.json_of("POST", "/contacts", {"name": "Ana"})["id"]
    for title in ("B", "C"):
        called(alice, id)
        alice.json_of("PATCH", f"/contacts/{id}", {"job_title": title})
    until(lambda: len(sent(alice, webhook)) == 5)
    listed = [each["type"] for each in sent(alice, webhook)]
    there.answers = lambda message: 204
    before = len(there.received)
    until(lambda: moved(home, seconds=10) or len(sent(alice, webhook, "?state=delivered")) == 5)
    assert there.types()[before:] == [CREATED, SCORED, UPDATED, SCORED, UPDATED]
    assert listed[::-1] == there.types()[before:]
    path, pages, cursor = f"/webhooks/{webhook['id']}/deliveries?limit=2", list[str](), ""
    while cursor is not None:
        page = alice.json_of("GET", f"{path}&cursor={cursor}" if cursor else path)
        pages += [each["type"] for each in page["items"]]
        cursor = page.get("next_cursor")
    assert pages == listed


def test_no_score_is_told_of_a_record_that_goes(alice: Person, there: Receiver) -> None:
    ruled(alice, "activities")
    ana, ann, bea = (alice.json_of("POST", "/contacts", {"name": name})["id"] for name in ("Ana", "Ann", "Bea"))
    for id in (ana, ann, bea):
        called(alice, id)
    made(alice, there, events=["contact.deleted", "contact.merged", "contact.scored"])
    token = alice.json_of("DELETE", f"/contacts/{bea}")["confirm"]
    alice.json_of("DELETE", f"/contacts/{bea}?confirm={token}")
    there.wait_for(1)
    token = alice.json_of("POST", f"/contacts/{ana}/merge", {"from": ann})["confirm"]
    alice.json_of("POST", f"/contacts/{ana}/merge?confirm={token}", {"from": ann})
    there.wait_for(3)
    called(alice, ana)
    told = [(each.type, each.body["data"]["id"], each.body["changes"].get("score")) for each in there.wait_for(4)]
    assert told[0] == ("contact.deleted", bea, None)
    assert sorted(told[1:3]) == [("contact.merged", ann, None), ("contact.scored", ana, [1.0, 2.0])]
    assert told[3:] == [("contact.scored", ana, [2.0, 3.0])]


def test_scores_that_change_twice_in_one_operation_are_told_from_the_first_to_the_last(
    alice: Person, there: Receiver
) -> None:
    ruled(alice, "activities")
    made(alice, there, events=["contact.scored"])
    talks = [{"kind": "call", "body": "one"}, {"kind": "call", "body": "two"}]
    alice.json_of("POST", "/contacts", {"name": "Ana", "activities": talks})
    (message,) = there.wait_for(1)
    assert (message.type, message.body["changes"]) == ("contact.scored", {"score": [0.0, 2.0]})


def test_scores_that_change_while_a_webhook_is_paused_are_told_once_it_goes_on(
    alice: Person, there: Receiver, home: House
) -> None:
    ruled(alice, "activities")
    us = Team(home, alice.json_of("GET", "/whoami")["workspace"], alice, alice, alice)
    bob = us.joins("bob", role="admin")
    webhook = made(bob, there, events=["contact.created", "contact.scored"])
    assert plainly(home, alice, "POST", f"{us.member(bob)}/role", {"role": "member"}).status_code == 200
    id = alice.json_of("POST", "/contacts", {"name": "Ana"})["id"]
    until(lambda: standing(alice, webhook)["state"] == "paused")
    called(alice, id)
    assert stepped(home, alice, "POST", f"{us.member(bob)}/role", {"role": "admin"}).status_code == 200
    there.wait_for(2)
    assert there.types() == [CREATED, SCORED]
