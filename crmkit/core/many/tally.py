"""What became of many records, for the answer: counts, and what they are due to."""

from msgspec import Struct

from crmkit.core.many.act import Outcome
from crmkit.errors import Problem
from crmkit.model.record import Kind

MOST_NOTES = 3  # of what rules wrote beside the records
MOST_NAMED = 10  # of those that were left


class Tally(Struct):
    """How many records had the values already or were `left`; some are named, with what rules wrote or why."""

    same: int = 0
    left: int = 0
    others: int = 0
    named_left: list[str] = []
    named_others: list[str] = []

    def add(self, outcome: Outcome) -> None:
        """Count a record that was written."""
        self.same += outcome.same
        self.others += len(outcome.notes)
        self.named_others = [*self.named_others, *outcome.notes][:MOST_NOTES]

    def leave(self, kind: Kind, id: str, why: str | Problem) -> None:
        """Count a record that was left."""
        self.left += 1
        if len(self.named_left) < MOST_NAMED:
            self.named_left.append(f"{kind.handle(id)} ({why.code if isinstance(why, Problem) else why})")

    def join(self, more: "Tally") -> None:
        """Count what another tally counted."""
        self.same, self.left, self.others = self.same + more.same, self.left + more.left, self.others + more.others
        self.named_left = [*self.named_left, *more.named_left][:MOST_NAMED]
        self.named_others = [*self.named_others, *more.named_others][:MOST_NOTES]

    def notes(self) -> tuple[str, ...]:
        found = [f"{self.same} had these values already"] if self.same else []
        found += self.named_others
        if self.others > len(self.named_others):
            found.append(f"{self.others - len(self.named_others)} more such notes")
        if self.left:
            more = ", …" if self.left > len(self.named_left) else ""
            found.append(f"{self.left} {'was' if self.left == 1 else 'were'} left: {', '.join(self.named_left)}{more}")
        return tuple(found)
