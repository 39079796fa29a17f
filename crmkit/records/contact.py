"""Contact: a person."""

from typing import Annotated, Any

from crmkit.model.fields import Custom, Email, Link, LongText, Phone, Tags, Text, Time
from crmkit.model.form import DERIVED, DETAIL, READ, REQUIRED, SEARCHED, TITLE, NameOf
from crmkit.model.record import Followed, index, kind_of, partial, unique


class Contact(Followed, frozen=True):
    """A person you deal with."""

    name: Annotated[str, Text(200), REQUIRED, TITLE, "full name"]
    email: Annotated[str | None, Email(), SEARCHED, "unique; POST merges by it"]
    phone: Annotated[str | None, Phone(200), SEARCHED, "in any notation"]
    company_id: Annotated[str | None, Link("co"), "the company they belong to"]
    company_name: Annotated[str | None, Text(200), NameOf("company_id"), READ, SEARCHED, "name of that company"]
    owner: Annotated[str | None, Email(takes_me=True), "who looks after them"]
    stage: Annotated[str | None, Text(200), "like lead or customer; see PIPELINES"]
    tags: Annotated[list[str] | None, Tags(), SEARCHED, "replaced whole"]
    notes: Annotated[str | None, LongText(20_000), SEARCHED, DETAIL, "anything worth keeping"]
    custom: Annotated[dict[str, Any] | None, Custom(), "keys of your own, merged key by key; null drops a key"]
    follow_up_at: Annotated[str | None, Time(), "when to get back to them"]
    follow_up_note: Annotated[str | None, Text(1_000), "what for; cleared with follow_up_at"]
    converted_at: Annotated[str | None, Time(), READ, DETAIL, "when its conversion opened by itself"]
    last_interaction_at: Annotated[str | None, Time(), READ, DERIVED, DETAIL, "newest POST that reached them"]


CONTACT = kind_of(
    Contact,
    name="contact",
    plural="contacts",
    prefix="c",
    indexes=(
        unique("email"),
        index("updated_at"),
        index("created_at"),
        index("name"),
        index("stage", "updated_at"),
        partial("company_id", "updated_at"),
        partial("follow_up_at"),
        partial("last_contacted_at"),
        index("owner", "updated_at"),
        partial("owner", "follow_up_at", filled="follow_up_at"),
    ),
)
