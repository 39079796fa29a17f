"""The rows that compare crmkit with its limits on the usual data set: reads, creates, loading."""

import statistics
import subprocess
from dataclasses import replace

from bench.lab import Lab, Shot, Skip
from bench.load.generators import SERIAL_TEXT, Broken
from bench.references import commit
from bench.report import Line
from bench.rows.requests import AT_ONCE, CREATING, LISTED, cpu, creating, listed, middle, one_by_id, rates
from bench.servers import processes
from crmkit import boot
from crmkit.settings import load


def bare(lab: Lab, connections: int = AT_ONCE) -> Shot:
    return Shot(lab.reference("bare"), lab.requests("bare", ["GET /"]), connections)


def _place(lab: Lab) -> dict[str, str]:
    made = lab.data(lab.usual)
    return {"BENCH_DATABASE": str(lab.file_of(lab.product(lab.usual))), "BENCH_WORKSPACE": lab.workspace(made)}


def get_one(lab: Lab) -> list[Line]:
    ours = one_by_id(lab, lab.usual)
    floor = Shot(lab.reference("floor", _place(lab)), ours.requests, AT_ONCE)
    path = ours.requests.read_text().split()[1]
    expect_same(ours.server.get(path, ours.token), floor.server.get(path))
    found, bared, floored, again = lab.rounds(ours, bare(lab), floor, ours)
    lab.kept["noise"] = Line("GET one by id against itself", "", rates(again, found))
    both = f"crmkit {middle(found)}; bare {middle(bared)}"
    return [
        Line("GET one by id", "bare Litestar", rates(found, bared), 0.60, 0.75, absolute=both, cpu=cpu(found, bared)),
        Line(
            "GET one by id",
            "floor: one read and rendering",
            rates(found, floored),
            0.75,
            0.90,
            absolute=f"floor {middle(floored)}",
            cpu=cpu(found, floored),
        ),
    ]


def list_of_50(lab: Lab) -> list[Line]:
    ours = listed(lab, lab.usual)
    text = ours.server.get(LISTED, ours.token)
    cursor = text.decode().rpartition("# next: ")[2].strip()
    plain = Shot(lab.reference("plain", {**_place(lab), "BENCH_CURSOR": cursor}), ours.requests, AT_ONCE)
    expect_same(text, plain.server.get(LISTED))
    found, theirs = lab.rounds(ours, plain)
    absolute = f"crmkit {middle(found)}; plain {middle(theirs)}"
    return [
        Line(
            "list of 50, sorted, filtered",
            "plain ASGI, sqlite3",
            rates(found, theirs),
            0.65,
            0.80,
            absolute=absolute,
            cpu=cpu(found, theirs),
        )
    ]


def list_in_json(lab: Lab) -> list[Line]:
    """Lists with all fields, as JSON has them unless it is asked for some, beside text with those of list lines."""
    as_text = listed(lab, lab.usual)
    as_json = Shot(as_text.server, lab.requests("json", [f"GET {LISTED}&format=json"]), AT_ONCE, as_text.token)
    found, usual = lab.rounds(as_json, as_text)
    return [
        Line(
            "time of a list of 50 as JSON",
            "as text",
            rates(usual, found),
            1.2,
            1.1,
            at_most=True,
            absolute=f"JSON {middle(found)}; text {middle(usual)}",
            cpu=cpu(usual, found),
        )
    ]


def expect_same(ours: bytes, theirs: bytes) -> None:
    if ours != theirs:
        pairs = zip(ours.splitlines(), theirs.splitlines(), strict=False)
        differing = next((pair for pair in pairs if pair[0] != pair[1]), (ours[-80:], theirs[-80:]))
        raise Broken(f"the reference gives another text: {differing}")


def total(lab: Lab) -> list[Line]:
    first = listed(lab, lab.usual)
    text = first.server.get(LISTED, first.token)
    cursor = text.decode().rpartition("# next: ")[2].strip()
    if b"# total: " not in text or not cursor:
        raise Skip("the list has no total or no second page")
    second = Shot(first.server, lab.requests("second-page", [f"GET {LISTED}&cursor={cursor}"]), AT_ONCE, first.token)
    with_total, without = lab.rounds(first, second)
    absolute = f"first page {middle(with_total)}; second page {middle(without)}"
    return [
        Line(
            "list of 50 with its total",
            "the next page, without",
            rates(with_total, without),
            0.80,
            0.95,
            absolute=absolute,
            cpu=cpu(with_total, without),
        )
    ]


