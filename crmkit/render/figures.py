"""Rows of figures: a line each, which begins with a plural in place of a handle, then `key=value`.

    deals  stage=proposal  count=4  sum.amount_cents=340000  currency=USD

In JSON each is an object of the same flat names, with null for what the line leaves out. What rules give a record has
a line for each of them, which begins with its handle.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import structs

from crmkit.model.fields import MAX_EXACT
from crmkit.model.query.listing import MixedListing, Paging
from crmkit.render.answers import Part, Table, page
from crmkit.render.tail import Tail

RULES = "rules"  # their key in JSON


def figures(found: MixedListing) -> Table:
    """Return a page of such rows; where it is the only one, its text leaves out the total that its count tells."""
    return page(structs.replace(found, paging=structs.replace(found.paging, counts_itself=True)))


def of_period(found: MixedListing, period: str | None, since: str | None, until: str | None, tells: bool) -> Table:
    """Return a page of such rows, and the period that they are of, which the text `tells` where no row does."""
    table = figures(found)
    (part,) = table.parts
    bounds = " ".join(f"{word} {at}" for word, at in (("from", since), ("to", until)) if at)
    said = f"period: {'  '.join(filter(None, (period, bounds)))}"
    tail = structs.replace(part.tail, counts=(*part.tail.counts, said)) if tells else part.tail
    facts = {"period": period, "from": since, "to": until, **table.facts}
    return structs.replace(table, parts=(structs.replace(part, tail=tail),), facts=facts)


def scored(handle: str, given: Sequence[tuple[str, Mapping[str, Any]]], score: float, notes: Sequence[str]) -> Table:
    """Return the answer about the record with this handle; `given` has the handle of each rule, and what it gives."""
    shown = _whole(score)
    tail = Tail(counts=(f"score: {shown}",), notes=notes)
    rows = tuple((rule, {name: _whole(content) for name, content in row.items()}) for rule, row in given)
    return Table((Part(MixedListing(RULES, rows, Paging()), tail, RULES),), {"handle": handle, "score": shown})


def _whole(content: Any) -> Any:
    """Return a number that is whole without a fraction, and anything else as it is."""
    is_whole = isinstance(content, float) and content.is_integer() and abs(content) <= MAX_EXACT
    return int(content) if is_whole else content
