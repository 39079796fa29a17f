"""The manual's table of fields, which follows from the declarations of kinds."""

import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence

from crmkit.model.form import Field
from crmkit.model.record import Kind

WIDTH = 120  # of its lines


def field_table(kinds: Sequence[Kind]) -> str:
    """Return what the names of types mean, then what several kinds have in common, then what each kind has of its own.

    Fields that several kinds describe in the same words are described once, and named by each of these kinds. Groups of
    fields that the server writes in the same kinds are told once too.
    """
    types = [field.type for kind in kinds for field in kind.writable.values()]
    legends = dict.fromkeys(type_.legend for type_ in types if type_.legend)
    described = Counter(_described(field) for kind in kinds for field in kind.writable.values())
    shared = {row: None for kind in kinds for row in map(_described, kind.writable.values()) if described[row] > 1}
    lines = ["  types: what stands before a colon below", *(f"    {legend}" for legend in legends)]
    alike = _written_alike(kinds)
    if shared or alike:
        lines.append("  shared: fields that several kinds have")
        lines += _by_type(shared)
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


def _wrapped(head: str, items: Iterable[str]) -> list[str]:
    """Return lines that begin with `head`, and go on further in; none if there are no items."""
    text = ", ".join(items)
    further = " " * (len(head) - len(head.lstrip()) + 2)
    return textwrap.wrap(f"{head}: {text}", WIDTH, subsequent_indent=further, break_on_hyphens=False) if text else []


def names_table(kinds: Sequence[Kind]) -> str:
    """Return for each kind its plural, what one is, and the names of the fields that clients write.

    Those that say how a workspace is set up are only named, since few sessions write them.
    """
    lines, settings = list[str](), [kind.plural for kind in kinds if kind.is_setting]
    for kind in (kind for kind in kinds if not kind.is_setting):
        names = ", ".join(map(_starred, kind.writable.values()))
        lines += [f"  {kind.plural}: {kind.help}"]
        lines += textwrap.wrap(names, WIDTH, initial_indent="    ", subsequent_indent="    ")
    told = [f"  {', '.join(settings)}: how the workspace is set up"] if settings else []
    return "\n".join([*lines, *told])
