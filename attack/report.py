"""What a run prints: one table of figures, each with the bound that it must keep and the verdict."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

WIDEST = 72  # characters of a figure
HEADS = ("campaign", "what", "size", "figure", "bound", "verdict")


class Verdict(StrEnum):
    HOLDS = "holds"
    BROKEN = "broken"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Row:
    """One thing that a campaign tried: how much of it, what was found, and what must be found."""

    what: str
    size: str
    figure: str
    bound: str
    verdict: Verdict


def at_most(what: str, size: str, figure: float, bound: float, unit: str = "") -> Row:
    """Return the row of a figure that must not pass its bound."""
    verdict = Verdict.HOLDS if figure <= bound else Verdict.BROKEN
    return Row(what, size, _spoken(figure, unit), f"<= {_spoken(bound, unit)}", verdict)


def at_least(what: str, size: str, figure: float, bound: float, unit: str = "") -> Row:
    """Return the row of a figure that must not fall below its bound."""
    verdict = Verdict.HOLDS if figure >= bound else Verdict.BROKEN
    return Row(what, size, _spoken(figure, unit), f">= {_spoken(bound, unit)}", verdict)


def exactly(what: str, size: str, found: Any, expected: Any) -> Row:
    """Return the row of something that must be found just so."""
    verdict = Verdict.HOLDS if found == expected else Verdict.BROKEN
    return Row(what, size, _spoken(found), _spoken(expected), verdict)


def skipped(what: str, why: str) -> Row:
    """Return the row of something that cannot be tried on this machine, which is no failure."""
    return Row(what, "-", why, "-", Verdict.SKIPPED)


def unfinished(why: str) -> Row:
    """Return the row of a campaign that did not come to its end: what it did not try may be broken."""
    return Row("the campaign itself", "-", why, "comes to its end", Verdict.BROKEN)


def table(found: Sequence[tuple[str, Row]]) -> str:
    """Return the rows as a table, each led by its campaign's name."""
    rows = [HEADS, *((name, row.what, row.size, row.figure, row.bound, row.verdict.value) for name, row in found)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(HEADS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "-" * max(map(len, lines)))
    return "\n".join(lines)


def count(found: Sequence[tuple[str, Row]], verdict: Verdict) -> int:
    return sum(row.verdict is verdict for _, row in found)


def _spoken(value: Any, unit: str = "") -> str:
    """Return a value for the table: numbers with their unit, whole ones grouped, others with two decimals."""
    if isinstance(value, float):
        text = f"{value:,.0f}" if value.is_integer() or value >= 100 else f"{value:.2f}"
    elif isinstance(value, int) and not isinstance(value, bool):
        text = f"{value:,}"
    elif isinstance(value, list | tuple | set | frozenset):
        text = ", ".join(map(str, value)) or "none"
    else:
        text = str(value)
    text = f"{text} {unit}" if unit else text
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"
