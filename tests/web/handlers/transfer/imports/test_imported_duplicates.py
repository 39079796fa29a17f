"""A plan and a finished import tell how many records that they create may be the same as another."""

from tests.house import Person
from tests.web.handlers.transfer.imports.test_imports import counts, ended, file, imported, planned

HEAD = ("name", "phone")
JANE = ("Jane Doe", "+49 30 901820")


def test_how_many_records_may_be_in_twice_is_told_by_the_plan_and_after_the_run(alice: Person) -> None:
    alice.json_of("POST", "/contacts", dict(zip(HEAD, JANE, strict=True)))
    plan = planned(alice, file(JANE, ("Bob Roe", "+49 30 901821"), head=HEAD), "kind=contacts")
    told = "1 record that is created may be the same as another: GET /duplicates?kind=contacts lists the pairs"
    assert counts(plan) == (2, 2, 0, 0)
    assert plan["notes"] == [told]
    alice.post(f"/imports/{plan['id']}/start")
    assert ended(alice, plan["id"])["notes"] == [told]
    assert len(alice.json_of("GET", "/duplicates?kind=contacts")["items"]) == 1
    again = imported(alice, file(JANE, JANE, head=HEAD), "kind=contacts")
    assert again["notes"] == [told.replace("1 record that is", "2 records that are")]


def test_an_import_without_any_says_nothing_of_it(alice: Person) -> None:
    assert "notes" not in imported(alice, file(JANE, head=HEAD), "kind=contacts")
