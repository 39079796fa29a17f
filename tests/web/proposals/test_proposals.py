"""A token with access `propose` reads; what it writes waits until somebody approves just that."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from crmkit.core.people import sessions
from crmkit.core.sweep import sweep
from crmkit.model.access import Access
from crmkit.storage.interface.lanes import ANYWHERE
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.proposals import kept
from crmkit.storage.proposals.kept import Asked
from tests.house import House, Person
from tests.teams.office import JSON, enter, error_of, holding, new, working_in
from tests.web.connecting import rpc
from tests.web.proposals.conftest import Firm


def proposed(bot: Person, method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
    answer = bot.send_it(method, path, body, headers={**JSON, **headers})
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()
    return found


def approved(person: Person, proposal: dict[str, Any]) -> dict[str, Any]:
    answer = person.post(f"/proposals/{proposal['id']}/approve", headers=JSON)
    assert answer.status_code < 300, answer.text
    found: dict[str, Any] = answer.json()
    return found


def jane(firm: Firm, **more: Any) -> str:
    return new(firm.alice, "/contacts", **{"name": "Jane", "stage": "lead", **more})


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


def test_what_would_be_done_is_told_in_few_words(firm: Firm) -> None:
    id = jane(firm)
    body = {"name": "Bo", "company": {"name": "Acme"}, "activities": [{"body": "a"}, {"body": "b"}]}
    assert proposed(firm.bot, "POST", "/contacts", body)["notes"][0] == (
        "would create a company, a contact and 2 activities"
    )
    many = proposed(firm.bot, "POST", "/contacts/batch", [{"name": "A"}, {"name": "B"}])
    assert many["notes"][0] == "would create 2 contacts"
    new(firm.alice, "/deals", title="Linked", contact_id=id)
    assert proposed(firm.bot, "DELETE", f"/contacts/{id}")["notes"][1] == f"would delete contact/{id}"


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


def test_a_dry_approval_closes_nothing(firm: Firm, hashed: Callable[[], str]) -> None:
    waits = proposed(firm.bot, "POST", "/contacts", {"name": "Zoe"})
    before = hashed()
    told = firm.alice.post(f"/proposals/{waits['id']}/approve?dry_run=1")
    assert told.status_code == 201
    assert told.text.startswith("contact/new  name=Zoe  ")
    assert hashed() == before
    assert approved(firm.alice, waits)["name"] == "Zoe"


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


def test_what_changed_since_is_refused_with_the_fields(firm: Firm, hashed: Callable[[], str]) -> None:
    id = jane(firm)
    waits = proposed(firm.bot, "PATCH", f"/contacts/{id}", {"stage": "customer", "source": "web"})
    firm.bob.patch(f"/contacts/{id}", json={"stage": "prospect", "notes": "called"})
    before = hashed()
    told = firm.alice.post(f"/proposals/{waits['id']}/approve", headers=JSON)
    assert error_of(told) == (409, "proposal_outdated")
    assert told.json()["fields"] == {
        f"contact/{id}.stage": "is prospect now; it was lead when this was proposed",
    }
    assert hashed() == before
    assert firm.bot.json_of("GET", f"/proposals/{waits['id']}")["state"] == "open"


def test_a_change_of_other_fields_does_not_outdate_a_proposal(firm: Firm) -> None:
    id = jane(firm)
    waits = proposed(firm.bot, "PATCH", f"/contacts/{id}", {"stage": "customer"})
    firm.bob.patch(f"/contacts/{id}", json={"notes": "called"})
    done = approved(firm.alice, waits)
    assert (done["stage"], done["notes"]) == ("customer", "called")


def test_a_proposal_that_expects_a_version_is_outdated_by_any_change(firm: Firm) -> None:
    id = jane(firm)
    for headers, body in (({"If-Match": "1"}, {}), ({}, {"version": 1})):
        waits = proposed(firm.bot, "PATCH", f"/contacts/{id}", {"stage": "customer", **body}, **headers)
        firm.bob.patch(f"/contacts/{id}", json={"notes": "called"})
        told = firm.alice.post(f"/proposals/{waits['id']}/approve", headers=JSON)
        assert error_of(told) == (409, "proposal_outdated")
        assert told.json()["fields"] == {f"contact/{id}.notes": "changed since"}
        id = jane(firm)


def test_what_is_gone_outdates_a_proposal(firm: Firm) -> None:
    id = jane(firm)
    waits = proposed(firm.bot, "PATCH", f"/contacts/{id}", {"stage": "customer"})
    confirm = firm.alice.delete(f"/contacts/{id}", headers=JSON).json()["confirm"]
    firm.alice.delete(f"/contacts/{id}?confirm={confirm}")
    told = firm.alice.post(f"/proposals/{waits['id']}/approve", headers=JSON)
    assert error_of(told) == (409, "proposal_outdated")
    assert told.json()["fields"] == {f"contact/{id}": "was deleted since"}


def test_a_delete_that_would_take_more_along_is_outdated(firm: Firm) -> None:
    id = jane(firm)
    waits = proposed(firm.bot, "DELETE", f"/contacts/{id}")
    activity = new(firm.bob, f"/contacts/{id}/activities", body="just now")
    told = firm.alice.post(f"/proposals/{waits['id']}/approve", headers=JSON)
    assert error_of(told) == (409, "proposal_outdated")
    assert told.json()["fields"] == {f"activity/{activity}": "would be deleted now, which was not shown"}


def test_a_create_that_would_merge_now_is_outdated(firm: Firm) -> None:
    waits = proposed(firm.bot, "POST", "/contacts", {"name": "Jane", "email": f"new@{firm.us.id[3:]}.example.com"})
    id = new(firm.bob, "/contacts", name="Other", email=f"new@{firm.us.id[3:]}.example.com")
    told = firm.alice.post(f"/proposals/{waits['id']}/approve", headers=JSON)
    assert error_of(told) == (409, "proposal_outdated")
    assert f"contact/{id}" in told.json()["fields"]


def test_filters_that_find_another_set_outdate_a_proposal(firm: Firm) -> None:
    jane(firm)
    waits = proposed(firm.bot, "PATCH", "/contacts?stage=lead", {"stage": "customer"})
    other = jane(firm, name="Later")
    told = firm.alice.post(f"/proposals/{waits['id']}/approve", headers=JSON)
    assert error_of(told) == (409, "proposal_outdated")
    assert told.json()["fields"] == {f"contact/{other}": "would be updated now, which was not shown"}


def test_more_records_than_are_shown_are_not_proposed(firm: Firm) -> None:
    for start in (0, 600):
        items = [{"name": f"Many {start + n}", "stage": "many"} for n in range(600)]
        assert firm.alice.post("/contacts/batch", json={"items": items}).status_code == 201
    told = firm.bot.patch("/contacts?stage=many", json={"stage": "few"})
    assert error_of(told) == (413, "too_large")
    assert firm.bot.json_of("GET", "/proposals")["items"] == []


def test_relative_times_and_me_mean_what_they_meant_when_it_was_proposed(firm: Firm) -> None:
    waits = proposed(firm.bot, "POST", "/tasks", {"title": "Call", "due_at": "+2d", "owner": "me"})
    (change,) = waits["changes"]
    firm.home.clock.move(days=1)
    done = approved(firm.alice, waits)
    assert done["due_at"] == change["changes"]["due_at"][1]
    assert done["owner"] == firm.bot.email
    assert done["created_by"] == firm.alice.email


def test_codes_that_are_given_outdate_nothing(firm: Firm) -> None:
    assert firm.alice.patch(f"/workspaces/{firm.us.id}", json={"code_prefix": "N-"}).status_code == 200
    contact = proposed(firm.bot, "POST", "/contacts", {"name": "Numbered"})
    assert contact["changes"][0]["changes"]["code"] == [None, "next"]
    assert firm.alice.post("/contacts", json={"name": "First"}, headers=JSON).json()["code"] == "N-1"
    assert approved(firm.alice, contact)["code"] == "N-2"


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


def test_a_body_is_shown_to_whom_all_that_it_writes_is_open(firm: Firm) -> None:
    new(firm.alice, "/companies", name="Hush")
    known = {"name": "Bo", "company": {"name": "Hush"}}  # which changes nothing of the company
    for body in (known, {"name": "Bo", "activities": [{"body": "Hush"}]}):
        waits = proposed(firm.bot, "POST", "/contacts", body)
        holder = holding(firm.home, firm.bob, firm.us.id, Access("contacts.read contacts.write"))
        assert "Hush" not in holder.text("GET", f"/proposals/{waits['id']}") + holder.text("GET", "/proposals")
        assert holder.json_of("GET", f"/proposals/{waits['id']}")["notes"][0].startswith("not all of it is shown: ")
        assert firm.bot.json_of("GET", f"/proposals/{waits['id']}")["body"] == body


def test_a_token_that_proposes_ends_and_renames_itself_alone(firm: Firm) -> None:
    listed = {each["name"]: each["id"] for each in firm.bob.json_of("GET", "/tokens")["items"]}
    assert error_of(firm.bot.patch(f"/tokens/{listed['test']}", json={"access": "read"})) == (403, "scope_required")
    assert error_of(firm.bot.delete(f"/tokens/{listed['test']}")) == (403, "scope_required")
    assert firm.bot.patch(f"/tokens/{listed['bot']}", json={"token_name": "robot"}).status_code == 200
    assert firm.bot.delete(f"/tokens/{listed['bot']}").status_code == 200


def test_no_token_approves_what_it_proposed_itself(firm: Firm) -> None:
    waits = proposed(firm.bot, "POST", "/contacts", {"name": "Mine"})
    assert error_of(firm.bot.post(f"/proposals/{waits['id']}/approve")) == (403, "scope_required")
    assert "# next: " not in firm.bot.text("GET", f"/proposals/{waits['id']}")
    assert firm.bob.post(f"/proposals/{waits['id']}/approve").status_code == 201  # the same person by another token


def test_a_token_takes_back_what_it_proposed_and_nothing_else(firm: Firm) -> None:
    waits = proposed(firm.bot, "POST", "/contacts", {"name": "Mistaken"})
    other = holding(firm.home, firm.bob, firm.us.id, Access("propose"), "other")
    assert error_of(other.post(f"/proposals/{waits['id']}/reject")) == (403, "scope_required")
    told = firm.bot.post(f"/proposals/{waits['id']}/reject", json={"reason": "mistaken"}, headers=JSON).json()
    assert (told["state"], told["closed_by"], told["reason"]) == ("rejected", firm.bot.email, "mistaken")
    again = firm.bot.post(f"/proposals/{waits['id']}/reject")
    assert error_of(again) == error_of(firm.alice.post(f"/proposals/{waits['id']}/approve"))
    assert error_of(again) == (409, "proposal_closed")


@pytest.mark.parametrize("body", [{"fields": {"name": "Other"}}, {"name": "Other", "confirm": "yes"}])
def test_an_approval_takes_no_fields(firm: Firm, hashed: Callable[[], str], body: dict[str, Any]) -> None:
    waits = proposed(firm.bot, "POST", "/contacts", {"name": "As shown"})
    before, path = hashed(), f"/proposals/{waits['id']}/approve"
    told = firm.alice.post(path, json=body, headers=JSON)
    assert error_of(told) == (400, "unknown_field")
    assert told.json()["fields"].keys() == body.keys()
    assert hashed() == before
    assert firm.alice.post(path, json={}).status_code == 201


def test_what_is_outdated_is_told_in_one_sentence_and_approving_is_not_the_next_step(firm: Firm) -> None:
    id = jane(firm)
    plain = proposed(firm.bot, "PATCH", f"/contacts/{id}", {"stage": "customer"})
    exact = proposed(firm.bot, "PATCH", f"/contacts/{id}", {"stage": "customer", "version": 1})
    gone = proposed(firm.bot, "DELETE", f"/contacts/{jane(firm, name='Gone')}")
    next_ = "\n# next: POST /proposals/{}/approve\n"

    def suggested(waits: dict[str, Any]) -> bool:
        return firm.alice.text("GET", f"/proposals/{waits['id']}").endswith(next_.format(waits["id"]))

    assert [*map(suggested, (plain, exact, gone))] == [True, True, True]
    firm.bob.patch(f"/contacts/{id}", json={"notes": "called"})
    assert [*map(suggested, (plain, exact, gone))] == [True, False, True]
    firm.bob.patch(f"/contacts/{id}", json={"stage": "prospect"})
    target = gone["changes"][0]["target"]
    confirm = firm.alice.delete(f"/contacts/{target.partition('/')[2]}", headers=JSON).json()["confirm"]
    firm.alice.delete(f"/contacts/{target.partition('/')[2]}?confirm={confirm}")
    assert [*map(suggested, (plain, exact, gone))] == [False, False, False]
    notes = firm.alice.json_of("GET", f"/proposals/{plain['id']}")["notes"]
    assert notes == [f"outdated: contact/{id}.stage changed since"]
    for waits in (plain, exact, gone):
        told = firm.alice.post(f"/proposals/{waits['id']}/approve", headers=JSON)
        assert told.json()["hint"] == (
            f"Nothing was written, since it is not what {waits['handle']} shows any more. "
            f"Have it proposed anew, and close this one: POST /proposals/{waits['id']}/reject"
        )
    firm.bob.patch(f"/contacts/{id}", json={"stage": "lead"})
    assert suggested(plain)
    assert approved(firm.alice, plain)["stage"] == "customer"


def test_a_proposal_is_seen_by_whom_its_records_are_open_to(firm: Firm) -> None:
    contact = proposed(firm.bot, "POST", "/contacts", {"name": "Seen"})
    deal = proposed(firm.bot, "POST", "/deals", {"title": "Unseen"})
    holder = holding(firm.home, firm.bob, firm.us.id, Access("contacts.read"))
    assert [each["id"] for each in holder.json_of("GET", "/proposals")["items"]] == [contact["id"]]
    assert error_of(holder.get(f"/proposals/{deal['id']}")) == (404, "not_found")


def test_a_proposal_shows_no_changes_of_records_that_are_not_open(firm: Firm) -> None:
    id = jane(firm)
    new(firm.alice, "/deals", title="Secret", contact_id=id)
    waits = proposed(firm.bot, "DELETE", f"/contacts/{id}")
    assert {each["action"] for each in waits["changes"]} == {"deal.update", "contact.delete"}
    holder = holding(firm.home, firm.bob, firm.us.id, Access("contacts.read"))
    found = holder.json_of("GET", f"/proposals/{waits['id']}")
    assert {each["action"] for each in found["changes"]} == {"contact.delete"}


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


def test_an_approval_is_undone_as_the_write_would_be(firm: Firm) -> None:
    id = jane(firm)
    done = approved(firm.alice, proposed(firm.bot, "PATCH", f"/contacts/{id}", {"stage": "customer"}))
    told = firm.alice.post(f"/undo/{done['operation']}")
    assert told.text.startswith(f"OK undone {done['operation']} (1 record)\n")
    assert firm.alice.json_of("GET", f"/contacts/{id}")["stage"] == "lead"
    rejected = proposed(firm.bot, "PATCH", f"/contacts/{id}", {"stage": "customer"})
    operation = firm.alice.post(f"/proposals/{rejected['id']}/reject", headers=JSON).json()["operation"]
    assert error_of(firm.alice.post(f"/undo/{operation}")) == (409, "undo_conflict")


def test_lists_of_proposals_are_filtered_and_paged(firm: Firm) -> None:
    other = holding(firm.home, firm.alice, firm.us.id, Access("propose"))
    made = [proposed(bot, "POST", "/contacts", {"name": f"N{n}"})["id"] for n in range(3) for bot in (firm.bot, other)]
    firm.alice.post(f"/proposals/{made[0]}/reject")
    assert pages(firm.alice, "/proposals?limit=4") == [*reversed(made)]
    assert pages(firm.alice, "/proposals?state=open&limit=2") == [*reversed(made[1:])]
    assert pages(firm.alice, f"/proposals?by={firm.bot.email}") == [*reversed(made[::2])]
    assert pages(other, "/proposals?by=me&state=open") == [*reversed(made[1::2])]
    assert error_of(firm.alice.get("/proposals?state=opn")) == (400, "invalid_value")
    cursor = firm.alice.json_of("GET", "/proposals?limit=2")["next_cursor"]
    assert error_of(firm.alice.get(f"/proposals?state=open&cursor={cursor}")) == (400, "invalid_cursor")
    assert firm.alice.json_of("GET", "/proposals")["total"] == 6
    assert "# note: 5 proposals to approve: GET /proposals?state=open\n" in firm.alice.text("GET", "/brief")


def pages(person: Person, path: str) -> list[str]:
    found, cursor = list[str](), ""
    while cursor is not None:
        answer = person.json_of("GET", f"{path}{'&' if '?' in path else '?'}cursor={cursor}")
        found += [each["id"] for each in answer["items"]]
        cursor = answer["next_cursor"]
    return found


def test_a_long_proposal_is_listed_by_its_line_and_dropped_but_for_that_as_it_is_closed(
    firm: Firm, home: House
) -> None:
    items = [{"name": f"Long {number}", "notes": "x" * 200} for number in range(100)]
    short = [proposed(firm.bot, "POST", "/contacts", {"name": f"Short {number}"}) for number in range(3)]
    long = [proposed(firm.bot, "POST", "/contacts/batch", {"items": items}) for _ in range(3)]
    listed = {each["id"]: each for each in firm.alice.json_of("GET", "/proposals")["items"]}
    assert [listed[each["id"]]["body"] for each in (short[0], long[0])] == [{"name": "Short 0"}, None]
    actor = home.do(sessions.authenticate(home.crm, f"Bearer {firm.alice.token}"))
    rows = partial(kept.page, workspace=Workspace.of(actor), asked=Asked(), most=10)
    found = home.do(home.crm.database.read(actor, rows))
    assert {(*each.changes, *each.says, each.request.body) for each in found[:3]} == {(None,)}
    approved(firm.alice, short[0])
    assert approved(firm.alice, long[0])["created"] == 100
    for waits in (short[1], long[1]):
        assert firm.alice.post(f"/proposals/{waits['id']}/reject").status_code == 200
    home.clock.move(days=30, seconds=1)
    swept(home)
    alice = working_in(enter(home, firm.alice.email), firm.us.id)
    for before, state in zip(short, ("approved", "rejected", "expired"), strict=True):
        after = alice.json_of("GET", f"/proposals/{before['id']}")
        assert (after["state"], after["body"], after["changes"]) == (state, before["body"], before["changes"])
    for before, state in zip(long, ("approved", "rejected", "expired"), strict=True):
        after = alice.json_of("GET", f"/proposals/{before['id']}")
        assert (after["state"], after["path"], after["body"], after["changes"]) == (state, before["path"], None, [])
        assert after["notes"] == ["it was long, so what it would change was dropped as it was closed"]


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


def swept(home: House) -> None:
    home.do(home.crm.database.write(partial(sweep, crm=home.crm), lanes=ANYWHERE))


@pytest.mark.parametrize("tool", ["request", "write"])
def test_a_tool_that_proposes_gets_the_proposal_and_no_error(firm: Firm, tool: str) -> None:
    arguments = {"method": "POST", "path": "/contacts", "body": {"name": "By tool"}}
    answer = firm.bot.post("/mcp", json=rpc("tools/call", {"name": tool, "arguments": arguments})).json()["result"]
    assert not answer["isError"]
    assert answer["content"][0]["text"].startswith("proposal/pr_")


def test_the_answer_to_an_approval_is_repeated_only_to_whom_its_scopes_are_still_open(firm: Firm) -> None:
    waits = proposed(firm.bot, "POST", "/contacts", {"name": "Repeated"})
    holder = holding(firm.home, firm.bob, firm.us.id, Access("*.read *.write"), "narrowing")
    path, key = f"/proposals/{waits['id']}/approve", {"Idempotency-Key": "again"}
    first = holder.post(path, headers=key)
    assert (first.status_code, holder.post(path, headers=key).text) == (201, first.text)
    token = next(each for each in firm.bob.json_of("GET", "/tokens")["items"] if each["name"] == "narrowing")
    assert firm.bob.patch(f"/tokens/{token['id']}", json={"access": "read"}).status_code == 200
    assert error_of(holder.post(path, headers=key)) == (403, "scope_required")
