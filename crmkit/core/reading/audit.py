"""Reading the audit log."""

from crmkit.core.call import Call
from crmkit.core.reading import feeds
from crmkit.model.listing import Listing

FILTERS = {"by": "by=eq:", "action": "action=eq:", "target": "target=eq:", "since": "at=gte:", "until": "at=lt:"}


async def entries(call: Call, pairs: feeds.Pairs, details: bool = False) -> Listing:
    """Return a page of the workspace's audit log, newest first.

    `by` is an address, `action` a word like contact.update, `target` an id in any form or a kind, `since` and `until`
    are times or days.
    """
    return await feeds.read(call, call.crm.kinds.audit, pairs, FILTERS, details=details)
