"""The manual's tables of endpoints, which follow from the route table."""

import re
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from msgspec import Struct

from crmkit.model.record import Kind

WIDTH = 120  # of a list's lines

_UNBROKEN = "\0"  # between a method and its path, where no line ends


class Endpoint(Struct, frozen=True):
    """One method of one path, as the route table has it."""

    method: str
    path: str
    summary: str


def endpoint_table(endpoints: Sequence[Endpoint]) -> str:
    width = max((len(endpoint.path) for endpoint in endpoints), default=0) + 2
    return "\n".join(f"  {e.method:<7}{e.path:<{width}}{e.summary}" for e in endpoints)


def paths_list(endpoints: Mapping[str, Sequence[Endpoint]]) -> str:
    """Return, for each topic, the methods and paths that it describes, on few lines."""
    lists = {
        topic: ", ".join(f"{row.method}{_UNBROKEN}{row.path}" for row in rows) for topic, rows in endpoints.items()
    }
    wrap = partial(textwrap.wrap, width=WIDTH, subsequent_indent="    ", break_on_hyphens=False)
    lines = [line for topic, listed in lists.items() for line in wrap(f"  topic={topic}: {listed}")]
    return "\n".join(lines).replace(_UNBROKEN, " ")


def under(endpoints: Iterable[Endpoint], starts: Sequence[str]) -> list[Endpoint]:
    """Return the endpoints whose path is one of `starts`, or goes on after it; `/` is only itself."""
    return [each for each in endpoints if any(f"{each.path}/".startswith(f"{start}/") for start in starts)]


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
                plurals.setdefault(of_any[endpoint].summary, []).append(word_of(kind_of[endpoint]))
        told = [f"{_those(kinds, names)}: {each}" for each, names in plurals.items()]
        if len(group) == len(kinds):
            usual = max(plurals, key=lambda each: len(plurals[each]))
            told = [usual, *(one for one, each in zip(told, plurals, strict=True) if each != usual)]
        summary = "; ".join(told)
        found.append(group[0] if len(group) == 1 else Endpoint(method, path, summary))
    return found


def _those(kinds: Sequence[Kind], names: Sequence[str]) -> str:
    """Return the names of some of the kinds, or of those that are not among them where they are few."""
    others = [word for kind in kinds if (word := word_of(kind)) not in names]
    return f"not {', '.join(others)}" if 0 < len(others) < len(names) else ", ".join(names)


def word_of(kind: Kind) -> str:
    """Return what stands for a kind in paths."""
    return kind.path.strip("/")


def _is_of(endpoint: Endpoint, kind: Kind) -> bool:
    return word_of(kind) in endpoint.path.split("/")


def _of_any(endpoint: Endpoint, kind: Kind) -> Endpoint:
    """Return an endpoint of this kind without the kind's name."""
    summary = re.sub(rf"\b{kind.plural}\b", "KIND", endpoint.summary)
    summary = re.sub(rf"\b{kind.name}\b", "record", summary)
    parts = ["KIND" if part == word_of(kind) else part for part in endpoint.path.split("/")]
    return Endpoint(endpoint.method, "/".join(parts), summary)
