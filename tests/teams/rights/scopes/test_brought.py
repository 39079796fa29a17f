"""What a token of exact scopes needs for what a body or a file brings beside its own records."""

from typing import Any

import httpx
import pytest

from tests.house import House
from tests.teams.office import JSON, Team
from tests.teams.rights.scopes.narrow import ACTIVITIES, filled, furnished, missing, narrowed


@pytest.fixture
def ids(us: Team) -> dict[str, str]:
    return furnished(us.alice)


@pytest.mark.parametrize(
    ("body", "scope"),
    [
        ({"company": {"name": "Acme"}}, "companies.write"),
        ({"activities": [{"body": "called"}]}, "activities.write"),
        ({"campaign_id": "{ca}"}, "campaigns.write"),
    ],
)
def test_a_record_brings_others_where_the_token_writes_them(
    home: House, us: Team, ids: dict[str, str], body: dict[str, Any], scope: str
) -> None:
    clerk = narrowed(home, us.alice, "contacts.write")
    sent = {"name": "Nested"} | filled(body, ids)
    assert missing(clerk.post("/contacts", json=sent, headers=JSON)) == scope
    batch = clerk.post("/contacts/batch", json=[sent, {"name": "Plain"}], headers=JSON)
    assert [item.get("error") for item in batch.json()["items"]] == ["scope_required", None]
    assert us.alice.json_of("GET", "/contacts?name=Nested")["items"] == []
    opened = narrowed(home, us.alice, f"contacts.write {scope}").post("/contacts", json=sent, headers=JSON)
    assert opened.status_code == 201, opened.text


@pytest.mark.parametrize("path", ["/activities", "/contacts/{c}/activities"])
def test_an_activity_brings_a_record_where_the_token_writes_it(
    home: House, us: Team, ids: dict[str, str], path: str
) -> None:
    clerk, path = narrowed(home, us.alice, ACTIVITIES), filled(path, ids)
    before = us.alice.json_of("GET", "/activities")["total"]
    for deal, scope in (({"title": "Brought"}, "deals.write"), ({"source_id": "b1", "stage": "x"}, "deals.write")):
        assert missing(clerk.post(path, json={"body": "met", "deal": deal}, headers=JSON)) == scope
    opened = narrowed(home, us.alice, f"{ACTIVITIES} deals.write")
    assert missing(opened.post(path, json={"body": "met", "deal": {"source_id": "b1"}}, headers=JSON)) == "deals.read"
    assert us.alice.json_of("GET", "/activities")["total"] == before
    assert us.alice.json_of("GET", "/deals?title=Brought")["items"] == []
    assert opened.post(path, json={"body": "met", "deal": {"title": "Brought"}}, headers=JSON).status_code == 201


def test_naming_a_record_of_a_closed_kind_by_its_id_needs_nothing(home: House, us: Team, ids: dict[str, str]) -> None:
    clerk = narrowed(home, us.alice, "contacts.write")
    made = clerk.post("/contacts", json={"name": "Known", "company_id": ids["co"]}, headers=JSON)
    assert made.status_code == 201, made.text
    assert us.alice.json_of("GET", "/contacts?name=Known")["items"][0]["company_id"] == ids["co"]


def test_an_import_needs_the_write_of_its_kind(home: House, us: Team, ids: dict[str, str]) -> None:
    file, wanted = "name,company\nAnn,Zeta\n", "imports.write imports.read contacts.read contacts.write"

    def tried(words: str) -> httpx.Response:
        path = "/import?kind=contacts&map.company=company"
        return narrowed(home, us.alice, words).post(path, content=file, headers=JSON)

    assert missing(tried("imports.write")) == "contacts.write"
    assert missing(tried("contacts.write")) == "imports.write"
    assert tried(wanted).json()["refused"] == 1  # since the company would be new
    assert tried(f"{wanted} companies.write").json()["refused"] == 1  # since names of companies would be tried
    planned = tried(f"{wanted} companies.read companies.write").json()
    assert (planned["refused"], planned["creates"]) == (0, 1)
    path = f"/imports/{planned['id']}"
    clerk = narrowed(home, us.alice, "imports.write imports.read companies.read")
    assert missing(clerk.get(path, headers=JSON)) == "contacts.read"
    assert [item["id"] for item in clerk.json_of("GET", "/imports")["items"]] == [ids["imp"]]
    assert missing(clerk.patch(path, json={"mode": "create"}, headers=JSON)) == "contacts.write"
    assert missing(clerk.post(f"{path}/start", headers=JSON)) == "contacts.write"
    assert missing(narrowed(home, us.alice, "imports.read").delete(path, headers=JSON)) == "imports.write"
    assert clerk.delete(path).status_code == 200
    assert narrowed(home, us.alice, "imports.delete").delete(path).status_code == 200


def test_activities_are_written_by_a_token_of_activities_alone(home: House, us: Team, ids: dict[str, str]) -> None:
    logger = narrowed(home, us.alice, ACTIVITIES)
    assert logger.post(f"/deals/{ids['d']}/activities", json={"body": "called"}).status_code == 201
    assert logger.post("/activities", json={"contact_id": ids["c"], "body": "called"}).status_code == 201
    assert missing(logger.get("/activities", headers=JSON)) == "activities.read"
