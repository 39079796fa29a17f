"""The figures of the running server that the operator watches."""

from collections.abc import Mapping

from msgspec import Struct

from crmkit.core.call import Call
from crmkit.core.operating.tally import Tally
from crmkit.errors import Problem
from crmkit.storage import jobs
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.database import Gauges
from crmkit.storage.transfer import imports
from crmkit.storage.webhooks import deliveries


class Counted(Struct, frozen=True):
    """What rows of the database say: imports by state, deliveries and jobs whose time has come or will come."""

    imports: Mapping[str, int]
    deliveries_waiting: int
    jobs_due: int


class Figures(Struct, frozen=True):
    """`counted` is None while the database does not answer."""

    tally: Tally
    gauges: Gauges
    counted: Counted | None


async def figures(call: Call) -> Figures:
    """Return the figures of this moment; the operator may ask, and is answered where the database fails, too."""
    crm = call.crm
    try:
        counted = await call.read(_counted, call.now)
    except Problem:
        counted = None
    return Figures(crm.tally, crm.database.gauges(), counted)


def _counted(connection: Connection, now: str) -> Counted:
    return Counted(imports.states(connection), deliveries.number_waiting(connection), jobs.number_due(connection, now))
