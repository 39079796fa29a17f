"""Words for yes, no and nothing."""

from crmkit.model import fold

# what other programs write into a cell without a value
NOTHING = frozenset(
    (
        *("-None-", "N/A", "n/a", "#N/A", "NULL", "(No value)", "[not provided]"),
        *("0.0.00", "0/0/00", "00/00/00", "0000-00-00", "0000-00-00 00:00:00"),
    )
)
NOBODY = frozenset(("No owner", "Unassigned", "(Unassigned)"))  # in place of a person who is in charge

_WORDS = """
    true yes y 1 x on checked done ja j wahr oui o vrai si s sim tak t igen evet да 是 はい ✓ ✔ ☑
    false no n 0 off unchecked todo undone nein falsch non faux nao nie nem hayir нет 否 いいえ ☐
"""
_YES, _NO = (frozenset(line.split()) for line in _WORDS.strip().splitlines())


def flag(text: str) -> bool | None:
    """Return what a text answers, None if it is neither yes nor no."""
    word = "".join(fold.plain(text).replace("to do", "todo").split())
    return True if word in _YES else False if word in _NO else None
