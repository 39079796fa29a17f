"""One round of a webhook: what the log has and what waits is looked at, and sent for a few seconds."""

import asyncio
import re
import time
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from crmkit.core.call import Call
from crmkit.core.crm import Crm
from crmkit.core.webhooks import events, form, maker, message
from crmkit.core.webhooks.form import Form
from crmkit.core.webhooks.queues import Queued, queues
from crmkit.model.events.names import PAUSED, SENDS
from crmkit.model.record import Kinds
from crmkit.outbound.client import Unreached
from crmkit.records.settings.webhook import Webhook
from crmkit.storage import records
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.log import entries
from crmkit.storage.webhooks import deliveries, keys
from crmkit.storage.webhooks.deliveries import Delivery
from crmkit.storage.webhooks.keys import Key

SECONDS = 5  # for one answer
ROUND_SECONDS = 4  # after which a round begins no further delivery
MOST_IN_ROUND = 100  # deliveries
MOST_AT_ONCE = 4  # of one webhook
MOST_WAITING = 1_000  # of one webhook, past which its log is not read on
REST_SECONDS = 0.0002  # after a delivery, for each request a second of others: it costs what several of them do
MOST_REST = 0.25  # second after a delivery, however many ask
MOST_RETRY_AFTER = 6 * 3600  # seconds that a receiver may ask to be left alone for

_SECONDS = re.compile(r"[0-9]{1,9}")


class Attempt(Struct, frozen=True):
    """What a receiver answered, or why it did not."""

    delivery: Delivery
    status: int | None = None
    error: str | None = None
    ms: int | None = None
    retry_after: int = 0

    @property
    def has_arrived(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class Round(Struct, frozen=True):
    """What was looked at and tried. Of the `new` events that the log has up to `reached`, some were.

    Where a right is gone, `lacks` says which, and nothing was. `refused` may not be told any more; `unasked` are no
    events of the form of the webhook that were chosen.
    """

    lacks: str = ""
    refused: tuple[Delivery, ...] = ()
    unasked: tuple[Delivery, ...] = ()
    reached: int = 0
    new: tuple[Delivery, ...] = ()
    attempts: tuple[Attempt, ...] = ()


class _Look(Struct, frozen=True):
    key: Key
    url: str
    round: Round
    queues: Sequence[Sequence[Delivery]]
    form: Form | None = None


async def sent(call: Call, workspace: Workspace, webhook_id: str) -> Round | None:
    """Send what may be sent at this moment, and return what became of it; None if there is no such webhook."""
    now = call.crm.now
    look = await call.read(_looked, call.crm, workspace, webhook_id, now)
    if look is None or not look.queues:
        return None if look is None else look.round
    attempts, begun, free = list[Attempt](), time.monotonic(), asyncio.Semaphore(MOST_AT_ONCE)

    async def send_all(queue: Sequence[Delivery]) -> None:
        async with free:
            for delivery in queue:
                if time.monotonic() - begun > ROUND_SECONDS:
                    return
                attempts.append(await _attempt(call, workspace, look, delivery))
                if not attempts[-1].has_arrived:
                    return
                await asyncio.sleep(min(call.crm.traffic.per_second * REST_SECONDS, MOST_REST))

    await asyncio.gather(*map(send_all, look.queues))
    return replace(look.round, attempts=tuple(attempts))


async def _attempt(call: Call, workspace: Workspace, look: _Look, delivery: Delivery) -> Attempt:
    crm = call.crm
    content = await call.read(message.body, crm.kinds, workspace, delivery, look.form)
    headers = message.headers(delivery, look.key.secrets(crm.now), int(crm.clock().timestamp()), content, look.form)
    began = time.monotonic()
    try:
        answer = await crm.outbound.post(look.url, content, headers, SECONDS)
    except Unreached as unreached:
        crm.tally.deliveries_failed += 1
        return Attempt(delivery, error=unreached.reason, ms=round((time.monotonic() - began) * 1000))
    asked = answer.headers.get("retry-after", "").strip()
    wait = min(int(asked), MOST_RETRY_AFTER) if _SECONDS.fullmatch(asked) else 0
    attempt = Attempt(delivery, answer.status, ms=answer.ms, retry_after=wait)
    if attempt.has_arrived:
        crm.tally.deliveries_sent += 1
    else:
        crm.tally.deliveries_failed += 1
    return attempt


def _looked(connection: Connection, crm: Crm, workspace: Workspace, webhook_id: str, now: str) -> _Look | None:
    kinds = crm.kinds
    key = keys.find(connection, workspace.id, webhook_id)
    webhook = records.fetch(connection, kinds.by_word["webhook"], workspace.id, webhook_id)
    if key is None or not isinstance(webhook, Webhook):
        return None
    lacks = maker.lacks(connection, kinds, key, webhook.events) if webhook.active else ""
    if lacks:
        return _Look(key, webhook.url, Round(lacks, reached=key.reached), ())
    waiting = deliveries.waiting(connection, workspace.id, webhook_id, MOST_WAITING)
    may = maker.reads(connection, kinds, key)
    refused, waiting = _parted(waiting, lambda each: each.first and not (may and may(events.noun_of(kinds, each))))
    spoken, chosen = form.of(crm.forms, webhook)
    unasked, waiting = _parted(
        waiting, lambda each: spoken and each.first and spoken.names.get(each.type) not in chosen
    )
    new, reached, upto = list[Delivery](), key.reached, None
    if webhook.state in (SENDS, PAUSED) and len(waiting) < MOST_WAITING:
        wanted = maker.wanted(connection, kinds, key, webhook.events, spoken.alone if spoken else ())
        most = MOST_IN_ROUND - min(len(waiting), MOST_IN_ROUND - 1)
        new, reached = events.after(connection, kinds, workspace, webhook_id, wanted, reached, most)
        upto = reached if reached < entries.newest(connection, workspace) else None
    if spoken is not None:
        new = [
            each
            for each in new
            if spoken.names.get(each.type) in chosen and spoken.tells(message.told(connection, kinds, workspace, each))
        ]
    found = queued(connection, kinds, workspace, [*waiting, *new], now, upto)
    round = Round("", tuple(refused), tuple(unasked), reached, tuple(new))
    return _Look(key, webhook.url, round, queues(found, MOST_IN_ROUND), spoken)


def _parted(found: Iterable[Delivery], test: Callable[[Delivery], object]) -> tuple[list[Delivery], list[Delivery]]:
    """Return the deliveries that pass a test, and the others."""
    parts: tuple[list[Delivery], list[Delivery]] = [], []
    for each in found:
        parts[not test(each)].append(each)
    return parts


def queued(
    connection: Connection,
    kinds: Kinds,
    workspace: Workspace,
    found: Sequence[Delivery],
    now: str,
    upto: int | None = None,
) -> list[Queued]:
    """Return deliveries in the order in which what they tell happened.

    One of several records is due once it is kept: what it is about is settled then, whatever its operation writes
    after that. One that no entry tells is due once the log was read to where it happened, where it is read `upto` some.
    """
    ordered = sorted(found, key=lambda each: (each.first, bool(each.told), each.seq or each.last))
    return [
        Queued(
            each,
            events.records(connection, kinds, workspace, each),
            each.next_at <= now
            and bool(each.seq or each.target)
            and not (each.told and upto is not None and each.first > upto),
        )
        for each in ordered
    ]
