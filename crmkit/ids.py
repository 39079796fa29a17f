"""Ids: a prefix that tells the kind, seven random characters and a check character.

The alphabet has 31 characters, none of which looks like another. 31 is prime, so a weighted sum modulo 31 finds
every single wrong character and every swap of two (the ISBN-10 idea, ISO 2108 annex C).
"""

import re
import secrets

from crmkit.errors import a

ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
LENGTH = 8

_BODY = LENGTH - 1
_VALUE = {character: value for value, character in enumerate(ALPHABET)}

# prefix -> the kind it stands for, as it is written in a handle (kind/id)
PREFIXES = {
    "c": "contact",
    "co": "company",
    "d": "deal",
    "a": "activity",
    "ws": "workspace",
    "u": "user",
    "inv": "invite",
    "tok": "token",
    "au": "audit",
}

_WELL_FORMED = {prefix: re.compile(rf"{prefix}_[{ALPHABET}]{{{LENGTH}}}") for prefix in PREFIXES}


def check_character(body: str) -> str:
    """Return the character that makes `body` (seven characters of the alphabet) a whole id."""
    a, b, c, d, e, f, g = map(_VALUE.__getitem__, body)
    return ALPHABET[(2 * a + 3 * b + 4 * c + 5 * d + 6 * e + 7 * f + 8 * g) % 31]


def mint(prefix: str, start: str = "") -> str:
    """Return a random id such as `c_k7m2q9xa`, the first of whose characters are `start`.

    31**7 (about 2.7e10) differ, 31**4 (about 9e5) with the same three at the start: the caller checks for a twin.
    """
    return _whole(prefix, start + _random(_BODY - len(start)))


def start() -> str:
    """Return three random characters, for ids that are to begin alike."""
    return _random(3)


def numbered(prefix: str, number: int) -> str:
    """Return the id of the `number`-th thing (below 31**7), well mixed: different numbers give different ids."""
    return _whole(prefix, _spelled(number * 20_014_153_019 % 31**_BODY, _BODY))


def _whole(prefix: str, body: str) -> str:
    return f"{prefix}_{body}{check_character(body)}"


def _random(length: int) -> str:
    return _spelled(secrets.randbelow(31**length), length)


def _spelled(number: int, length: int) -> str:
    """Return the number to the base 31, in so many characters of the alphabet."""
    spelled = ""
    for _ in range(length):
        number, digit = divmod(number, 31)
        spelled += ALPHABET[digit]
    return spelled


class BadId(ValueError):
    """A text that cannot be an id of the kind asked for; the message is a sentence that says why."""


def parse(text: str, prefix: str) -> str:
    """Return the bare id that `text` names, in any of its spellings: `c_…`, `contact/c_…` or `contact%2Fc_…`.

    Raises BadId when the kind is another, the form is wrong or the check character does not fit.
    """
    if _WELL_FORMED[prefix].fullmatch(text) and check_character(text[-LENGTH:-1]) == text[-1]:
        return text  # as ids are written nearly always
    kind = PREFIXES[prefix]
    head, slash, tail = text.strip().replace("%2F", "/").replace("%2f", "/").rpartition("/")
    if slash and head != kind:
        raise BadId(f"that is not the handle of {a(kind)}: write {kind}/{prefix}_… or {prefix}_…")
    found, _, body = tail.partition("_")
    if found != prefix:
        other = PREFIXES.get(found)
        was = f"that is the id of {a(other)}" if other and body else "that is not an id"
        raise BadId(f"{was}; the id of {a(kind)} looks like {prefix}_k7m2q9xa")
    if len(body) != LENGTH or any(character not in _VALUE for character in body):
        raise BadId(f"the id of {a(kind)} is {prefix}_ and {LENGTH} characters of {ALPHABET}")
    if check_character(body[:-1]) != body[-1]:
        raise BadId("the check character of this id does not fit: it was mistyped or invented; copy it again")
    return tail
