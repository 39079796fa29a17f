"""Names and addresses that strangers chose: how they are shown, and how sentences of ours say them.

A sentence of ours (in a mail, on a page, in a hint) is read as our word, by people and by assistants. So it repeats a
few plain words and plain addresses; whatever could be a link, a command or a sentence of its own it does not.
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
    """Return a stranger's name as a sentence of ours may say it: itself if it is a few plain words, else `instead`."""
    return name if _PLAIN.fullmatch(name) else instead


def spoken_address(address: str, instead: str = "") -> str:
    """Return someone's mail address as a sentence of ours may say it: itself if it is plain, else `instead`.

    Without `instead` it says the domain. The grammar of addresses has room for commands of a shell and for links.
    """
    if _PLAIN_ADDRESS.fullmatch(address):
        return address
    return instead or f"an address at {address.partition('@')[2]}"


def clean(text: str, most: int = MAX_NAME) -> str:
    """Return a stranger's text fit to be shown: one line, nothing invisible, no text direction of its own, cut."""
    text = _BLANK.sub("", text)
    seen = "".join(" " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c) not in _HIDDEN)
    return _STACKED.sub(r"\1", " ".join(seen.split()))[:most].rstrip()
