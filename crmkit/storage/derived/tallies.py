"""What changes on one record when activities that link to it do: a `Tally`, and the one UPDATE that writes it."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct, field

from crmkit.model.fields import Addresses
from crmkit.model.record import REACHED, Kind
from crmkit.storage.columns import quoted
from crmkit.storage.derived import addresses
from crmkit.storage.interface.tx import Tx
from crmkit.storage.scoring import rescoring

_NEWEST = (
    "SELECT a.occurred_at FROM activities AS a WHERE a.workspace_id = ? AND a.{link} = ?{also} "
    "ORDER BY a.occurred_at DESC LIMIT 1"
)
TAKEN_PLACE = "NOT EXISTS (SELECT 1 FROM ahead AS w WHERE w.workspace_id = a.workspace_id AND w.id = a.id)"


class Moments(Struct):
    """How many moments a record has more, the newest that came, and whether one is gone."""

    more: int = 0
    newest: str = ""
    is_lost: bool = False

    def note(self, was: str | None, now: str | None) -> None:
        """Note that one moment was this and is that; None is none."""
        if was != now:
            self.more += (now is not None) - (was is not None)
            self.newest = max(self.newest, now or "")
            self.is_lost = self.is_lost or was is not None


class Tally(Struct):
    """What changes on a record: its activities, those that count as contacts made, for whom they were done."""

    all: Moments = field(default_factory=Moments)
    contacts: Moments = field(default_factory=Moments)
    addresses: Counter[str] = field(default_factory=Counter)
    reached_at: str = ""  # when a POST did

    def address(self, was: str | None, now: str | None) -> None:
        """Note that an activity was done for one address and is for another; None is nobody."""
        if was != now:
            self.addresses.subtract(filter(None, [was]))
            self.addresses.update(filter(None, [now]))


def write(tx: Tx, workspace_id: str, kind: Kind, id: str, tally: Tally, contacts: tuple[str, ...]) -> float | None:
    """Write a tally on its record; `contacts` are the kinds of activities that count as contacts made.

    Where the newest is gone, it is looked up by the index on the link, which knows the kinds of activities as well.
    Return the score that the record has then, None where no scoring rule is active.
    """
    link = quoted(kind.activity_link)
    also = f" AND a.kind IN ({', '.join('?' * len(contacts))}) AND {TAKEN_PLACE}"
    args = (workspace_id, id)
    parts = [
        *_moments(tx, tally.all, "activities", "last_activity_at", link, "", args),
        *_moments(tx, tally.contacts, "contacts_made", "last_contacted_at", link, also, (*args, *contacts)),
        *_addresses(tx, workspace_id, kind, id, tally),
    ]
    if tally.reached_at and REACHED in kind.by_name:
        parts.append(_latest(tx, REACHED, tally.reached_at))
    if not parts:
        return None
    sets, values = ", ".join(sql for sql, _ in parts), [value for _, held in parts for value in held]
    sql = f"UPDATE {quoted(kind.plural)} SET {sets} WHERE workspace_id = ? AND id = ?"
    tx.connection.execute(sql, (*values, *args))
    return rescoring.follow(tx, kind, workspace_id, id)


def reach(tx: Tx, kind: Kind, id: str, at: str) -> float | None:
    """Write that a POST reached a record at this time, if its kind tells and none did later; return as `write` does."""
    return write(tx, tx.by.workspace_id, kind, id, Tally(reached_at=at), ()) if REACHED in kind.by_name else None


_Part = tuple[str, tuple[Any, ...]]  # of an UPDATE: what it sets, and the values in it


def _moments(
    tx: Tx, moments: Moments, count: str, newest: str, link: str, also: str, args: tuple[Any, ...]
) -> Iterator[_Part]:
    if moments.more:
        yield f"{count} = {count} + ?", (moments.more,)
    if moments.is_lost:
        yield f"{newest} = ({_NEWEST.format(link=link, also=also)})", args
    elif moments.newest:
        yield _latest(tx, newest, moments.newest)


def _latest(tx: Tx, name: str, at: str) -> _Part:
    latest = tx.connection.dialect.greatest.format(f"coalesce({name}, ''), ?")
    return f"{name} = {latest}", (at,)


def _addresses(tx: Tx, workspace_id: str, kind: Kind, id: str, tally: Tally) -> Iterator[_Part]:
    if tally.addresses and addresses.count(tx, workspace_id, id, tally.addresses):
        shown = kind.by_name["on_behalf_of"]
        most = shown.type.most if isinstance(shown.type, Addresses) else 0
        found = addresses.first(tx.connection, workspace_id, id, most) or None
        packed = None if found is None else msgspec.json.encode(found).decode()
        yield f"{shown.name} = ?, {shown.compared} = ?", (packed, shown.type.key(found))
