"""Search, as storage asks for it: the texts of records are queued, indexed and found. Each brand has its own index."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct

from crmkit.model import phones
from crmkit.model.query.filters import Condition
from crmkit.model.record import Kind, Kinds, Record
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.statement import Statement
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace

if TYPE_CHECKING:
    from crmkit.storage.examining.mismatch import Mismatch
    from crmkit.storage.lists.pages import Page, PageReader


class Terms(Struct, frozen=True):
    """What a search asks for: of every group one word must be found.

    `text` is the whole search as it was typed, or empty where a typo was forgiven and the words were replaced.
    """

    text: str
    groups: tuple[tuple[str, ...], ...]

    @classmethod
    def exact(cls, text: str, country: str = "") -> "Terms":
        """Return the terms of a search as it was typed: each word is a group of its own.

        One that is part of a phone number, read with this country, may stand for how the digits of the whole end.
        """
        return cls(text, tuple(dict.fromkeys(phones.sought(text.split(), country))))


class Texts(Protocol):
    """The texts by which records are found: one for each record of a kind that is searched."""

    def queue(self, tx: Tx, kind: Kind, rows: Iterable[tuple[int, Record | None]]) -> None:
        """Queue, in the transaction of a write, the text of the record that each row holds now (None: deleted)."""

    def page(self, reader: "PageReader", terms: Terms, position: Sequence[Any] | None) -> "Page":
        """Return the page of matches after `position`: best match first, unless the query has sort keys."""

    def matches(self, connection: Connection, kind: Kind, workspace: Workspace, terms: Terms) -> Statement:
        """Return a SELECT of the numbers of all rows that match, as `seq`."""

    def closest(self, connection: Connection, kind: Kind, workspace: Workspace, terms: Terms) -> Terms | None:
        """Return the terms with each word replaced by the known words nearest to it.

        None if a word has no near neighbour or nothing would change.
        """

    def candidates(
        self, connection: Connection, kind: Kind, workspace: Workspace, condition: Condition
    ) -> Statement | None:
        """Return a SELECT of the numbers of all rows that may meet a filter, None if the index cannot tell."""

    def waits(self, connection: Connection, kind: Kind) -> bool:
        """Tell whether a text of this kind waits to be indexed."""

    def index(self, tx: Tx, kind: Kind) -> bool:
        """Index texts that wait, as many as one transaction should, and tell whether more wait; work of the system."""

    def is_scattered(self, connection: Connection, kind: Kind) -> bool:
        """Tell whether so much was written that the index should be merged as a whole."""

    def merge(self, tx: Tx, kind: Kind, is_whole: bool) -> bool:
        """Merge a little of the index, or of all of it, and tell whether there may be more to merge."""

    def compare(
        self, connection: Connection, kind: Kind, workspace: Workspace, after: int
    ) -> tuple[list["Mismatch"], int | None]:
        """Return what is wrong with the texts of the next records after a number, and the number of the last of them.

        That is None at the end.
        """

    def rebuild(self, tx: Tx, kind: Kind) -> None:
        """Drop all texts of a kind, and queue those of all its records; whoever calls it has them indexed."""

    def erase(self, tx: Tx, kinds: Kinds, workspace: Workspace) -> int:
        """Delete all that is kept of a workspace's texts, and return how many rows of counts that were."""
