"""`make bench`: crmkit beside its limits, in one run on this machine.

Servers stand on one core, the loader on another; what is compared takes turns, and each figure is the median of
the rounds. Only the ratios are a verdict. Data sets are made once and kept in ~/.cache/crmkit-bench (or
$CRMKIT_BENCH_DIR).
"""

import argparse
import os
import platform
import signal
import sys
import time
from collections.abc import Callable

from bench.data.dataset import is_made
from bench.lab import WRITING, Lab, Plan, Skip, run_folder, say
from bench.report import Line, Report
from bench.rows.background import (
    batches,
    by_filter,
    commands,
    exports,
    filling,
    imports,
    scoring,
    waiting,
    webhooks,
)
from bench.rows.footprint import answers, cpu, disk, processes
from bench.rows.latency import activities, counts, scale, tail
from bench.rows.throughput import faces, limits, peers, postgres
from bench.servers.processes import LOADER_CORE, SERVER_CORE

SMALL, USUAL, LARGE = 10_000, 100_000, 1_000_000

# in the order they run: what creates contacts comes after what reads the same data, memory after all that loads servers
ROWS: dict[str, Callable[[Lab], list[Line]]] = {
    "one": limits.get_one,
    "list": limits.list_of_50,
    "total": limits.total,
    "json": limits.list_in_json,
    "p99": scale.percentiles,
    "search": scale.search_term,
    "search-nothing": scale.search_nothing,
    "neighbours": scale.neighbours,
    "declared": scale.declared,
    "groups": scale.groups,
    "duplicates": scale.duplicates,
    "nearby": scale.nearby,
    "logs": scale.logs,
    "brief": scale.brief,
    "counts": counts.counts,
    "analytics": scale.analytics,
    "konektor": faces.konektor,
    "export": exports.rate,
    "export-memory": exports.memory,
    "edge": cpu.edge,
    "keys": cpu.keys,
    "create-pays": cpu.looks,
    "bytes": answers.sizes,
    "tokens": answers.tokens,
    "entries": disk.entries,
    "start": processes.start,
    "idle": processes.idle,
    "waiting": waiting.waiting,
    "creates": limits.creates,
    "creates-key": limits.creates_with_key,
    "tail": tail.tail,
    "batch": batches.cost,
    "batch-others": batches.others,
    "by-filter": by_filter.by_filter,
    "scoring-run": scoring.scoring_run,
    "declared-fill": filling.declared_fill,
    "import": imports.imports,
    "import-others": imports.others,
    "export-others": exports.others,
    "klozeo": faces.klozeo,
    "webhooks": webhooks.webhooks,
    "backup": commands.backup,
    "examinations": commands.examinations,
    "slow-flush": limits.slow_flush,
    "creates-large": scale.creates,
    "activities": activities.activities,
    "load": limits.loading,
    "postgres": postgres.beside_a_folder,
    "postgres-two": postgres.two_processes,
    "postgres-shares": postgres.two_shares,
    "postgres-large": postgres.percentiles,
    "datasette": peers.datasette,
    "json-server": peers.json_server,
    "memory": processes.memory,
    "database": disk.database,
}
PEERS = ("datasette", "json-server")


def run(plan: Plan, chosen: list[str]) -> Report:
    """Return what the chosen rows found; one that cannot be measured is a line that says why."""
    report = Report()
    with run_folder() as folder:
        lab = Lab(plan, folder)
        report.facts.append(machine(lab))
        try:
            for name in chosen:
                started = time.perf_counter()
                try:
                    if name in PEERS and not plan.peers:
                        raise Skip("peers are left out")
                    report.lines += ROWS[name](lab)
                except Skip as reason:
                    report.skipped.append((name, str(reason)))
                except Exception as error:  # one row that fails leaves the others their chance
                    report.broken.append((name, f"{type(error).__name__}: {error}"))
                say(f"row {name} took {time.perf_counter() - started:.0f} s")
            report.noise = lab.kept.get("noise")
        finally:
            lab.stop()
    return report


def machine(lab: Lab) -> str:
    cores = f"server on core {SERVER_CORE}, loader on core {LOADER_CORE}" if SERVER_CORE is not None else "not pinned"
    now = time.strftime("%Y-%m-%d %H:%M", time.gmtime())
    load = os.getloadavg()[0]
    return (
        f"{now} UTC, {platform.machine()}, {os.cpu_count()} cores, {cores}, Python {platform.python_version()}, "
        f"loader: {lab.loader}, load average at the start {load:.1f}"
    )


def planned(arguments: list[str]) -> tuple[Plan, list[str], bool]:
    parser = argparse.ArgumentParser(prog="python -m bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", nargs="+", choices=ROWS, metavar="ROW", help=f"of {', '.join(ROWS)}; else all")
    parser.add_argument("--rounds", type=int, help=f"rounds of each row (default {Plan.rounds})")
    parser.add_argument(
        "--seconds", type=float, help=f"seconds of each round (default {Plan.seconds}), of writes {WRITING} times that"
    )
    parser.add_argument(
        "--sizes",
        type=lambda text: tuple(sorted(int(one) for one in text.replace("_", "").split(","))),
        help=f"contacts of the small, usual and large data set; {LARGE} is used unasked only if it is made already",
    )
    parser.add_argument("--loader", choices=("auto", "wrk", "own"), default="auto", help="default: wrk if it is there")
    parser.add_argument("--load", type=int, default=100_000, help="contacts that rows load and import (default 100000)")
    parser.add_argument("--no-peers", action="store_true", help="leave out Datasette and json-server")
    parser.add_argument("--quick", action="store_true", help="a first look: 3 short rounds, no large data, no peers")
    parser.add_argument("--markdown", action="store_true", help="print the table once more as Markdown")
    asked = parser.parse_args(arguments)
    sizes = asked.sizes
    if sizes is None:
        sizes = (SMALL, USUAL)
        if is_made(LARGE) and not asked.quick:
            sizes += (LARGE,)
    elif len(sizes) == 1:  # --sizes 1000000: that one beside the default ones
        sizes = tuple(sorted({SMALL, USUAL, *sizes}))
    plan = Plan(
        rounds=asked.rounds or (3 if asked.quick else Plan.rounds),
        seconds=asked.seconds or (0.8 if asked.quick else Plan.seconds),
        sizes=sizes,
        loader=asked.loader,
        load=min(asked.load, 4_000) if asked.quick else asked.load,
        peers=not (asked.no_peers or asked.quick),
    )
    return plan, asked.rows or list(ROWS), asked.markdown


def main() -> None:
    plan, chosen, as_markdown = planned(sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers and copies go with the run
    started = time.perf_counter()
    report = run(plan, chosen)
    print(report.text())
    if as_markdown:
        print(f"\n{report.markdown()}")
    print(f"\n{len(chosen)} rows in {time.perf_counter() - started:.0f} s")
    if report.broken:
        sys.exit(1)


if __name__ == "__main__":
    main()
