"""Texts that other people chose: what nobody sees in them, how they are shown, how our own sentences repeat them.

People and assistants trust a sentence of ours (in a mail, on a page, in a hint). So it repeats a name only if that is a
few plain words, and an address only if it is plain: neither can be a link, a command or a sentence of its own.
"""

import re
import unicodedata

MAX_NAME = 100  # characters

# Characters that nobody sees though Python calls them printable (joiners, fillers, variation selectors): the printable
# ones among Default_Ignorable_Code_Point of Unicode, as they stand in a set of a regex.
UNSEEN = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef"

_CONTROLS = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_SIGNS = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
_ASCII_BLANKS = "".join(map(chr, (*range(33), 127)))
_DIRECTIONS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")  # Bidi_Control of Unicode
# what changes how the character before it looks: a choice of its form, or the letters that make a flag of a region
_FORM = re.compile("(?<=\U0001f3f4)[\U000e0020-\U000e007f]+|[\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]|")

# no two blanks, nothing unseen, no number that could be taken for a code
_PLAIN = re.compile(rf"(?!.*(?:  |[{UNSEEN}]|\d{{5}}))[^\W_](?:[\w '&()+-]{{0,38}}[\w)])?")
_PLAIN_ADDRESS = re.compile(rf"(?!.*[{UNSEEN}])[\w.+'=-]+@[a-z0-9.-]+")
_BLANK = re.compile(f"[{UNSEEN}\u2800]")  # and a sign of Braille without dots
_MARKS = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_STACKED = re.compile(f"({_MARKS}{{3}}){_MARKS}+")  # more would cover the lines around
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def is_unseen(character: str) -> bool:
    """Tell whether nobody sees this character. White space is seen, as the gap it makes, unless it is a control."""
    if _BLANK.match(character):
        return True
    # category Cf has some signs of Arabic, Syriac and Kaithi that are seen
    return unicodedata.category(character) in _CONTROLS and character not in _SIGNS


def trimmed(text: str) -> str:
    """Return `text` without white space and unseen characters at its ends; what gives the last one its form stays."""
    if text.isascii():
        return text.strip(_ASCII_BLANKS)
    first, end = 0, len(text)
    while first < end and (text[first].isspace() or is_unseen(text[first])):
        first += 1
    while end > first and (text[end - 1].isspace() or is_unseen(text[end - 1])):
        end -= 1
    kept = _FORM.match(text, end) if first < end < len(text) else None
    return text[first : kept.end() if kept else end]


def undirected(text: str) -> str:
    """Return `text` trimmed and without marks of direction, which come along when a phone number is copied."""
    return trimmed(text if text.isascii() else _DIRECTIONS.sub("", text))


def spoken(name: str, instead: str) -> str:
    """Return a name for use in a sentence of ours: the name itself if it is a few plain words, else `instead`."""
    return name if _PLAIN.fullmatch(name) else instead


def spoken_address(address: str, instead: str = "") -> str:
    """Return a mail address for use in a sentence of ours: the address itself if it is plain, else `instead`.

    The default for `instead` names the domain. What is no plain address may hold a shell command or a link.
    """
    if _PLAIN_ADDRESS.fullmatch(address):
        return address
    return instead or f"an address at {address.partition('@')[2]}"


def clean(text: str, most: int = MAX_NAME) -> str:
    """Return a text of someone else for display: one line, cut, without invisible characters and marks of direction."""
    text = _BLANK.sub("", text)
    seen = "".join(" " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c) not in _HIDDEN)
    return _STACKED.sub(r"\1", " ".join(seen.split()))[:most].rstrip()
