"""Names and addresses that other people chose: how they are shown, and how our own sentences repeat them.

People and assistants trust a sentence of ours (in a mail, on a page, in a hint). So it repeats a name only if that is a
few plain words, and an address only if it is plain: neither can be a link, a command or a sentence of its own.
"""

import re
import unicodedata

MAX_NAME = 100  # characters

# Characters that nobody sees though Python calls them printable (joiners, fillers, variation selectors): the printable
# ones among Default_Ignorable_Code_Point of Unicode, as they stand in a set of a regex.
UNSEEN = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef"

# no two blanks, nothing unseen, no number that could be taken for a code
_PLAIN = re.compile(rf"(?!.*(?:  |[{UNSEEN}]|\d{{5}}))[^\W_](?:[\w '&()+-]{{0,38}}[\w)])?")
_PLAIN_ADDRESS = re.compile(rf"(?!.*[{UNSEEN}])[\w.+'=-]+@[a-z0-9.-]+")
_BLANK = re.compile(f"[{UNSEEN}\u2800]")
_MARKS = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_STACKED = re.compile(f"({_MARKS}{{3}}){_MARKS}+")  # more would cover the lines around
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


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
