"""A page, as a verb answers it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from crmkit.model.record import Kind


class Paging(Struct, frozen=True):
    """Where a page stands: on the first one `total` is how many there are in all, or None with `at_least` when counting
    stopped there. `next_cursor` is None on the last page."""

    is_first: bool = True
    total: int | None = None
    at_least: int | None = None
    next_cursor: str | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def whole(cls, total: int, notes: Iterable[str] = ()) -> "Paging":
        """Return the paging of a list that is one page."""
        return cls(total=total, notes=tuple(notes))


class Listing(Struct, frozen=True):
    """A page of records of a kind, as rows: each has the id, then the values of `fields`, in their order."""

    kind: Kind
    fields: tuple[str, ...]
    rows: Sequence[Sequence[Any]]
    paging: Paging


class Rows(Struct, frozen=True):
    """A page of things that are no records of one kind: (handle, fields) each, under the noun that counts them."""

    noun: str
    rows: tuple[tuple[str, Mapping[str, Any]], ...]
    paging: Paging
