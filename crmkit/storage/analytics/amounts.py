"""Sums of amounts: a sum may exceed what a database adds up, so both parts of each amount are added up on their own."""

_BITS = 30


def added(column: str) -> str:
    """Return the two columns of a SELECT that `whole` makes a sum of."""
    return f"sum({column} >> {_BITS}), sum({column} & {(1 << _BITS) - 1})"


def whole(high: int | None, low: int | None) -> int | None:
    """Return the sum, None where no row has an amount."""
    return None if high is None or low is None else (high << _BITS) + low
