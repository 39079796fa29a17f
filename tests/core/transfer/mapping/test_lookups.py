"""Records that a row names are looked up by id, by key, by one exact name; companies that are not there are created."""

from collections.abc import Sequence
from typing import Any

import pytest

from crmkit.core.call import Call
from crmkit.core.records import logged, write
from crmkit.core.transfer.mapping import Body
from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.model.record import Kind
from crmkit.storage.interface.tx import Tx
from tests.core.transfer.mapping.tables import planned, table
from tests.kinds import ACTIVITY, COMPANY, CONTACT, CONVERSION, DEAL
from tests.storage.desk import Desk


@pytest.fixture
def alice(back: Desk) -> Actor:
    return back.person()


def imported(
    back: Desk, actor: Actor, titles: Sequence[str], *rows: Sequence[Any], kind: Kind = CONTACT, **options: Any
) -> list[Any]:
    """Return the records that rows make, each in a transaction of its own; a Problem for one that is refused."""
    found = table(titles, *rows)
    plan, call, made = planned(found, kind, **options), Call(back.crm, actor), []
    for row in found.rows():
        body = plan.body(row)
        assert isinstance(body, Body), body

        def unit(tx: Tx, body: Body = body) -> Any:
            values = plan.resolve(tx, back.crm, body) if body.needs_lookup else body.values
            if kind is ACTIVITY:
                return logged.saving(back.crm, values, call.asker)(tx)
            return write.saving(back.crm, kind, values, call.asker)(tx)

        try:
            made.append(back.do(call.write(unit)).record)
        except Problem as problem:
            made.append(problem)
    return made


def companies(back: Desk, actor: Actor) -> list[Any]:
    return sorted(back.find(actor, kind=COMPANY).records, key=lambda each: (each.name, each.domain or ""))


def test_companies_are_created_once_and_found_by_their_names_from_then_on(back: Desk, alice: Actor) -> None:
    rows = [("Ada", "Acme"), ("Béla", "ACME"), ("Cher", "Globex"), ("Dora", "")]
    ada, bela, cher, dora = imported(back, alice, ["Name", "Company"], *rows)
    assert ada.company_id == bela.company_id
    assert (ada.company_name, cher.company_name, dora.company_id) == ("Acme", "Globex", None)
    assert [each.name for each in companies(back, alice)] == ["Acme", "Globex"]


def test_a_company_is_found_by_id_domain_code_and_id_elsewhere(back: Desk, alice: Actor) -> None:
    acme = back.make(alice, COMPANY, name="Acme", domain="acme.example", code="A-1", source_id="hubspot:7")
    for text in (
        acme.id,
        acme.handle,
        "acme.example",
        "www.acme.example",
        "A-1",
        "hubspot:7",
        "code:A-1",
        "Acme",
        "acme",
    ):
        for title in ("company_id", "Company"):
            (found,) = imported(back, alice, ["Name", title], ("Ada", text))
            assert found.company_id == acme.id, (title, text)
    (found,) = imported(
        back, alice, ["Record ID", "Lifecycle Stage", "First Name", "Company"], ("1", "lead", "Ada", "7")
    )
    assert found.company_id == acme.id
    assert len(companies(back, alice)) == 1


def test_a_link_that_leads_nowhere_refuses_its_row(back: Desk, alice: Actor) -> None:
    (problem,) = imported(back, alice, ["Name", "company_id"], ("Ada", "Acme"))
    assert (problem.code, problem.fields) == (
        "invalid_reference",
        {"company_id": "there is no company Acme in this workspace"},
    )
    assert companies(back, alice) == []


def test_a_name_that_two_share_refuses_its_row_unless_one_is_written_just_so(back: Desk, alice: Actor) -> None:
    first, second = (back.make(alice, COMPANY, name=name) for name in ("Acme", "ACME"))
    exact, other = imported(back, alice, ["Name", "Company"], ("Ada", "ACME"), ("Béla", "acme"))
    assert (exact.company_id, other.code) == (second.id, "invalid_reference")
    assert other.fields == {"company": "2 companies have this name; send the id or a key of one"}
    back.remove(alice, first)


def test_columns_of_a_company_are_merged_into_it(back: Desk, alice: Actor) -> None:
    acme = back.make(alice, COMPANY, name="Acme", city="Bonn")
    titles = ["Name", "Company", "Company Domain", "Company City"]
    found = imported(
        back, alice, titles, ("Ada", "Acme", "acme.example", "Ulm"), ("Béla", "Acme Inc.", "acme.example", "")
    )
    assert {each.company_id for each in found} == {acme.id}
    acme = back.fetch(alice, acme)
    assert (acme.name, acme.domain, acme.city) == ("Acme Inc.", "acme.example", "Ulm")


