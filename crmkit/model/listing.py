"""A page of records, as a verb answers it."""

from dataclasses import dataclass

from crmkit.model.record import Kind, Record


@dataclass(frozen=True)
class Listing:
    """`fields` are the ones asked for (empty: those of a list). On the first page `total` is how many match in all, or
    None with `at_least` when counting stopped there. `next_cursor` is None on the last page."""

    kind: Kind
    records: tuple[Record, ...]
    fields: tuple[str, ...]
    notes: tuple[str, ...]
    is_first: bool
    total: int | None
    at_least: int | None
    next_cursor: str | None
