"""The manual's tables of operators, error codes and settings."""

from collections.abc import Sequence

from crmkit import plans, settings
from crmkit.errors import CATALOGUE
from crmkit.model.operators.rows import ROWS, Operator, Taken


def operator_table() -> str:
    """Return a line for each operator, below one for the fields that take it: how it is written, what it asks."""
    by_takers: dict[tuple[Taken, ...], list[Operator]] = {}
    for row in ROWS:
        if row.takers:
            by_takers.setdefault(row.takers, []).append(row)
    lines = []
    for takers, rows in by_takers.items():
        lines.append(f"  of {'; '.join(taken.value for taken in takers)}")
        lines += [f"    {f'{row.name}:{row.operand.value}':<20}{_asked(row)}" for row in rows]
    return "\n".join(lines)


def _asked(row: Operator) -> str:
    """Return what an operator asks of a field, and of fields of some sort where that is told otherwise."""
    operands = row.operand.value.split(",")
    others = [taken for taken, _ in row.words_for]
    usual = next((taken for taken in row.takers if taken not in others), row.takers[0])
    told = [f"{taken.value}: {row.said(taken, operands)}" for taken in others]
    return "; ".join([row.said(usual, operands), *told])


def error_table() -> str:
    return "\n".join(
        f"  {'/'.join(map(str, statuses)):<8}{code:<23}{meaning}" for code, (statuses, meaning) in CATALOGUE.items()
    )


def settings_table(capped: Sequence[str]) -> str:
    """Return a line per section with its keys and defaults."""
    sections: dict[str, list[str]] = {}
    for row in settings.rows():
        is_word = isinstance(row.default, bool)
        shown = str(row.default).lower() if is_word else {"": '""', (): "[]"}.get(row.default, row.default)
        sections.setdefault(row.section, []).append(f"{row.key}={shown}")
    lines = [f"  [{section}] {'  '.join(keys)}" for section, keys in sections.items()]
    names = ", ".join((*capped, *plans.RATES, plans.AUDIT_DAYS))
    return "\n".join([*lines, f"  [plans.NAME] caps of a plan, left out is unlimited: {names}"])
