"""Ticket: a request for help."""

from typing import Annotated, Any

from crmkit.model.fields import Choice, Custom, Email, Identifier, Link, LongText, Tags, Text, Time
from crmkit.model.form import DETAIL, PAST, READ, REQUIRED, SEARCHED, TITLE, Default, NameOf
from crmkit.model.record import Followed, index, kind_of, partial, unique


class Ticket(Followed, frozen=True):
    """A request for help."""

    subject: Annotated[str, Text(200), REQUIRED, TITLE, "what it is about"]
    status: Annotated[str, Choice(("open", "pending", "solved")), Default("open"), "open unless sent"]
    priority: Annotated[str, Choice(("low", "normal", "high", "urgent")), Default("normal"), "normal unless sent"]
    contact_id: Annotated[str | None, Link("c"), "who asks"]
    contact_name: Annotated[str | None, Text(200), NameOf("contact_id"), READ, SEARCHED, "name of that contact"]
    company_id: Annotated[str | None, Link("co"), "the company that asks"]
    company_name: Annotated[str | None, Text(200), NameOf("company_id"), READ, SEARCHED, "name of that company"]
    owner: Annotated[str | None, Email(takes_me=True), "who is in charge"]
    body: Annotated[str | None, LongText(20_000), SEARCHED, DETAIL, "what was asked"]
    tags: Annotated[list[str] | None, Tags(), SEARCHED, "your own words"]
    notes: Annotated[str | None, LongText(20_000), SEARCHED, DETAIL, "anything worth keeping"]
    custom: Annotated[dict[str, Any] | None, Custom(), "keys of your own"]
    follow_up_at: Annotated[str | None, Time(), "when to get back"]
    follow_up_note: Annotated[str | None, Text(1_000), "what for"]
    source_id: Annotated[str | None, Identifier(200), "its id elsewhere"]
    closed_at: Annotated[str | None, Time(), PAST, "when it was solved"]


TICKET = kind_of(
    Ticket,
    name="ticket",
    plural="tickets",
    prefix="ti",
    indexes=(
        unique("source_id"),
        index("updated_at"),
        index("created_at"),
        index("subject"),
        index("status", "updated_at"),
        index("priority", "updated_at"),
        partial("contact_id", "updated_at"),
        partial("company_id", "updated_at"),
        partial("follow_up_at"),
        partial("last_contacted_at"),
        index("owner", "updated_at"),
        partial("owner", "follow_up_at", filled="follow_up_at"),
    ),
    shares_activities=("contact_id", "company_id"),
)
