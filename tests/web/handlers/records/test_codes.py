"""Codes compare exactly: two that differ in case alone are two, in writes, filters, paths and files."""

import pytest

from tests.house import Person
from tests.web.handlers.transfer.imports.test_imports import counts, imported


@pytest.mark.parametrize("plural", ["contacts", "companies"])
def test_codes_that_differ_in_case_alone_are_two(alice: Person, plural: str) -> None:
    made = [alice.json_of("POST", f"/{plural}", {"name": code, "code": code}) for code in ("k1", "K1")]
    assert made[0]["id"] != made[1]["id"]
    assert alice.json_of("POST", f"/{plural}", {"name": "Again", "code": "K1"})["id"] == made[1]["id"]
    found = alice.json_of("GET", f"/{plural}?code=K1")["items"]
    assert [each["id"] for each in found] == [made[1]["id"]]
    assert alice.json_of("GET", f"/{plural}/code:k1")["id"] == made[0]["id"]
    assert alice.json_of("PATCH", f"/{plural}/{made[0]['id']}", {"code": "K1"})["error"] == "already_exists"


@pytest.mark.parametrize("plural", ["contacts", "companies"])
def test_rows_whose_codes_differ_in_case_alone_are_two(alice: Person, plural: str) -> None:
    assert counts(imported(alice, "name,code\nA,k1\nC,K1\n", f"kind={plural}")) == (2, 2, 0, 0)


def test_the_next_code_passes_over_one_that_was_taken_by_hand(alice: Person) -> None:
    place = alice.json_of("GET", "/whoami")["workspace"].rpartition("/")[2]
    assert alice.patch(f"/workspaces/{place}", json={"code_prefix": "CRM-"}).status_code == 200
    for code in ("CRM-1", "crm-2"):
        alice.json_of("POST", "/contacts", {"name": code, "code": code})
    assert alice.json_of("POST", "/contacts", {"name": "Jane"})["code"] == "CRM-2"
