"""A lead, which is a contact: the form of its body, and what becomes of it both ways."""

import uuid
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Annotated, Any

from crmkit.errors import Problem
from crmkit.faces.konektor.words import FIELDS, PRIORITIES, SOURCES, STATUSES, UNSAID
from crmkit.model.fields import Choice, Email, Identifier, Invalid, LongText, Number, Phone, Text
from crmkit.model.form import REQUIRED, form_of
from crmkit.model.record import Record
from crmkit.records.conversion import PLATFORM


class Amount(Number, frozen=True):
    """An amount in whole units of a currency, with at most two decimals, which a contact has in cents."""

    @property
    def says(self) -> str:
        return f"a number from {self.least:,.0f} to {self.most:,.0f} with at most two decimals"

    def cleaned(self, value: float) -> float:
        found = super().cleaned(value)
        if _cents(found) % 1:
            raise Invalid(f"must be {self.says}")
        return found


AMOUNT = Amount(-1e13, 1e13)  # up to here a number of JSON tells two decimals apart


class LeadBody:
    firstName: Annotated[str, Text(100), REQUIRED, "First name"]
    lastName: Annotated[str | None, Text(100), "Last name"]
    email: Annotated[str | None, Email(), "Email address"]
    phone: Annotated[str | None, Phone(20), "Phone number"]
    status: Annotated[str | None, Choice(STATUSES), "Lead status (default: new)"]
    priority: Annotated[str | None, Choice(PRIORITIES), "Priority (default: medium)"]
    source: Annotated[str | None, Choice(SOURCES), "Source"]
    adPlatform: Annotated[str | None, PLATFORM, "Ad platform"]
    notes: Annotated[str | None, LongText(5000), "Notes"]
    uniqueCode: Annotated[str | None, Identifier(100), "Custom unique code"]
    externalRef: Annotated[str | None, Identifier(150), "External reference ID"]
    assignedTo: Annotated[str | None, Text(100), "Team member (UUID)"]
    estimatedValue: Annotated[float | None, AMOUNT, "Estimated deal value"]
    actualValue: Annotated[float | None, AMOUNT, "Actual deal value"]


LEAD = form_of(LeadBody, "lead")


def contact_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of a contact for the values of a lead, without whom it is assigned to."""
    found = {FIELDS[name]: value for name, value in values.items() if name != "assignedTo"}
    for name in ("estimated_cents", "actual_cents"):
        if found.get(name) is not None:
            found[name] = int(_cents(found[name]))
    return found


def lead_of(workspace_id: str, contact: Mapping[str, Any]) -> dict[str, Any]:
    """Return the lead that a contact is; one without a first name has its whole name there."""
    lead = {name: contact.get(ours) for name, ours in FIELDS.items()}
    if lead["firstName"] is None and lead["lastName"] is None:
        lead["firstName"] = contact.get("name")
    lead |= {name: word for name, word in UNSAID.items() if lead[name] is None}
    lead["status"] = status_of(contact.get("stage"))
    lead["assignedTo"] = lead["assignedTo"] and member(workspace_id, lead["assignedTo"])
    for name in ("estimatedValue", "actualValue"):
        lead[name] = amount(lead[name])
    for name in ("createdAt", "updatedAt"):
        lead[name] = time(lead[name])
    return lead


def lead_of_record(workspace_id: str, contact: Record) -> dict[str, Any]:
    """Return the lead that a contact is."""
    return lead_of(workspace_id, {name: getattr(contact, name) for name in (*FIELDS.values(), "name")})


def status_of(stage: str | None) -> str:
    """Return the status of a stage, in small letters where it is one of theirs."""
    found = stage or UNSAID["status"]
    return found.lower() if found.lower() in STATUSES else found


def amount(cents: int | None) -> float | None:
    """Return an amount in whole units, as an integer where it is one."""
    return None if cents is None else cents // 100 if cents % 100 == 0 else cents / 100


def time(stamp: str | None) -> str | None:
    """Return a stamp with the milliseconds that their times have."""
    return stamp and f"{stamp[:-1]}.000Z"


def member(workspace_id: str, email: str) -> str:
    """Return the UUID that stands for an address in a workspace: always the same."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"crmkit:{workspace_id}/{email}"))


def address(workspace_id: str, sent: str, among: Iterable[str]) -> str:
    """Return the address that a UUID stands for; raises `invalid_value` where it is that of nobody `among`."""
    found = next((each for each in among if member(workspace_id, each) == sent.strip().lower()), None)
    if found is None:
        wrong = {"assignedTo": "is the UUID of no member of this workspace"}
        raise Problem("invalid_value", "Send the assignedTo that a lead of the same person has.", fields=wrong)
    return found


def _cents(value: float) -> Decimal:
    return Decimal(repr(value)).scaleb(2)
