"""What is outdated is dropped in steps of one transaction each: counters, codes, tokens, answers, files, jobs.

Rows stamped in the future, because the clock was set back, are dropped too; otherwise they would count again later.
"""

import asyncio
from collections.abc import Callable

from msgspec import Struct

from crmkit.clock import after
from crmkit.core import confirm
from crmkit.core.call import Call
from crmkit.core.crm import Crm
from crmkit.core.oauth.connect import GRANT_SECONDS
from crmkit.core.people.codes import SERVER_TRIES
from crmkit.core.transfer import uploads
from crmkit.storage import job_records, jobs
from crmkit.storage.interface.lanes import ANYWHERE
from crmkit.storage.interface.tx import Tx, Unit
from crmkit.storage.people import attempts, grants, tokens, waiting_codes
from crmkit.storage.proposals import kept
from crmkit.storage.requests import answers, confirmations
from crmkit.storage.transfer import imports, links
from crmkit.storage.webhooks import deliveries

KEEP_DAYS = 2  # counters of limits matter for a day, those of all wrong tries for longer
TOKEN_DAYS = 30  # whoever still sends a token that ended is told so
JOB_DAYS = 7  # whoever started a job looks at its end within a week
REST_SECONDS = 0.05  # between two steps, for those who write meanwhile


class Step(Struct, frozen=True):
    """What drops some rows of these tables that are outdated at this moment, and tells whether some may be left."""

    tables: tuple[str, ...]
    drop: Callable[[Tx, Crm], bool]

    def of(self, crm: Crm) -> Unit[bool]:
        return lambda tx: self.drop(tx, crm)


def _attempts(tx: Tx, crm: Crm) -> bool:
    longest = max(days for days, _ in SERVER_TRIES)
    return attempts.forget(tx, after(tx.now, days=-KEEP_DAYS), after(tx.now, days=-longest))


def _imports(tx: Tx, crm: Crm) -> bool:
    files, is_left = imports.forget(tx)
    uploads.remove(tx, crm, files)
    return is_left


def _tokens(tx: Tx, crm: Crm) -> bool:
    tokens.cap_last_used(tx)
    idle = after(tx.now, days=-TOKEN_DAYS - crm.settings.auth.token_idle_days)
    return tokens.forget(tx, after(tx.now, days=-TOKEN_DAYS), idle)


def _codes_latest(tx: Tx, crm: Crm) -> str:
    return after(tx.now, minutes=crm.settings.auth.code_minutes)


STEPS = (
    Step(("attempts",), _attempts),
    Step(("codes",), lambda tx, crm: waiting_codes.forget(tx, _codes_latest(tx, crm))),
    Step(("confirmations",), lambda tx, crm: confirmations.forget(tx, after(tx.now, minutes=confirm.MINUTES))),
    Step(("answers",), lambda tx, crm: answers.forget(tx)),
    Step(("links",), lambda tx, crm: links.forget(tx)),
    Step(("proposals",), lambda tx, crm: kept.forget(tx)),
    Step(("signins",), lambda tx, crm: grants.forget_signins(tx, _codes_latest(tx, crm))),
    Step(
        ("grants",),
        lambda tx, crm: grants.forget(tx, after(tx.now, days=-KEEP_DAYS), after(tx.now, seconds=GRANT_SECONDS)),
    ),
    Step(("imports", "refused_rows"), _imports),
    Step(("deliveries",), lambda tx, crm: deliveries.forget(tx, after(tx.now, days=-deliveries.KEPT_DAYS))),
    Step(("jobs",), lambda tx, crm: jobs.forget(tx, after(tx.now, days=-JOB_DAYS))),
    Step(("job_records",), lambda tx, crm: job_records.forget_all(tx)),
    Step(("tokens", "briefs"), _tokens),
)


async def sweep(call: Call) -> None:
    """Drop all that no longer matters at this moment; others write between the steps."""
    for step in STEPS:
        while await call.write(step.of(call.crm), lanes=ANYWHERE):
            await asyncio.sleep(REST_SECONDS)
    await uploads.clear_old(call)
