"""The rows about what things cost: the edge in process, answers in bytes and tokens, a start, memory, the disk."""

import compileall
import json
import statistics
import subprocess
import sys
from collections.abc import Callable

from bench import logged, servers
from bench.lab import Lab, Skip
from bench.load import Broken
from bench.report import Line
from bench.rows.requests import LISTED
from bench.servers import ROOT, SERVER_CORE, pinned
from bench.shapes import klozeo, konektor

JSON = "application/json"
CALLS = 4_000  # in each round of the row in process
WRITES = 2_000
VOCABULARY = "o200k_base"
BOUNDS = {"list of 50": (0.60, 0.50), "one": (0.90, 0.80)}  # must and aim of bytes beside our own JSON
ENTRIES = {"create": 461.44, "update": 301.0}  # bytes of an audit entry when nothing could be undone yet
UNTOLD = "needs /proc, which tells the memory of a process"


def _rounds(lab: Lab, module: str, calls: int) -> list[list[float]]:
    """Return what a module that measures in process printed of each round."""
    calls = max(160, int(calls * min(1.0, lab.plan.seconds)))
    command = [sys.executable, "-m", module, str(lab.plan.rounds), str(calls)]
    started = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with pinned(started, SERVER_CORE) as process:
        printed, errors = process.communicate()
    if process.returncode:
        raise Broken(errors.decode(errors="replace").strip().splitlines()[-1])
    rounds: list[list[float]] = json.loads(printed)
    return rounds


def keys(lab: Lab) -> list[Line]:
    rounds = _rounds(lab, "bench.keyed", WRITES)
    usual, keyed = (statistics.median(column) for column in zip(*rounds, strict=True))
    absolute = f"{keyed:.0f} us of CPU with a key, {usual:.0f} us without"
    ratios = [keyed / usual for usual, keyed in rounds]
    return [Line("create with a key, in process", "create", ratios, 1.10, 1.05, at_most=True, absolute=absolute)]


def looks(lab: Lab) -> list[Line]:
    """Compare creates that look for likely duplicates with those of a process in which that is replaced."""
    rounds = _rounds(lab, "bench.looked", WRITES)
    without, usual = (statistics.median(column) for column in zip(*rounds, strict=True))
    absolute = f"{usual:.0f} us of CPU with the look for likely duplicates, {without:.0f} us without"
    ratios = [usual / without for without, usual in rounds]
    return [Line("create, in process", "without the look", ratios, 1.10, at_most=True, absolute=absolute)]


def edge(lab: Lab) -> list[Line]:
    rounds = _rounds(lab, "bench.inside", CALLS)
    ratios = [(ours - alone) / usual for ours, alone, usual in rounds]
    ours, alone, usual = (statistics.median(column) for column in zip(*rounds, strict=True))
    absolute = (
        f"a ready answer {ours:.0f} us behind edge and gate, {alone:.0f} us alone; Litestar's text {usual:.0f} us"
    )
    return [
        Line(
            "auth, request id, log, limits, in process",
            "bare handler",
            ratios,
            0.6,
            0.4,
            at_most=True,
            absolute=absolute,
        )
    ]


def _answer(lab: Lab, path: str) -> dict[str, bytes]:
    """Return the answer to a GET in our two forms, and as two other CRMs would give the same contacts."""
    token, server = lab.data(lab.usual).token, lab.product(lab.usual)
    as_json = server.get(path, token, JSON)
    body = json.loads(as_json)
    found = body.get("items", body)
    forms = {"JSON": as_json, "Konektor's JSON": konektor(found), "Klozeo's JSON": klozeo(found)}
    return {"text": server.get(path, token), **forms}


def _answers(lab: Lab) -> dict[str, list[dict[str, bytes]]]:
    ids = lab.drawn(lab.data(lab.usual), "id", most=50)
    return {"list of 50": [_answer(lab, LISTED)], "one": [_answer(lab, f"/contacts/{id}") for id in ids]}


def _compared(lab: Lab, unit: str, count: Callable[[bytes], int], told: str = "") -> list[Line]:
    """Return our text beside each other form, one ratio for each answer."""
    lines = []
    for what, answers in _answers(lab).items():
        counted = [{form: count(body) for form, body in answer.items()} for answer in answers]
        ours = [answer.pop("text") for answer in counted]
        for form in counted[0]:
            theirs = [answer[form] for answer in counted]
            ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
            absolute = f"{statistics.median(ours):,.0f} {told or unit}, {statistics.median(theirs):,.0f} as {form}"
            names = f"{unit} of text, {what}", f"{unit} of {form}"
            must, aim = BOUNDS[what] if (unit, form) == ("bytes", "JSON") else (None, None)
            lines.append(Line(*names, ratios, must, aim, at_most=True, absolute=absolute))
    return lines


def sizes(lab: Lab) -> list[Line]:
    return _compared(lab, "bytes", len)


def tokens(lab: Lab) -> list[Line]:
    return _compared(lab, "tokens", counter(), f"tokens of {VOCABULARY}")


def counter() -> Callable[[bytes], int]:
    """Return what counts the tokens of a text in UTF-8."""
    try:
        from bpe_openai import get_encoding
    except ImportError:
        raise Skip(f"needs bpe-openai, whose wheel carries the vocabulary {VOCABULARY}") from None
    encoding = get_encoding(VOCABULARY)
    return lambda text: len(encoding.encode_ordinary(text.decode()))


def _starts(lab: Lab) -> list[tuple[float, ...]]:
    """Return for each round the seconds that crmkit without data and the bare application took to start, and the MB
    (PSS) that they held before anything was asked: 0 where the kernel does not tell."""
    if "starts" not in lab.kept:
        compileall.compile_dir(ROOT / "crmkit", quiet=2)  # as pip leaves what it installs
        lab.kept["starts"] = [_started(lab, number) for number in range(lab.plan.rounds)]
    found: list[tuple[float, ...]] = lab.kept["starts"]
    return found


def _started(lab: Lab, number: int) -> tuple[float, ...]:
    ours = servers.product("crmkit idle", lab.folder / f"idle-{number}", lab.log("idle"))
    bare = servers.reference("bare", lab.log("bare idle"))
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


def entries(lab: Lab) -> list[Line]:
    found = logged.bytes_per_entry()
    return [
        Line(
            f"bytes of an audit entry, contact.{verb}",
            "when nothing could be undone",
            [found[verb] / before],
            1.1,
            1.0,
            at_most=True,
            absolute=f"{found[verb]:.0f} and {before:.0f} bytes of values in the row and in indexes",
        )
        for verb, before in ENTRIES.items()
    ]


def database(lab: Lab) -> list[Line]:
    """Compare what a contact adds to a large database file and to a small one, as the data sets were made."""
    small, usual, large = lab.small, lab.usual, lab.large
    files = [lab.bytes(size) for size in (small, usual, large)]
    first, second = (files[1] - files[0]) / (usual - small), (files[2] - files[1]) / (large - usual)
    absolute = (
        f"{second:,.0f} and {first:,.0f} bytes, with a contact's share of companies (0.05), deals (0.1), "
        f"activities (1), audit (2.3 entries), indexes and search"
    )
    what = f"database bytes a contact between {usual:,} and {large:,}"
    return [Line(what, f"between {small:,} and {usual:,}", [second / first], at_most=True, absolute=absolute)]
