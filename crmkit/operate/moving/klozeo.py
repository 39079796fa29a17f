"""Klozeo, as `crmkit import --from klozeo` reads it: leads with their attributes, and the notes of each."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import quote

from crmkit.faces.klozeo.words import CUSTOM, FIELDS, PREFIX, READ_ONLY
from crmkit.operate.moving.client import Client, Page, are_leads
from crmkit.operate.moving.rows import Note, contact_row, custom_of, stamp_of

LIMIT = "100"  # leads of a page
KNOWN = (*FIELDS, "attributes")


class Klozeo:
    """What there is to know of the service; `left` counts what of it could not be read, by reasons."""

    name, prefix = "klozeo", PREFIX

    def __init__(self) -> None:
        self.left: Counter[str] = Counter()

    def headers(self, key: str) -> dict[str, str]:
        return {"X-API-Key": key}

    async def pages(self, client: Client) -> AsyncIterator[Page]:
        query = {"limit": LIMIT, "sort_by": "created_at", "sort_order": "ASC"}
        async for page in client.pages("/leads", query, _page):
            yield page

    async def contact(self, client: Client, lead: Mapping[str, Any]) -> dict[str, Any]:
        """Return the contact that a lead becomes, as a row of an import; its attributes are keys of custom."""
        values = {ours: lead.get(name) for name, ours in FIELDS.items() if name not in (*READ_ONLY, *CUSTOM)}
        own = {name: lead.get(name) for name in CUSTOM}
        told = {"klozeo_created_at": stamp_of(lead.get("created_at")), "klozeo_score": lead.get("score") or None}
        values["source_id"] = values["source_id"] or f"klozeo:{lead['id']}"
        return contact_row(values, custom_of(own, told, _attributes(await self._attributes(client, lead)), lead, KNOWN))

    async def notes(self, client: Client, lead: Mapping[str, Any]) -> list[Note]:
        """Return the notes of a lead."""
        answer = await client.get_if_there(f"{_path(lead)}/notes")
        found = _listed(answer, "notes")
        if found is None:
            self.left["the notes of a lead: they could not be read"] += 1
            return []
        notes = [
            Note(f"klozeo:{each['id']}", each["content"], stamp_of(each.get("created_at")))
            for each in found
            if isinstance(each.get("id"), str) and isinstance(each.get("content"), str)
        ]
        self.left["a note without id or text"] += len(found) - len(notes)
        if isinstance(answer, dict) and answer.get("has_more"):
            self.left["older notes of a lead: more than are listed at once"] += 1
        return notes

    async def _attributes(self, client: Client, lead: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the attributes that come with a lead, or those that are asked for where none do."""
        found = _listed(lead.get("attributes"), "attributes")
        if found is None:
            found = _listed(await client.get_if_there(f"{_path(lead)}/attributes"), "attributes")
        if found is None:
            self.left["the attributes of a lead: they could not be read"] += 1
        return found or []


def _path(lead: Mapping[str, Any]) -> str:
    return f"/leads/{quote(lead['id'], safe='')}"


def _page(answer: Any) -> Page | None:
    found = _listed(answer, "leads")
    if found is None or not isinstance(answer, dict) or not are_leads(found):
        return None
    cursor, has_more = answer.get("next_cursor"), answer.get("has_more")
    if has_more is False or not cursor:
        return None if has_more else Page(found, None)
    return Page(found, cursor) if isinstance(cursor, str) else None


def _listed(answer: Any, name: str) -> list[dict[str, Any]] | None:
    """Return the objects of a list, which is wrapped, as their clients read it, or bare, as their documents say."""
    found = answer.get(name) if isinstance(answer, dict) else answer
    return found if isinstance(found, list) and all(isinstance(each, dict) for each in found) else None


def _attributes(found: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    return [(each["name"], each.get("value")) for each in found if isinstance(each.get("name"), str) and each["name"]]
