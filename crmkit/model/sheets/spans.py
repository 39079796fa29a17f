"""How long something took, as programs write it: `45`, `0:45`, `00:45:00`, `45 min`, `1 h 15 min`, `1.5 hours`."""

import re
from decimal import Decimal

from crmkit.model.sheets.patterns import LatePattern

LONGEST = 40  # characters

_CLOCK = LatePattern(r"([0-9]{1,4}):([0-5][0-9])(?::([0-5][0-9])(?:\.[0-9]*)?)?", re.ASCII)
_PART = r"([0-9]{1,9}(?:[.,][0-9]{1,9})?)"
_NUMBER = LatePattern(_PART, re.ASCII)
_WORDS = LatePattern(
    rf"(?:{_PART} ?(?:h|hr|hrs|hours?|std|stunden?|heures?|horas?) ?)?"
    rf"(?:{_PART} ?(?:m|min|mins|minutes?|minuten|minutos?)\.? ?)?(?:{_PART} ?(?:s|sec|secs|seconds?|sek))?",
    re.ASCII,
)


def minutes(text: str) -> int | None:
    """Return the minutes that a text tells, to the nearest one; None for what is no span of time.

    A number alone is minutes; two between a colon are hours and minutes.
    """
    plain = " ".join(text.lower().split())
    plain = f"{plain} min" if _NUMBER.fullmatch(plain) else plain
    found = _CLOCK.fullmatch(plain) or _WORDS.fullmatch(plain) if plain and len(plain) <= LONGEST else None
    if found is None:
        return None
    hours, some, seconds = (Decimal((part or "0").replace(",", ".")) for part in found.groups())
    return int(hours * 60 + some + seconds / 60 + Decimal("0.5"))
