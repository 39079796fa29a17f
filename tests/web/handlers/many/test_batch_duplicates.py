"""Items of a batch meet records, and each other, as single requests do: by keys, as likely duplicates, as alike."""

from typing import Any

import pytest

from tests.house import House, Person
from tests.teams.office import address, enter
from tests.web.refused import refused

OSLO = {"name": "Jane Doe", "city": "Oslo"}
LINE = {"name": "Jane Doe", "phone": "+49 30 1234567"}


@pytest.fixture
def alice(town: House) -> Person:
    """Alice, in a workspace that is hers alone in each test."""
    return enter(town, address("alice"))


def items(person: Person, sent: list[Any], query: str = "", plural: str = "contacts") -> list[Any]:
    found: list[Any] = person.json_of("POST", f"/{plural}/batch{query}", sent)["items"]
    return found


def lines(person: Person, sent: list[Any], query: str = "") -> list[str]:
    return person.text("POST", f"/contacts/batch{query}", sent).splitlines()


def test_an_item_that_may_be_the_same_as_another_names_it(alice: Person) -> None:
    one, two, other = items(alice, [OSLO, OSLO, {"name": "Joe"}])
    assert two["outcome"] == "created"
    assert two["potential_duplicate"] == one["handle"]
    assert two["remarks"] == [f"may be the same as {one['handle']} (name and city)"]
    assert "potential_duplicate" not in one | other
    (line, *_) = lines(alice, [OSLO])
    new, named = line.split("  ")[2].partition("=")[2], line.split("  ")[3].partition("=")[2]
    assert new in {each["handle"] for each in alice.json_of("GET", "/contacts")["items"]}
    assert named in {one["handle"], two["handle"]}
    assert line == (
        f"item/0  outcome=created  handle={new}  potential_duplicate={named}  "
        f'note="may be the same as {named} (name and city)"'
    )
    assert alice.json_of("GET", "/duplicates")["total"] == 2


def test_merge_alike_reaches_the_items(alice: Person) -> None:
    one, two = items(alice, [LINE, {**LINE, "phone": "+49 (30) 1234567"}], "?merge=alike")
    assert (one["outcome"], two["outcome"], two["id"]) == ("created", "updated", one["id"])
    three, four = items(alice, [{**LINE, "name": "Jane M. Doe"}, {**LINE, "email": "j@x.com"}], "?merge=alike&atomic=1")
    assert (three["outcome"], three["id"], three["remarks"]) == ("updated", one["id"], ["merged by phone and name"])
    assert (four["outcome"], four["id"]) == ("updated", one["id"])
    assert lines(alice, [LINE], "?merge=alike")[0] == (
        f'item/0  outcome=updated  handle=contact/{one["id"]}  note="merged by phone and name"'
    )
    (five,) = items(alice, [LINE])
    assert (five["outcome"], five["potential_duplicate"]) == ("created", one["handle"])


def test_merge_alike_takes_links_by_keys_and_refuses_those_that_lead_nowhere(alice: Person) -> None:
    acme = alice.json_of("POST", "/companies", {"name": "Acme", "domain": "acme.com"})
    jane = alice.json_of("POST", "/contacts?merge=alike", {**LINE, "company_id": "acme.com"})
    assert jane["company_id"] == acme["id"]
    again = alice.json_of("POST", "/contacts?merge=alike", {"name": "Jane Doe", "company_id": "acme.com"})
    assert again["potential_duplicate"] == jane["handle"]
    assert again["remarks"] == [f"may be the same as {jane['handle']} (name and company)"]
    for unknown in ("elsewhere.com", "code:X"):
        sent = {**LINE, "company_id": unknown}
        refused(alice, "invalid_reference", "POST", "/contacts?merge=alike", sent, ["company_id"])
    one, two, three = items(
        alice, [{**LINE, "company_id": key} for key in ("acme.com", "x.com", acme["id"])], "?merge=alike"
    )
    assert (one["outcome"], one["id"], one["remarks"]) == ("updated", jane["id"], ["merged by phone and name"])
    assert (two["error"], list(two["fields"])) == ("invalid_reference", ["company_id"])
    assert (three["outcome"], three["id"]) == ("updated", jane["id"])


