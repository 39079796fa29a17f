"""Changed scores, which the log does not tell: one event each, one for those of a run."""

from functools import partial

from crmkit.storage.interface.tx import Tx
from crmkit.storage.webhooks import scored
from tests.house import House, Person
from tests.kinds import CONTACT
from tests.webhooks.making import made, sent
from tests.webhooks.receiver import Receiver, until


def note(place: str, ids: list[str], is_run: bool, tx: Tx) -> None:
    for id in ids:
        scored.note(tx, place, CONTACT, id, 0.0, 5.0, is_run)


def noted(home: House, place: str, ids: list[str], is_run: bool = False) -> None:
    home.do(home.crm.database.write(partial(note, place, ids, is_run), lanes=[place]))


def test_a_changed_score_is_told_and_those_of_one_unit_or_of_a_run_are_told_together(
    alice: Person, there: Receiver, home: House
) -> None:
    place = alice.json_of("GET", "/whoami")["workspace"]
    ids = [alice.json_of("POST", "/contacts", {"name": f"No {number}"})["id"] for number in range(3)]
    noted(home, place, ids)
    webhook = made(alice, there, events=["contact.scored"])
    noted(home, place, ids[:1])
    body = there.wait_for(1)[0].body
    assert (body["type"], body["data"]["id"], body["changes"]) == ("contact.scored", ids[0], {"score": [0.0, 5.0]})
    noted(home, place, ids)
    body = there.wait_for(2)[1].body
    assert (body["type"], body["data"]) == ("contacts.scored", {"ids": ids, "count": 3})
    noted(home, place, ids[1:2], is_run=True)
    body = there.wait_for(3)[2].body
    assert (body["type"], body["data"]) == ("contacts.scored", {"ids": ids[1:2], "count": 1})
    until(lambda: len(sent(alice, webhook, "?state=delivered")) == 3)


def test_scores_of_kinds_that_its_maker_may_not_read_are_not_told(alice: Person, there: Receiver, home: House) -> None:
    place = alice.json_of("GET", "/whoami")["workspace"]
    scopes = ["webhooks.write", "webhooks.read", "deals.read"]
    narrow = alice.json_of("POST", f"/workspaces/{place}/tokens", {"token_name": "n", "scopes": scopes})["token"]
    with Person(home.url, narrow) as agent:
        webhook = made(agent, there)
    id = alice.json_of("POST", "/contacts", {"name": "Ana"})["id"]
    noted(home, place, [id])
    row = until(lambda: sent(alice, webhook, "?state=failed"))[0]
    assert (row["type"], row["attempts"], row["tried_at"]) == ("contact.scored", 0, None)
    assert "may not read" in row["error"]
    assert not there.received


def test_a_write_a_request_to_score_and_a_run_are_told(alice: Person, there: Receiver) -> None:
    rule = alice.json_of("POST", "/scoring-rules", {"name": "a", "expression": "rating"})["id"]
    made(alice, there, events=["contact.created", "contact.scored"])
    id = alice.json_of("POST", "/contacts", {"name": "Ana", "rating": 7})["id"]
    alice.json_of("PATCH", f"/contacts/{id}", {"city": "Ulm"})
    alice.json_of("PATCH", f"/contacts/{id}", {"rating": 8})
    alice.json_of("POST", f"/contacts/{id}/score")
    told = [(each.body["type"], each.body["changes"].get("score")) for each in there.wait_for(4)]
    created, *scored_ = told
    assert created[0] == "contact.created"
    assert scored_ == [("contact.scored", pair) for pair in ([0.0, 7.0], [7.0, 8.0], [8.0, 8.0])]
    alice.json_of("PATCH", f"/scoring-rules/{rule}", {"weight": 2})
    assert alice.json_of("POST", "/scoring-rules/run?kind=contacts")["changed"] == 1
    last = there.wait_for(5)[4].body
    assert (last["type"], last["data"]) == ("contacts.scored", {"ids": [id], "count": 1})
