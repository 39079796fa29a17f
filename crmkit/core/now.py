"""What time it is for the workspace that a call works in."""

from crmkit.clock import Moment
from crmkit.core.call import Call


def moment(call: Call) -> Moment:
    return Moment(call.now, call.actor.timezone)