def test_a_company_of_the_same_name_with_another_key_is_another_one(back: Desk, alice: Actor) -> None:
    back.make(alice, COMPANY, name="Acme", domain="acme.example")
    (found,) = imported(back, alice, ["Name", "Company", "Company Domain"], ("Ada", "Acme", "acme.test"))
    assert [each.domain for each in companies(back, alice)] == ["acme.example", "acme.test"]
    assert found.company_id == companies(back, alice)[1].id


def test_an_id_of_a_company_that_is_not_there_is_kept(back: Desk, alice: Actor) -> None:
    titles = ["Record ID", "Lifecycle Stage", "First Name", "Associated Company", "Associated Company IDs"]
    (found,) = imported(back, alice, titles, ("1", "lead", "Ada", "", "9001"))
    assert (found.company_id, found.custom) == (None, {"Associated Company IDs": "9001"})
    assert companies(back, alice) == []


def test_a_company_that_was_imported_before_is_found_by_its_id_there(back: Desk, alice: Actor) -> None:
    (acme,) = imported(back, alice, ["Record ID", "Company owner", "Company name"], ("9001", "", "Acme"), kind=COMPANY)
    titles = ["Record ID", "Lifecycle Stage", "First Name", "Associated Company", "Associated Company IDs"]
    (found,) = imported(back, alice, titles, ("1", "lead", "Ada", "Acme", "9001"))
    assert (acme.source_id, found.source_id, found.company_id) == ("hubspot:9001", "hubspot:1", acme.id)


def test_deals_find_their_contacts_and_create_those_that_are_not_there(back: Desk, alice: Actor) -> None:
    ada = back.save(alice, name="Ada Brandt", email="ada@x.example")
    titles = ["Deal - Title", "Deal - Value", "Deal - Contact person", "Deal - Organization"]
    rows = [("A", "5", "Ada Brandt", "Acme"), ("B", "6", "Béla", "Acme"), ("C", "7", "ada@x.example", "")]
    first, second, third = imported(back, alice, titles, *rows, kind=DEAL)
    assert (first.contact_id, third.contact_id, second.contact_name) == (ada.id, ada.id, "Béla")
    assert (first.company_id, first.amount_cents) == (second.company_id, 500)


def test_an_address_that_names_nobody_yet_is_the_key_of_who_is_created(back: Desk, alice: Actor) -> None:
    rows = [("A", "new@x.example", "new.example"), ("B", "NEW@x.example", "www.new.example")]
    first, second = imported(back, alice, ["Deal", "Contact", "Company"], *rows, kind=DEAL)
    assert (first.contact_id, first.company_id) == (second.contact_id, second.company_id)
    (made,) = back.find(alice, kind=CONTACT).records
    assert (made.name, made.email) == ("new@x.example", "new@x.example")
    assert [(each.name, each.domain) for each in companies(back, alice)] == [("new.example", "new.example")]


def test_activities_and_conversions_find_their_contact(back: Desk, alice: Actor) -> None:
    ada = back.save(alice, name="Ada Brandt", email="ada@x.example", source_id="hubspot:1")
    (call,) = imported(
        back, alice, ["Notes", "contact_id", "Date"], ("Called", "Ada Brandt", "2026-05-01 09:00"), kind=ACTIVITY
    )
    assert (call.contact_id, call.occurred_at) == (ada.id, "2026-05-01T07:00:00Z")
    (made,) = imported(back, alice, ["contact_id", "platform"], ("ada@x.example", "meta"), kind=CONVERSION)
    assert made.contact_id == ada.id


def test_a_record_of_another_workspace_is_not_found(back: Desk, alice: Actor) -> None:
    bob = back.person("bob@house.example")
    acme = back.make(bob, COMPANY, name="Acme", domain="acme.example", code="A-1")
    for text in ("Acme", "acme.example", "A-1", acme.id):
        (problem,) = imported(back, alice, ["Name", "company_id"], ("Ada", text))
        assert problem.code == "invalid_reference"


def test_a_company_that_two_columns_name_is_the_one_of_its_id(back: Desk, alice: Actor) -> None:
    acme = back.make(alice, COMPANY, name="Acme", domain="acme.example")
    (found,) = imported(back, alice, ["Name", "company_id", "Company"], ("Ada", "acme.example", "Globex"))
    assert (found.company_id, found.custom) == (acme.id, {"Company": "Globex"})
    assert len(companies(back, alice)) == 1
