"""Campaigns by what they brought in a period."""

from collections.abc import Mapping
from typing import Any

from crmkit.core.analytics import asked
from crmkit.core.call import Call
from crmkit.model.query.listing import MixedListing, Paging
from crmkit.model.record import Kinds
from crmkit.records.conversion import CONVERSION
from crmkit.storage.analytics import campaigns as stored
from crmkit.storage.analytics.campaigns import Converted
from crmkit.storage.analytics.span import Span
from crmkit.storage.interface.connection import Connection

PARAMETERS = asked.SPAN

Row = dict[str, Any]


async def campaigns(call: Call, parameters: Mapping[str, str]) -> tuple[MixedListing, Span]:
    """Return the campaigns that anybody joined in the period or whose members had conversions, and the period.

    Those of most members come first. A campaign has a row for each currency of its conversions; the first has its
    members too, so that no number stands twice.
    """
    kinds = call.crm.kinds
    span = asked.span(call, parameters)
    rows = await call.scan(_read, kinds, call.actor.workspace_id, span)
    paging = Paging.whole(len(rows), asked.left_out(rows))
    plural = kinds.whole.to.plural
    return MixedListing("rows", tuple((plural, row) for row in rows[: asked.ROWS]), paging), span


def _read(connection: Connection, kinds: Kinds, workspace_id: str, span: Span) -> list[Row]:
    conversions = kinds.by_word[CONVERSION.plural]
    links = {link.link for link in kinds.links[conversions]}
    member = next(link for link in kinds.members if link.link in links)
    found: dict[str, list[Converted]] = {}
    for each in stored.converted(connection, kinds, conversions, member, workspace_id, span):
        found.setdefault(each.id, []).append(each)
    joined = [each for each in stored.joined(connection, kinds, workspace_id, span) if each.members or each.id in found]
    joined.sort(key=lambda each: (-each.members, -sum(one.conversions for one in found.get(each.id, ())), each.id))
    rows: list[Row] = []
    for campaign in joined:
        counted = sorted(found.get(campaign.id, ()), key=lambda one: (-one.conversions, one.currency))
        members: int | None = campaign.members
        for one in counted or (None,):
            rows.append(_row(campaign, members, one))
            members = None
    return rows


def _row(campaign: stored.Joined, members: int | None, converted: Converted | None) -> Row:
    has_sum = converted is not None and converted.amount is not None
    return {
        "campaign_id": campaign.id,
        "name": campaign.name,
        "members": members,
        "conversions": converted.conversions if converted else 0,
        "value_cents": converted.amount if converted else None,
        "currency": converted.currency if converted and has_sum else None,
    }
