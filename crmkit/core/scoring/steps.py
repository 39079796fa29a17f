"""A step of a run: some records are scored anew, for no longer than STEP_SECONDS where others ask for something."""

from collections.abc import Sequence

from msgspec import Struct

from crmkit.core.crm import Crm
from crmkit.model.record import Kind
from crmkit.storage import records
from crmkit.storage.interface.tx import Tx
from crmkit.storage.scoring import runs
from crmkit.storage.workspaces import lookup

STEP_SECONDS, IN_PEACE_SECONDS = 0.004, 0.05


class Place(Struct):
    """Where a run is: `done` of `of` records are scored, of which `changed` got another score.

    `at` is the place of the present kind among those that are scored, `last` the number of its last row.
    """

    of: int
    done: int = 0
    changed: int = 0
    at: int = 0
    last: int = 0


def step(crm: Crm, tx: Tx, workspace_id: str, kinds: Sequence[Kind], place: Place) -> bool:
    """Score the next records of these kinds; tell whether there may be more."""
    if place.at >= len(kinds):
        return False
    kind, workspace = kinds[place.at], lookup.existing(tx.connection, workspace_id)
    seconds = IN_PEACE_SECONDS if crm.traffic.is_quiet else STEP_SECONDS
    some = runs.score_next(tx, kind, workspace, place.last, seconds)
    place.done += some.scored
    place.changed += some.changed
    place.last = some.last
    if some.is_end:
        place.at, place.last = place.at + 1, 0
    return place.at < len(kinds)


def start(tx: Tx, workspace_id: str, kinds: Sequence[Kind]) -> Place:
    """Return the position of a run that has scored nothing yet, with how many records there are to score."""
    return Place(sum(records.live(tx.connection, workspace_id, kind.plural) for kind in kinds))
