"""What time it is for the workspace that a call works in."""

from crmkit.clock import Moment
from crmkit.core.call import Call

UTC = "UTC"


def timezone(call: Call) -> str:
    """Return the zone whose days the workspace goes by."""
    return UTC


def moment(call: Call) -> Moment:
    return Moment(call.crm.now, timezone(call))
