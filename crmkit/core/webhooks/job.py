"""The job of a webhook, which lives as long as it does: rounds of sending, and what becomes of each delivery."""

from collections.abc import Iterable

from msgspec.structs import replace

from crmkit.clock import after
from crmkit.core.call import Call
from crmkit.core.crm import Crm
from crmkit.core.jobs.kind import JobKind
from crmkit.core.webhooks import sending
from crmkit.core.webhooks.on_write import NAME, TOPIC, switch_off
from crmkit.core.webhooks.queues import queues
from crmkit.core.webhooks.sending import Attempt, Round
from crmkit.model.events import names
from crmkit.model.events.names import OFF, PAUSED, SENDS
from crmkit.records.settings.webhook import Webhook
from crmkit.storage import records
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.jobs import Job
from crmkit.storage.log import entries
from crmkit.storage.webhooks import deliveries, keys
from crmkit.storage.webhooks.deliveries import DELIVERED, FAILED, Delivery
from crmkit.storage.webhooks.keys import Key, Standing

PAUSES = (1, 5, 30, 2 * 60, 10 * 60, 3600, 6 * 3600)  # seconds after an attempt that failed; the last one again
TRIED_DAYS = 3
GONE = 410  # a receiver that is there no more
FAULT_SECONDS = 10  # after a round that failed by a fault of ours
PAUSED_MINUTES = 10  # until rights that were gone are looked at again, unless the commit wakes it that changes them
NOT_READ = "who wrote the webhook last may not read this any more"
NEVER = "9999-12-31T23:59:59Z"  # the time of a job that waits to be woken


async def _perform(call: Call, job: Job) -> Round | None:
    return await sending.sent(call, _workspace(job), job.input["webhook"])


def _step(crm: Crm, tx: Tx, job: Job) -> Job:
    workspace = _workspace(job)
    kind = crm.kinds.by_word["webhook"]
    key = keys.find(tx.connection, workspace.id, job.input["webhook"])
    webhook = records.fetch(tx.connection, kind, workspace.id, job.input["webhook"])
    if key is None or key.job_id != job.id or not isinstance(webhook, Webhook):
        return job.ends()
    if job.outcome.failed is not None:
        return job.waits(None, after(tx.now, seconds=FAULT_SECONDS))
    round = job.outcome.value
    if not isinstance(round, Round):
        return job.goes_on(None)
    if round.lacks:
        return _paused(tx, job, webhook, round.lacks)
    return _recorded(crm, tx, job, key, webhook, round)


def _paused(tx: Tx, job: Job, webhook: Webhook, lacks: str) -> Job:
    waiting = deliveries.waiting(tx.connection, job.workspace_id, webhook.id, sending.MOST_WAITING)
    tests = [replace(each, state=FAILED, error=lacks, tried_at=tx.now) for each in waiting if not each.first]
    deliveries.save(tx, _workspace(job), tests)
    _tell(tx, tests)
    since = (webhook.failing_since or tx.now) if webhook.state == PAUSED else tx.now
    if webhook.state == PAUSED and after(since, days=TRIED_DAYS) <= tx.now:
        switch_off(tx, job.workspace_id, webhook, f"{lacks}, for {TRIED_DAYS} days")
    elif webhook.state != OFF:
        keys.stand(tx, job.workspace_id, webhook.id, Standing(PAUSED, lacks, since, webhook.last_delivered_at))
        return job.waits(None, after(tx.now, minutes=PAUSED_MINUTES))
    return job.waits(None, NEVER)


