"""What a run prints: the ratios with their verdicts, then figures that are information only."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Line:
    """A measured ratio: a value for each round or answer. `must` and `aim` are lower bounds, upper ones when `at_most`.

    `cpu` is the same ratio by what the servers computed for a request. Where it decides otherwise, other processes
    were in the way: the loader's core or the server's was not free.
    """

    what: str
    against: str
    ratios: Sequence[float]
    must: float | None = None
    aim: float | None = None
    at_most: bool = False
    absolute: str = ""
    cpu: float | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.ratios)

    def _meets(self, bound: float | None, ratio: float | None = None) -> bool:
        # as printed, so that 0.60 reaches 0.60
        found = round(self.median if ratio is None else ratio, 2)
        return bound is not None and (found <= bound if self.at_most else found >= bound)

    @property
    def verdict(self) -> str:
        if self.must is None:
            return "-"
        reached = self._meets(self.must)
        if self._meets(self.must, self.cpu) != reached:
            return "yes, but not by CPU" if reached else "NO, but by CPU"
        if not reached:
            return "NO"
        return "yes, aim too" if self._meets(self.aim) else "yes"


@dataclass
class Report:
    """Everything that a run found."""

    lines: list[Line] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    broken: list[tuple[str, str]] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)
    noise: Line | None = None

    def markdown(self) -> str:
        """Return the table as docs/bench.md has it."""
        rows = [("what", "against", "median", "spread", "by CPU", "must reach", "aim"), ("---",) * 7]
        rows += [(*cells[:4], *cells[5:8]) for cells in map(_cells, self.lines)]
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)

    def text(self) -> str:
        heads = ("what", "against", "median", "spread", "rounds", "by CPU", "must reach", "aim", "reached")
        rows = [heads, *(_cells(line) for line in self.lines)]
        widths = [max(len(row[place]) for row in rows) for place in range(len(heads))]
        printed = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
        ]
        printed.insert(1, "-" * max(map(len, printed)))
        printed += [f"skipped: {row}: {why}" for row, why in self.skipped]
        printed += [f"failed:  {row}: {why}" for row, why in self.broken]
        if self.noise is not None:
            spread = _spread(self.noise.ratios)
            found = f"median {self.noise.median:.2f}, {spread} in {_rounds(self.noise)} rounds"
            printed += ["", f"noise: {self.noise.what}: {found}; what differs by less than that says nothing"]
        absolutes = [f"  {line.what}: {line.absolute}" for line in self.lines if line.absolute]
        if absolutes or self.facts:
            printed += ["", "Information, of this machine and moment, never the verdict:", *absolutes]
            printed += [f"  {fact}" for fact in self.facts]
        return "\n".join(printed)


def _cells(line: Line) -> tuple[str, ...]:
    sign = "<= " if line.at_most else ">= "
    bounds = ["-" if bound is None else f"{sign}{bound:.2f}" for bound in (line.must, line.aim)]
    cpu = "-" if line.cpu is None else f"{line.cpu:.2f}"
    found = (f"{line.median:.2f}", _spread(line.ratios), _rounds(line))
    return (line.what, line.against, *found, cpu, *bounds, line.verdict)


def _spread(ratios: Sequence[float]) -> str:
    return f"{min(ratios):.2f}-{max(ratios):.2f}"


def _rounds(line: Line) -> str:
    return str(len(line.ratios))
