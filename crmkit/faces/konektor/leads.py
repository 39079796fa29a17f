"""The routes of leads: list, one, create, upsert, change."""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

from crmkit.core.people import teams
from crmkit.core.reading import lists, opened
from crmkit.core.records import write
from crmkit.core.records.settled import Saved
from crmkit.errors import Problem, listed, nearest
from crmkit.faces.konektor.answering import data, route
from crmkit.faces.konektor.lead import LEAD, address, contact_of, lead_of, lead_of_record
from crmkit.faces.konektor.words import FIELDS, PLATFORMS, PRIORITIES, SOURCES, STATUSES, UNSAID
from crmkit.model.fields import Invalid, Time
from crmkit.model.query.listing import Listing
from crmkit.model.record import Kinds
from crmkit.records.contact import CONTACT
from crmkit.render.answers import Answer
from crmkit.web.call import HttpCall
from crmkit.web.route import FREE, Route

LIMIT, MOST = 50, 100
REACHED = 100_000  # rows up to which a page may be asked for by its number
BY = ("code", "phone", "source_id")  # by which an upsert finds a lead, in this order, after its id

WORDS: Mapping[str, Sequence[str]] = {
    "status": STATUSES,
    "priority": PRIORITIES,
    "source": SOURCES,
    "adPlatform": PLATFORMS,
    "sortBy": ("createdAt", "updatedAt"),
    "sortOrder": ("asc", "desc"),
}
_FILTERS = ("status", "priority", "source", "adPlatform", "assignedTo", "createdFrom", "createdTo", "search")
QUERY = ("page", "limit", "cursor", *_FILTERS, "sortBy", "sortOrder")

READ, WRITE = "agent.leads.read", "agent.leads.write"

Pairs = list[tuple[str, str]]


def routes(kinds: Kinds) -> list[Route]:
    """Return the routes of leads, which are contacts."""
    contact = kinds.by_word[CONTACT.plural]

    def shows(call: HttpCall, saved: Saved) -> Answer:
        """Return the lead that was written, its id alone to a key that may not read it."""
        lead = lead_of_record(call.actor.workspace_id, saved.record)
        told = lead if call.actor.access.allows(opened.scope(contact)) else {"id": lead["id"]}
        return data(told, status=201 if saved.created else 200)

    of_lead: dict[str, Any] = {"kind": contact, "form": LEAD, "shows": shows, "consent": FREE}

    @route(kinds, "GET", "/leads", "list_leads", READ, query=QUERY, kind=contact)
    async def list_leads(call: HttpCall) -> Answer:
        sent = checked(call.parameters())
        page, limit = _number(sent, "page", 1, REACHED), _number(sent, "limit", LIMIT, MOST)
        if page * limit > REACHED:
            wrong = {"page": f"times limit is over {REACHED:,}"}
            raise Problem(
                "invalid_value", f"Beyond {REACHED:,} leads use cursor: the nextCursor of a page.", fields=wrong
            )
        filters, cursor = [*await _filters(call, sent), ("count", "exact")], sent.get("cursor", "")
        pairs = [*filters, ("sort", _order(sent)), ("limit", str(limit))]
        if cursor:
            found = await lists.find_all(call, contact, [*pairs, ("cursor", cursor)], details=True)
            total = (await lists.find_all(call, contact, [*filters, ("limit", "1")])).paging.total
        else:
            found = await lists.find_all(call, contact, pairs, details=True, skipped=(page - 1) * limit)
            total = found.paging.total
        told = {"page": page, "limit": limit, "total": total, "totalPages": ceil((total or 0) / limit)}
        return data(shown(call, found), {"pagination": {**told, "nextCursor": found.paging.next_cursor}})

    @route(kinds, "GET", "/leads/{id}", "get_lead", READ, kind=contact)
    async def get_lead(call: HttpCall, id: str) -> Answer:
        return data(lead_of_record(call.actor.workspace_id, await lists.fetch(call, contact, id)))

    @route(kinds, "POST", "/leads", "create_lead", WRITE, **of_lead, status=201)
    async def create_lead(call: HttpCall) -> Saved:
        values = LEAD.draft(await call.body(), call.asker)
        LEAD.check_required(values)
        return await write.save(call, contact, await _contact_of(call, values))

    @route(kinds, "POST", "/leads/upsert", "upsert_lead", WRITE, **of_lead, status=201)
    async def upsert_lead(call: HttpCall) -> Saved:
        sent = await call.body()
        id = sent.pop("id", None)
        values = LEAD.draft(sent, call.asker)
        if id is not None:
            if not isinstance(id, str):
                raise Problem(
                    "invalid_value", "Send the id of a lead, or leave it out.", fields={"id": "must be a text"}
                )
            return await write.change(call, contact, id, await _contact_of(call, values))
        named = [name for name in LEAD.by_name if FIELDS[name] in BY]
        if not any(values.get(name) for name in named):
            hint = f"Send id, {listed(named, 'or')}: what the lead is found by."
            raise Problem(
                "missing_field", hint, fields=dict.fromkeys(named, "is needed, unless another of these is sent")
            )
        return await write.save(call, contact, await _contact_of(call, values), by=BY)

    @route(kinds, "PATCH", "/leads/{id}", "change_lead", WRITE, **of_lead)
    async def change_lead(call: HttpCall, id: str) -> Saved:
        values = LEAD.draft(await call.body(), call.asker, True)
        return await write.change(call, contact, id, await _contact_of(call, values), call.if_match())

    return [list_leads, get_lead, create_lead, upsert_lead, change_lead]


