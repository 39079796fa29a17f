"""Events as Klozeo's webhooks tell them: its names, a lead or a note in full, its signature.

Several leads are told together, as Klozeo tells what a batch wrote; notes one by one, since it has no name for several.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, structs

from crmkit.core.webhooks.form import Form, Told
from crmkit.faces.klozeo import ids
from crmkit.faces.klozeo.lead import lead_of, seconds
from crmkit.faces.klozeo.routes.notes import is_note, note_of
from crmkit.faces.klozeo.words import EVENTS

NAME = "klozeo"  # in the field `speaks` of a webhook
SIGNATURE = "X-Klozeo-Signature"


def _tells(told: Told) -> bool:
    return not told.type.startswith("activity.") or is_note(_values(told.data))


def _body(told: Told) -> dict[str, Any]:
    return {"event": EVENTS.get(told.type, told.type), "timestamp": seconds(told.at), "data": _data(told)}


def _data(told: Told) -> Mapping[str, Any]:
    if told.type not in EVENTS:  # a test
        return _values(told.data)
    values = _values(told.data)
    if "ids" not in values:
        if "version" not in values:  # nothing is known of it any more
            return {"id": ids.of(values["id"], ids.LEAD)}
        return lead_of(values) if told.type.startswith("contact.") else note_of(values)
    if told.type != "contacts.scored":
        return {"ids": [ids.of(id, ids.LEAD) for id in values["ids"]], "count": values["count"]}
    found: Mapping[str, Any] = told.records(values["ids"])
    leads = [{"id": ids.of(id, ids.LEAD), "score": found[id].score} for id in values["ids"] if id in found]
    return {"leads": leads, "count": len(leads)}


def _values(data: Any) -> Mapping[str, Any]:
    return structs.asdict(data) if isinstance(data, Struct) else data


def _signed(secret: str, body: bytes) -> dict[str, str]:
    return {SIGNATURE: hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


FORM = Form(EVENTS, frozenset(("activity",)), _tells, _body, _signed)
