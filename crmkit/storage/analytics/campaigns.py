"""Campaigns by who joined them, and by the conversions of contacts that are their members."""

from msgspec import Struct

from crmkit.model.record import Kind, Kinds, Reference
from crmkit.storage.analytics.amounts import added, whole
from crmkit.storage.analytics.span import Span
from crmkit.storage.columns import quoted
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.statement import Statement


class Joined(Struct, frozen=True):
    """How many joined a campaign, and how many of those by the link that counts."""

    id: str
    name: str
    ad_platform: str | None
    members: int
    linked: int


class Converted(Struct, frozen=True):
    """How many conversions a campaign's members had in one currency, and what they add up to."""

    id: str
    currency: str
    conversions: int
    amount: int | None


def joined(connection: Connection, kinds: Kinds, member: Reference, workspace_id: str, span: Span) -> list[Joined]:
    """Return every campaign, with the number of members that joined it in the span and still are, also by `member`."""
    whole_of = kinds.whole
    campaigns, link, plural = whole_of.to, quoted(whole_of.link), quoted(kinds.membership.plural)
    of_campaign = Statement(f" FROM {plural} AS m WHERE m.workspace_id = r.workspace_id AND m.{link} = r.id")
    of_campaign += span.holds("m.created_at")
    sql = Statement(f"SELECT r.id, r.{quoted(campaigns.title.name)}, r.ad_platform, (SELECT count(*)") + of_campaign
    sql += Statement(f"), (SELECT count(m.{quoted(member.link)})") + of_campaign
    sql += Statement(f") FROM {quoted(campaigns.plural)} AS r WHERE r.workspace_id = ?", (workspace_id,))
    return [Joined(*row) for row in sql.run(connection).fetchall()]


def converted(
    connection: Connection, kinds: Kinds, conversions: Kind, member: Reference, workspace_id: str, span: Span
) -> list[Converted]:
    """Return the conversions in the span of those that are members by the link `member`, by campaign and currency.

    One of a member of two campaigns counts in both.
    """
    campaign, link, dialect = quoted(kinds.whole.link), quoted(member.link), connection.dialect
    sql = Statement(f"SELECT m.{campaign}, v.currency, count(*), {added('v.value_cents')} ")
    sql += Statement(f"FROM {quoted(conversions.plural)} AS v {dialect.join} {quoted(kinds.membership.plural)} AS m ")
    sql += Statement(f"ON m.workspace_id = v.workspace_id AND m.{link} = v.{link} WHERE v.workspace_id = ?")
    sql = Statement(sql.sql, (workspace_id,)) + span.holds("v.occurred_at")
    sql += Statement(f" GROUP BY m.{campaign}, v.currency")
    found = sql.run(connection).fetchall()
    return [Converted(id, currency, count, whole(*parts)) for id, currency, count, *parts in found]
