"""The manual: a template, and tables that follow from the declarations. HELP.txt is its copy in the repository."""

import re
import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files

from crmkit import settings
from crmkit.errors import CATALOGUE
from crmkit.model.form import Field
from crmkit.model.query.filters import OPERATORS
from crmkit.model.query.parse import DEFAULT_LIMIT, MAX_LIMIT
from crmkit.model.record import Kind, Kinds
from crmkit.settings import Settings

WIDTH = 120  # of the manual's lines


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


def field_table(kinds: Sequence[Kind]) -> str:
    """Return what the names of types mean, then what several kinds have in common, then what each kind has of its own.

    Fields that several kinds describe in the same words are described once, and named by each of these kinds. Groups of
    fields that the server writes in the same kinds are told once too.
    """
    types = [field.type for kind in kinds for field in kind.writable.values()]
    legends = dict.fromkeys(type_.legend for type_ in types if type_.legend)
    described = Counter(_described(field) for kind in kinds for field in kind.writable.values())
    shared = {row: None for kind in kinds for row in map(_described, kind.writable.values()) if described[row] > 1}
    lines = [*_wrapped("  types", legends, "; "), "  shared: fields that several kinds have"]
    lines += _by_type(shared)
    alike = _written_alike(kinds)
    for names, holders in alike.items():
        of = "all kinds" if len(holders) == len(kinds) else ", ".join(kind.name for kind in holders)
        lines += _wrapped(f"    read only in {of}", names)
    told = {(kind.name, name) for names, holders in alike.items() for kind in holders for name in names}
    for kind in kinds:
        lines.append(f"  {kind.name}: {kind.help}")
        own = [field for field in kind.writable.values() if _described(field) not in shared]
        lines += _by_type((field.type.brief, f"{_starred(field)} ({field.help})") for field in own)
        common = [_starred(field) for field in kind.writable.values() if _described(field) in shared]
        server = [field.name for field in kind.fields if not field.writable and (kind.name, field.name) not in told]
        lines += [*_wrapped("    shared", common), *_wrapped("    read only", server)]
    return "\n".join(lines)


def _starred(field: Field) -> str:
    return field.name + ("*" if field.required else "")


def _described(field: Field) -> tuple[str, str]:
    """Return what the table calls a field's type, and how it describes the field."""
    return field.type.brief, f"{field.name} ({field.help})"


def _by_type(rows: Iterable[tuple[str, str]]) -> list[str]:
    """Return a line for each type, with the fields that are of it."""
    by_type: dict[str, list[str]] = {}
    for brief, told in rows:
        by_type.setdefault(brief, []).append(told)
    return [line for brief, told in by_type.items() for line in _wrapped(f"    {brief}", told)]


def _written_alike(kinds: Sequence[Kind]) -> dict[tuple[str, ...], list[Kind]]:
    """Return the groups of two and more fields that the server writes in the same kinds, with these kinds."""
    holders: dict[str, list[Kind]] = {}
    for kind in kinds:
        for field in kind.fields:
            if not field.writable:
                holders.setdefault(field.name, []).append(kind)
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, having in holders.items():
        groups.setdefault(tuple(kind.name for kind in having), []).append(name)
    return {tuple(names): holders[names[0]] for of, names in groups.items() if len(of) > 1 and len(names) > 1}


def _wrapped(head: str, items: Iterable[str], between: str = ", ") -> list[str]:
    """Return lines that begin with `head`, and go on further in; none if there are no items."""
    text = between.join(items)
    further = " " * (len(head) - len(head.lstrip()) + 2)
    return textwrap.wrap(f"{head}: {text}", WIDTH, subsequent_indent=further, break_on_hyphens=False) if text else []


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
        told = [f"{', '.join(names)}: {each}" for each, names in plurals.items()]
        if len(group) == len(kinds):
            usual = max(plurals, key=lambda each: len(plurals[each]))
            told = [usual, *(one for one, each in zip(told, plurals, strict=True) if each != usual)]
        summary = "; ".join(told)
        found.append(group[0] if len(group) == 1 else Endpoint(method, path, summary))
    return found


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
