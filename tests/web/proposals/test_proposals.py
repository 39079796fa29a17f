"""A token with access `propose` reads; what it writes waits until somebody approves just that."""

from collections.abc import Callable

import pytest

from crmkit.model.access import Access
from tests.house import House
from tests.teams.office import JSON, enter, error_of, holding, new, working_in
from tests.web.connecting import rpc
from tests.web.proposals.acts import jane, proposed, swept
from tests.web.proposals.conftest import Firm


def test_a_write_becomes_a_proposal_that_tells_what_it_would_do(firm: Firm) -> None:
    id = jane(firm)
    told = firm.bot.patch(f"/contacts/{id}", json={"stage": "customer"})
    assert told.status_code == 202
    line, *tail = told.text.splitlines()
    handle = line.split("  ")[0]
    assert line.startswith(
        f"{handle}  state=open  method=PATCH  path=/contacts/{id}  by={firm.bot.email}  "
        'body={"stage":"customer"}  token_name=bot  created_at='
    )
    assert tail == [
        f"# note: would change stage of contact/{id}",
        "# note: nothing is written before somebody approves it with another token, that has contacts.write",
        f"# next: GET /proposals/{handle.removeprefix('proposal/')}",
    ]
    assert "X-Operation" not in told.headers
    assert firm.alice.json_of("GET", f"/contacts/{id}")["stage"] == "lead"
    found = firm.bot.json_of("GET", f"/proposals/{handle.removeprefix('proposal/')}")
    assert found["changes"] == [
        {"action": "contact.update", "target": f"contact/{id}", "changes": {"stage": ["lead", "customer"]}}
    ]


def test_bad_input_gets_the_usual_error_at_once_and_nothing_waits(firm: Firm, hashed: Callable[[], str]) -> None:
    id = jane(firm)
    before = hashed()
    tries = [
        ("POST", "/contacts", {"nme": "Jane"}, "unknown_field"),
        ("POST", "/contacts", {}, "missing_field"),
        ("PATCH", f"/contacts/{id}", {"email": "no address"}, "invalid_value"),
        ("PATCH", f"/contacts/{id}", {"stage": "x", "version": 7}, "version_conflict"),
        ("PATCH", "/contacts/nobody@example.com", {"stage": "x"}, "not_found"),
        ("DELETE", "/deals/d_nothing", None, "not_found"),
        ("POST", "/contacts/batch", {"items": [{"name": "A"}, {"nme": "B"}]}, "unknown_field"),
    ]
    for method, path, body, code in tries:
        assert error_of(firm.bot.send_it(method, path, body))[1] == code
    assert hashed() == before


def test_a_write_that_would_change_nothing_is_answered_as_such(firm: Firm) -> None:
    id = jane(firm)
    told = firm.bot.patch(f"/contacts/{id}", json={"stage": "lead"})
    assert (told.status_code, told.text.split("  ")[0]) == (200, f"contact/{id}")
    assert firm.bot.text("DELETE", "/contacts?stage=nothing") == "OK deleted 0 contacts\n"
    assert firm.bot.json_of("GET", "/proposals")["items"] == []


def test_a_delete_needs_no_confirm_and_tells_what_goes(firm: Firm) -> None:
    id = jane(firm)
    new(firm.alice, f"/contacts/{id}/activities", body="called")
    waits = proposed(firm.bot, "DELETE", f"/contacts/{id}")
    sentence = firm.alice.delete(f"/contacts/{id}", headers=JSON).json()["hint"].split(" Ask the user")[0]
    assert sentence in waits["notes"]
    told = firm.alice.post(f"/proposals/{waits['id']}/approve")
    assert told.text.startswith(f"OK deleted contact/{id}\n# undo: POST /undo/op_")
    assert firm.alice.get(f"/contacts/{id}").status_code == 404
    assert firm.alice.post(told.text.split("POST ")[1].strip()).status_code == 200
    assert firm.alice.get(f"/contacts/{id}").status_code == 200


def test_a_dry_run_proposes_nothing(firm: Firm, hashed: Callable[[], str]) -> None:
    id = jane(firm)
    before = hashed()
    told = firm.bot.patch(f"/contacts/{id}?dry_run=1", json={"stage": "customer"})
    assert (told.status_code, told.text.splitlines()[-1]) == (200, "# dry run: nothing was written")
    assert hashed() == before


def test_a_key_makes_one_proposal_and_one_approval(firm: Firm) -> None:
    key = {"Idempotency-Key": "once"}
    first, again = (proposed(firm.bot, "POST", "/contacts", {"name": "Ann"}, **key) for _ in range(2))
    assert first == again
    assert len(firm.bot.json_of("GET", "/proposals")["items"]) == 1
    path = f"/proposals/{first['id']}/approve"
    done, replayed = (firm.alice.post(path, headers=key) for _ in range(2))
    assert (done.status_code, done.text) == (replayed.status_code, replayed.text)
    assert replayed.headers["Idempotent-Replayed"] == "true"
    assert len(firm.alice.json_of("GET", "/contacts?name=Ann")["items"]) == 1