def creates(lab: Lab) -> list[Line]:
    made = lab.data(lab.usual)
    ours = creating(lab, lab.product(lab.usual), made.token)
    taking = lab.requests("taken", [line.replace("/contacts", "/", 1) for line in lab.creates.read_text().splitlines()])
    simple = Shot(lab.reference("bare"), taking, CREATING)
    limits: list[float] = []
    with commit.limit(lab, made) as limit:
        found, bared = lab.rounds(ours, simple, each=lambda number: limits.append(limit(number)))
    bounds = [1 / (1 / b.rate + 1 / limit) for b, limit in zip(bared, limits, strict=True)]
    ratios = [a.rate / bound for a, bound in zip(found, bounds, strict=True)]
    absolute = (
        f"crmkit {middle(found)}; bare POST {middle(bared)}; the statements alone {statistics.median(limits):,.0f}/s "
        f"in groups of {commit.GROUP}, texts indexed; bound {statistics.median(bounds):,.0f}/s"
    )
    least = [(b.us + 1e6 / limit) / a.us for a, b, limit in zip(found, bared, limits, strict=True) if a.us and b.us]
    by_cpu = statistics.median(least) if least else None
    return [
        Line(
            "creates/s, 64 connections", "HTTP + group commit limit", ratios, 0.50, 0.70, absolute=absolute, cpu=by_cpu
        )
    ]


def creates_with_key(lab: Lab) -> list[Line]:
    """Compare creates under a key of their own, over HTTP, with those without."""
    usual = creating(lab, lab.product(lab.usual), lab.data(lab.usual).token)
    keyed, bare = lab.rounds(replace(usual, key=f"8c2f1a5e-6f1c-4b0e-9d5a-{SERIAL_TEXT}"), usual)
    absolute = f"with a key {middle(keyed)}; without {middle(bare)}"
    ratios = rates(keyed, bare)
    return [Line("creates/s with a key", "without", ratios, 0.90, 0.95, absolute=absolute, cpu=cpu(keyed, bare))]


def slow_flush(lab: Lab) -> list[Line]:
    made = lab.data(lab.usual)
    source, shim = processes.ROOT / "bench" / "servers" / "slowsync.c", lab.folder / "slowsync.so"
    try:
        command = ["cc", "-shared", "-fPIC", "-O1", "-o", str(shim), str(source), "-ldl"]
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Skip(f"no shim without a C compiler ({error})") from None
    slow = lab.product(lab.usual, kind="slow flush", environ={"LD_PRELOAD": str(shim)})
    slower, usual = lab.rounds(creating(lab, slow, made.token), creating(lab, lab.product(lab.usual), made.token))
    absolute = f"slow {middle(slower)}; usual {middle(usual)}"
    return [
        Line(
            "creates/s, each flush 1 ms slower", "without the shim", rates(slower, usual), 0.80, 0.90, absolute=absolute
        )
    ]


def loading(lab: Lab) -> list[Line]:
    made = lab.data(lab.usual)
    usual = creating(lab, lab.product(lab.usual), made.token)
    folder = lab.folder / "loaded"
    token = boot.operator_token(load(environ={"CRMKIT_SERVER_DATA": str(folder)}), "bench@example.com", "bench").token
    empty = lab.keep("crmkit empty", processes.product("crmkit empty", folder, lab.log("empty")))
    shot = Shot(empty, lab.creates, AT_ONCE, token, writes=True)
    lab.warm(usual)
    times = min(2, lab.plan.rounds)
    before = [lab.fire(usual) for _ in range(times)]
    loaded = lab.fire(shot, count=lab.plan.load)
    after = [lab.fire(usual) for _ in range(times)]
    ratios = [loaded.rate / result.rate for result in (*before, *after)]
    absolute = f"{lab.plan.load:,} contacts in {loaded.seconds:.1f} s by the own loader: {middle([loaded])}"
    what = f"loading {lab.plan.load:,} contacts, 16 clients"
    return [Line(what, "creates/s above, before and after", ratios, 0.95, 1.0, absolute=absolute)]
