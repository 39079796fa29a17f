"""Why a record has its score: what each rule gives it at this moment."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from crmkit.core import lookup
from crmkit.core.call import Call
from crmkit.model.expressions.score import LEAST, MOST, clamped, total
from crmkit.model.record import Kind, Record
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from crmkit.storage.scoring import rules, scores
from crmkit.storage.scoring.scores import Given
from crmkit.storage.webhooks import scored


class Explained(Struct, frozen=True):
    """What each active rule gives a record; `kept` is the score that the record has."""

    record: Record
    given: Sequence[Given]
    kept: float
    notes: tuple[str, ...] = ()

    @property
    def sum(self) -> float:
        return total(each.points for each in self.given)

    @property
    def score(self) -> float:
        return clamped(self.sum)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is to be said beside the rules."""
        found = list(self.notes)
        if self.sum != self.score:
            bound = f"at most {MOST:g}" if self.sum > self.score else f"at least {LEAST:g}"
            found.append(f"the points add up to {self.sum:g}; a score is {bound}")
        if self.kept != self.score:
            found.append(f"the record has score={self.kept:g} since its last write; POST the same path scores it now")
        return tuple(found)


async def explained(call: Call, kind: Kind, id: str) -> Explained:
    """Return why a record has the score that it would have if it were written now."""
    actor, named = call.actor, lookup.id_or_key(kind, id)
    workspace_id, zone = actor.workspace_id, actor.preferences.timezone

    def read(connection: Connection) -> Explained:
        record = lookup.existing(connection, kind, actor, named)
        of_kind = rules.active(connection, workspace_id, kind)
        given = scores.given(of_kind, scores.scope(record, call.now, zone))
        return Explained(record, given, scores.score_of(record), lookup.notes(named, record))

    return await call.read(read)


async def score(call: Call, kind: Kind, id: str) -> Explained:
    """Score one record now, and return why it has that score: no version, no entry of the log.

    Webhooks are told of its score, also of the same one.
    """
    named = lookup.id_or_key(kind, id)

    def unit(tx: Tx) -> Explained:
        workspace_id = tx.by.workspace_id
        before = lookup.existing(tx.connection, kind, tx.by, named)
        record = scores.follow(tx, kind, before)
        if record is before:
            score = scores.score_of(before)
            scored.note(tx, workspace_id, kind, before.id, score, score, is_run=False)
        of_kind: Any = rules.known(tx, kind, workspace_id)
        given = scores.given(of_kind, scores.scope(record, tx.now, tx.by.preferences.timezone))
        return Explained(record, given, scores.score_of(record), lookup.notes(named, before))

    return await call.write(unit)
