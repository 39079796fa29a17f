"""The manual's table of endpoints, as an agent reads it: a row under /KIND stands for one of each kind."""

import re
from collections.abc import Iterator

from tests.kinds import REGISTRY


def endpoints_in(manual: str) -> list[tuple[str, str, str]]:
    """Return method, path and summary of every endpoint that the manual tells."""
    found = re.search(r"^ENDPOINTS: .*\n  KIND is (.*)\.\n((?:  [A-Z].*\n)+)", manual, re.MULTILINE)
    assert found, "the manual has no table of endpoints"
    plurals = re.split(", | or ", found.group(1))
    rows = [line.split(maxsplit=2) for line in found.group(2).splitlines()]
    return [each for row in rows for each in _meant(*row, plurals)]


def _meant(method: str, path: str, summary: str, plurals: list[str]) -> Iterator[tuple[str, str, str]]:
    if "KIND" not in path.split("/"):
        yield method, path, summary
        return
    of_some: dict[str, str] = {}
    usual = ""
    for part in summary.split("; "):
        before, _, told = part.partition(": ")
        names = before.removeprefix("not ").split(", ")
        if set(names) <= set(plurals):
            some = names if before == ", ".join(names) else [each for each in plurals if each not in names]
            of_some |= dict.fromkeys(some, told)
        else:
            usual = part
    for kind in (*REGISTRY.records, *REGISTRY.settings):
        word = kind.path.strip("/")
        told = of_some.get(word, usual).replace("KIND", kind.plural)
        if word in plurals and told:
            yield method, path.replace("KIND", word), re.sub(r"\brecord\b", kind.name, told)
