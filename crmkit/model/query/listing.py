"""Pages of a list: what the verbs that list things return."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, tzinfo
from typing import Any

from msgspec import Struct, structs

from crmkit.clock import Moment
from crmkit.model.query.chosen import ALL, ByKind, Path
from crmkit.model.record import Kind, Record


class Paging(Struct, frozen=True):
    """What a page says beside its rows.

    The first page has `total`, the number of all rows, or `at_least`, the number at which counting stopped.
    `next_cursor` is None on the last page. `notes` are the text's `# note:` lines, and have nothing to do with the
    field `notes` of a record. `moment` is the present, where an answer is about it. `read_as` says in words what was
    asked, where a client wants to know. A text that `counts_itself` leaves out the total of an only page.

    A page that may be cut has `cursor_after`, the cursor of the page that follows so many of its rows, or `rest`, the
    note that says how to get what is left out.
    """

    is_first: bool = True
    total: int | None = None
    at_least: int | None = None
    next_cursor: str | None = None
    notes: tuple[str, ...] = ()
    moment: Moment = Moment()
    read_as: str = ""
    cursor_after: Callable[[int], str] | None = None
    rest: str = ""
    counts_itself: bool = False

    @classmethod
    def whole(cls, total: int, notes: Iterable[str] = ()) -> "Paging":
        """Return the paging of a list that is one page."""
        return cls(total=total, notes=tuple(notes))

    def after(self, notes: Iterable[str]) -> "Paging":
        """Return the same after these notes."""
        return structs.replace(self, notes=(*notes, *self.notes))

    def without_others(self, kept: Sequence[int]) -> "Paging":
        """Return that of a page of which only the rows so numbered (from 1) are shown."""
        after = self.cursor_after
        return self if after is None else structs.replace(self, cursor_after=lambda rows: after(kept[rows - 1]))

    @property
    def tells_total(self) -> bool:
        return self.is_first and not (self.counts_itself and self.next_cursor is None)

    @property
    def may_be_cut(self) -> bool:
        return self.cursor_after is not None or bool(self.rest)

    def cut(self, rows: int) -> "Paging":
        """Return that of the page without what follows so many rows, one at least."""
        if self.cursor_after is not None:
            return structs.replace(self, next_cursor=self.cursor_after(rows))
        return structs.replace(self, notes=tuple(dict.fromkeys((*self.notes, self.rest))))


class Listing(Struct, frozen=True):
    """A page of records of one kind. Each row has the id, then the values of `fields`, in that order.

    Of what it has of custom, only what is at `keys` is shown, if there are any.
    """

    kind: Kind
    fields: tuple[str, ...]
    rows: Sequence[Sequence[Any]]
    paging: Paging
    keys: tuple[Path, ...] = ()

    @property
    def noun(self) -> str:
        return self.kind.plural


class MixedListing(Struct, frozen=True):
    """A page of things of several kinds, or of none: (handle, fields) of each; `noun` is what the last line counts."""

    noun: str
    rows: tuple[tuple[str, Mapping[str, Any]], ...]
    paging: Paging


class RecordListing(Struct, frozen=True):
    """A page of whole records of several kinds; each has its kind, and what is shown beside its own fields.

    Of each kind that is in `chosen`, only that is shown.
    """

    noun: str
    rows: tuple[tuple[Kind, Record, Mapping[str, Any]], ...]
    paging: Paging
    chosen: ByKind = ALL


class Section(Struct, frozen=True):
    """One list of several in an answer, `key` in its JSON: its first rows, and how many there are.

    `total` is at least so many where `is_counted` is false. The request for `path` lists them all.
    """

    key: str
    says: str  # after the number
    page: MixedListing | RecordListing | Listing
    total: int
    path: str
    is_counted: bool = True


class Batches(Struct, frozen=True):
    """A list of any length, in batches of rows; each row has the id, then the values of `fields`, in that order.

    Of what it has of custom, only what is at `keys` is shown, if there are any. `all_keys` returns the keys that custom
    has in any row; it is called before the first batch is read. `zone` and `now` are those of who asks.
    """

    kind: Kind
    fields: tuple[str, ...]
    batches: Iterator[Sequence[Sequence[Any]]]
    keys: tuple[Path, ...] = ()
    all_keys: Callable[[], Sequence[str]] = tuple
    zone: tzinfo = UTC
    now: str = ""
