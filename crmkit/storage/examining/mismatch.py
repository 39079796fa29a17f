"""What is kept and is not what follows from the records, with what puts it right."""

from collections.abc import Callable

from msgspec import Struct

from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.statement import Statement
from crmkit.storage.interface.workspace import Workspace


class Mismatch(Struct, frozen=True):
    """One fault: what it `says`, the statements that put it right, and whether it is all that is left of records."""

    says: str
    repair: tuple[Statement, ...] = ()
    is_trace: bool = False


# compares the next rows of a workspace after a number; returns the number of the last of them too, None at the end
Look = Callable[[Connection, Workspace, int], tuple[list[Mismatch], int | None]]
