"""Reading the audit log."""

from crmkit.core.call import Call
from crmkit.core.reading import feeds
from crmkit.model.listing import Listing
from crmkit.model.record import Kinds

FILTERS = {"by": "by=eq:", "action": "action=eq:", "target": "target=eq:", "since": "at=gte:", "until": "at=lt:"}


async def entries(call: Call, pairs: feeds.Pairs, details: bool = False) -> Listing:
    """Return a page of the workspace's audit log, newest first.

    `by` is an address, `action` a word like contact.update, `target` an id in any form, `since` and `until` times.
    """
    handled = [(name, _with_handle(call.crm.kinds, name, value)) for name, value in pairs]
    return await feeds.read(call, call.crm.kinds.audit, handled, FILTERS, details=details)


def _with_handle(kinds: Kinds, name: str, value: str) -> str:
    """Return the value of a parameter; a `target` that is a bare id becomes a handle, as the log has it."""
    value = value.strip()
    kind = kinds.prefixes.get(value.partition("_")[0])
    return f"{kind}/{value}" if name == "target" and kind else value
