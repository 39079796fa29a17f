"""A lead, which is a contact: the form of its body, and what becomes of it both ways."""

from collections.abc import Iterable, Mapping
from operator import attrgetter
from typing import Annotated, Any

from crmkit.clock import moment
from crmkit.faces.klozeo import attribute, ids
from crmkit.faces.klozeo.words import CUSTOM, FIELDS, READ_ONLY, STATUSES, TIMES, UNSAID
from crmkit.model.fields import (
    Choice,
    Country,
    Email,
    Identifier,
    Integer,
    LongText,
    Number,
    Phone,
    Tags,
    Text,
    Website,
)
from crmkit.model.form import REQUIRED, form_of
from crmkit.model.record import Record
from crmkit.model.sheets import countries, lists

MOST_REVIEWS = 2**32 - 1


class LeadBody:
    name: Annotated[str, Text(200), REQUIRED, "name"]
    source: Annotated[str, Text(200), REQUIRED, "where it came from"]
    description: Annotated[str | None, LongText(20_000), "what it is about"]
    address: Annotated[str | None, Text(500), "street and number"]
    city: Annotated[str | None, Text(200), "city"]
    state: Annotated[str | None, Text(200), "state or province"]
    country: Annotated[str | None, Country(), "country"]
    postal_code: Annotated[str | None, Text(200), "postal code"]
    latitude: Annotated[float | None, Number(-90, 90), "degrees north"]
    longitude: Annotated[float | None, Number(-180, 180), "degrees east"]
    phone: Annotated[str | None, Phone(200), "phone"]
    email: Annotated[str | None, Email(), "email"]
    website: Annotated[str | None, Website(), "website"]
    rating: Annotated[float | None, Number(), "rating"]
    review_count: Annotated[int | None, Integer(0, MOST_REVIEWS), "number of reviews"]
    category: Annotated[str | None, Text(200), "category"]
    tags: Annotated[list[str] | None, Tags(), "tags"]
    source_id: Annotated[str | None, Identifier(200), "its id elsewhere"]
    logo_url: Annotated[str | None, Text(2_000), "address of a logo"]
    status: Annotated[str | None, Choice(STATUSES), "pipeline status"]


LEAD = form_of(LeadBody, "lead")

# fields of a lead and of a contact whose values it has; its other fields are made of custom
_NAMES = (*(name for name in FIELDS if name not in CUSTOM), "custom")
_OURS = (*(FIELDS[name] for name in _NAMES[:-1]), "custom")
_NOTHING: dict[str, Any] = dict.fromkeys(FIELDS)
_values = attrgetter(*_OURS)


def drafted(sent: Mapping[str, Any], is_new: bool) -> dict[str, Any]:
    """Return the body of a contact for that of a lead; raises what is wrong with it.

    What only the server writes is left out. Blanks within tags become hyphens, a country may be sent by its name.
    """
    body = {name: value for name, value in sent.items() if name not in (*READ_ONLY, "attributes")}
    if isinstance(body.get("tags"), list) and all(isinstance(each, str) for each in body["tags"]):
        body["tags"] = lists.tags(body["tags"])
    if isinstance(body.get("country"), str):
        body["country"] = countries.code(body["country"]) or body["country"]
    values = LEAD.draft(body)
    if is_new:
        LEAD.check_required(values)
    found = {FIELDS[name]: value for name, value in values.items() if name not in CUSTOM}
    custom = {name: value for name, value in values.items() if name in CUSTOM}
    if sent.get("attributes"):
        custom |= attribute.custom_of(sent["attributes"])
    return {**found, "custom": custom} if custom else found


def lead_of(contact: Mapping[str, Any]) -> dict[str, Any]:
    """Return the lead that a contact is."""
    return _lead(map(contact.get, _OURS))


def lead_of_record(contact: Record, is_dry: bool = False) -> dict[str, Any]:
    """Return the lead that a contact is; one of a dry run has no id yet."""
    lead = _lead(_values(contact))
    return {**lead, "id": None} if is_dry else lead


def _lead(values: Iterable[Any]) -> dict[str, Any]:
    """Return the lead that has these values, in the order of _OURS."""
    lead = _NOTHING.copy()
    lead.update(zip(_NAMES, values, strict=True))
    custom, own = lead.pop("custom") or {}, lead["id"]
    for name in CUSTOM:
        lead[name] = custom.get(name)
    lead["source"] = lead["source"] or ""
    lead["tags"] = lead["tags"] or []
    lead["status"] = status_of(lead["status"])
    lead["score"] = lead["score"] or 0
    lead["last_interaction_at"] = lead["last_interaction_at"] or lead["created_at"]
    for name in TIMES:
        lead[name] = seconds(lead[name])
    if type(lead["review_count"]) is not int or not 0 <= lead["review_count"] <= MOST_REVIEWS:
        lead["review_count"] = None  # a client for Rust refuses the whole page else
    for name in ("category", "logo_url"):
        lead[name] = lead[name] if isinstance(lead[name], str) else None
    lead["attributes"] = attribute.shown(own or "", custom)
    lead["id"] = own and ids.of(own, ids.LEAD)
    return lead


def status_of(stage: str | None) -> str:
    """Return the status of a stage, in small letters where it is one of theirs."""
    found = stage or UNSAID
    return found.lower() if found.lower() in STATUSES else found


def seconds(stamp: str | None) -> int | None:
    """Return a stamp as a Unix time."""
    return (stamp and int(moment(stamp).timestamp())) or None
