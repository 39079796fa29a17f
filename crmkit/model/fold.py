"""How text is compared: without case for filters and sorts, without case and accents for search.

Both take kinds of apostrophe, quote, hyphen and blank for one: `O’Brien` equals `O'Brien`.
"""

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+")
_ACCENTS = re.compile("[\u0300-\u036f]+")

# kinds of one sign: what people, keyboards and word processors write for it
_KINDS = {
    # modifier letters, primes, accents that stand alone, single quotes
    "'": "`\u00b4\u02b9\u02bb-\u02bf\u0374\u055a\u05f3\u07f4\u07f5\u1fbd\u1fbf\u1fef\u1ffd\u1ffe\u2018-\u201b\u2032"
    "\u2035\u2039\u203a\u275b\u275c\ua78b\ua78c\uff07\uff40",
    '"': "\u00ab\u00bb\u02ba\u02ee\u05f4\u201c-\u201f\u2033\u2036\u275d\u275e\u2e42\u301d-\u301f\uff02",
    # all dashes of Unicode (category Pd), and signs of minus
    "-": "\u02d7\u058a\u05be\u1400\u1806\u2010-\u2015\u2043\u207b\u208b\u2212\u2e17\u2e1a\u2e3a\u2e3b\u2e40\u2e5d"
    "\u301c\u3030\u30a0\ufe31\ufe32\ufe58\ufe63\uff0d\U00010ead",
    # all white space of Unicode
    " ": "\t-\r\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000",
}
_KIND_OF = {
    chr(code): sign
    for sign, spans in _KINDS.items()
    for first, last in re.findall(r"(?s)(.)(?:-(.))?", spans)
    for code in range(ord(first), ord(last or first) + 1)
} | {"\u0149": "'n"}  # one letter, which compares as two
_ASCII = "".join(_KIND_OF.get(chr(code), chr(code).lower()) for code in range(128)).encode().ljust(256)
_OF_A_KIND = re.compile(f"[{''.join(_KIND_OF)}]")


def fold(text: str) -> str:
    """Return the key by which two texts are equal without case (Unicode 3.13, canonical caseless matching)."""
    if text.isascii():
        return text.encode().translate(_ASCII).decode()
    return _unified(unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold()))


def plain(text: str) -> str:
    """Return `text` as search compares it: no case, no accents, compatibility forms unified, single spaces.

    Accents are the combining marks of a decomposed Latin, Greek or Cyrillic letter; marks that are letters in
    their own right (vowel signs of Indic scripts, Thai tones) stay.
    """
    if not text.isascii():
        # before NFKD, which makes a blank and an accent of ´, and after it, since ẚ ends in an apostrophe
        decomposed = unicodedata.normalize("NFKD", _unified(text)).casefold()
        kept = _ACCENTS.sub("", decomposed)
        if not kept.isprintable():
            kept = "".join(c for c in kept if unicodedata.category(c) != "Cf")
        text = unicodedata.normalize("NFKC", kept).replace("ı", "i").replace("ł", "l").replace("ø", "o")
        return " ".join(_unified(text.replace("đ", "d")).split())
    return " ".join(text.lower().replace("`", "'").split())


def words(text: str) -> list[str]:
    """Return the runs of letters and digits in a text that `plain` made."""
    return _WORD.findall(text)


def _unified(text: str) -> str:
    return _OF_A_KIND.sub(lambda found: _KIND_OF[found.group()], text)
