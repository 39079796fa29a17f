"""The answers about proposals: a line of the proposal, and what it would change, record by record."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from crmkit.model.query.listing import MixedListing, Paging
from crmkit.render.answers import Part, Table, numbered_lines
from crmkit.render.tail import NO_TAIL, Tail
from crmkit.storage.proposals.proposal import Change, Proposal

_CUT = "it was long, so what it would change was dropped as it was closed"


def standing(
    found: Proposal,
    changes: Sequence[Change],
    tail: Tail,
    status: int = 200,
    whole: bool = True,
    most: int | None = None,
) -> Table:
    """Return how a proposal stands; in text its changes are shown if it is `whole`.

    A body that is longer than `most` is left out.
    """
    told = fields(found, most)
    tail = tail if found.changes else replace(tail, notes=(*tail.notes, _CUT))  # each changes something
    rows = [{"action": each.action, "target": each.target, "changes": each.changes} for each in changes]
    line = Part(MixedListing("", ((found.handle, told),), Paging()), NO_TAIL if whole else tail)
    parts = (line, numbered_lines("change", rows, tail)) if whole else (line,)
    facts = {"handle": found.handle, "id": found.id, **told, "changes": rows}
    return Table(parts, {**facts, **({"notes": list(tail.notes)} if tail.notes else {})}, status)


def fields(found: Proposal, most: int | None = None) -> Mapping[str, Any]:
    """Return what a line tells of a proposal, without a body that is longer than `most`."""
    request = found.request
    body = None if request.body and most is not None and len(request.body) > most else request.body
    return {
        "state": found.state,
        "method": request.method,
        "path": request.path,
        "by": found.by,
        "body": None if body is None else msgspec.json.decode(body),
        "token_name": found.token_name,
        "created_at": found.created_at,
        "closed_at": found.closed_at or None,
        "closed_by": found.closed_by or None,
        "reason": found.reason,
        "operation": found.operation or None,
    }
