"""Company: an organisation."""

from typing import Annotated, Any

from crmkit.model.fields import MAX_EXACT, Custom, Domain, Email, Identifier, Integer, LongText, Tags, Text, Website
from crmkit.model.form import DETAIL, REQUIRED, SEARCHED, TITLE
from crmkit.model.record import Alike, Scored, index, kind_of, partial, unique
from crmkit.records import places


class Company(Scored, frozen=True):
    """An organisation that contacts and deals belong to."""

    name: Annotated[str, Text(200), REQUIRED, TITLE, "its name"]
    domain: Annotated[str | None, Domain(), SEARCHED, "unique"]
    website: Annotated[str | None, Website(), SEARCHED, DETAIL, "kept as written"]
    industry: Annotated[str | None, Text(200), "what it does"]
    employees: Annotated[int | None, Integer(0, MAX_EXACT), "how many work there"]
    address: places.Address
    city: places.City
    region: places.Region
    postal_code: places.PostalCode
    country: places.CountryCode
    latitude: places.Latitude
    longitude: places.Longitude
    owner: Annotated[str | None, Email(takes_me=True), "who is in charge"]
    source: Annotated[str | None, Text(200), "where this came from"]
    source_id: Annotated[str | None, Identifier(200), SEARCHED, DETAIL, "its id elsewhere"]
    code: Annotated[str | None, Identifier(200), SEARCHED, "your own code"]
    tags: Annotated[list[str] | None, Tags(), SEARCHED, "your own words"]
    notes: Annotated[str | None, LongText(20_000), SEARCHED, DETAIL, "anything worth keeping"]
    custom: Annotated[dict[str, Any] | None, Custom(), "keys of your own"]


COMPANY = kind_of(
    Company,
    name="company",
    plural="companies",
    prefix="co",
    indexes=(
        unique("domain"),
        unique("source_id"),
        unique("code"),
        index("updated_at"),
        index("created_at"),
        index("name"),
        index("owner", "updated_at"),
        partial("last_contacted_at"),
        index("score"),
        places.INDEX,
    ),
    alike=(Alike(("name",)),),
    is_mergeable=True,
)
