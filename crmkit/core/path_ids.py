"""What clients write in a path to name a record or something that people have."""

from collections.abc import Mapping

from crmkit import ids
from crmkit.errors import Problem, a
from crmkit.model.fields import Key, KeyForms, keys


def bare(prefixes: Mapping[str, str], text: str, prefix: str, where: str) -> str:
    """Return the bare id; raises `not_found`, which says what is wrong with it, and `where` to look for a right one."""
    try:
        return ids.parse(text, prefix, prefixes)
    except ids.BadId as error:
        raise Problem("not_found", f"{_said(text, error)}. {where}") from None


def id_or_key(prefixes: Mapping[str, str], forms: KeyForms, text: str, prefix: str, where: str) -> str | Key:
    """Return the bare id or the natural key of a kind; raises `not_found`, which names what records are found by."""
    try:
        return ids.parse(text, prefix, prefixes)
    except ids.BadId as error:
        key = keys.read(text, forms, prefixes, among=(prefix,))
        if key is not None and key.of(prefix):
            return key
        is_id = text.rpartition("/")[2].partition("_")[0] in prefixes
        own = None if is_id else forms.get(prefix)
        named = f" {a(prefixes[prefix]).capitalize()} is found by its {keys.names(own)}." if own else ""
        raise Problem("not_found", f"{_said(text, error)}.{named} {where}") from None


def _said(text: str, error: ids.BadId) -> str:
    what = str(error)
    if what.startswith(text):  # `bulk is no id` repeats what was sent, as it was sent
        return what
    return f"{what[:1].upper()}{what[1:]}"
