"""What the log tells of one record: history, blame, and how it was at a time."""

from typing import Any

import pytest

from crmkit import ids
from tests.house import House, Person
from tests.kinds import KINDS
from tests.teams.office import erased
from tests.web.refused import refused


@pytest.fixture(scope="module")
def alice(town: House) -> Any:
    with town.sign_in("alice@example.com", token_name="laptop") as person:
        yield person


@pytest.fixture
def jane(town: House, alice: Person) -> Any:
    """A lead at nine, a customer of Bob's at ten, nobody's at eleven; yields her with the first of these times."""
    start = town.clock.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    contact = alice.json_of("POST", "/contacts", {"name": "Jane", "stage": "lead", "custom": {"size": 4}})
    town.clock.move(hours=1)
    alice.json_of("PATCH", f"/contacts/{contact['id']}", {"stage": "customer", "owner": "bob@example.com"})
    town.clock.move(hours=1)
    alice.json_of("PATCH", f"/contacts/{contact['id']}", {"owner": None})
    yield contact, start
    town.clock.move(hours=1)


def test_a_history_has_the_audit_lines_of_one_record_newest_first(alice: Person, jane: Any) -> None:
    contact, start = jane
    path = f"/contacts/{contact['id']}/history"
    assert alice.json_of("GET", path) == alice.json_of("GET", f"/audit?target={contact['id']}")
    lines = alice.text("GET", path).splitlines()
    assert [line.partition("  changes=")[2] for line in lines[:2]] == [
        '{"owner":["bob@example.com",null]}',
        '{"owner":[null,"bob@example.com"],"stage":["lead","customer"]}',
    ]
    assert lines[3:] == ["# 3 audit", "# total: 3"]
    page = alice.json_of("GET", f"{path}?limit=1&by=me&since={start}")
    assert [item["changes"] for item in page["items"]] == [{"owner": ["bob@example.com", None]}]
    rest = alice.json_of("GET", f"{path}?limit=5&by=me&since={start}&cursor={page['next_cursor']}")
    assert [item["action"] for item in rest["items"]] == ["contact.update", "contact.create"]
    assert alice.json_of("GET", f"{path}?until={start}")["items"] == []
    refused(alice, "invalid_filter", "GET", f"{path}?action=contact.update", None, ["action"])


def test_blame_tells_who_set_each_value_or_cleared_it_and_with_which_token(alice: Person, jane: Any) -> None:
    contact, start = jane
    items = alice.json_of("GET", f"/contacts/{contact['id']}/blame")["items"]
    assert {item.pop("field"): item for item in items}.keys() == {"name", "stage", "owner", "custom"}
    assert {(item["by"], item["token_name"]) for item in items} == {("alice@example.com", "laptop")}
    told = alice.text("GET", f"/contacts/{contact['id']}/blame").splitlines()
    assert told[0] == f"fields  field=name  since={start}  by=alice@example.com  token_name=laptop"
    assert told[-2:] == ["# 4 fields", "# total: 4"]


def test_as_of_shows_logged_fields_and_the_version_as_they_were(town: House, alice: Person, jane: Any) -> None:
    contact, start = jane
    path = f"/contacts/{contact['id']}"
    alice.json_of("POST", f"{path}/activities", {"kind": "call", "body": "Hello"})
    then = alice.json_of("GET", f"{path}?as_of={start}")
    assert then["remarks"] == [f"as of {start}"]
    assert {name: then[name] for name in ("stage", "owner", "custom", "version", "updated_at")} == {
        **{"stage": "lead", "owner": None, "custom": {"size": 4}},
        **{"version": 1, "updated_at": start},
    }
    assert not {"activities", "last_activity_at", "company_name", "score"} & then.keys()
    today = alice.json_of("GET", path)
    latest = alice.json_of("GET", f"{path}?as_of=2100-01-01")
    del latest["remarks"]
    assert {name: today[name] for name in latest} == latest
    line = alice.text("GET", f"{path}?as_of={start}&fields=stage,activities")
    assert line == (
        f"{contact['handle']}  stage=lead\n# note: as of {start}\n"
        "# note: activities is computed, so the log does not tell it\n"
    )


def test_a_day_is_meant_with_its_end_in_the_zone_of_who_asks(alice: Person, jane: Any) -> None:
    contact, _ = jane
    found = alice.json_of("GET", f"/contacts/{contact['id']}?as_of=2100-01-01&timezone=Asia/Tokyo")
    assert found["remarks"] == ["as of 2100-01-01T14:59:59Z"]


