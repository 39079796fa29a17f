"""Figures, conversions, the workspace and tickets, of a workspace whose records are known."""

from typing import Any

import pytest

from crmkit.model.access import Access
from tests.house import Person
from tests.teams.office import JSON, Team, holding, new

P = "/api/v2/agent"


def shown(person: Person, path: str) -> Any:
    answer = person.get(f"{P}{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


@pytest.fixture
def full(us: Team) -> Team:
    """Five leads: three new ones of which one is without a stage, one contacted, one won with an ad; one campaign."""
    for stage in ("new", "NEW", None):
        new(us.alice, "/contacts", first_name="New", **({"stage": stage} if stage else {}))
    met = new(us.alice, "/contacts", first_name="Met", stage="contacted", ad_platform="google")
    won = new(
        us.alice, "/contacts", first_name="Won", ad_platform="meta", stage="won", actual_cents=3200050, code="K-5"
    )
    campaign = new(us.alice, "/campaigns", name="Promo", ad_platform="meta")
    company = new(us.alice, "/companies", name="Acme")
    for id in (met, won, company):
        assert us.alice.post(f"/campaigns/{campaign}/members", json={"id": id}).status_code < 300
    new(us.alice, "/conversions", contact_id=met, platform="google", value_cents=700, currency="EUR", status="synced")
    return us


def test_the_summary_counts_leads_and_conversions_of_the_period(full: Team) -> None:
    summary = shown(full.bob, "/analytics/summary")
    assert summary.pop("period").keys() == {"from", "to"}
    assert summary == {
        "totalLeads": 5,
        "newLeads": 3,
        "contactedLeads": 1,
        "totalConversions": 2,
        "totalConversionValue": 32000.5,  # in the currency of the workspace
        "timeframe": "last_30_days",
    }
    assert shown(full.bob, "/analytics/summary?to=2020-01-01")["totalLeads"] == 0


def test_the_funnel_has_a_row_for_each_status_that_leads_have(full: Team) -> None:
    assert shown(full.bob, "/analytics/funnel?timeframe=today") == [
        {"status": "new", "count": 3, "percentage": 60.0},
        {"status": "contacted", "count": 1, "percentage": 20.0},
        {"status": "won", "count": 1, "percentage": 20.0},
    ]
    assert shown(full.bob, "/analytics/funnel?from=2020-01-01&to=2020-02-01") == []


def test_campaigns_tell_the_leads_and_conversions_they_brought(full: Team) -> None:
    assert shown(full.bob, "/analytics/campaigns") == [
        {"campaignName": "Promo", "adPlatform": "meta", "leads": 2, "conversions": 2, "conversionValue": 32000.5}
    ]


def test_conversions_are_counted_by_lead_and_those_that_wait_are_listed(full: Team) -> None:
    every = {"pending": 1, "synced": 1, "partial": 0, "failed": 0, "none": 3}
    assert shown(full.bob, "/conversions/status") == every
    assert shown(full.bob, "/conversions/status?platform=meta") == {**dict.fromkeys(every, 0), "pending": 1}
    (pending,) = shown(full.bob, "/conversions/pending")
    assert pending.pop("leadId").startswith("c_")
    assert pending == {
        "uniqueCode": "K-5",
        "status": "won",
        "adPlatform": "meta",
        "conversionSyncStatus": "pending",
        "lastConversionSyncAt": None,
    }


@pytest.mark.parametrize(
    ("path", "name"),
    [
        *(("/analytics/summary?timeframe=yesterday", "timeframe"), ("/analytics/funnel?from=x", "from")),
        *(
            ("/analytics/campaigns?from=2026-02-01&to=2026-01-01", "from"),
            ("/conversions/status?platform=x", "platform"),
        ),
    ],
)
def test_a_period_or_platform_that_is_none_is_refused(us: Team, path: str, name: str) -> None:
    error = us.alice.get(f"{P}{path}").json()["error"]
    assert (error["code"], set(error["details"])) == ("VALIDATION_ERROR", {name})


def test_the_workspace_tells_its_settings_plan_and_use(us: Team) -> None:
    settings = {"name": "Toko Budi", "timezone": "Asia/Jakarta", "currency": "IDR", "language": "id"}
    assert us.alice.patch(us.path, json={**settings, "date_format": "DD/MM/YYYY"}, headers=JSON).status_code == 200
    new(us.alice, "/contacts", first_name="Today")
    assert shown(us.bob, "/workspace") == {
        "displayName": "Toko Budi",
        "timezone": "Asia/Jakarta",
        "currency": "IDR",
        "language": "id",
        "dateFormat": "DD/MM/YYYY",
        "trackingCode": None,
        "subscription": {"plan": "unlimited", "status": "active", "interval": None, "currentPeriodEnd": None},
        "usage": {"leadsPerDay": {"limit": None, "current": 1}, "teamMembers": 2, "activeRotators": 0},
    }


def test_how_many_leads_came_is_told_to_those_who_read_them(us: Team) -> None:
    new(us.alice, "/contacts", first_name="Today")
    for scopes, count in (("workspace.read", None), ("contacts.read workspace.read", 1)):
        token = holding(us.home, us.alice, us.id, Access(scopes))
        assert shown(token, "/workspace")["usage"]["leadsPerDay"] == {"limit": None, "current": count}


def test_a_ticket_is_one_of_ours_with_a_reference_made_of_its_id(us: Team) -> None:
    body = {"subject": "Pixel", "message": "It stopped", "priority": "urgent"}
    ticket = us.bob.post(f"{P}/support/tickets", json=body).json()["data"]
    ours = us.alice.json_of("GET", f"/tickets/{ticket['ticketId']}")
    assert (ours["subject"], ours["body"], ours["priority"], ours["status"]) == (
        "Pixel",
        "It stopped",
        "urgent",
        "open",
    )
    assert ticket["status"] == "new"
    assert ticket["ticketRef"].replace("-", "").lower() == ticket["ticketId"].removeprefix("ti_")
    for wrong in ({"subject": "ab", "message": "x"}, {"subject": "abc"}, {**body, "priority": "low!"}):
        answer = us.bob.post(f"{P}/support/tickets", json=wrong)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")
