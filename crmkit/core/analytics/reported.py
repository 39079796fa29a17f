"""How many contacts that came in in a period have which status of their newest conversion."""

from collections.abc import Mapping

from crmkit.core.analytics import spans
from crmkit.core.call import Call
from crmkit.records.contact import CONTACT
from crmkit.records.conversion import CONVERSION
from crmkit.storage.analytics import reported as stored


async def reported(call: Call, parameters: Mapping[str, str], platform: str = "") -> Mapping[str | None, int]:
    """Return the number of contacts under each status, under None of those without a conversion.

    `parameters` are those of `spans`; with a platform only contacts of its ads count.
    """
    kinds, span = call.crm.kinds, spans.span(call, parameters)
    contacts, conversions = kinds.by_word[CONTACT.plural], kinds.by_word[CONVERSION.plural]
    return await call.scan(stored.by_status, contacts, conversions, call.actor.workspace_id, span, platform)
