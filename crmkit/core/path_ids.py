"""Ids that clients write in a path."""

from collections.abc import Mapping

from crmkit import ids
from crmkit.errors import Problem


def bare(prefixes: Mapping[str, str], text: str, prefix: str, where: str) -> str:
    """Return the bare id; raises `not_found`, which says what is wrong with it, and `where` to look for a right one."""
    try:
        return ids.parse(text, prefix, prefixes)
    except ids.BadId as error:
        what = str(error)
        if not what.startswith(text):  # `bulk is no id` repeats what was sent, as it was sent
            what = f"{what[:1].upper()}{what[1:]}"
        raise Problem("not_found", f"{what}. {where}") from None
