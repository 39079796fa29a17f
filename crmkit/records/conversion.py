"""Conversion: what an advertising platform is told of a contact."""

from typing import Annotated

from crmkit.model.fields import MAX_EXACT, Choice, Currency, Integer, Link, Text, Time
from crmkit.model.form import READ, REQUIRED, Default, DefaultOf, NameOf
from crmkit.model.record import Tracked, index, kind_of

# the advertising platforms that leads come from and conversions are reported to
PLATFORM = Choice(("meta", "google", "tiktok", "linkedin", "posthog", "other"))


class Conversion(Tracked, frozen=True):
    """What an advertising platform is to be told of a contact."""

    contact_id: Annotated[str, Link("c", cascades=True), REQUIRED, "the contact it is about"]
    contact_name: Annotated[str | None, Text(200), NameOf("contact_id"), READ, "name of that contact"]
    platform: Annotated[str, PLATFORM, REQUIRED, "which is to be told"]
    event: Annotated[str, Text(200), Default("purchase"), "purchase unless sent"]
    value_cents: Annotated[int | None, Integer(-MAX_EXACT, MAX_EXACT), "its worth"]
    currency: Annotated[str, Currency(), DefaultOf("currency"), "the workspace's unless sent"]
    occurred_at: Annotated[str, Time(), "now unless sent"]
    status: Annotated[
        str, Choice(("pending", "synced", "partial", "failed")), Default("pending"), "pending unless sent"
    ]
    synced_at: Annotated[str | None, Time(), "when the platform was told"]
    failure: Annotated[str | None, Text(1_000), "what the platform refused"]


CONVERSION = kind_of(
    Conversion,
    name="conversion",
    plural="conversions",
    prefix="cv",
    indexes=(
        index("updated_at"),
        index("created_at"),
        index("occurred_at"),
        index("status", "updated_at"),
        index("contact_id", "updated_at"),
    ),
)
