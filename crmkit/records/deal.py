"""Deal: something that may be sold."""

from typing import Annotated, Any

from crmkit.model.fields import (
    MAX_EXACT,
    Choice,
    Currency,
    Custom,
    Date,
    Email,
    Identifier,
    Integer,
    Link,
    LongText,
    Tags,
    Text,
    Time,
)
from crmkit.model.form import DETAIL, PAST, READ, REQUIRED, SEARCHED, TITLE, Default, DefaultOf, NameOf
from crmkit.model.record import Alike, Forecast, Scored, index, kind_of, partial, unique


class Deal(Scored, frozen=True):
    """Something that may be sold."""

    title: Annotated[str, Text(200), REQUIRED, TITLE, "what it is about"]
    amount_cents: Annotated[int | None, Integer(-MAX_EXACT, MAX_EXACT), "its worth"]
    currency: Annotated[str, Currency(), DefaultOf("currency"), "the workspace's unless sent"]
    stage: Annotated[str | None, Text(200), "see PIPELINES"]
    status: Annotated[str, Choice(("open", "won", "lost")), Default("open"), "open unless sent"]
    closed_at: Annotated[str | None, Time(), PAST, "when it was won or lost"]
    lost_reason: Annotated[str | None, Text(1_000), "why it was lost"]
    probability: Annotated[int | None, Integer(0, 100), "in percent, that it is won"]
    contact_id: Annotated[str | None, Link("c"), "the contact it is about"]
    contact_name: Annotated[str | None, Text(200), NameOf("contact_id"), READ, SEARCHED, "name of that contact"]
    company_id: Annotated[str | None, Link("co"), "the company it is about"]
    company_name: Annotated[str | None, Text(200), NameOf("company_id"), READ, SEARCHED, "name of that company"]
    owner: Annotated[str | None, Email(takes_me=True), "who is in charge"]
    close_date: Annotated[str | None, Date(), "when it should be decided"]
    source: Annotated[str | None, Text(200), "where this came from"]
    source_id: Annotated[str | None, Identifier(200), SEARCHED, "its id elsewhere"]
    tags: Annotated[list[str] | None, Tags(), SEARCHED, "your own words"]
    notes: Annotated[str | None, LongText(20_000), SEARCHED, DETAIL, "anything worth keeping"]
    custom: Annotated[dict[str, Any] | None, Custom(), "keys of your own"]
    follow_up_at: Annotated[str | None, Time(), "when to get back"]
    follow_up_note: Annotated[str | None, Text(1_000), "what for"]


DEAL = kind_of(
    Deal,
    name="deal",
    plural="deals",
    prefix="d",
    indexes=(
        unique("source_id"),
        index("updated_at"),
        index("created_at"),
        index("title"),
        index("stage", "updated_at"),
        index("amount_cents"),
        partial("contact_id", "updated_at"),
        partial("company_id", "updated_at"),
        partial("follow_up_at"),
        partial("last_contacted_at"),
        index("score"),
        index("owner", "updated_at"),
        partial("owner", "follow_up_at", filled="follow_up_at"),
        partial("status", "close_date", filled="close_date"),
        partial("closed_at", covers=("status", "currency", "amount_cents")),
    ),
    forecast=Forecast("amount_cents", "close_date"),
    shares_activities=("contact_id", "company_id"),
    alike=(Alike(("contact_id", "title"), open="status"), Alike(("company_id", "title"), open="status")),
)
