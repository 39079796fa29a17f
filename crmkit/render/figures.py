"""Rows of figures: a line each, which begins with a plural in place of a handle, then `key=value`.

    deals  stage=proposal  count=4  sum.amount_cents=340000  currency=USD

In JSON each is an object of the same flat names, with null for what the line leaves out.
"""

from msgspec import structs

from crmkit.model.query.listing import MixedListing
from crmkit.render.answers import Table, page


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