def test_more_records_than_are_shown_are_not_proposed(firm: Firm) -> None:
    for start in (0, 600):
        items = [{"name": f"Many {start + n}", "stage": "many"} for n in range(600)]
        assert firm.alice.post("/contacts/batch", json={"items": items}).status_code == 201
    told = firm.bot.patch("/contacts?stage=many", json={"stage": "few"})
    assert error_of(told) == (413, "too_large")
    assert firm.bot.json_of("GET", "/proposals")["items"] == []


def test_a_token_that_proposes_ends_and_renames_itself_alone(firm: Firm) -> None:
    listed = {each["name"]: each["id"] for each in firm.bob.json_of("GET", "/tokens")["items"]}
    assert error_of(firm.bot.patch(f"/tokens/{listed['test']}", json={"access": "read"})) == (403, "scope_required")
    assert error_of(firm.bot.delete(f"/tokens/{listed['test']}")) == (403, "scope_required")
    assert firm.bot.patch(f"/tokens/{listed['bot']}", json={"token_name": "robot"}).status_code == 200
    assert firm.bot.delete(f"/tokens/{listed['bot']}").status_code == 200


def test_a_token_takes_back_what_it_proposed_and_nothing_else(firm: Firm) -> None:
    waits = proposed(firm.bot, "POST", "/contacts", {"name": "Mistaken"})
    other = holding(firm.home, firm.bob, firm.us.id, Access("propose"), "other")
    assert error_of(other.post(f"/proposals/{waits['id']}/reject")) == (403, "scope_required")
    told = firm.bot.post(f"/proposals/{waits['id']}/reject", json={"reason": "mistaken"}, headers=JSON).json()
    assert (told["state"], told["closed_by"], told["reason"]) == ("rejected", firm.bot.email, "mistaken")
    again = firm.bot.post(f"/proposals/{waits['id']}/reject")
    assert error_of(again) == error_of(firm.alice.post(f"/proposals/{waits['id']}/approve"))
    assert error_of(again) == (409, "proposal_closed")


def test_what_is_rejected_is_closed_and_tells_why(firm: Firm) -> None:
    waits = proposed(firm.bot, "POST", "/contacts", {"name": "No"})
    told = firm.alice.post(f"/proposals/{waits['id']}/reject", json={"reason": "we know them"})
    assert told.text.startswith(f"proposal/{waits['id']}  state=rejected  ")
    found = firm.bot.json_of("GET", f"/proposals/{waits['id']}")
    assert (found["state"], found["closed_by"], found["reason"]) == ("rejected", firm.alice.email, "we know them")
    for verb in ("approve", "reject"):
        again = firm.alice.post(f"/proposals/{waits['id']}/{verb}", headers=JSON)
        assert (error_of(again), again.json()["state"]) == ((409, "proposal_closed"), "rejected")
    assert firm.alice.json_of("GET", "/contacts?name=No")["items"] == []


def test_a_proposal_outlives_its_token_and_expires_after_a_month(firm: Firm, home: House) -> None:
    waits = proposed(firm.bot, "POST", "/contacts", {"name": "Patient"})
    token = next(each for each in firm.bob.json_of("GET", "/tokens")["items"] if each["name"] == "bot")
    assert firm.bob.delete(f"/tokens/{token['id']}").status_code == 200
    assert firm.alice.json_of("GET", f"/proposals/{waits['id']}")["state"] == "open"
    later = proposed(holding(home, firm.bob, firm.us.id, Access("propose")), "POST", "/contacts", {"name": "Late"})
    home.clock.move(days=30, seconds=1)
    swept(home)
    alice = working_in(enter(home, firm.alice.email), firm.us.id)
    assert alice.json_of("GET", f"/proposals/{waits['id']}")["state"] == "expired"
    told = alice.post(f"/proposals/{later['id']}/approve")
    assert error_of(told) == (409, "proposal_closed")
    home.clock.move(days=91)
    swept(home)
    assert working_in(enter(home, alice.email), firm.us.id).get(f"/proposals/{waits['id']}").status_code == 404


@pytest.mark.parametrize("tool", ["request", "write"])
def test_a_tool_that_proposes_gets_the_proposal_and_no_error(firm: Firm, tool: str) -> None:
    arguments = {"method": "POST", "path": "/contacts", "body": {"name": "By tool"}}
    answer = firm.bot.post("/mcp", json=rpc("tools/call", {"name": tool, "arguments": arguments})).json()["result"]
    assert not answer["isError"]
    assert answer["content"][0]["text"].startswith("proposal/pr_")
