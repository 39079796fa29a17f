"""What is outdated is dropped: counters, codes, tokens, answers, links, proposals, grants, files, jobs, deliveries.

Rows stamped in the future, because the clock was set back, are dropped too; otherwise they would count again later.
"""

from crmkit.clock import after
from crmkit.core import confirm
from crmkit.core.crm import Crm
from crmkit.core.oauth.connect import GRANT_SECONDS
from crmkit.core.people.codes import SERVER_TRIES
from crmkit.core.transfer import uploads
from crmkit.storage import job_records, jobs
from crmkit.storage.interface.tx import Tx
from crmkit.storage.people import attempts, grants, tokens, waiting_codes
from crmkit.storage.proposals import kept
from crmkit.storage.requests import answers, confirmations
from crmkit.storage.transfer import imports, links
from crmkit.storage.webhooks import deliveries

KEEP_DAYS = 2  # counters of limits matter for a day, those of all wrong tries for longer
TOKEN_DAYS = 30  # whoever still sends a token that ended is told so
JOB_DAYS = 7  # whoever started a job looks at its end within a week


def sweep(tx: Tx, crm: Crm) -> bool:
    """Drop what no longer matters at this moment, and tell whether some is left, which would take too long at once."""
    codes_latest = after(tx.now, minutes=crm.settings.auth.code_minutes)
    kept_since = after(tx.now, days=-KEEP_DAYS)
    attempts.forget(tx, kept_since, after(tx.now, days=-max(days for days, _ in SERVER_TRIES)))
    waiting_codes.forget(tx, codes_latest)
    confirmations.forget(tx, after(tx.now, minutes=confirm.MINUTES))
    answers.forget(tx)
    links.forget(tx)
    kept.forget(tx)
    grants.forget(tx, codes_latest, kept_since, after(tx.now, seconds=GRANT_SECONDS))
    files, is_left = imports.forget(tx)
    uploads.remove(tx, crm, files)
    is_left = deliveries.forget(tx, after(tx.now, days=-deliveries.KEPT_DAYS)) or is_left
    jobs.forget(tx, after(tx.now, days=-JOB_DAYS))
    job_records.forget_all(tx)
    tokens.cap_last_used(tx)
    tokens.forget(tx, after(tx.now, days=-TOKEN_DAYS))
    return is_left
