"""Several values in one cell: tags, mail addresses, phone numbers."""

import csv
import re

from crmkit.model.cells import json_of
from crmkit.model.sheets.patterns import LatePattern

SEVERAL = " ::: "  # between the values in a cell of a Google file

LONGEST = 10_000  # characters of a cell that is taken apart

_NAMED = LatePattern(r"([^<>()@\[]*)[<(\[](?: ?mailto:)?([^\s<>()\[\],;]+@[^\s<>()\[\],;]+) ?[>)\]]")
_BESIDE_MAIL, _BESIDE_NUMBER = LatePattern(r"[\s,;|<>()\[\]:/]"), LatePattern(r"[,;|:\n\r]")
_BETWEEN_MAILS = LatePattern(r":::|[,;|]+| (?=[^ @]+@)")
_BETWEEN_PHONES = LatePattern(r":::|[;|]+|,(?= ?[+(0-9][0-9 ()./-]{5})")
_IN_TAG = LatePattern(r"[\s,]+")


def words(cell: str) -> list[str]:
    """Return the tags in a cell: of a JSON list, or between ` ::: `, semicolons or commas, as far as none is quoted.

    Blanks and commas within one become hyphens.
    """
    text = cell.strip()
    if text.startswith("["):
        try:
            found = json_of(text)
        except ValueError:
            found = None
        if isinstance(found, list) and all(isinstance(each, str) for each in found):
            return tags(found)
    if SEVERAL.strip() in text:
        return tags(text.split(SEVERAL.strip()))
    separator = ";" if ";" in text and '"' not in text else ","
    if '"' in text:
        separator = ";" if re.search(r'"\s*;\s*"', text) else ","
        return tags(next(csv.reader([" ".join(text.split())], delimiter=separator, skipinitialspace=True), []))
    return tags(re.split(rf"[{separator}\n\r]", text))


def tags(found: list[str]) -> list[str]:
    """Return the tags in a list, without blanks and commas within one."""
    # Google marks groups of its own with a star
    return [tag for each in found if (tag := _IN_TAG.sub("-", each.strip().removeprefix("* ").strip(" ,")))]


def named(cell: str) -> tuple[str, str]:
    """Return the name and the address in `Name (mail)` or `Name <mail>`, both empty for another text."""
    found = _NAMED.fullmatch(_one_line(cell)) if len(cell) <= LONGEST and "@" in cell else None
    return (found[1].strip(' "'), found[2]) if found else ("", "")


def is_one_mail(cell: str) -> bool:
    """Tell whether a text has an address, and nothing that might separate several or tell more."""
    return "@" in cell and not _BESIDE_MAIL.search(cell)


def is_one_number(cell: str) -> bool:
    """Tell whether a text has nothing that might separate several phone numbers."""
    return not _BESIDE_NUMBER.search(cell)


def mails(cell: str) -> list[str]:
    """Return the parts of a cell of which each may be an address."""
    found = _parts(_BETWEEN_MAILS, cell)
    return [each.removeprefix("mailto:") for each in found] if all("@" in each for each in found) else [cell]


def numbers(cell: str) -> list[str]:
    """Return the parts of a cell of which each may be a phone number."""
    return _parts(_BETWEEN_PHONES, cell)


def _parts(between: LatePattern, cell: str) -> list[str]:
    if len(cell) > LONGEST:
        return [cell]
    return [part for each in between.split(_one_line(cell)) if (part := each.strip())]


def _one_line(cell: str) -> str:
    """Return a text with single blanks, and semicolons in place of line breaks."""
    return " ".join(cell.replace("\n", ";").replace("\r", ";").split())


def listed(cell: str) -> list[object]:
    """Return the items of a JSON list, or the texts between semicolons or commas."""
    if cell.strip().startswith("["):
        try:
            found = json_of(cell)
        except ValueError:
            found = None
        if isinstance(found, list):
            return found
    separator = SEVERAL.strip() if SEVERAL.strip() in cell else ";" if ";" in cell else ","
    return [part for each in cell.split(separator) if (part := each.strip())]
