"""Approving a proposal: who may, once, and what is written."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from crmkit.core.people import sessions
from crmkit.model.access import Access
from crmkit.storage.interface.tx import Tx
from tests.house import House
from tests.teams.office import JSON, error_of, holding, new
from tests.web.proposals.acts import approved, jane, proposed
from tests.web.proposals.conftest import Firm


def test_what_is_approved_is_written_in_the_name_of_who_approves(firm: Firm) -> None:
    id = jane(firm)
    waits = proposed(firm.bot, "PATCH", f"/contacts/{id}", {"stage": "customer"})
    done = firm.alice.post(f"/proposals/{waits['id']}/approve")
    assert done.status_code == 200
    assert done.text.startswith(f"contact/{id}  name=Jane  stage=customer  version=2  ")
    entries = firm.alice.json_of("GET", "/audit?limit=2")["items"]
    assert {entry["by"] for entry in entries} == {firm.alice.email}
    assert [entry["action"] for entry in entries] == ["proposal.approve", "contact.update"]
    assert entries[0]["target"] == waits["handle"]
    assert entries[0]["changes"]["by"] == [None, firm.bot.email]
    found = firm.bot.json_of("GET", f"/proposals/{waits['id']}")
    assert (found["state"], found["closed_by"]) == ("approved", firm.alice.email)
    assert found["operation"] == done.headers["X-Operation"]
    assert "next" not in found


def test_a_dry_approval_closes_nothing(firm: Firm, hashed: Callable[[], str]) -> None:
    waits = proposed(firm.bot, "POST", "/contacts", {"name": "Zoe"})
    before = hashed()
    told = firm.alice.post(f"/proposals/{waits['id']}/approve?dry_run=1")
    assert told.status_code == 201
    assert told.text.startswith("contact/new  name=Zoe  ")
    assert hashed() == before
    assert approved(firm.alice, waits)["name"] == "Zoe"


def test_relative_times_and_me_mean_what_they_meant_when_it_was_proposed(firm: Firm) -> None:
    waits = proposed(firm.bot, "POST", "/tasks", {"title": "Call", "due_at": "+2d", "owner": "me"})
    (change,) = waits["changes"]
    firm.home.clock.move(days=1)
    done = approved(firm.alice, waits)
    assert done["due_at"] == change["changes"]["due_at"][1]
    assert done["owner"] == firm.bot.email
    assert done["created_by"] == firm.alice.email


def test_times_that_nobody_sent_are_those_of_when_it_was_proposed(firm: Firm) -> None:
    weekly = new(firm.alice, "/tasks", title="Call", due_at="2026-06-01T09:00:00Z", repeat="FREQ=WEEKLY")
    won = {"ad_platform": "meta", "stage": "won"}
    writes = {
        "occurred_at": ("POST", f"/contacts/{jane(firm)}/activities", {"kind": "call", "body": "just hung up"}),
        "closed_at": ("PATCH", f"/deals/{new(firm.alice, '/deals', title='Big')}", {"status": "won"}),
        "done_at": ("PATCH", f"/tasks/{weekly}", {"done": True}),
        "converted_at": ("POST", "/contacts", {"name": "Won", **won}),
    }
    asked = {name: (proposed(firm.bot, *write), firm.home.crm.now) for name, write in writes.items()}
    firm.home.clock.move(days=9)
    for name, (waits, then) in asked.items():
        assert then in [change["changes"].get(name, [None, None])[1] for change in waits["changes"]]
        done = approved(firm.alice, waits)
        assert done[name] == then
        entry = firm.alice.json_of("GET", f"/audit?target={done['handle']}")["items"][0]
        assert entry["at"] > then
        assert done.get("updated_at", entry["at"]) > then


def test_a_code_that_was_sent_is_shown_and_written_as_it_was_sent(firm: Firm) -> None:
    assert firm.alice.patch(f"/workspaces/{firm.us.id}", json={"code_prefix": "CRM-"}).status_code == 200
    sent = proposed(firm.bot, "POST", "/contacts", {"name": "T", "code": "CRM-999999"})
    both = proposed(firm.bot, "POST", "/contacts/batch", [{"name": "Given"}, {"name": "Sent", "code": "CRM-7"}])
    assert sent["changes"][0]["changes"]["code"] == [None, "CRM-999999"]
    assert [each["changes"]["code"][1] for each in both["changes"]] == ["next", "CRM-7"]
    assert approved(firm.alice, sent)["code"] == "CRM-999999"
    assert approved(firm.alice, both)["created"] == 2
    codes = [each["code"] for each in firm.alice.json_of("GET", "/contacts?fields=code&sort=created_at")["items"]]
    assert sorted(codes) == ["CRM-1", "CRM-7", "CRM-999999"]


def test_twenty_approvals_at_once_write_once(firm: Firm) -> None:
    waits = proposed(firm.bot, "POST", "/contacts", {"name": "Raced"})
    path = f"/proposals/{waits['id']}/approve"
    with ThreadPoolExecutor(20) as pool:
        answers = [error_of(each) for each in pool.map(lambda _: firm.alice.post(path), range(20))]
    assert sorted(answers) == sorted([(201, ""), *[(409, "proposal_closed")] * 19])
    assert len(firm.alice.json_of("GET", "/contacts?name=Raced")["items"]) == 1


def test_an_approval_whose_first_answer_is_on_its_way_is_in_progress_and_not_outdated(firm: Firm, home: House) -> None:
    waits = proposed(firm.bot, "POST", "/contacts", {"name": "Keyed"})
    path, key = f"/proposals/{waits['id']}/approve", {"Idempotency-Key": "on its way"}
    first = firm.alice.post(path, headers=key)
    actor = home.do(sessions.authenticate(home.crm, f"Bearer {firm.alice.token}"))

    def opened(tx: Tx) -> None:  # as the second request found it, a moment before
        tx.connection.execute("UPDATE proposals SET state = 'open' WHERE id = ?", (waits["id"],))

    home.do(home.crm.database.write(opened, lanes=[actor.workspace_id]))
    place = (actor.workspace_id, actor.token_id, "on its way")
    home.crm.unanswered.add(place)
    assert error_of(firm.alice.post(path, headers={**key, **JSON})) == (409, "in_progress")
    home.crm.unanswered.discard(place)
    assert firm.alice.post(path, headers=key).text == first.text


def test_an_approval_needs_the_scopes_of_the_write(firm: Firm) -> None:
    id = jane(firm)
    change = proposed(firm.bot, "PATCH", f"/contacts/{id}", {"stage": "customer"})
    delete = proposed(firm.bot, "DELETE", f"/contacts/{id}")

    def told(words: str, proposal: dict[str, Any], verb: str = "approve") -> tuple[tuple[int, str], Any]:
        holder = holding(firm.home, firm.bob, firm.us.id, Access(words))
        answer = holder.post(f"/proposals/{proposal['id']}/{verb}", headers=JSON)
        return error_of(answer), answer.json().get("scope")

    for verb in ("approve", "reject"):
        assert told("read", change, verb) == ((403, "scope_required"), "contacts.write")
        assert told("contacts.read deals.write", change, verb) == ((403, "scope_required"), "contacts.write")
        assert told("write", delete, verb) == ((403, "scope_required"), "contacts.delete")
        assert told("contacts.write", change, verb) == ((404, "not_found"), None)
        assert told("propose", change, verb)[0] == (403, "scope_required")
    assert told("contacts.read contacts.write", change) == ((200, ""), None)
    assert told("contacts.read contacts.delete", delete)[0] == (409, "proposal_outdated")


def test_an_approval_needs_the_scopes_of_all_that_is_written_and_shown(firm: Firm, hashed: Callable[[], str]) -> None:
    body = {"name": "Bo", "company": {"name": "Hush"}, "activities": [{"body": "quiet"}]}
    waits = proposed(firm.bot, "POST", "/contacts", body)
    one = proposed(firm.bot, "POST", "/contacts/batch", [body])
    assert waits["notes"][1].endswith("another token, that has contacts.write, companies.write and activities.write")
    lacking = {
        "contacts.read contacts.write": "companies.write",
        "contacts.read *.write": "companies.read",
        "contacts.read companies.read *.write": "activities.read",
        "*.read contacts.write companies.write": "activities.write",
    }
    holders = [(holding(firm.home, firm.bob, firm.us.id, Access(words)), lacking[words]) for words in lacking]
    before = hashed()
    for holder, scope in holders:
        for proposal in (waits, one):
            told = holder.post(f"/proposals/{proposal['id']}/approve", headers=JSON)
            assert (error_of(told), told.json()["scope"]) == ((403, "scope_required"), scope)
            assert "# next: " not in holder.text("GET", f"/proposals/{proposal['id']}")
    assert hashed() == before
    full = holding(firm.home, firm.bob, firm.us.id, Access("*.read contacts.write companies.write activities.write"))
    assert full.text("GET", f"/proposals/{waits['id']}").endswith(f"\n# next: POST /proposals/{waits['id']}/approve\n")
    assert approved(full, waits)["company_name"] == "Hush"


def test_no_token_approves_what_it_proposed_itself(firm: Firm) -> None:
    waits = proposed(firm.bot, "POST", "/contacts", {"name": "Mine"})
    assert error_of(firm.bot.post(f"/proposals/{waits['id']}/approve")) == (403, "scope_required")
    assert "# next: " not in firm.bot.text("GET", f"/proposals/{waits['id']}")
    assert firm.bob.post(f"/proposals/{waits['id']}/approve").status_code == 201  # the same person by another token


@pytest.mark.parametrize("body", [{"fields": {"name": "Other"}}, {"name": "Other", "confirm": "yes"}])
def test_an_approval_takes_no_fields(firm: Firm, hashed: Callable[[], str], body: dict[str, Any]) -> None:
    waits = proposed(firm.bot, "POST", "/contacts", {"name": "As shown"})
    before, path = hashed(), f"/proposals/{waits['id']}/approve"
    told = firm.alice.post(path, json=body, headers=JSON)
    assert error_of(told) == (400, "unknown_field")
    assert told.json()["fields"].keys() == body.keys()
    assert hashed() == before
    assert firm.alice.post(path, json={}).status_code == 201


def test_an_approval_is_undone_as_the_write_would_be(firm: Firm) -> None:
    id = jane(firm)
    done = approved(firm.alice, proposed(firm.bot, "PATCH", f"/contacts/{id}", {"stage": "customer"}))
    told = firm.alice.post(f"/undo/{done['operation']}")
    assert told.text.startswith(f"OK undone {done['operation']} (1 record)\n")
    assert firm.alice.json_of("GET", f"/contacts/{id}")["stage"] == "lead"
    rejected = proposed(firm.bot, "PATCH", f"/contacts/{id}", {"stage": "customer"})
    operation = firm.alice.post(f"/proposals/{rejected['id']}/reject", headers=JSON).json()["operation"]
    assert error_of(firm.alice.post(f"/undo/{operation}")) == (409, "undo_conflict")


def test_the_answer_to_an_approval_is_repeated_only_to_whom_its_scopes_are_still_open(firm: Firm) -> None:
    waits = proposed(firm.bot, "POST", "/contacts", {"name": "Repeated"})
    holder = holding(firm.home, firm.bob, firm.us.id, Access("*.read *.write"), "narrowing")
    path, key = f"/proposals/{waits['id']}/approve", {"Idempotency-Key": "again"}
    first = holder.post(path, headers=key)
    assert (first.status_code, holder.post(path, headers=key).text) == (201, first.text)
    token = next(each for each in firm.bob.json_of("GET", "/tokens")["items"] if each["name"] == "narrowing")
    assert firm.bob.patch(f"/tokens/{token['id']}", json={"access": "read"}).status_code == 200
    assert error_of(holder.post(path, headers=key)) == (403, "scope_required")
