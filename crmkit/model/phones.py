"""Phone numbers as text, and the digits by which two notations of one number are equal.

A number is read with the country that is known for it: by its own code (+49, 0049), else by the `country` given
(ISO 3166-1 alpha-2, empty for none). Its digits are those of E.164, or as dialled where no country is known.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from crmkit.model import fold

ENDING = 7  # digits from which the ends of numbers are compared; fewer are compared whole
LONGEST = 20  # digits of what may be a number, its prefixes included

_SHORTEST = 3
_SIGNS = re.compile(r"[^0-9]+")
_SCHEME = re.compile(r"tel[.:]* *")
_MAY_BE = re.compile(r"[(+]*\d[^a-z]*(?:[a-z]+[^a-z]*)?")  # an extension, or a word that is dialled by its letters
_DIALLED = re.compile(
    rf"([+(]*[0-9](?:[ ().,/+-]*[0-9]){{{_SHORTEST - 1},{LONGEST - 1}}}[ ).]*)"
    r"(?:[,;]?(?:ext|extension|x|#)[.: ]*[0-9]{1,7})?"
)
# with + and a known calling code (ITU-T E.164) behind which no trunk prefix stands: these are its digits already; a few
# countries have prefixes of another form
_PLAIN = re.compile(
    r"\+(?!54|261|370|993)"
    r"(?>1(?![ .-]*1)|7(?![ .-]*8)|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[2-689][0-9]{2})"
    r"[ .-]*[1-9](?:[ .-]*[0-9]){5,11}"
)
# how digits of numbers stand in the texts of search: as characters that nobody types, so that a search for digits of
# other fields does not find a part of them, and with one behind them, so that a search can ask for how they end
_SIGNED = str.maketrans("0123456789", "\x01\x02\x03\x04\x05\x06\x07\x08\x0e\x0f")
_END = "\x10"
_LOST_PLUS = re.compile(r"^(\(?)\s+(?=[1-9](?:[ ().,/-]*[0-9]){6})", re.ASCII)  # no calling code begins with 0
_WORD = re.compile(r"[0-9+()./-]+")


def with_plus(text: str) -> str:
    """Return a number with the plus that a query string made a blank of: one directly before ENDING digits or more."""
    return _LOST_PLUS.sub(r"\1+", text)


def key(text: str, country: str = "") -> str:
    """Return what filters and sorts compare: the digits, or the text without case if it is no number."""
    return digits(text, country) or fold.fold(text)


@lru_cache(maxsize=4096)  # a write asks for the column and for the texts of search
def digits(text: str, country: str = "") -> str:
    """Return the digits of a number, empty for what is none."""
    if _PLAIN.fullmatch(text):
        return text[1:].replace(" ", "").replace("-", "").replace(".", "")
    return _read(text, country)[0]


def abroad(text: str, country: str, there: str) -> str:
    """Return a number of one country as it is written in another: as it is, else with its calling code.

    One with an extension, or of no known country, stays as it is.
    """
    known = digits(text, country)
    is_plain = bool(country and known) and not any(character.isalpha() for character in text)
    if not is_plain or digits(text, there) == known or digits(f"+{known}", there) != known:
        return text
    return f"+{known}"


def wanted(text: str, country: str = "") -> tuple[str, ...]:
    """Return what keys the numbers have that a filter means.

    The first of ENDING or more digits stands for all that end so; the others are whole keys. The last is that of the
    text read without a country, since a number of another country may be written so.
    """
    whole, national, is_international = _read(text, country)
    if len(national) < ENDING:
        known = whole or fold.fold(text)
        keys: tuple[str, ...] = (known, part(text) or known)
    else:
        # where no country was known, they were kept as dialled
        keys = (whole, f"0{national}", national) if is_international else (national,)
    return tuple(dict.fromkeys((*keys, key(text))))


def found(text: str, country: str = "") -> str:
    """Return what a search finds a number by: as it is written, by its digits, and by those that are dialled.

    What is no number is found as it is written.
    """
    known = digits(text, country)
    if not known:
        return text
    dialled = digits(text)
    parts = [written(fold.plain(text)), signed(known)]
    if dialled and not known.endswith(dialled.lstrip("0")):  # a prefix of another form than 0
        parts.append(signed(dialled))
    return " ".join(parts)


def written(text: str) -> str:
    """Return a text with its digits as those of a number stand in the texts of search."""
    return _ascii(text).translate(_SIGNED)


def signed(digits: str, is_end: bool = True) -> str:
    """Return digits as they stand in the texts of search."""
    return digits.translate(_SIGNED) + (_END if is_end else "")


def part(text: str) -> str:
    """Return the digits of a part of a number, empty for a text that has other characters."""
    plain = _ascii(fold.plain(text)).replace(" ", "")
    found = _SIGNS.sub("", plain) if _WORD.fullmatch(plain) else ""
    return found if len(found) >= _SHORTEST else ""


def is_ending(wanted: str) -> bool:
    """Tell whether all keys are meant that end so."""
    return len(wanted) >= ENDING and wanted.isdecimal() and wanted.isascii()


def sought(words: Sequence[str], country: str = "") -> Iterator[tuple[str, ...]]:
    """Yield each word of a search with what stands for it too, where it is part of a phone number.

    A number may go over several words. Of ENDING digits or more, each word has how the digits of the whole end.
    """
    at, plain = 0, [_ascii(word) for word in words]
    while at < len(words):
        end = at
        while end < len(words) and _WORD.fullmatch(plain[end]):
            end += 1
        number = " ".join(plain[at:end])
        is_whole = ENDING <= len(_SIGNS.sub("", number)) <= LONGEST
        ends = tuple(signed(each) for each in wanted(number, country)[:2] if is_ending(each)) if is_whole else ()
        end = max(end, at + 1)
        for word in words[at:end]:
            yield tuple(dict.fromkeys((word, *(ends if is_whole else (written(word),)))))
        at = end


def _ascii(text: str) -> str:
    """Return a text whose decimal digits of any script are those of ASCII."""
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(each)) if each.isdecimal() else each for each in text)


def _read(text: str, country: str) -> tuple[str, str, bool]:
    """Return the digits of a number, those that stay when it is dialled at home, and whether it has its country's code.

    Both are empty for what is no number.
    """
    plain = _SCHEME.sub("", _ascii(fold.plain(text)), 1)
    if plain.startswith("00") and not country:
        plain = f"+{plain[2:]}"
    is_international = plain.startswith(("+", "(+", "00"))
    is_parsed = (is_international or country) and _MAY_BE.fullmatch(plain)
    parsed = _parsed(plain, country) if is_parsed else None
    if parsed is not None:
        code, national = parsed
        return f"{code}{national}", national.lstrip("0"), is_international
    found = _DIALLED.fullmatch(plain)
    dialled = _SIGNS.sub("", found[1]) if found else ""
    return dialled, dialled.lstrip("0"), False


def _parsed(text: str, country: str) -> tuple[str, str] | None:
    """Return the country's code and the national number, None for what cannot be a number."""
    import phonenumbers  # imported late: it takes 30 ms, and many writes have no phone

    try:
        number: Any = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return str(number.country_code), phonenumbers.national_significant_number(number)
