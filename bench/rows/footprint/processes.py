"""The rows of a process: how long it takes to start, the memory that it holds then and after the load."""

import compileall
import statistics

from bench.lab import Lab, Skip
from bench.report import Line
from bench.servers import processes
from bench.servers.processes import ROOT, UNTOLD


def _starts(lab: Lab) -> list[tuple[float, ...]]:
    """Return for each round the seconds that crmkit without data and the bare application took to start, and the MB
    (PSS) that they held before anything was asked: 0 where the kernel does not tell."""
    if "starts" not in lab.kept:
        compileall.compile_dir(ROOT / "crmkit", quiet=2)  # as pip leaves what it installs
        lab.kept["starts"] = [_started(lab, number) for number in range(lab.plan.rounds)]
    found: list[tuple[float, ...]] = lab.kept["starts"]
    return found


def _started(lab: Lab, number: int) -> tuple[float, ...]:
    ours = processes.product("crmkit idle", lab.folder / f"idle-{number}", lab.log("idle"))
    bare = processes.reference("bare", lab.log("bare idle"))
    memory = [server.memory().get("Pss", 0.0) for server in (ours, bare)]
    for server in (ours, bare):
        server.stop()
    return (ours.seconds, bare.seconds, *memory)


def start(lab: Lab) -> list[Line]:
    ours, bare, _, _ = zip(*_starts(lab), strict=True)
    absolute = f"{statistics.median(ours):.2f} s and {statistics.median(bare):.2f} s from the start of the process"
    ratios = [a / b for a, b in zip(ours, bare, strict=True)]
    return [Line("start to first answer", "bare Litestar", ratios, 1.4, 1.2, at_most=True, absolute=absolute)]


def idle(lab: Lab) -> list[Line]:
    _, _, ours, bare = zip(*_starts(lab), strict=True)
    if not all(bare):
        raise Skip(UNTOLD)
    absolute = f"PSS {statistics.median(ours):.1f} MB and {statistics.median(bare):.1f} MB, nothing asked yet"
    ratios = [a / b for a, b in zip(ours, bare, strict=True)]
    return [Line("idle memory (PSS)", "bare Litestar", ratios, 1.25, 1.1, at_most=True, absolute=absolute)]


def memory(lab: Lab) -> list[Line]:
    """Compare the servers of the large and the small data set, as the rows before have left them."""
    found = [lab.loaded(size).memory() for size in (lab.large, lab.small)]
    if not all(found):
        raise Skip(UNTOLD)
    lines = []
    for name, kernels in {"PSS": "Pss", "anonymous": "Anonymous"}.items():
        large, small = (one[kernels] for one in found)
        more = (large - small) / (lab.large - lab.small) * 1_000_000
        names = f"memory after the load ({name}) at {lab.large:,}", f"at {lab.small:,}"
        absolute = f"{large:.0f} MB and {small:.0f} MB, {more:.0f} MB for a million contacts"
        lines.append(Line(*names, [large / small], at_most=True, absolute=absolute))
    return lines
