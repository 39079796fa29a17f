"""How text is compared: without case for filters and sorts, without case and accents for search."""

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+")


def fold(text: str) -> str:
    """Return the key by which two texts are equal without case (Unicode 3.13, canonical caseless matching)."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())


def plain(text: str) -> str:
    """Return `text` as search compares it: no case, no accents, compatibility forms unified, single spaces.

    Accents are the combining marks of a decomposed Latin, Greek or Cyrillic letter; marks that are letters in
    their own right (vowel signs of Indic scripts, Thai tones) stay.
    """
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text).casefold()
        kept = (c for c in decomposed if not "\u0300" <= c <= "\u036f" and unicodedata.category(c) != "Cf")
        text = unicodedata.normalize("NFKC", "".join(kept)).replace("ı", "i").replace("ł", "l").replace("ø", "o")
        return " ".join(text.replace("đ", "d").split())
    return " ".join(text.lower().split())


def words(text: str) -> list[str]:
    """Return the runs of letters and digits in a text that `plain` made."""
    return _WORD.findall(text)
