"""The workspace that a statement is scoped to, and the range of row numbers that belongs to it.

A workspace has a number, which leads the numbers of all its rows: `number << 32 | n`. So its rows lie together in every
table, in the order in which they came.
"""

from msgspec import Struct

from crmkit.model.actor import Actor

_BITS = 32  # of a row's number that count within its workspace


class Workspace(Struct, frozen=True):
    """A workspace's id and number."""

    id: str
    number: int

    @classmethod
    def of(cls, actor: Actor) -> "Workspace":
        """Return the one that the actor works in."""
        return cls(actor.workspace_id, actor.workspace_number)

    @property
    def first(self) -> int:
        """A number below that of every row."""
        return self.number << _BITS

    @property
    def last(self) -> int:
        """The highest number that a row may have."""
        return self.first | (1 << _BITS) - 1


def within(seq: int) -> int:
    """Return the number that the row numbered `seq` has among those of its workspace."""
    return seq & (1 << _BITS) - 1


def number_of(seq: int) -> int:
    """Return the number of the workspace that the row numbered `seq` belongs to."""
    return seq >> _BITS


def absolute(workspace: Workspace, number: int) -> int:
    """Return the number in a workspace's range of what has this number within it, or minus it; 0 is no row."""
    return number and (workspace.first + number if number > 0 else number - workspace.first)
