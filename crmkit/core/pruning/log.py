"""Entries of the audit log that are older than the plan of their workspace keeps them are removed, by whole seals.

Where its plan is not declared all are kept. What is not over holds back what it reads: a webhook that is behind, a
delivery that may be sent again, an open proposal, an undo that runs.
"""

import asyncio
import logging
from functools import partial

from crmkit.clock import after
from crmkit.core.call import Call
from crmkit.errors import Problem
from crmkit.plans import AUDIT_DAYS
from crmkit.storage.interface.tx import Tx
from crmkit.storage.log import outdated, seals
from crmkit.storage.log.chain import Chain
from crmkit.storage.log.outdated import Outdated
from crmkit.storage.proposals.proposal import OPEN

log = logging.getLogger("crmkit")

AT_ONCE = 200  # workspaces that one read looks at: two milliseconds
SEALS = 2  # of up to a hundred entries each, that go in one transaction
REST_SECONDS = 0.05  # between two of these, for those who write meanwhile


async def prune_log(call: Call) -> None:
    """Remove the entries that plans keep no longer, of all workspaces; others write between the steps.

    A workspace whose entries cannot be removed is logged, and the others go on. Raises Problem of the database.
    """
    crm, plans = call.crm, call.crm.settings.plans
    cuts = {
        name: "" if caps.get(AUDIT_DAYS) is None else after(crm.now, days=-caps[AUDIT_DAYS])
        for name, caps in plans.named.items()
    }
    position: int | None = 0 if any(cuts.values()) else None
    while position is not None:
        found, position = await call.read(outdated.outdated, cuts, position, AT_ONCE)
        for each in found:
            try:
                await _prune(call, each)
            except Problem:
                raise
            except Exception as error:  # a text that the database cannot read as one
                what = f"the audit log of {each.workspace.id} keeps what is too old"
                if line := crm.database.log_throttle.line(f"{what}: {error.__cause__ or error}"):
                    log.warning("%s", line, exc_info=True)


async def _prune(call: Call, of: Outdated) -> None:
    step = partial(_remove, chain=Chain(call.crm.key), of=of)
    while await call.write(step, (of.workspace.id, seals.LANE), silent=True):
        await asyncio.sleep(REST_SECONDS)


def _remove(tx: Tx, chain: Chain, of: Outdated) -> int:
    before = min(of.before, outdated.held_from(tx.connection, of.workspace, OPEN))
    return seals.prune(tx, chain, of.workspace, before, SEALS)
