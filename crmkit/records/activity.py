"""Activity: something that took place, logged on a contact, a company or a deal."""

from typing import Annotated

from crmkit.model.fields import Choice, Email, Link, LongText, Time
from crmkit.model.form import READ, REQUIRED, Default
from crmkit.model.record import Record, index, kind_of, partial


class Activity(Record, frozen=True):
    """Something that took place, logged on a contact, a company or a deal."""

    kind: Annotated[str, Choice(("call", "email", "meeting", "note", "task")), Default("note"), "note unless sent"]
    occurred_at: Annotated[str, Time(), "when it took place; now unless sent"]
    on_behalf_of: Annotated[str | None, Email(), "for whom it was done"]
    contact_id: Annotated[str | None, Link("c"), READ, "the contact it is about"]
    company_id: Annotated[str | None, Link("co"), READ, "the company it is about"]
    deal_id: Annotated[str | None, Link("d"), READ, "the deal it is about"]
    body: Annotated[str, LongText(20_000), REQUIRED, "what happened"]
    created_at: Annotated[str, Time(), READ, "when it was logged"]
    created_by: Annotated[str, Email(), READ, "address of who logged it"]


ACTIVITY = kind_of(
    Activity,
    name="activity",
    plural="activities",
    prefix="a",
    order="occurred_at",
    indexes=(
        index("occurred_at"),
        partial("contact_id", "occurred_at"),
        partial("company_id", "occurred_at"),
        partial("deal_id", "occurred_at"),
    ),
)
