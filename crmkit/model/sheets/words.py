"""Words for yes, no and nothing, and those that other programs have for ours."""

from functools import lru_cache

from crmkit.model import fold

# what other programs write into a cell without a value
NOTHING = frozenset(
    (
        *("-None-", "N/A", "n/a", "#N/A", "NULL", "(No value)", "[not provided]"),
        *("0.0.00", "0/0/00", "00/00/00", "0000-00-00", "0000-00-00 00:00:00"),
    )
)
NOBODY = frozenset(("No owner", "Unassigned", "(Unassigned)"))  # in place of a person who is in charge

_YES_WORDS = """
    true yes y 1 x on checked done completed complete closed finished ja j wahr oui o vrai si s sim tak t igen evet да
    是 はい ✓ ✔ ☑
"""
_NO_WORDS = """
    false no n 0 off unchecked todo undone open notstarted notcompleted incomplete nein falsch non faux nao nie nem
    hayir нет 否 いいえ ☐
"""
_YES, _NO = frozenset(_YES_WORDS.split()), frozenset(_NO_WORDS.split())

# what stands for one of our words, where a field has that one
_OTHERS = """
    won: closed won; closed/won; gewonnen; ganado; ganada; cerrada ganada; gagne; gagnee; vinto; vinta; ganho; gewonnen
    lost: closed lost; closed/lost; closed lost to competition; verloren; perdido; perdida; cerrada perdida; perdu
    lost: perdue; perso; persa
    solved: closed; resolved; done; completed; fixed; geschlossen; gelost; erledigt; cerrado; resuelto; ferme; resolu
    open: new; offen; neu; nuevo; nouveau; abierto; ouvert
    normal: medium; mittel; media; moyenne
    urgent: critical; kritisch; dringend; urgente
    high: hoch; alta; haute
    low: niedrig; gering; baja; basse
"""


def flag(text: str) -> bool | None:
    """Return what a text answers, None if it is neither yes nor no."""
    word = "".join(fold.plain(text).replace("to do", "todo").split())
    known = word if word in _YES | _NO else _letters(text)
    return True if known in _YES else False if known in _NO else None


@lru_cache(1_000)
def choice(text: str, choices: tuple[str, ...]) -> str | None:
    """Return the one of these words that has the letters of a text, or that another program's word stands for."""
    letters = _letters(text)
    own = next((word for word in choices if _letters(word) == letters), None)
    return own or next((word for word in _MEANT.get(letters, ()) if word in choices), None)


def _letters(text: str) -> str:
    return "".join(letter for letter in fold.plain(text) if letter.isalnum())


def _meant() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in _OTHERS.strip().splitlines():
        word, _, others = line.strip().partition(": ")
        for other in others.split(";"):
            found.setdefault(_letters(other), []).append(word)
    return found


_MEANT = _meant()
