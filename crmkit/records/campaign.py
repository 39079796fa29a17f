"""Campaign: an effort that contacts and companies are members of."""

from typing import Annotated, Any

from crmkit.model.fields import Choice, Custom, Date, Email, Integer, LongText, Text
from crmkit.model.form import DERIVED, DETAIL, READ, REQUIRED, SEARCHED, TITLE, Default
from crmkit.model.record import Tracked, index, kind_of
from crmkit.records.conversion import PLATFORM


class Campaign(Tracked, frozen=True):
    """An effort that contacts and companies are members of."""

    name: Annotated[str, Text(200), REQUIRED, TITLE, "its name"]
    status: Annotated[str, Choice(("active", "paused", "done")), Default("active"), "active unless sent"]
    description: Annotated[str | None, LongText(20_000), SEARCHED, DETAIL, "what it is about"]
    ad_platform: Annotated[str | None, PLATFORM, "the platform of the ad"]
    starts_on: Annotated[str | None, Date(), "its first day"]
    ends_on: Annotated[str | None, Date(), "its last day"]
    owner: Annotated[str | None, Email(takes_me=True), "who is in charge"]
    custom: Annotated[dict[str, Any] | None, Custom(), "keys of your own"]
    members: Annotated[int, Integer(), READ, DERIVED, Default(0), "how many it has"]
    contacts: Annotated[int, Integer(), READ, DERIVED, Default(0), "how many of them are contacts"]
    companies: Annotated[int, Integer(), READ, DERIVED, Default(0), "how many of them are companies"]


CAMPAIGN = kind_of(
    Campaign,
    name="campaign",
    plural="campaigns",
    prefix="ca",
    indexes=(
        index("updated_at"),
        index("created_at"),
        index("name"),
        index("status", "updated_at"),
        index("owner", "updated_at"),
    ),
)
