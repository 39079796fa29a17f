"""What a cell of a spreadsheet stands for: the mark before what one would run as a formula, values of custom.

`render/files/` writes cells so that these functions read them back exactly.
"""

import json
import math
import re
from typing import Any

MAX_INTEGER = 2**63 - 1
MARK = "'"  # a spreadsheet shows what follows as text
PLAIN_SIGNED = r"[0-9 ().,\-/]*"  # what follows a sign in a number or a phone number
FORMULA = re.compile(rf"{MARK}*(?:[=@\t\r\n\uff1d\uff20]|[+\-\uff0b\uff0d](?!{PLAIN_SIGNED}\Z))")
MAY_RUN = f"{MARK}=@\t\r\n\uff1d\uff20+-\uff0b\uff0d"  # how a text begins that FORMULA may match

_STRUCTURED = ('"', "[", "{")  # with which JSON begins that is no number and no word
_WORDS = {"true": True, "false": False, "null": None}
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)


def marked(text: str) -> str:
    """Return a text with the mark before it if a spreadsheet would run it, or if it begins with marks before that."""
    return MARK + text if FORMULA.match(text) else text


def doubled(text: str) -> str:
    """Return what is `unmarked` to the text where no formula is run: only one that begins with marks has one more."""
    return marked(text) if text.startswith(MARK) else text


def unmarked(cell: str) -> str:
    """Return the text that was `marked`, and any other as it is."""
    return cell[1:] if cell[:1] == MARK and FORMULA.match(cell) else cell


def custom_value(cell: str) -> Any:
    """Return the value of custom in an unmarked cell of our own: None for an empty one.

    What begins like JSON and is none is a text, since people edit such files.
    """
    if cell.startswith(_STRUCTURED):
        return _json_or_text(cell)
    if cell in _WORDS:
        return _WORDS[cell]
    return _json_or_text(cell) if _NUMBER.fullmatch(cell) else cell or None


def json_of(text: str) -> Any:
    """Return the JSON value that a text is; raises ValueError for another.

    One that is nested too deeply to read, or has a number that no field keeps, is none.
    """
    try:
        return _decode(text)
    except RecursionError:
        raise ValueError("is nested too deeply") from None


def _json_or_text(cell: str) -> Any:
    try:
        return json_of(cell)
    except ValueError:
        return cell


def _integer(digits: str) -> int:
    if len(digits) > 20 or abs(number := int(digits)) > MAX_INTEGER:
        raise ValueError("has a whole number past 64 bits")
    return number


def _float(digits: str) -> float:
    if not math.isfinite(number := float(digits)):
        raise ValueError("has a number that is too large")
    return number


_decode = json.JSONDecoder(parse_int=_integer, parse_float=_float, parse_constant=_float).decode