def shown(call: HttpCall, found: Listing) -> list[dict[str, Any]]:
    """Return the leads of a page."""
    names = ("id", *found.fields)
    return [lead_of(call.actor.workspace_id, dict(zip(names, row, strict=True))) for row in found.rows]


def checked(sent: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters that say something; raises `invalid_value` for a word that one of them does not take."""
    found = {name: text.strip() for name, text in sent.items() if text.strip()}
    wrong = {
        name: f"must be one of {', '.join(WORDS[name])}{nearest(text, WORDS[name])}"
        for name, text in found.items()
        if name in WORDS and text not in WORDS[name]
    }
    if wrong:
        raise Problem("invalid_value", "Send one of the words that a parameter takes.", fields=wrong)
    return found


def _number(sent: Mapping[str, str], name: str, unsent: int, most: int) -> int:
    text = sent.get(name, str(unsent))
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= most):
        wrong = {name: f"must be a whole number from 1 to {most:,}"}
        raise Problem("invalid_value", f"Send {name} as a number, or leave it out.", fields=wrong)
    return int(text)


def _order(sent: Mapping[str, str]) -> str:
    return f"{'' if sent.get('sortOrder') == 'asc' else '-'}{FIELDS[sent.get('sortBy', 'createdAt')]}"


async def _filters(call: HttpCall, sent: Mapping[str, str]) -> Pairs:
    """Return the filters of a list of contacts that these parameters stand for."""
    pairs: Pairs = []
    for name in ("status", "priority", "source", "adPlatform"):
        if sent.get(name) and sent[name] == UNSAID.get(name):  # what says nothing is shown as this word
            group = f"or{len(pairs) + 2}."
            pairs += [(f"{group}{FIELDS[name]}", f"eq:{sent[name]}"), (f"{group}{FIELDS[name]}", "is:null")]
        elif name in sent:
            pairs.append((FIELDS[name], f"eq:{sent[name]}"))
    for name, operator in (("createdFrom", "gte"), ("createdTo", "lte")):
        if name in sent:
            pairs.append((FIELDS["createdAt"], f"{operator}:{_time(call, name, sent[name])}"))
    if "assignedTo" in sent:
        pairs.append((FIELDS["assignedTo"], f"eq:{await _address(call, sent['assignedTo'])}"))
    return [*pairs, *((name, sent[name]) for name in ("search",) if name in sent)]


def _time(call: HttpCall, name: str, text: str) -> str:
    """Return the stamp of a time, of a day its first or, where it is the end, its last second."""
    try:
        return (Time().last if name == "createdTo" else Time().first)(text, call.asker)
    except Invalid as error:
        raise Problem("invalid_value", f"Send {name} as an ISO 8601 time.", fields={name: str(error)}) from None


async def _contact_of(call: HttpCall, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of a contact for the values of a lead."""
    body = contact_of(values)
    if "assignedTo" in values:
        body[FIELDS["assignedTo"]] = values["assignedTo"] and await _address(call, values["assignedTo"])
    return body


async def _address(call: HttpCall, sent: str) -> str:
    workspace_id = call.actor.workspace_id
    members, _ = await teams.people(call, workspace_id)
    return address(workspace_id, sent, [each.email for each in members])
