"""The rows about what things cost: the edge in process, bytes and tokens of answers, memory and time of a start."""

import json
import re
import statistics
import subprocess
import sys
from typing import Any

from bench import servers
from bench.lab import Lab
from bench.load import Broken
from bench.report import Line
from bench.rows import LISTED
from bench.servers import ROOT, SERVER_CORE, pinned
from bench.shapes import klozeo, konektor

JSON = "application/json"
CALLS = 4_000  # in each round of the row in process


def edge(lab: Lab) -> list[Line]:
    calls = max(160, int(CALLS * min(1.0, lab.plan.seconds)))
    command = [sys.executable, "-m", "bench.inside", str(lab.plan.rounds), str(calls)]
    started = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with pinned(started, SERVER_CORE) as process:
        printed, errors = process.communicate()
    if process.returncode:
        raise Broken(errors.decode(errors="replace").strip().splitlines()[-1])
    rounds = json.loads(printed)
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


def sizes(lab: Lab) -> list[Line]:
    made, server = lab.data(lab.usual), lab.product(lab.usual)
    ids = lab.drawn(made, "id", most=50)
    whole = (server.get(LISTED, made.token), server.get(LISTED, made.token, JSON))
    each = [(server.get(f"/contacts/{id}", made.token), server.get(f"/contacts/{id}", made.token, JSON)) for id in ids]
    items = json.loads(whole[1])["items"]
    full = [json.loads(as_json) for _, as_json in each]
    lab.kept["answers"] = {
        "list of 50": (*whole, konektor(items), klozeo(items)),
        "one, 50 of them": (b"".join(a for a, _ in each), b"".join(b for _, b in each), *_each(full)),
    }
    return [
        Line(
            "bytes of text, list of 50",
            "bytes of JSON",
            [len(whole[0]) / len(whole[1])],
            0.60,
            0.50,
            at_most=True,
            absolute=f"{len(whole[0]):,} and {len(whole[1]):,} bytes",
        ),
        Line(
            "bytes of text, one",
            "bytes of JSON",
            [statistics.median(len(a) / len(b) for a, b in each)],
            0.90,
            0.80,
            at_most=True,
            absolute=f"{len(each[0][0]):,} and {len(each[0][1]):,} bytes, of the first of {len(each)}",
        ),
    ]


def _each(records: list[dict[str, Any]]) -> tuple[bytes, bytes]:
    return b"".join(konektor(one) for one in records), b"".join(klozeo(one) for one in records)


def answers(lab: Lab) -> list[str]:
    """Return bytes and tokens of the same answers in four forms."""
    count, unit = _counter()
    facts = []
    if unit == "pieces" and "answers" in lab.kept:
        facts.append(
            f"no tiktoken with its vocabulary here: answers are counted in {unit} that its splitting would give"
        )
    for what, forms in lab.kept.get("answers", {}).items():
        told = [
            f"{name} {len(form):,} bytes, {count(form.decode()):,} {unit}"
            for name, form in zip(("text", "JSON", "in Konektor's JSON", "in Klozeo's JSON"), forms, strict=True)
        ]
        facts.append(f"answer, {what}: {'; '.join(told)}")
    return facts


_PIECE = re.compile(r" ?[A-Za-z\u00c0-\uffff]+| ?[0-9]{1,3}| ?[^\sA-Za-z0-9\u00c0-\uffff]+|\s+")


def _counter() -> tuple[Any, str]:
    try:
        import tiktoken

        encoding = tiktoken.get_encoding("o200k_base")
    except Exception:  # not installed, or its vocabulary cannot be fetched
        return lambda text: len(_PIECE.findall(text)), "pieces"
    return lambda text: len(encoding.encode(text)), "tokens (o200k_base)"


def start(lab: Lab) -> list[Line]:
    """Start crmkit and the bare application in turn, without data, and look at both before anything is asked."""
    seconds, memory = [], []
    for number in range(lab.plan.rounds):
        folder = lab.folder / f"idle-{number}"
        pair = [
            servers.product("crmkit idle", folder, lab.log("idle")),
            servers.reference("bare", lab.log("bare idle")),
        ]
        seconds.append([server.seconds for server in pair])
        memory.append([server.memory().get("Pss", 0.0) for server in pair])
        for server in pair:
            server.stop()
    found = []
    if all(bare for _, bare in memory):
        ours, bare = (statistics.median(column) for column in zip(*memory, strict=True))
        ratios = [a / b for a, b in memory]
        absolute = f"PSS {ours:.1f} MB and {bare:.1f} MB, nothing asked yet"
        found.append(Line("idle memory (PSS)", "bare Litestar", ratios, 1.3, 1.1, at_most=True, absolute=absolute))
    ours, bare = (statistics.median(column) for column in zip(*seconds, strict=True))
    ratios = [a / b for a, b in seconds]
    absolute = f"{ours:.2f} s and {bare:.2f} s from the start of the process"
    found.append(Line("start to first answer", "bare Litestar", ratios, at_most=True, absolute=absolute))
    return found
