"""Company: an organisation."""

from typing import Annotated, Any

from crmkit.model.fields import Custom, Domain, Email, LongText, Tags, Text
from crmkit.model.form import DETAIL, REQUIRED, SEARCHED, TITLE
from crmkit.model.record import Followed, index, kind_of, partial, unique


class Company(Followed, frozen=True):
    """An organisation that contacts and deals belong to."""

    name: Annotated[str, Text(200), REQUIRED, TITLE, "its name"]
    domain: Annotated[str | None, Domain(), SEARCHED, "unique; POST merges by it"]
    owner: Annotated[str | None, Email(takes_me=True), "who looks after it"]
    tags: Annotated[list[str] | None, Tags(), SEARCHED, "replaced whole"]
    notes: Annotated[str | None, LongText(20_000), SEARCHED, DETAIL, "anything worth keeping"]
    custom: Annotated[dict[str, Any] | None, Custom(), "keys of your own, merged key by key; null drops a key"]


COMPANY = kind_of(
    Company,
    name="company",
    plural="companies",
    prefix="co",
    indexes=(
        unique("domain"),
        index("updated_at"),
        index("created_at"),
        index("name"),
        index("owner", "updated_at"),
        partial("last_contacted_at"),
    ),
)
