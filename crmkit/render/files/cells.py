"""What stands in the cells of a row: text as CSV has it, values as XLSX has them (`model/cells.py` reads both back)."""

import re
from collections.abc import Callable
from typing import Any

from crmkit.model.cells import doubled, marked
from crmkit.model.fields import Custom, FieldType, Flag, Integer, Number, Tags
from crmkit.render import text

Cell = Callable[[Any], Any]  # of a value that is not None

# texts of custom that would be read back as another value
_MISTAKABLE = re.compile(r'["\[{]|(?:-?[0-9.]+(?:[eE][+-]?[0-9]+)?|true|false|null|-?Infinity|NaN|)\Z', re.ASCII)


def cell_of(type_: FieldType, raw: bool) -> Cell | None:
    """Return what makes the cell of a value of this type; None where the cell is the value, or its text."""
    if isinstance(type_, Flag):
        return _flag
    if isinstance(type_, Integer) or type_.bare:
        return None  # none of which is a formula
    write = _number if isinstance(type_, Number) else text.words if isinstance(type_, Tags) else None
    if type_.structured and write is None:
        write = custom if isinstance(type_, Custom) else text.quoted
    if raw:
        return write
    if write is None:
        return marked
    return lambda value: marked(write(value))


def custom(value: Any) -> str:
    """Return the unmarked cell of one value of custom: a text as it is, unless it would be read back as another."""
    if isinstance(value, str) and not _MISTAKABLE.match(value):
        return value
    return text.quoted(value)


def custom_marked(value: Any) -> str:
    return marked(custom(value))


def any_value(value: Any, raw: bool) -> Any:
    """Return the cell of a value that no field declares; a list of texts is joined by commas where none has one."""
    if value is None or value == ():
        return None
    if isinstance(value, bool):
        return _flag(value)
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        found = _number(value)
    elif isinstance(value, list | tuple) and all(isinstance(each, str) and each and "," not in each for each in value):
        found = text.words(list(value))
    else:
        found = value if isinstance(value, str) else text.quoted(value)
    return found if raw else marked(found)


def typed(type_: FieldType) -> Cell | None:
    """Return what makes the value that XLSX stores; None where that is the value itself.

    No text is run as a formula there, so none is marked. One that begins with marks before a formula has one more,
    since readers take one away.
    """
    if isinstance(type_, Flag):
        return bool
    if isinstance(type_, Integer):
        return exact
    if isinstance(type_, Number) or type_.bare:
        return None
    write = cell_of(type_, raw=True)
    return doubled if write is None else lambda value: doubled(write(value))


def custom_typed(value: Any) -> Any:
    """Return the value that XLSX stores for one of custom."""
    if isinstance(value, bool | float):
        return value
    return exact(value) if isinstance(value, int) else doubled(custom(value))


def exact(value: int) -> int | str:
    """Return a whole number, as text where a spreadsheet, whose numbers are floats, would store another."""
    return value if abs(value) <= 999_999_999_999_999 else str(value)


def _flag(value: Any) -> str:
    return "true" if value else "false"


def _number(value: float) -> str:
    return repr(value).removesuffix(".0")
