"""What the log tells a webhook: an event of each entry, one of all that an operation did alike to several records."""

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import groupby

import msgspec
from msgspec import Struct

from crmkit.model.events import names
from crmkit.model.record import Kinds
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.workspace import Workspace, within
from crmkit.storage.log import entries
from crmkit.storage.log.entries import Written
from crmkit.storage.webhooks.deliveries import Delivery

SLICE = 1_000  # entries that one look goes through, and the rest of the operation that the last one is of
MOST_OF_OPERATION = 5_000  # of these; more are further events


class Wanted(Struct, frozen=True):
    """What a webhook is told: whether of an event of one record, by its name, and of which kinds one by one alone."""

    tells: Callable[[str], bool]
    alone: Collection[str] = ()


def after(
    connection: Connection, kinds: Kinds, workspace: Workspace, webhook_id: str, wanted: Wanted, reached: int, most: int
) -> tuple[list[Delivery], int]:
    """Return the events of the entries after a number, some more than `most` at most, and the number they go up to."""
    rows = entries.written(connection, reached, workspace.last, SLICE)
    if len(rows) == SLICE:
        rest = entries.written(connection, rows[-1].seq, workspace.last, MOST_OF_OPERATION)
        for row in rest:
            if row.operation != rows[-1].operation:
                break
            rows.append(row)
    found = list[Delivery]()
    for _, run in groupby(rows, lambda row: row.operation):
        if len(found) >= most:
            break
        run_rows = list(run)
        found += sorted(_of_run(kinds, workspace, webhook_id, wanted, run_rows), key=lambda each: each.first)
        reached = run_rows[-1].seq
    return found, reached


def _of_run(
    kinds: Kinds, workspace: Workspace, webhook_id: str, wanted: Wanted, rows: Sequence[Written]
) -> Iterator[Delivery]:
    """Yield the events of entries of one operation that follow one another."""
    told: dict[str, list[Written]] = {}
    for row in rows:
        name = name_of(kinds, row.action)
        if name and wanted.tells(name) and not _is_told(told.get(name, ()), row):
            told.setdefault(name, []).append(row)
    for name, own in told.items():
        noun, _, what = name.partition(".")
        if noun in wanted.alone or len({row.target for row in own}) == 1:
            for row in own:
                yield _delivery(workspace, webhook_id, name, row.target, row, row)
            continue
        for start in range(0, len(own), names.MOST_IDS):
            part = own[start : start + names.MOST_IDS]
            yield _delivery(workspace, webhook_id, f"{kinds.by_word[noun].plural}.{what}", "", part[0], part[-1])


def _is_told(told: Sequence[Written], row: Written) -> bool:
    """Whether an entry is that of an erasure which took the record itself, as one before it tells."""
    return row.action.endswith(f".{entries.ERASED}") and any(each.target == row.target for each in told)


def name_of(kinds: Kinds, action: str) -> str:
    """Return the name of the event of one record that an action is told as; empty for what no webhook is told."""
    noun, _, verb = action.partition(".")
    kind = kinds.by_word.get(noun)
    is_told = kind is not None and (kind in kinds.records or kind is kinds.activity) and verb in names.BY_VERB
    return f"{noun}.{names.BY_VERB[verb]}" if is_told else ""


def records(connection: Connection, kinds: Kinds, workspace: Workspace, delivery: Delivery) -> list[str]:
    """Return the handles of the records that a delivery is about."""
    if delivery.target or not delivery.first:
        return [delivery.target] if delivery.target else []
    noun, _, what = delivery.type.partition(".")
    kind = kinds.by_word[noun]
    if delivery.told:
        return [kind.handle(id) for id in told_ids(delivery.told)]
    rows = entries.written(connection, delivery.first - 1, delivery.last, MOST_OF_OPERATION + SLICE)
    wanted = f"{kind.name}.{what}"
    return list(dict.fromkeys(row.target for row in rows if name_of(kinds, row.action) == wanted))


def noun_of(kinds: Kinds, delivery: Delivery) -> str:
    """Return the name of the kind that a delivery is about."""
    return kinds.by_word[delivery.type.partition(".")[0]].name


def told_ids(told: str) -> list[str]:
    """Return the ids that the text of a grouped event has that no entry of the log tells."""
    found: dict[str, list[str]] = msgspec.json.decode(told)
    return found.get("ids", [])


def _delivery(workspace: Workspace, webhook_id: str, name: str, target: str, first: Written, last: Written) -> Delivery:
    id = names.id_of(webhook_id, f"{name} {within(first.seq)}")
    return Delivery(0, "", webhook_id, id, name, target, first.seq, last.seq, "", first.at)