def test_a_deleted_record_has_its_history_and_is_shown_as_it_was(town: House, alice: Person, jane: Any) -> None:
    contact, start = jane
    path = f"/contacts/{contact['id']}"
    town.clock.move(hours=1)
    erased(alice, path)
    gone = town.clock.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert alice.json_of("GET", f"{path}/history")["items"][0]["action"] == "contact.delete"
    assert len(alice.json_of("GET", f"{path}/blame")["items"]) == 4
    assert alice.json_of("GET", f"{path}?as_of={start}")["stage"] == "lead"
    refused(alice, "not_found", "GET", f"{path}?as_of={gone}", does=f"was deleted at {gone}; send an earlier time")


def test_as_of_takes_a_date_as_its_end_and_says_so(alice: Person, jane: Any) -> None:
    told = refused(alice, "invalid_value", "GET", f"/contacts/{jane[0]['id']}?as_of=xx", None, ["as_of"])
    assert ", a date (its end), or like " in told["fields"]["as_of"]
    assert told["hint"].endswith("or as_of=2026-06-10 for the end of that day.")


def test_the_id_of_a_merged_record_names_the_other_and_itself_before_the_merge(
    town: House, alice: Person, jane: Any
) -> None:
    loser, start = jane
    winner = alice.json_of("POST", "/contacts", {"name": "Jane Doe"})
    before = alice.json_of("GET", "/changes")["next_cursor"]
    merge = f"/contacts/{winner['id']}/merge"
    confirm = alice.json_of("POST", merge, {"from": loser["id"]})["confirm"]
    merged = alice.post(f"{merge}?confirm={confirm}", json={"from": loser["id"]})
    assert merged.status_code == 200, merged.text
    path, note = f"/contacts/{loser['id']}", f"{loser['id']} was merged into {winner['id']}"
    history = alice.json_of("GET", f"{path}/history")
    assert {item["target"] for item in history["items"]} == {winner["handle"]}
    assert history["notes"] == [note]
    assert alice.json_of("GET", f"{path}/blame")["notes"] == [note]
    then = alice.json_of("GET", f"{path}?as_of={start}")
    assert (then["id"], then["name"], then["remarks"]) == (loser["id"], "Jane", [f"as of {start}"])
    today = alice.json_of("GET", f"{path}?as_of=2100-01-01")
    assert (today["id"], today["remarks"][0]) == (winner["id"], note)
    told = {item["id"]: item for item in alice.json_of("GET", f"/changes?since={before}")["items"]}
    assert (told[loser["id"]]["change"], told[loser["id"]]["into"]) == ("merged", winner["handle"])
    assert told[winner["id"]]["change"] == "updated"


def test_a_record_was_none_at_a_time_at_which_it_was_merged_and_not_yet_restored(
    town: House, alice: Person, jane: Any
) -> None:
    loser, start = jane
    merge = f"/contacts/{alice.json_of('POST', '/contacts', {'name': 'Jane Doe'})['id']}/merge"
    confirm = alice.json_of("POST", merge, {"from": loser["id"]})["confirm"]
    merged_at = town.crm.now
    done = alice.json_of("POST", f"{merge}?confirm={confirm}", {"from": loser["id"]})
    town.clock.move(hours=1)
    assert alice.post(f"/undo/{done['operation']}").status_code == 200
    path = f"/contacts/{loser['id']}"
    refused(alice, "not_found", "GET", f"{path}?as_of={merged_at}", does=f"was deleted at {merged_at}")
    for at in (start, town.crm.now):
        assert alice.json_of("GET", f"{path}?as_of={at}")["id"] == loser["id"]


def test_a_time_before_a_record_was_created_is_not_found_and_told(alice: Person, jane: Any) -> None:
    contact, start = jane
    path = f"/contacts/{contact['id']}"
    refused(alice, "not_found", "GET", f"{path}?as_of=2020-01-01", does=f"was created at {start}; send that time")
    refused(alice, "invalid_value", "GET", f"{path}?as_of=yesteryear", None, {"as_of": "a time"})


def test_a_natural_key_names_the_record_in_all_three(alice: Person) -> None:
    alice.json_of("POST", "/companies", {"name": "Acme", "domain": "acme.example"})
    assert alice.json_of("GET", "/companies/acme.example/history")["total"] == 1
    assert alice.json_of("GET", "/companies/acme.example/blame")["total"] == 2
    assert alice.json_of("GET", "/companies/acme.example?as_of=2100-01-01")["name"] == "Acme"


@pytest.mark.parametrize("plural", [*(kind.plural for kind in KINDS), "activities", "fields"])
def test_what_never_existed_has_no_history_in_any_kind(alice: Person, plural: str) -> None:
    prefix = {"activities": "a", "fields": "f"}.get(plural) or next(k.prefix for k in KINDS if k.plural == plural)
    id = ids.mint(prefix)
    for rest in ("/history", "/blame", "?as_of=2100-01-01"):
        refused(alice, "not_found", "GET", f"/{plural}/{id}{rest}", does="There is no")