def _recorded(crm: Crm, tx: Tx, job: Job, key: Key, webhook: Webhook, round: Round) -> Job:
    workspace = _workspace(job)
    is_on = webhook.state != OFF
    tried = {each.delivery.event: _tried(tx.now, each, is_on) for each in round.attempts}
    kept = deliveries.waiting(tx.connection, workspace.id, webhook.id, 2 * sending.MOST_WAITING)  # more came meanwhile
    for each in round.refused:
        tried[each.event] = replace(each, state=FAILED, error=NOT_READ, tried_at=tx.now)
    dropped = {each.seq for each in round.unasked}
    for seq in dropped:
        deliveries.drop(tx, workspace.id, seq)
    kept = [each for each in kept if each.seq not in dropped]
    changed = [tried.get(each.event, each) for each in kept]
    deliveries.save(tx, workspace, [each for each, before in zip(changed, kept, strict=True) if each is not before])
    if is_on:  # else it was switched off meanwhile
        deliveries.add(tx, workspace, [tried.get(each.event, each) for each in round.new])
        keys.reach(tx, key, max(key.reached, round.reached))
    deliveries.cut(tx, workspace.id, webhook.id)
    _tell(tx, changed)
    why = _why_off(tx.now, webhook, round.attempts) if is_on else ""
    if why:
        switch_off(tx, workspace.id, webhook, why)
        return job.waits(None, NEVER)
    attempts = [each for each in round.attempts if each.delivery.type != names.TEST]
    if is_on and (attempts or webhook.state == PAUSED):
        arrived = any(each.has_arrived for each in attempts)
        failing = (webhook.failing_since or tx.now) if attempts and not arrived else None
        last = tx.now if arrived else webhook.last_delivered_at
        if webhook.state == PAUSED:
            tx.tell(TOPIC)
        keys.stand(tx, workspace.id, webhook.id, Standing(SENDS, None, failing, last))
    return _next(crm, tx, job, webhook, max(key.reached, round.reached) if is_on else 0)


def _tried(now: str, attempt: Attempt, is_on: bool) -> Delivery:
    """Return a delivery after an attempt."""
    before = attempt.delivery
    found = replace(
        before,
        attempts=before.attempts + 1,
        status=attempt.status,
        error=attempt.error,
        ms=attempt.ms,
        first_at=before.first_at or now,
        tried_at=now,
        next_at="",
    )
    if attempt.has_arrived:
        return replace(found, state=DELIVERED)
    if before.type == names.TEST or not is_on or after(found.first_at, days=TRIED_DAYS) <= now:
        return replace(found, state=FAILED)
    pause = max(PAUSES[min(found.attempts, len(PAUSES)) - 1], attempt.retry_after)
    return replace(found, next_at=after(now, seconds=pause))


def _why_off(now: str, webhook: Webhook, attempts: Iterable[Attempt]) -> str:
    """Return why a webhook sends nothing any more after these attempts; empty if it goes on.

    One event that its receiver refuses for three days, while others arrive, is given up alone.
    """
    for each in attempts:
        if each.has_arrived or each.delivery.type == names.TEST:
            continue
        if each.status == GONE:
            return f"the receiver answered {GONE}: it is there no more"
        first_at = each.delivery.first_at or now
        if after(first_at, days=TRIED_DAYS) <= now and (webhook.last_delivered_at or "") <= first_at:
            answered = f"answered {each.status}" if each.status else (each.error or "gave no answer")
            return f"nothing arrived for {TRIED_DAYS} days: {answered}"
    return ""


def _next(crm: Crm, tx: Tx, job: Job, webhook: Webhook, reached: int) -> Job:
    """Return the job as it goes on: at once while something may be sent, or when the next delivery is due."""
    workspace = _workspace(job)
    waiting = deliveries.waiting(tx.connection, workspace.id, webhook.id, sending.MOST_WAITING)
    is_behind = bool(reached) and reached < entries.newest(tx.connection, workspace)
    if is_behind and len(waiting) < sending.MOST_WAITING:
        return job.goes_on(None)
    if queues(sending.queued(tx.connection, crm.kinds, workspace, waiting, tx.now), 1):
        return job.goes_on(None)
    return job.waits(None, min((each.next_at for each in waiting if each.next_at > tx.now), default=NEVER))


def _tell(tx: Tx, changed: Iterable[Delivery]) -> None:
    """Wake the requests that wait for what becomes of these."""
    for each in changed:
        tx.tell(each.id)


def _ended(crm: Crm, tx: Tx, job: Job) -> None:
    """Say of a webhook why nothing is sent any more, where its job could not go on."""
    found = records.fetch(tx.connection, crm.kinds.by_word["webhook"], job.workspace_id, job.input["webhook"])
    if isinstance(found, Webhook):
        switch_off(tx, job.workspace_id, found, f"by a fault of the server, which is logged under {job.id}")


def _workspace(job: Job) -> Workspace:
    return Workspace(job.workspace_id, job.input["number"])


JOB = JobKind(NAME, perform=_perform, step_in=_step, ended=_ended)
