"""Our contacts as two other CRMs for agents would answer them, in the JSON that their documentation shows.

Values are ours; members that we have no value for stand as those APIs show them (null, or a constant).
"""

from datetime import datetime
from typing import Any

import msgspec

Contact = dict[str, Any]


def _lead(contact: Contact) -> Contact:
    first, _, last = contact["name"].partition(" ")
    return {
        "id": contact["id"],
        "uniqueCode": "KNK-001",
        "firstName": first,
        "lastName": last,
        "email": contact["email"],
        "phone": contact["phone"],
        "status": contact["stage"],
        "priority": "medium",
        "source": "ads",
        "adPlatform": "meta",
        "assignedTo": contact["owner"],
        "estimatedValue": None,
        "actualValue": None,
        "notes": contact["notes"],
        "createdAt": contact["created_at"].replace("Z", ".000Z"),
        "updatedAt": contact["updated_at"].replace("Z", ".000Z"),
    }


def konektor(found: list[Contact] | Contact) -> bytes:
    if isinstance(found, dict):
        return msgspec.json.encode({"success": True, "data": _lead(found)})
    paging = {"page": 1, "limit": 50, "total": 1000, "totalPages": 20, "nextCursor": "eyJpZCI6ImxlYWRfYWJjMTIzIn0"}
    return msgspec.json.encode({"success": True, "data": [_lead(one) for one in found], "pagination": paging})


def _seconds(stamp: str | None) -> int | None:
    return stamp and int(datetime.fromisoformat(stamp).timestamp())


def _lead_with_attributes(contact: Contact) -> Contact:
    lead: Contact = {"id": f"cl_01234567-89ab-cdef-0123-{contact['id'][-8:]:0>12}", "name": contact["name"]}
    lead["source"] = "website"
    given = {"email": contact["email"], "phone": contact["phone"], "tags": contact["tags"]}
    lead |= {name: value for name, value in given.items() if value is not None}
    custom = (contact["custom"] or {}).items()
    attributes = [
        {
            "id": f"01234567-89ab-cdef-0123-{number:012}",
            "name": key,
            "type": "text" if isinstance(value, str) else "number",
            "value": value,
        }
        for number, (key, value) in enumerate(custom)
    ]
    if attributes:
        lead["attributes"] = attributes
    lead["score"] = 0
    lead["created_at"] = _seconds(contact["created_at"])
    lead["updated_at"] = _seconds(contact["updated_at"])
    lead["last_interaction_at"] = _seconds(contact["last_activity_at"] or contact["created_at"])
    return lead


def klozeo(found: list[Contact] | Contact) -> bytes:
    if isinstance(found, dict):
        return msgspec.json.encode(_lead_with_attributes(found))
    paging = {"next_cursor": "eyJpZCI6ImNsXzAxMjM0NTY3In0", "has_more": True, "count": len(found)}
    return msgspec.json.encode({"leads": [_lead_with_attributes(one) for one in found], **paging})
