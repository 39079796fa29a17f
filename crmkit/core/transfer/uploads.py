"""The files that clients sent, and what of them still counts."""

from crmkit.core.call import Call
from crmkit.storage.transfer import kept


async def clear(call: Call) -> None:
    """Remove the files that nothing names, when the server starts: what was on its way when it stopped."""
    call.crm.uploads.clear(await call.read(kept.names))
