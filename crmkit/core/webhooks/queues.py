"""Which deliveries of a webhook may be sent at once: those of one record go one after the other."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from crmkit.storage.webhooks.deliveries import Delivery


class Queued(Struct, frozen=True):
    """A delivery, the handles of its records, and whether its time has come."""

    delivery: Delivery
    records: Sequence[str]
    is_due: bool


def queues(queued: Iterable[Queued], most: int) -> list[list[Delivery]]:
    """Return what may be sent now of what is queued in the order in which it happened: `most` deliveries, in queues.

    Those of a queue are about the same records, and are sent one after the other. One that is not due holds back what
    is later of its records, and nothing else.
    """
    made, of_record, held, count = list[list[Delivery]](), dict[str, list[Delivery]](), set[str](), 0
    for each in queued:
        own = {id(queue): queue for record in each.records if (queue := of_record.get(record)) is not None}
        if count == most or not each.is_due or len(own) > 1 or not held.isdisjoint(each.records):
            held.update(each.records)
            continue
        queue = next(iter(own.values()), None)
        if queue is None:
            queue = []
            made.append(queue)
        queue.append(each.delivery)
        of_record.update(dict.fromkeys(each.records, queue))
        count += 1
    return made
