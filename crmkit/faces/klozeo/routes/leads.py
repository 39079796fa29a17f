"""The routes of leads: list, one, create or merge, change, delete."""

from math import inf
from typing import Any

from crmkit.core.call import Call
from crmkit.core.reading import lists, opened
from crmkit.core.records import write
from crmkit.core.records.settled import Saved
from crmkit.errors import Problem
from crmkit.faces.answers import Given
from crmkit.faces.klozeo import ids
from crmkit.faces.klozeo.answering import route
from crmkit.faces.klozeo.filters import attribute_field, names_in, pairs_of, sort_of
from crmkit.faces.klozeo.lead import LEAD, drafted, lead_of, lead_of_record
from crmkit.model.query.parse import MAX_LIMIT
from crmkit.model.record import Kind, Kinds
from crmkit.records.contact import CONTACT
from crmkit.render.answers import Answer
from crmkit.web.call import HttpCall
from crmkit.web.route import Route

LIMIT, MOST = 50, 1_000
MOST_NAMES = 5  # with dots that are looked up for one request
QUERY = ("filter", "sort_by", "sort_order", "limit", "cursor")
# what Klozeo tells of a create beside the lead itself
WRITTEN = ("id", "created_at", "message", "duplicate", "potential_duplicate_id")
CREATED, MERGED = "Lead created successfully", "Duplicate detected, existing lead updated"


def routes(kinds: Kinds) -> list[Route]:
    """Return the routes of leads, which are contacts."""
    contact = kinds.by_word[CONTACT.plural]

    @route("GET", "/leads", "list_leads", contact, "read", query=QUERY)
    async def list_leads(call: HttpCall) -> Answer:
        limit = _limit(last(call, "limit"))
        pairs = [*await asked(call, contact), *((name, text) for name, text in call.pairs if name == "cursor" and text)]
        found, cursor = await page(call, contact, pairs, limit)
        leads = [lead_of(each) for each in found]
        return Given({"leads": leads, "next_cursor": cursor, "has_more": cursor is not None, "count": len(leads)})

    def shows_saved(call: HttpCall, saved: Saved) -> Answer:
        """Return the lead, no more than WRITTEN to a token that may not read it."""
        lead = saved_lead(call, saved)
        if not call.actor.access.allows(opened.scope(contact)):
            lead = {name: lead[name] for name in WRITTEN if name in lead}
        return Given(lead, 201 if saved.created else 200)

    @route("POST", "/leads", "create_lead", contact, "write", form=LEAD, shows=shows_saved, status=201)
    async def create_lead(call: HttpCall) -> Saved:
        return await write.save(call, contact, drafted(await call.body(), is_new=True), merges_alike=True)

    @route("GET", "/leads/{id}", "get_lead", contact, "read")
    async def get_lead(call: HttpCall, id: str) -> Answer:
        return Given(lead_of_record(await lists.fetch(call, contact, contact_id(contact, id))))

    @route(["PUT", "PATCH"], "/leads/{id}", "change_lead", contact, "write", form=LEAD, shows=_shows_changed)
    async def change_lead(call: HttpCall, id: str) -> Saved:
        bare, body = contact_id(contact, id), drafted(await call.body(), is_new=False)
        return await write.change(call, contact, bare, body, call.if_match())

    @route("DELETE", "/leads/{id}", "delete_lead", contact, "delete", status=204, shows=nothing)
    async def delete_lead(call: HttpCall, id: str) -> Saved:
        return await write.remove(call, contact, contact_id(contact, id), call.if_match(), at_once=True)

    return [list_leads, create_lead, get_lead, change_lead, delete_lead]


def contact_id(contact: Kind, id: str) -> str:
    """Return our id of a lead; raises `not_found`."""
    return ids.ours(id, ids.LEAD, contact.prefix)


async def asked(call: HttpCall, contact: Kind) -> list[tuple[str, str]]:
    """Return the filters and the sort that a query asks for.

    Where a filter does not tell where the name of an attribute ends, it is the longest name that a lead has.
    """
    sort = ("sort", sort_of(last(call, "sort_by"), last(call, "sort_order")))
    sent = [text for name, text in call.pairs if name == "filter"]
    possible = dict.fromkeys(name for text in sent for name in names_in(text))
    dotted = [name for name in [*possible][:MOST_NAMES] if await _is_held(call, contact, name)]
    return [*pairs_of(sent, dotted), sort]


async def _is_held(call: HttpCall, contact: Kind, name: str) -> bool:
    pairs = [(attribute_field(name), "not:null"), ("limit", "1")]
    try:
        return bool((await lists.find_all(call, contact, pairs)).rows)
    except Problem:  # no name of a key is like this
        return False


async def page(
    call: Call, kind: Kind, pairs: list[tuple[str, str]], limit: float = inf
) -> tuple[list[dict[str, Any]], str | None]:
    """Return the next records that are found, at most so many, and the cursor of those that follow."""
    rows: list[dict[str, Any]] = []
    cursor = next((text for name, text in pairs if name == "cursor"), "")
    filters = [pair for pair in pairs if pair[0] != "cursor"]
    while True:
        here = [("limit", str(int(min(MAX_LIMIT, limit - len(rows)))))] + ([("cursor", cursor)] if cursor else [])
        found = await lists.find_all(call, kind, [*filters, *here], details=True)
        rows += [dict(zip(("id", *found.fields), row, strict=True)) for row in found.rows]
        following = found.paging.next_cursor
        if following is None or len(rows) >= limit:
            return rows, following
        cursor = following


def last(call: HttpCall, name: str) -> str:
    """Return what a parameter says, "" where it was not sent; raises `invalid_value` where it stands twice."""
    sent = [text.strip() for each, text in call.pairs if each == name]
    if len(sent) > 1:
        raise Problem("invalid_value", f"Send {name} once.", fields={name: "stands twice"})
    return sent[0] if sent else ""


def saved_lead(call: HttpCall, saved: Saved) -> dict[str, Any]:
    """Return a lead as the answer to its POST has it."""
    is_new = saved.created
    lead = lead_of_record(saved.record, call.is_dry and is_new) | {"message": CREATED if is_new else MERGED}
    if not is_new:
        lead["duplicate"] = True
    if saved.potential_duplicate:
        lead["potential_duplicate_id"] = ids.of(saved.potential_duplicate.rpartition("/")[2], ids.LEAD)
    return lead


def nothing(_: HttpCall, __: Any) -> Answer:
    """Return the empty answer to a delete."""
    return Given({}, 204)


def _shows_changed(_: HttpCall, saved: Saved) -> Answer:
    return Given(lead_of_record(saved.record))


def _limit(text: str) -> int:
    if not text:
        return LIMIT
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) > 0):
        wrong = {"limit": f"must be a whole number from 1 to {MOST:,}"}
        raise Problem("invalid_value", "Send limit as a number, or leave it out.", fields=wrong)
    return min(int(text), MOST)
