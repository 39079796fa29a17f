"""Ids: a prefix that tells the kind, seven random characters and a check character.

The alphabet has 31 characters, none of which looks like another. 31 is prime, so a weighted sum modulo 31 finds
every single wrong character and every swap of two, as in ISBN-10 (ISO 2108, annex C).
"""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from operator import mul
from os import urandom

from crmkit.errors import a

ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
LENGTH = 8
NUMBERS: int = len(ALPHABET) ** (LENGTH - 1)  # how many ids of one prefix there are
MAX_SHOWN = 40  # characters of a wrong id that the sentence about it repeats

_BODY = LENGTH - 1
_SPREAD = 20_014_153_019  # by which numbers are multiplied modulo 31**7, so that those of neighbours look unlike
_UNSPREAD = pow(_SPREAD, -1, 31**_BODY)
_WEIGHTS = range(2, 9)  # of the characters of a body
_FREE, _VARIANT = ~(0xF << 76 | 0b11 << 62), 0b10 << 62  # of a UUID, beside its version
_PAIRS = tuple(low + high for high in ALPHABET for low in ALPHABET)  # how the numbers below 31**2 are spelled
_VALUE = {character: value for value, character in enumerate(ALPHABET)}
_VALUES = bytes(_VALUE.get(chr(code), 0) for code in range(256))

# prefix -> what it stands for, as a handle (kind/id) spells it; kinds of records declare their own
OTHERS = {
    "ws": "workspace",
    "u": "user",
    "inv": "invite",
    "tok": "token",
    "jb": "job",
    "op": "operation",
    "imp": "import",
    "ln": "link",
    "pr": "proposal",
    "dl": "delivery",
}


def check_character(body: str) -> str:
    """Return the character that makes `body` (seven characters of the alphabet) a whole id."""
    return ALPHABET[sum(map(mul, _WEIGHTS, body.encode().translate(_VALUES))) % 31]


def mint(prefix: str, start: str = "") -> str:
    """Return a random id such as `c_k7m2q9xa`, whose random part begins with `start`.

    31**7 (about 2.7e10) differ, 31**4 (about 9e5) of one start of three: the caller checks that the id is free.
    """
    return _checked(prefix, start + random_text(_BODY - len(start)))


def start() -> str:
    """Return three random characters, for ids that are to begin with the same ones."""
    return random_text(3)


def numbered(prefix: str, number: int) -> str:
    """Return the id for a number below 31**7. Different numbers give different ids; neighbours look unlike."""
    return f"{prefix}_{_numbered(number)}"


@lru_cache(1024)  # an entry of the log and its operation have the same number, shortly after one another
def _numbered(number: int) -> str:
    body = _spelled(number * _SPREAD % 31**_BODY, _BODY)
    return body + check_character(body)


def number(id: str) -> int:
    """Return the number that `numbered` made this id for."""
    spelled = 0
    for character in reversed(id[-LENGTH:-1]):
        spelled = spelled * 31 + _VALUE[character]
    found: int = spelled * _UNSPREAD % 31**_BODY
    return found


def uuid_of(number: int, version: int = 0) -> str:
    """Return the UUID of a number of 128 bits, in which a version is set (RFC 9562, 5), if one is named.

    The class of the library takes three times as long.
    """
    if version:
        number = number & _FREE | version << 76 | _VARIANT
    digits = f"{number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _checked(prefix: str, body: str) -> str:
    return f"{prefix}_{body}{check_character(body)}"


def random_text(length: int) -> str:
    """Return so many random characters of ALPHABET, each of 4.95 bits, fit to be a secret."""
    # some 60 bits more than are needed make all texts as likely as each other, in less time than secrets.randbelow
    drawn = int.from_bytes(urandom(8 + length * 5 // 8))
    return _spelled(drawn % 31**length, length)


def _spelled(number: int, length: int) -> str:
    """Return the number in base 31, in so many characters of the alphabet."""
    spelled = ""
    for _ in range(length // 2):
        number, pair = divmod(number, 31**2)
        spelled += _PAIRS[pair]
    return spelled + ALPHABET[number % 31] if length % 2 else spelled


class BadId(ValueError):
    """A text that is no id of the kind that is wanted; the message is a sentence that says why."""


@cache
def _form(prefix: str) -> re.Pattern[str]:
    return re.compile(rf"{prefix}_[{ALPHABET}]{{{LENGTH}}}")


@lru_cache(1024)  # an id in a path is read by the handler and for the access log
def _is_bare(text: str, prefix: str) -> bool:
    return _form(prefix).fullmatch(text) is not None and check_character(text[-LENGTH:-1]) == text[-1]


def parse(text: str, prefix: str, prefixes: Mapping[str, str]) -> str:
    """Return the bare id in `text`, which may be spelled `c_…`, `contact/c_…` or `contact%2Fc_…`.

    `prefixes` has what each prefix stands for (see Kinds.prefixes).

    Raises BadId when the kind is another, the form is wrong or the check character does not fit.
    """
    if len(text) == len(prefix) + 1 + LENGTH and _is_bare(text, prefix):
        return text  # the usual spelling
    kind = prefixes[prefix]
    head, slash, tail = text.strip().replace("%2F", "/").replace("%2f", "/").rpartition("/")
    if slash and head != kind:
        raise BadId(f"that is not the handle of {a(kind)}: write {kind}/{prefix}_… or {prefix}_…")
    found, _, body = tail.partition("_")
    if found != prefix:
        other = prefixes.get(found)
        was = f"that is the id of {a(other)}" if other and body else f"{_shown(tail)} is no id"
        raise BadId(f"{was}; the id of {a(kind)} looks like {prefix}_k7m2q9xa")
    if len(body) != LENGTH or any(character not in _VALUE for character in body):
        raise BadId(f"the id of {a(kind)} is {prefix}_ and {LENGTH} characters of {ALPHABET}")
    if check_character(body[:-1]) != body[-1]:
        raise BadId("the check character of this id does not fit: it was mistyped or invented; copy it again")
    return tail


def prefix_of(text: str) -> str:
    """Return what an id in `text` begins with, however it is spelled; "" if there is none."""
    id = text.strip().replace("%2F", "/").replace("%2f", "/").rpartition("/")[2]
    prefix, underscore, _ = id.partition("_")
    return prefix if underscore else ""


def _shown(text: str) -> str:
    """Return a text that is no id, cut, as a sentence begins with it."""
    if not text.isprintable() or not text:
        return "that"
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"
