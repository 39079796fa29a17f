"""`python -m bench.in_process.duplicates ROUNDS WRITES`: what the look for likely duplicates costs a create, in CPU.

Creates go as in `idempotency`; those that look and those that do not take turns in batches. A create does not look
while `pair`, which looks and keeps what is found, is replaced in this process: the product has no switch for it.
"""

import random
from functools import partial
from typing import Any
from unittest.mock import patch

from bench.data.drawn import Body, Drawn, another
from bench.in_process.idempotency import run, seconds
from crmkit.core.duplicates import pairing

_drawn = Drawn(random.Random(11), 10**9)
_PEOPLE = [_drawn.contact(number, None) for number in range(3, 2003)]


def person(number: int) -> Body:
    """Return a contact who is looked for by phone and email, and who was never there."""
    return another(_PEOPLE[number % len(_PEOPLE)], f"1{number:09}")


looking = partial(seconds, made=person)


async def without(app: Any, token: str, writes: int) -> float:
    with patch.object(pairing, "pair", lambda *_: []):
        return await looking(app, token, writes)


if __name__ == "__main__":
    run((without, looking))
