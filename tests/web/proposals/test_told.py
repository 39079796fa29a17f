"""What is told of proposals, and to whom."""

from functools import partial

from crmkit.core.people import sessions
from crmkit.model.access import Access
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.proposals import kept
from crmkit.storage.proposals.kept import Asked
from tests.house import House
from tests.teams.office import enter, error_of, holding, new, working_in
from tests.web.proposals.acts import approved, jane, pages, proposed, swept
from tests.web.proposals.conftest import Firm


def test_what_would_be_done_is_told_in_few_words(firm: Firm) -> None:
    id = jane(firm)
    body = {"name": "Bo", "company": {"name": "Acme"}, "activities": [{"body": "a"}, {"body": "b"}]}
    assert proposed(firm.bot, "POST", "/contacts", body)["notes"][0] == (
        "would create a company, a contact and 2 activities"
    )
    met = proposed(firm.bot, "POST", "/activities", {"body": "met", "contact": {"name": "Bo"}})
    assert met["notes"][0] == "would create a contact and an activity"
    many = proposed(firm.bot, "POST", "/contacts/batch", [{"name": "A"}, {"name": "B"}])
    assert many["notes"][0] == "would create 2 contacts"
    new(firm.alice, "/deals", title="Linked", contact_id=id)
    assert proposed(firm.bot, "DELETE", f"/contacts/{id}")["notes"][1] == f"would delete contact/{id}"


def test_a_body_is_shown_to_whom_all_that_it_writes_is_open(firm: Firm) -> None:
    new(firm.alice, "/companies", name="Hush")
    known = {"name": "Bo", "company": {"name": "Hush"}}  # which changes nothing of the company
    for body in (known, {"name": "Bo", "activities": [{"body": "Hush"}]}):
        waits = proposed(firm.bot, "POST", "/contacts", body)
        holder = holding(firm.home, firm.bob, firm.us.id, Access("contacts.read contacts.write"))
        assert "Hush" not in holder.text("GET", f"/proposals/{waits['id']}") + holder.text("GET", "/proposals")
        assert holder.json_of("GET", f"/proposals/{waits['id']}")["notes"][0].startswith("not all of it is shown: ")
        assert firm.bot.json_of("GET", f"/proposals/{waits['id']}")["body"] == body
    brings = {"body": "met", "contact_id": jane(firm), "company": {"name": "Hush"}}
    waits = proposed(firm.bot, "POST", "/activities", brings)
    holder = holding(firm.home, firm.bob, firm.us.id, Access("activities.read activities.write"))
    assert "Hush" not in holder.text("GET", f"/proposals/{waits['id']}")


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
