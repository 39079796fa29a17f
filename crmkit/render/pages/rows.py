"""The rows of a page: a line each, or the JSON of each."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct, defstruct, structs

from crmkit.model.query.chosen import ByKind
from crmkit.model.query.listing import Listing, MixedListing, RecordListing
from crmkit.render import text
from crmkit.render.pages import picked

Page = Listing | MixedListing | RecordListing


def choosing(page: Page, chosen: ByKind) -> Page:
    """Return the page with no more of its records than was chosen; a Listing has its columns already."""
    if isinstance(page, RecordListing):
        return structs.replace(page, chosen=chosen)
    own = chosen.get(page.kind) if isinstance(page, Listing) else None
    return structs.replace(page, keys=own.keys) if own is not None and own.keys else page


def lines(page: Page) -> Iterable[str]:
    if isinstance(page, Listing):
        return map(text.row_liner(page.kind, page.fields), _rows(page, is_line=True))
    if isinstance(page, RecordListing):
        of = page.chosen.get
        return (
            labelled(picked.line(kind, record, of(kind), kind.listed), picked.beside(more, of(kind)))
            for kind, record, more in page.rows
        )
    return (labelled(handle, fields) for handle, fields in page.rows)


def items(page: Page) -> list[Any]:
    """Return the JSON of a page's rows."""
    if isinstance(page, RecordListing):
        found = []
        for kind, record, more in page.rows:
            chosen = page.chosen.get(kind)
            own = structs.asdict(record) if chosen is None else picked.data(kind, record, chosen)
            found.append({**own, **picked.beside(more, chosen)})
        return found
    if isinstance(page, MixedListing):  # a word that begins a line, and is no handle, is in its text alone
        return [{"handle": start, **fields} if "/" in start else dict(fields) for start, fields in page.rows]
    made, handle = _row(page.fields), page.kind.handle
    return [made(handle(row[0]), *row) for row in _rows(page)]


def labelled(start: str, fields: Mapping[str, Any]) -> str:
    """Return the line of something that is no record, which starts with a handle, or what follows the line of one.

    Its id is left out, since the handle has it.
    """
    return "  ".join([start, *(f"{name}={content}" for name, content in texts(fields).items() if name != "id")])


def texts(fields: Mapping[str, Any]) -> dict[str, str]:
    """Return each value as a line has it, without those that are empty; a tuple of names is joined by commas."""
    return {
        name: ",".join(content) if isinstance(content, tuple) else text.value(content)
        for name, content in fields.items()
        if content not in (None, ())
    }


def _rows(page: Listing, is_line: bool = False) -> Iterable[Sequence[Any]]:
    """Return the rows, with what is at the page's keys in place of all of custom."""
    if not page.keys or page.kind.custom is None:
        return page.rows
    at = 1 + page.fields.index(page.kind.custom.name)
    return ([*row[:at], picked.at_keys(row[at], page.keys, is_line), *row[at + 1 :]] for row in page.rows)


@lru_cache(256)
def _row(fields: tuple[str, ...]) -> Callable[..., Struct]:
    """Return a class whose values become the JSON of a row: msgspec writes its members faster than those of a dict."""
    return defstruct("Row", ("handle", "id", *fields), gc=False)
