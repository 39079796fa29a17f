"""Campaigns by what they brought in a period."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from crmkit.core.analytics import spans
from crmkit.core.call import Call
from crmkit.model.query.listing import MixedListing, Paging
from crmkit.model.record import Kinds
from crmkit.records.conversion import CONVERSION
from crmkit.storage.analytics import campaigns as stored
from crmkit.storage.analytics.campaigns import Converted, Joined
from crmkit.storage.analytics.span import Span
from crmkit.storage.interface.connection import Connection

PARAMETERS = spans.SPAN

Row = dict[str, Any]


class Brought(Struct, frozen=True):
    """What a campaign brought: who joined it, and the conversions of those, of each currency apart, most first."""

    campaign: Joined
    converted: Sequence[Converted]


async def campaigns(call: Call, parameters: Mapping[str, str]) -> tuple[MixedListing, Span]:
    """Return the campaigns that `brought` does as rows, and the period.

    A campaign has a row for each currency of its conversions; the first has its members too, so that no number stands
    twice.
    """
    found, span = await brought(call, parameters)
    rows = [row for each in found for row in _rows(each)]
    paging = Paging.whole(len(rows), spans.left_out(rows))
    plural = call.crm.kinds.whole.to.plural
    return MixedListing("rows", tuple((plural, row) for row in rows[: spans.ROWS]), paging), span


async def brought(call: Call, parameters: Mapping[str, str]) -> tuple[list[Brought], Span]:
    """Return the campaigns that anybody joined in the period or whose members had conversions, and the period.

    Those of most members come first.
    """
    span = spans.span(call, parameters)
    return await call.scan(_read, call.crm.kinds, call.actor.workspace_id, span), span


def _read(connection: Connection, kinds: Kinds, workspace_id: str, span: Span) -> list[Brought]:
    conversions = kinds.by_word[CONVERSION.plural]
    links = {link.link for link in kinds.links[conversions]}
    member = next(link for link in kinds.members if link.link in links)
    found: dict[str, list[Converted]] = {}
    for each in stored.converted(connection, kinds, conversions, member, workspace_id, span):
        found.setdefault(each.id, []).append(each)
    every = [
        Brought(each, sorted(found.get(each.id, ()), key=lambda one: (-one.conversions, one.currency)))
        for each in stored.joined(connection, kinds, member, workspace_id, span)
        if each.members or each.id in found
    ]
    return sorted(every, key=_rank)


def _rank(each: Brought) -> tuple[int, int, str]:
    return -each.campaign.members, -sum(one.conversions for one in each.converted), each.campaign.id


def _rows(each: Brought) -> list[Row]:
    first, *others = each.converted or (None,)
    return [_row(each.campaign, each.campaign.members, first), *(_row(each.campaign, None, one) for one in others)]


def _row(campaign: Joined, members: int | None, converted: Converted | None) -> Row:
    has_sum = converted is not None and converted.amount is not None
    return {
        "campaign_id": campaign.id,
        "name": campaign.name,
        "members": members,
        "conversions": converted.conversions if converted else 0,
        "value_cents": converted.amount if converted else None,
        "currency": converted.currency if converted and has_sum else None,
    }
