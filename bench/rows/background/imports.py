"""The rows of an import: its time beside that of batches of the same rows, its memory, and what others notice of it."""

import csv
import io
import json
import random
import time
from typing import Any

import msgspec

from bench.data.drawn import Drawn, another
from bench.lab import Lab, Shot, Skip
from bench.load.generators import Broken, Result
from bench.report import Line
from bench.rows.background.jobs import asked, others_wait
from bench.rows.requests import AT_ONCE
from bench.servers.processes import Server

BATCH = 1_000
FIELDS = ("name", "email", "phone", "city", "country", "title", "notes")
LOOK_SECONDS = 2.0
MOST_SECONDS = 1_800  # until an import has ended
MOST_ROWS = 1_600_000  # of an import beside which others are measured
FEW = 1 / 5  # of the rows, after which memory is flat


def imports(lab: Lab) -> list[Line]:
    """Compare an import of a CSV file with batches of the same rows, each on a server of its own."""
    seconds, batches, grown = list[float](), list[float](), list[float]()
    count, few_rows, told = lab.plan.load, int(FEW * lab.plan.load), ""
    for number in range(lab.plan.rounds):
        made = lab.data(lab.usual)
        rows = _rows(count, f"r{number}")
        by_batch, by_file = (lab.product(lab.usual, kind=f"import {way} {number}") for way in ("batch", "file"))
        batches.append(_batches(by_batch, made.token, rows))
        before = by_file.memory().get("Pss", 0.0)
        started = _started(by_file, made.token, rows[:few_rows])
        _ended(by_file, made.token, started[0])
        few = by_file.memory().get("Pss", 0.0)
        id, began = _started(by_file, made.token, _rows(count, f"s{number}"))
        _ended(by_file, made.token, id)
        seconds.append(time.perf_counter() - began)
        many = by_file.memory().get("Pss", 0.0)
        grown.append(max(0.0, many - few))
        told = (
            f"{count / seconds[-1]:,.0f} rows a second, in batches {count / batches[-1]:,.0f}; memory {before:.0f} MB "
        )
        told += f"before, {few:.0f} MB after {few_rows:,} rows, {many:.0f} MB after {count:,} more"
    ratios = [ours / theirs for ours, theirs in zip(seconds, batches, strict=True)]
    return [
        Line(f"import of {count:,} rows of CSV", f"batches of {BATCH:,} of them", ratios, 1.3, 1.0, True, told),
        Line(f"memory of {count:,} more rows of an import", "64 MB", [mb / 64 for mb in grown], 1.0, 0.5, True),
    ]


def others(lab: Lab) -> list[Line]:
    """Tell what others' creates take longer while a file is imported."""
    made = lab.data(lab.usual)
    server = lab.product(lab.usual, kind="import beside others")
    shot = Shot(server, lab.creates, AT_ONCE, made.token, writes=True)
    lab.warm(shot)
    calm = [lab.fire(shot) for _ in range(lab.plan.rounds)]
    disturbed, count = list[Result](), lab.plan.load
    while len(disturbed) < lab.plan.rounds:
        id, _ = _started(server, made.token, _rows(count, f"o{len(disturbed)}of{count}"))
        result = lab.fire(shot)
        if _standing(server, made.token, id)["state"] == "running":  # it lasted as long as the measurement
            disturbed.append(result)
            asked(server, made.token, "DELETE", f"/imports/{id}")
        elif (count := 2 * count) > MOST_ROWS:
            raise Skip(f"{MOST_ROWS:,} rows are imported before the others are measured")
    return [others_wait(lab, "import", disturbed, calm)]


def _rows(count: int, word: str) -> list[dict[str, Any]]:
    """Return so many contacts that were never there."""
    drawn = Drawn(random.Random(12), 10**9)
    bodies = [another(drawn.contact(number, None), f"{word}{number}") for number in range(3, count + 3)]
    return [{name: body[name] for name in FIELDS if body.get(name)} for body in bodies]


def _batches(server: Server, token: str, rows: list[dict[str, Any]]) -> float:
    bodies = [msgspec.json.encode(rows[start:][:BATCH]).decode() for start in range(0, len(rows), BATCH)]
    began = time.perf_counter()
    for body in bodies:
        server.post("/contacts/batch", token, body)
    return time.perf_counter() - began


def _started(server: Server, token: str, rows: list[dict[str, Any]]) -> tuple[str, float]:
    """Return the id of an import that runs, and when it was sent."""
    text = io.StringIO()
    writer = csv.DictWriter(text, FIELDS)
    writer.writeheader()
    writer.writerows(rows)
    began = time.perf_counter()
    answer = server.post("/import?kind=contacts&start=1&format=json", token, text.getvalue())
    return json.loads(answer)["id"], began


def _ended(server: Server, token: str, id: str) -> None:
    deadline = time.monotonic() + MOST_SECONDS
    while (found := _standing(server, token, id))["state"] == "running":
        if time.monotonic() > deadline:
            raise Broken("the import does not end")
        time.sleep(LOOK_SECONDS)
    if found["state"] != "done" or found["refused"]:
        raise Broken(f"the import ended otherwise: {found['state']}, {found['refused']} refused")


def _standing(server: Server, token: str, id: str) -> Any:
    return asked(server, token, "GET", f"/imports/{id}?limit=0")