def test_merge_alike_tells_once_into_what_a_linked_company_was_merged(alice: Person) -> None:
    acme, old = (alice.json_of("POST", "/companies", {"name": name}) for name in ("Acme", "Acme Ltd"))
    confirm = alice.json_of("POST", f"/companies/{acme['id']}/merge", {"from": old["id"]})["confirm"]
    alice.json_of("POST", f"/companies/{acme['id']}/merge?confirm={confirm}", {"from": old["id"]})
    for _ in range(2):
        (item,) = items(alice, [{**LINE, "company_id": old["id"]}], "?merge=alike")
        assert item["remarks"].count(f"{old['id']} was merged into {acme['id']}") == 1


def test_two_different_emails_on_one_line_are_never_merged(alice: Person) -> None:
    one, two = items(alice, [{**LINE, "email": "a@x.com"}, {**LINE, "email": "b@x.com"}], "?merge=alike")
    assert (two["outcome"], two["potential_duplicate"]) == ("created", one["handle"])


def test_what_is_no_way_to_merge_is_refused_and_nothing_is_written(alice: Person) -> None:
    refused(alice, "invalid_value", "POST", "/contacts/batch?merge=all", [OSLO], ["merge"], "merge=alike")
    answer = alice.json_of("POST", "/companies/batch?merge=alike", [{"name": "X"}])
    assert list(answer["fields"]) == ["merge"]
    assert alice.json_of("GET", "/contacts")["total"] == 0


def test_an_email_in_two_notations_is_one_contact(alice: Person) -> None:
    one, other = items(alice, [{"name": "Jane", "email": email} for email in ("jane@acme.com", " JANE@Acme.COM ")])
    assert (other["outcome"], other["id"]) == ("updated", one["id"])


def test_of_keys_that_lead_to_two_records_the_first_in_order_wins_and_a_note_names_the_other(alice: Person) -> None:
    by_email, by_source, by_code, all_of_them = items(
        alice,
        [
            {"name": "By email", "email": "jane@acme.com"},
            {"name": "By source", "source_id": "s1"},
            {"name": "By code", "code": "K1"},
            {"name": "All", "code": "K1", "source_id": "s1", "email": "JANE@acme.com", "city": "Oslo"},
        ],
    )
    assert (all_of_them["outcome"], all_of_them["id"]) == ("updated", by_email["id"])
    told = [f"source_id belongs to {by_source['handle']}", f"code belongs to {by_code['handle']}"]
    assert all_of_them["remarks"] == told
    assert alice.json_of("GET", f"/contacts/{by_email['id']}")["city"] == "Oslo"
    assert alice.json_of("GET", f"/contacts/{by_source['id']}")["name"] == "By source"
    (line, *_) = lines(alice, [{"source_id": "s1", "code": "K1", "name": "Again"}])
    handle = by_source["handle"]
    assert line == f'item/0  outcome=updated  handle={handle}  note="code belongs to {by_code["handle"]}"'


def test_a_key_that_an_earlier_item_frees_or_takes_counts_for_the_next(alice: Person) -> None:
    first, second, third = items(
        alice,
        [
            {"name": "Jane", "email": "a@x.com"},
            {"email": "a@x.com", "source_id": "s1"},
            {"source_id": "s1", "email": "b@x.com", "name": "J"},
        ],
    )
    assert [second["id"], third["id"]] == [first["id"]] * 2
    assert alice.json_of("GET", f"/contacts/{first['id']}")["email"] == "b@x.com"


def test_a_dry_batch_names_no_record_that_it_would_create(alice: Person) -> None:
    told = alice.send_it("POST", "/contacts/batch?dry_run=1", [OSLO, OSLO])
    assert "c_" not in told.text
    found = alice.json_of("POST", "/contacts/batch?dry_run=1", [OSLO, OSLO])
    assert [(item["id"], item["handle"]) for item in found["items"]] == [(None, None)] * 2
    assert found["items"][1].get("potential_duplicate") is None
    assert alice.json_of("GET", "/contacts")["total"] == 0
