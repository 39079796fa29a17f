"""Konektor, as `crmkit import --from konektor` reads it: leads. Its API has no notes of their own, no attributes."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from crmkit.faces.konektor.lead import LEAD
from crmkit.faces.konektor.words import FIELDS, PREFIX
from crmkit.operate.moving.client import Client, Page, are_leads
from crmkit.operate.moving.rows import Note, contact_row, custom_of

LIMIT = "100"  # leads of a page, the most that there are
VALUES = ("estimatedValue", "actualValue")


class Konektor:
    """What there is to know of the service; `left` counts what of it could not be read, by reasons."""

    name, prefix = "konektor", PREFIX

    def __init__(self) -> None:
        self.left: Counter[str] = Counter()
        self._currency: str | None = None

    def headers(self, key: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {key}"}

    async def pages(self, client: Client) -> AsyncIterator[Page]:
        workspace = await client.get_if_there("/workspace")
        found = workspace.get("data") if isinstance(workspace, dict) else None
        currency = found.get("currency") if isinstance(found, dict) else None
        self._currency = currency if isinstance(currency, str) else None
        query = {"limit": LIMIT, "sortBy": "createdAt", "sortOrder": "asc"}
        async for page in client.pages("/leads", query, _page):
            yield page

    async def contact(self, client: Client, lead: Mapping[str, Any]) -> dict[str, Any]:
        """Return the contact that a lead becomes, as a row of an import."""
        told = {"konektor_created_at": lead.get("createdAt"), "konektor_assigned_to": lead.get("assignedTo")}
        values = {FIELDS[name]: lead.get(name) for name in LEAD.by_name if name not in (*VALUES, "assignedTo")}
        for name in VALUES:
            cents = _cents(lead.get(name))
            values[FIELDS[name]] = cents
            told[f"konektor_{name}"] = lead.get(name) if cents is None else None
            if cents is not None:
                values["currency"] = self._currency
                self.left["the currency of an amount: the key may not read the workspace"] += self._currency is None
        values["source_id"] = values["source_id"] or f"konektor:{lead['id']}"
        return contact_row(values, custom_of({}, told, [], lead, tuple(FIELDS)))

    async def notes(self, client: Client, lead: Mapping[str, Any]) -> list[Note]:
        return []


def _page(answer: Any) -> Page | None:
    found: Any = answer.get("data") if isinstance(answer, dict) else None
    told = answer.get("pagination") if isinstance(answer, dict) else None
    if not are_leads(found) or not isinstance(told, dict):
        return None
    cursor, total = told.get("nextCursor") or None, told.get("total")
    return Page(found, cursor, total if isinstance(total, int) else None) if isinstance(cursor, str | None) else None


def _cents(value: Any) -> int | None:
    """Return an amount in hundredths, None for none and for one with smaller parts."""
    if value is None or isinstance(value, bool):
        return None
    try:
        cents = Decimal(str(value)).scaleb(2)
        return int(cents) if cents.is_finite() and cents == cents.to_integral_value() else None
    except InvalidOperation:
        return None
