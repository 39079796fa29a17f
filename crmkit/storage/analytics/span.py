"""A span of time, and the condition that a stamp lies in it."""

from msgspec import Struct

from crmkit.storage.interface.statement import Statement


class Span(Struct, frozen=True):
    """A span between two stamps, both of which lie in it; without `since` it has no beginning, without `until` no end.

    `period` is the word that was asked for, None where the bounds were.
    """

    period: str | None = None
    since: str | None = None
    until: str | None = None

    @property
    def is_all(self) -> bool:
        return self.since is None and self.until is None

    def holds(self, column: str) -> Statement:
        """Return ` AND …`, the condition that a column lies in the span, which is true of no NULL."""
        found = Statement("")
        if self.since is not None:
            found += Statement(f" AND {column} >= ?", (self.since,))
        if self.until is not None:
            found += Statement(f" AND {column} <= ?", (self.until,))
        return found if found.sql else Statement(f" AND {column} IS NOT NULL")
