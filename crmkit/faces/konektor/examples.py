"""A request to each route and its answer, as the document shows them; a lead is made as the routes make it."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from crmkit.faces.konektor.lead import lead_of

ID, CODE = "c_k7m2q9xa", "KNK-001"
FIRST, LAST = "2026-06-10T08:00:00.000Z", "2026-06-17T08:00:00.000Z"

_NAMED = {"id": ID, "code": CODE, "first_name": "Jane", "phone": "+4930123456"}
_TIMES = {"created_at": "2026-06-10T08:00:00Z", "updated_at": "2026-06-17T08:00:00Z"}
_RECORD = {**_NAMED, "last_name": "Doe", "email": "jane@example.com", "source": "ads", "ad_platform": "meta", **_TIMES}


class Example(Struct, frozen=True):
    """What is sent and what is answered: `data`, with what stands `beside` it; query and body may be empty."""

    data: Any
    query: str = ""
    body: Mapping[str, Any] = {}
    beside: Mapping[str, Any] = {}


def _lead(**more: Any) -> dict[str, Any]:
    return lead_of("", {**_RECORD, **more})


EXAMPLES: Mapping[str, Example] = {
    "konektor_list_leads": Example(
        [_lead(estimated_cents=120_000)],
        "?status=new&limit=10",
        beside={"pagination": {"page": 1, "limit": 10, "total": 11, "totalPages": 2, "nextCursor": "MTIzNDU2"}},
    ),
    "konektor_get_lead": Example(_lead()),
    "konektor_create_lead": Example(
        _lead(phone=None, ad_platform=None, updated_at=_TIMES["created_at"]),
        body={"firstName": "Jane", "lastName": "Doe", "email": "jane@example.com", "source": "ads"},
    ),
    "konektor_upsert_lead": Example(
        _lead(stage="qualified", priority="high"),
        body={"firstName": "Jane", "phone": _NAMED["phone"], "status": "qualified", "priority": "high"},
    ),
    "konektor_change_lead": Example(
        _lead(stage="contacted", notes="Calls back on Monday"),
        body={"status": "contacted", "notes": "Calls back on Monday"},
    ),
    "konektor_summary": Example(
        {
            **{"totalLeads": 40, "newLeads": 25, "contactedLeads": 10, "totalConversions": 4},
            **{"totalConversionValue": 4800, "timeframe": "last_7_days", "period": {"from": FIRST, "to": LAST}},
        },
        "?timeframe=last_7_days",
    ),
    "konektor_funnel": Example(
        [{"status": "new", "count": 30, "percentage": 75.0}, {"status": "won", "count": 10, "percentage": 25.0}],
        "?timeframe=current_month",
    ),
    "konektor_campaigns": Example(
        [{"campaignName": "Spring", "adPlatform": "meta", "leads": 40, "conversions": 4, "conversionValue": 4800}],
        "?from=2026-06-01&to=2026-06-17",
    ),
    "konektor_conversion_status": Example(
        {"pending": 2, "synced": 30, "partial": 1, "failed": 1, "none": 6}, "?platform=meta"
    ),
    "konektor_pending_conversions": Example(
        [
            {
                **{"leadId": ID, "uniqueCode": CODE, "status": "won", "adPlatform": "meta"},
                **{"conversionSyncStatus": "failed", "lastConversionSyncAt": LAST},
            }
        ]
    ),
    "konektor_workspace": Example(
        {
            **{"displayName": "Acme", "timezone": "Europe/Berlin", "currency": "EUR", "language": "de"},
            **{"dateFormat": "DD.MM.YYYY", "trackingCode": None},
            "subscription": {"plan": "pro", "status": "active", "interval": None, "currentPeriodEnd": None},
            "usage": {"leadsPerDay": {"limit": None, "current": 5}, "teamMembers": 3, "activeRotators": 0},
        }
    ),
    "konektor_create_ticket": Example(
        {
            **{"ticketId": "t_k7m2q9xa", "ticketRef": "K7M2Q-9XA", "subject": "Leads come twice", "status": "new"},
            **{"priority": "high", "createdAt": FIRST},
        },
        body={"subject": "Leads come twice", "message": "Since Monday each form makes two leads.", "priority": "high"},
    ),
}
