"""Contact: a person."""

from typing import Annotated, Any

from crmkit.model.fields import (
    MAX_EXACT,
    Choice,
    Currency,
    Custom,
    Email,
    Flag,
    Identifier,
    Integer,
    Link,
    LongText,
    Number,
    Phone,
    Tags,
    Text,
    Time,
    Timezone,
    Website,
)
from crmkit.model.form import DETAIL, NUMBERED, READ, REQUIRED, SEARCHED, TITLE, ComposedOf, NameOf
from crmkit.model.record import Alike, Reached, index, kind_of, partial, unique
from crmkit.records import places
from crmkit.records.conversion import PLATFORM


class Contact(Reached, frozen=True):
    """A person you deal with."""

    name: Annotated[
        str,
        Text(200),
        REQUIRED,
        TITLE,
        ComposedOf(("first_name", "last_name"), "name_composed"),
        "composed of its parts unless sent",
    ]
    first_name: Annotated[str | None, Text(200), SEARCHED, DETAIL, "given name"]
    last_name: Annotated[str | None, Text(200), SEARCHED, DETAIL, "family name"]
    job_title: Annotated[str | None, Text(200), SEARCHED, "what they do there"]
    email: Annotated[str | None, Email(), SEARCHED, "unique"]
    phone: Annotated[str | None, Phone(200), SEARCHED, "in any notation"]
    company_id: Annotated[str | None, Link("co"), "the company they belong to"]
    company_name: Annotated[str | None, Text(200), NameOf("company_id"), READ, SEARCHED, "name of that company"]
    address: places.Address
    city: places.City
    region: places.Region
    postal_code: places.PostalCode
    country: places.CountryCode
    latitude: places.Latitude
    longitude: places.Longitude
    timezone: Annotated[str | None, Timezone(), DETAIL, "theirs"]
    website: Annotated[str | None, Website(), SEARCHED, DETAIL, "kept as written"]
    owner: Annotated[str | None, Email(takes_me=True), "who is in charge"]
    stage: Annotated[str | None, Text(200), "see PIPELINES"]
    source: Annotated[str | None, Text(200), "where this came from"]
    source_id: Annotated[str | None, Identifier(200), SEARCHED, DETAIL, "its id elsewhere"]
    code: Annotated[str | None, Identifier(200), SEARCHED, NUMBERED, "your own code"]
    priority: Annotated[str | None, Choice(("low", "medium", "high", "urgent")), "how much they matter"]
    rating: Annotated[float | None, Number(), "on a scale of yours"]
    estimated_cents: Annotated[int | None, Integer(-MAX_EXACT, MAX_EXACT), DETAIL, "expected worth"]
    actual_cents: Annotated[int | None, Integer(-MAX_EXACT, MAX_EXACT), DETAIL, "what came of it"]
    currency: Annotated[str | None, Currency(), DETAIL, "the workspace's where an amount stands without one"]
    ad_platform: Annotated[str | None, PLATFORM, DETAIL, "the platform of the ad"]
    tags: Annotated[list[str] | None, Tags(), SEARCHED, "your own words"]
    notes: Annotated[str | None, LongText(20_000), SEARCHED, DETAIL, "anything worth keeping"]
    custom: Annotated[dict[str, Any] | None, Custom(), "keys of your own"]
    follow_up_at: Annotated[str | None, Time(), "when to get back"]
    follow_up_note: Annotated[str | None, Text(1_000), "what for"]
    name_composed: Annotated[bool | None, Flag(), READ, DETAIL, "whether name follows its parts"]
    converted_at: Annotated[str | None, Time(), READ, DETAIL, "when its conversion opened by itself"]


CONTACT = kind_of(
    Contact,
    name="contact",
    plural="contacts",
    prefix="c",
    indexes=(
        unique("email"),
        unique("source_id"),
        unique("code"),
        index("updated_at"),
        index("created_at"),
        index("name"),
        partial("phone"),
        index("stage", "updated_at"),
        partial("company_id", "updated_at"),
        partial("follow_up_at"),
        partial("last_contacted_at"),
        index("score"),
        index("owner", "updated_at"),
        partial("owner", "follow_up_at", filled="follow_up_at"),
        places.INDEX,
    ),
    alike=(
        Alike(("phone",), like="name", merges=True, unless="email"),
        Alike(("email",)),
        Alike(("name", "city")),
        Alike(("name", "company_id")),
    ),
    is_mergeable=True,
    is_person=True,
    quiet_days=30,
)
