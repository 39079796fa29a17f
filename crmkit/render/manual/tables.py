"""The manual's tables of error codes and of settings."""

from collections.abc import Sequence

from crmkit import settings
from crmkit.errors import CATALOGUE


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
    return "\n".join([*lines, f"  [plans.NAME] caps of a plan, left out is unlimited: {', '.join(capped)}"])
