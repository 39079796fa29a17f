"""Task: something to be done."""

from typing import Annotated, Any

from crmkit.model.fields import Custom, Email, Flag, Identifier, Link, LongText, Repeat, Tags, Text, Time
from crmkit.model.form import DETAIL, PAST, READ, REQUIRED, SEARCHED, TITLE, Default, NameOf
from crmkit.model.record import Alike, Tracked, index, kind_of, partial, unique


class Task(Tracked, frozen=True):
    """Something to be done."""

    title: Annotated[str, Text(200), REQUIRED, TITLE, "what it is about"]
    due_at: Annotated[str | None, Time(), "when it is due"]
    owner: Annotated[str | None, Email(takes_me=True), "who is in charge"]
    done: Annotated[bool, Flag(), Default(False), "false unless sent"]
    repeat: Annotated[str | None, Repeat(), "needs due_at"]
    contact_id: Annotated[str | None, Link("c"), "the contact it is about"]
    contact_name: Annotated[str | None, Text(200), NameOf("contact_id"), READ, SEARCHED, "name of that contact"]
    company_id: Annotated[str | None, Link("co"), "the company it is about"]
    company_name: Annotated[str | None, Text(200), NameOf("company_id"), READ, SEARCHED, "name of that company"]
    deal_id: Annotated[str | None, Link("d"), "the deal it is about"]
    deal_name: Annotated[str | None, Text(200), NameOf("deal_id"), READ, SEARCHED, "title of that deal"]
    ticket_id: Annotated[str | None, Link("ti"), "the ticket it is about"]
    ticket_name: Annotated[str | None, Text(200), NameOf("ticket_id"), READ, SEARCHED, "subject of that ticket"]
    tags: Annotated[list[str] | None, Tags(), SEARCHED, "your own words"]
    notes: Annotated[str | None, LongText(20_000), SEARCHED, DETAIL, "anything worth keeping"]
    custom: Annotated[dict[str, Any] | None, Custom(), "keys of your own"]
    source_id: Annotated[str | None, Identifier(200), "its id elsewhere"]
    done_at: Annotated[str | None, Time(), PAST, "when it was done"]
    repeats_from: Annotated[str | None, Time(), READ, DETAIL, "the first due_at of its series"]
    follows: Annotated[str | None, Link("t"), READ, DETAIL, "the task whose end opened it"]


TASK = kind_of(
    Task,
    name="task",
    plural="tasks",
    prefix="t",
    indexes=(
        unique("source_id"),
        unique("follows"),
        index("updated_at"),
        index("created_at"),
        index("title"),
        partial("due_at"),
        index("done", "due_at"),
        index("owner", "updated_at"),
        index("owner", "done", "due_at"),
        partial("contact_id", "updated_at"),
        partial("company_id", "updated_at"),
        partial("deal_id", "updated_at"),
        partial("ticket_id", "updated_at"),
    ),
    alike=(Alike(("contact_id", "title"), open="done"), Alike(("company_id", "title"), open="done")),
)
