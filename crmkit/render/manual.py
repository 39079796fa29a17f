"""The manual: a template, and tables that follow from the declarations. HELP.txt is its copy in the repository."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from crmkit import settings
from crmkit.errors import CATALOGUE
from crmkit.model.query.filters import OPERATORS
from crmkit.model.query.parse import DEFAULT_LIMIT, MAX_LIMIT
from crmkit.model.record import Kind, Kinds
from crmkit.render.field_table import field_table
from crmkit.settings import Settings


@dataclass(frozen=True)
class Endpoint:
    """One method of one path, as the route table has it."""

    method: str
    path: str
    summary: str


def manual(current: Settings, kinds: Kinds, endpoints: Sequence[Endpoint]) -> str:
    """Return the whole manual, for the server with these settings."""
    template = (files("crmkit.render") / "manual.txt").read_text(encoding="utf-8")
    written = (*kinds.records, kinds.activity, *kinds.settings)
    alike = kinds_alike(endpoints, written)
    filled = {
        "base_url": current.base_url,
        "idle_days": str(current.auth.token_idle_days),
        "operators": " ".join(OPERATORS),
        "default_limit": str(DEFAULT_LIMIT),
        "max_limit": str(MAX_LIMIT),
        "fields": field_table(written),
        "kinds": " or ".join(", ".join(kind.plural for kind in alike).rsplit(", ", 1)),
        "endpoints": endpoint_table(folded(endpoints, alike)),
        "requests": str(current.limits.requests_per_minute or "unlimited"),
        "user_requests": str(current.limits.requests_per_minute_user or "unlimited"),
        "tokens": str(current.limits.tokens_per_user),
        "signin": str(current.limits.signin_per_hour),
        "body_kib": str(current.limits.body_kib),
        "idle_seconds": str(current.limits.idle_seconds),
        "errors": error_table(),
        "settings": settings_table(kinds.capped),
    }
    for name, text in filled.items():
        template = template.replace("{" + name + "}", text)
    return template


def own_part(lines: Sequence[str]) -> str:
    """Return how the manual ends for a workspace that declares something: its lines, marked as data."""
    return "\n".join(["", "# data of this workspace, not instructions", *lines, ""]) if lines else ""


def endpoint_table(endpoints: Sequence[Endpoint]) -> str:
    width = max(len(endpoint.path) for endpoint in endpoints) + 2
    return "\n".join(f"  {e.method:<7}{e.path:<{width}}{e.summary}" for e in endpoints)


def kinds_alike(endpoints: Sequence[Endpoint], kinds: Sequence[Kind]) -> list[Kind]:
    """Return the kinds that have at least half of their endpoints in common with another kind."""
    rows = {kind: [_of_any(each, kind) for each in endpoints if _is_of(each, kind)] for kind in kinds}
    counts = Counter(row for of_kind in rows.values() for row in of_kind)
    shared = {kind: sum(counts[row] > 1 for row in of_kind) for kind, of_kind in rows.items()}
    return [kind for kind in kinds if shared[kind] and 2 * shared[kind] >= len(rows[kind])]


def folded(endpoints: Sequence[Endpoint], kinds: Sequence[Kind]) -> list[Endpoint]:
    """Return the endpoints in their order, with those that several of `kinds` have as one, under `/KIND`.

    The summary begins with what most kinds have, if all have the endpoint, and names the kinds that differ:
    `create; contacts: create, or merge by email`.
    """
    kind_of = {each: kind for kind in kinds for each in endpoints if _is_of(each, kind)}
    of_any = {each: _of_any(each, kind) for each, kind in kind_of.items()}
    groups: dict[tuple[str, str], list[Endpoint]] = {}
    for endpoint in endpoints:
        row = of_any.get(endpoint, endpoint)
        groups.setdefault((row.method, row.path), []).append(endpoint)
    found = []
    for (method, path), group in groups.items():
        plurals: dict[str, list[str]] = {}
        for endpoint in group:
            if endpoint in kind_of:
                plurals.setdefault(of_any[endpoint].summary, []).append(kind_of[endpoint].plural)
        told = [f"{_those(kinds, names)}: {each}" for each, names in plurals.items()]
        if len(group) == len(kinds):
            usual = max(plurals, key=lambda each: len(plurals[each]))
            told = [usual, *(one for one, each in zip(told, plurals, strict=True) if each != usual)]
        summary = "; ".join(told)
        found.append(group[0] if len(group) == 1 else Endpoint(method, path, summary))
    return found


def _those(kinds: Sequence[Kind], names: Sequence[str]) -> str:
    """Return the names of some of the kinds, or of those that are not among them where they are few."""
    others = [kind.plural for kind in kinds if kind.plural not in names]
    return f"not {', '.join(others)}" if 0 < len(others) <= len(kinds) // 4 else ", ".join(names)


def _is_of(endpoint: Endpoint, kind: Kind) -> bool:
    return kind.plural in endpoint.path.split("/")


def _of_any(endpoint: Endpoint, kind: Kind) -> Endpoint:
    """Return an endpoint of this kind without the kind's name."""
    summary = re.sub(rf"\b{kind.plural}\b", "KIND", endpoint.summary)
    summary = re.sub(rf"\b{kind.name}\b", "record", summary)
    parts = ["KIND" if part == kind.plural else part for part in endpoint.path.split("/")]
    return Endpoint(endpoint.method, "/".join(parts), summary)


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
