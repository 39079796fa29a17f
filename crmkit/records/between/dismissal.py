"""Dismissal: what somebody said of two records that are likely one, that they are two.

Clients write it by POST /duplicates/dismiss, not by routes of its own. `core/duplicates/dismissing.py` has the verb.
"""

from typing import Annotated

from crmkit.model.fields import Identifier
from crmkit.model.form import REQUIRED
from crmkit.model.record import Record, Tracked, index, kind_of


class Dismissal(Tracked, frozen=True):
    """Two records of which somebody said that they are two; the one whose id comes first in the alphabet is `a`."""

    a: Annotated[str, Identifier(40), REQUIRED, "id of one"]
    b: Annotated[str, Identifier(40), REQUIRED, "id of the other"]


DISMISSAL = kind_of(
    Dismissal,
    name="dismissal",
    plural="dismissals",
    prefix="di",
    order="created_at",
    indexes=(index("a", "b"), index("b")),
)


def ids_of(record: Record | None) -> tuple[str, str]:
    """Return the ids of the two records that a dismissal is about."""
    if not isinstance(record, Dismissal):
        raise TypeError(f"{record!r} is no dismissal")
    return record.a, record.b
