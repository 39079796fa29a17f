"""As many rows of a page as fit into an answer of so many tokens."""

from collections.abc import Callable

from crmkit.errors import Problem
from crmkit.model.query.parse import MAX_TOKENS
from crmkit.render.answers import Table

BYTES = 4  # of a body, that count as a token


def fitted(answer: Table, write: Callable[[Table], bytes], tokens: int) -> tuple[Table, bytes]:
    """Return the answer with as many of its rows as fit into so many tokens, and the body that `write` makes of that.

    The whole body counts, its last lines too. Raises `invalid_value`, with the number that is needed, if one row is too
    much, or the whole of an answer that cannot be cut.
    """
    whole, room = write(answer), tokens * BYTES
    if len(whole) <= room:
        return answer, whole
    found: tuple[Table, bytes] | None = None
    least = whole
    low, high = 1, sum(answer.sizes) - 1 if answer.may_be_cut else 0
    while low <= high:
        rows = (low + high) // 2
        part = answer.first(rows)
        body = write(part)
        if len(body) <= room:
            found, low = (part, body), rows + 1
        else:
            least, high = min(least, body, key=len), rows - 1  # a short page may be shorter without a cursor
    if found is not None:
        return found
    needed = -(-len(least) // BYTES)
    raise Problem(
        "invalid_value",
        f"Send {MAX_TOKENS}={needed} or more; fields= makes rows shorter.",
        fields={MAX_TOKENS: f"is too few: the shortest answer takes {needed}"},
    )
