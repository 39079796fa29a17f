"""The routes of figures: the summary, the funnel, campaigns; what advertising platforms were told."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from crmkit.core.analytics import campaigns as of_campaigns
from crmkit.core.analytics import funnel as of_funnel
from crmkit.core.analytics.reported import reported
from crmkit.core.call import Call
from crmkit.core.counting.count import count
from crmkit.core.reading import lists
from crmkit.errors import Problem, nearest
from crmkit.faces.konektor.answering import data, route
from crmkit.faces.konektor.lead import amount, status_of, time
from crmkit.faces.konektor.words import PLATFORMS, STATUSES, TIMEFRAMES
from crmkit.model.record import Kind, Kinds
from crmkit.records.contact import CONTACT
from crmkit.records.conversion import CONVERSION
from crmkit.render.answers import Answer
from crmkit.storage.analytics.span import Span
from crmkit.web.call import HttpCall
from crmkit.web.route import Route

READ, CONVERSIONS = "agent.analytics.read", "agent.conversions.read"
QUERY = ("timeframe", "from", "to")
DEFAULT = "last_30_days"
CUSTOM = "custom"  # the timeframe of an answer where from or to was sent
SYNCED = ("pending", "synced", "partial", "failed")
MOST = 1_000  # conversions in one answer


def routes(kinds: Kinds) -> list[Route]:
    """Return the routes of figures."""
    contact, conversion = kinds.by_word[CONTACT.plural], kinds.by_word[CONVERSION.plural]

    @route(kinds, "GET", "/analytics/summary", "summary", READ, query=QUERY)
    async def summary(call: HttpCall) -> Answer:
        leads, span = await _by_status(call)
        pairs = [("by", "currency"), ("sum", "value_cents"), ("limit", "200")]
        pairs += [("occurred_at", f"gte:{span.since}")] if span.since else []
        pairs += [("occurred_at", f"lte:{span.until}")] if span.until else []
        found = [row for _, row in (await count(call, conversion, pairs)).rows]
        own = next((row for row in found if row["currency"] == call.actor.preferences.currency), {})
        period = {"from": time(span.since), "to": time(span.until or call.now)}
        return data(
            {
                "totalLeads": leads.total(),
                "newLeads": leads["new"],
                "contactedLeads": leads["contacted"],
                "totalConversions": sum(row["count"] for row in found),
                "totalConversionValue": amount(own.get("sum.value_cents")) or 0,
                "timeframe": span.period or CUSTOM,
                "period": period,
            }
        )

    @route(kinds, "GET", "/analytics/funnel", "funnel", READ, query=QUERY)
    async def funnel(call: HttpCall) -> Answer:
        leads, _ = await _by_status(call)
        total = leads.total()
        places = {status: place for place, status in enumerate(STATUSES)}
        statuses = sorted(leads, key=lambda status: (places.get(status, len(places)), status))
        return data(
            [
                {"status": each, "count": leads[each], "percentage": round(100 * leads[each] / total, 2)}
                for each in statuses
            ]
        )

    @route(kinds, "GET", "/analytics/campaigns", "campaigns", READ, query=QUERY)
    async def campaigns(call: HttpCall) -> Answer:
        found, _ = await of_campaigns.brought(call, _period(call.parameters()))
        own = call.actor.preferences.currency
        return data(
            [
                {
                    "campaignName": each.campaign.name,
                    "adPlatform": each.campaign.ad_platform,
                    "leads": each.campaign.linked,
                    "conversions": sum(one.conversions for one in each.converted),
                    "conversionValue": amount(sum(one.amount or 0 for one in each.converted if one.currency == own)),
                }
                for each in found
            ]
        )

    @route(kinds, "GET", "/conversions/status", "conversion_status", CONVERSIONS, query=(*QUERY, "platform"))
    async def conversion_status(call: HttpCall) -> Answer:
        sent = call.parameters()
        platform = sent.get("platform", "").strip()
        if platform and platform not in PLATFORMS:
            wrong = {"platform": f"must be one of {', '.join(PLATFORMS)}{nearest(platform, PLATFORMS)}"}
            raise Problem("invalid_value", "Send one of these platforms, or leave platform out.", fields=wrong)
        found = await reported(call, _period(sent), platform)
        return data({**{status: found.get(status, 0) for status in SYNCED}, "none": found.get(None, 0)})

    @route(kinds, "GET", "/conversions/pending", "pending_conversions", CONVERSIONS)
    async def pending_conversions(call: HttpCall) -> Answer:
        """Answer with the newest MOST; a note tells where there are more."""
        rows: list[dict[str, Any]] = []
        cursor: str | None = ""
        while cursor is not None and len(rows) < MOST:
            pairs = [("status", "in:pending,failed"), ("sort", "-created_at"), ("limit", "200")]
            pairs += [("cursor", cursor)] if cursor else []
            found = await lists.find_all(call, conversion, pairs, details=True)
            page = [dict(zip(("id", *found.fields), row, strict=True)) for row in found.rows]
            contacts = await _contacts(call, contact, {row["contact_id"] for row in page})
            rows += [_pending(row, contacts.get(row["contact_id"], {})) for row in page]
            cursor = found.paging.next_cursor
        return data(rows, {"note": f"the newest {len(rows)} are listed; there are more"} if cursor else {})

    return [summary, funnel, campaigns, conversion_status, pending_conversions]


def _pending(conversion: Mapping[str, Any], contact: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "leadId": conversion["contact_id"],
        "uniqueCode": contact.get("code"),
        "status": status_of(contact.get("stage")),
        "adPlatform": conversion["platform"],
        "conversionSyncStatus": conversion["status"],
        "lastConversionSyncAt": time(conversion["synced_at"]),
    }


async def _contacts(call: Call, contact: Kind, ids: set[str]) -> dict[str, dict[str, Any]]:
    """Return the contacts with these ids, at most a page of them."""
    if not ids:
        return {}
    pairs = [("id", f"in:{','.join(ids)}"), ("limit", "200")]
    found = await lists.find_all(call, contact, pairs, details=True)
    return {row[0]: dict(zip(("id", *found.fields), row, strict=True)) for row in found.rows}


async def _by_status(call: HttpCall) -> tuple[Counter[str], Span]:
    """Return how many leads of the period have each status, and the period."""
    found, span = await of_funnel.funnel(call, {"kind": CONTACT.plural, **_period(call.parameters())})
    leads = Counter[str]()
    for _, row in found.rows:
        leads[status_of(row["stage"])] += row["count"]
    return leads, span


def _period(sent: Mapping[str, str]) -> dict[str, str]:
    """Return what our figures are asked for; raises `invalid_value`."""
    timeframe = sent.get("timeframe", "").strip() or DEFAULT
    if timeframe not in TIMEFRAMES:
        wrong = {"timeframe": f"must be one of {', '.join(TIMEFRAMES)}{nearest(timeframe, TIMEFRAMES)}"}
        raise Problem("invalid_value", f"Send timeframe={DEFAULT} or another, or from and to.", fields=wrong)
    return {"period": timeframe, **{name: sent[name] for name in ("from", "to") if name in sent}}
