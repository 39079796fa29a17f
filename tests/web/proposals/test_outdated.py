"""A proposal is outdated where approving it would not write what it shows."""

from collections.abc import Callable
from typing import Any

from tests.teams.office import JSON, error_of, new
from tests.web.proposals.acts import approved, jane, proposed
from tests.web.proposals.conftest import Firm


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


def test_codes_that_are_given_outdate_nothing(firm: Firm) -> None:
    assert firm.alice.patch(f"/workspaces/{firm.us.id}", json={"code_prefix": "N-"}).status_code == 200
    contact = proposed(firm.bot, "POST", "/contacts", {"name": "Numbered"})
    assert contact["changes"][0]["changes"]["code"] == [None, "next"]
    assert firm.alice.post("/contacts", json={"name": "First"}, headers=JSON).json()["code"] == "N-1"
    assert approved(firm.alice, contact)["code"] == "N-2"


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
