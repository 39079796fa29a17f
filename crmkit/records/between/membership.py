"""Membership: that a contact or a company is a member of a campaign.

Clients write it by the campaign's members, not by routes of its own. `core/records/memberships.py` has its verbs.
"""

from typing import Annotated

from crmkit.model.fields import Link, Text
from crmkit.model.form import REQUIRED
from crmkit.model.record import Tracked, index, kind_of, partial


class Membership(Tracked, frozen=True):
    """A contact or a company in a campaign; it goes with either."""

    campaign_id: Annotated[str, Link("ca", cascades=True), REQUIRED, "the campaign they are in"]
    contact_id: Annotated[str | None, Link("c", cascades=True), "the contact that is a member"]
    company_id: Annotated[str | None, Link("co", cascades=True), "the company that is a member"]
    reason: Annotated[str | None, Text(1_000), "why they are in it"]


MEMBERSHIP = kind_of(
    Membership,
    name="membership",
    plural="campaign_memberships",  # the table of memberships is that of people in workspaces
    prefix="cm",
    order="created_at",
    indexes=(
        index("campaign_id", "created_at"),
        partial("campaign_id", "created_at", filled="contact_id", covers=("contact_id",)),
        partial("campaign_id", "created_at", filled="company_id", covers=("company_id",)),
        partial("contact_id", "campaign_id"),
        partial("company_id", "campaign_id"),
    ),
)
