"""Unseen characters that scripts and emoji need: where they stand as they are in text, and are not escaped."""

import unicodedata

from crmkit.model.names import is_unseen

JOINERS = "\u200c\u200d"  # of no width: the non-joiner and the joiner
SELECTOR = "\ufe0f"  # shows the sign before it as an emoji

_KEYCAP = "\u20e3"  # with a selector it makes a key of a digit
_TONES = range(0x1F3FB, 0x1F400)  # of skin
_ARROW = "\u2194"  # in emoji of heads that shake; the others have no sign of mathematics


def joins(text: str, at: int) -> bool:
    """Tell whether the character at this place does its work: a joiner between letters or emoji, the selector of one.

    `text` may be JSON: the n of an escaped line break is no letter.
    """
    before, after = at - 1, text[at + 1 : at + 2]
    if text[at] == SELECTOR:
        is_key = after == _KEYCAP and text[before:at] in set("0123456789#*") and not _is_escape(text, before)
        return is_key or _is_emoji(text[before:at])
    if not _is_emoji(after) and _seen(after) not in ("L", "M"):
        return False
    while before > 0 and _seen(text[before]) == "M":  # marks belong to the letter before them
        before -= 1
    if before >= 0 and text[before] == SELECTOR:
        return joins(text, before)
    begins = text[before : before + 1]
    return _is_emoji(begins) or (_seen(begins) == "L" and not _is_escape(text, before))


def _seen(character: str) -> str:
    """Return L for a letter, M for a mark of one, something else for what is neither or is not seen."""
    if not character or is_unseen(character):
        return ""
    category = unicodedata.category(character)
    return category if category == "Me" else category[0]  # Me encloses what is no letter


def _is_emoji(character: str) -> bool:
    if not character or is_unseen(character):
        return False
    return unicodedata.category(character) == "So" or ord(character) in _TONES or character == _ARROW


def _is_escape(text: str, at: int) -> bool:
    r"""Tell whether the character is the last of an escape of JSON: \n or \u001f."""
    return _is_open(text, at - 1) or (at >= 5 and text[at - 4] == "u" and _is_open(text, at - 5))


def _is_open(text: str, at: int) -> bool:
    r"""Tell whether a \ at this place begins an escape; after another one, it is the end of \\."""
    first = at
    while first >= 0 and text[first] == "\\":
        first -= 1
    return (at - first) % 2 == 1
