"""The row of a declared key that is filled in from the records there are: what others notice of that job."""

import json
import statistics
import time
from contextlib import closing

from bench.lab import WRITING, Lab, Shot, Skip
from bench.load.generators import Broken, Result, fire
from bench.report import Line
from bench.rows.background.jobs import asked, others_wait
from bench.rows.requests import AT_ONCE
from bench.servers.processes import Server
from crmkit.core.declared.indexing import FILL
from crmkit.storage.interface.workspace import within
from crmkit.storage.sqlite.engine.connection import connect

KEY = {"kind": "contact", "key": "size", "type": "number"}  # which two contacts of five have


def declared_fill(lab: Lab) -> list[Line]:
    """Compare creates while the key is filled in, which outlasts them, with those that are undisturbed."""
    made = lab.data(lab.usual)
    server = lab.product(lab.usual, kind="declared fill")
    others = Shot(server, lab.creates, AT_ONCE, made.token, writes=True)
    lab.warm(others)
    calm, disturbed, rates = list[Result](), list[Result](), list[float]()
    for _ in range(lab.plan.rounds):
        calm.append(lab.fire(others))
        path = f"/fields/{asked(server, made.token, 'POST', '/fields', KEY)['id']}"
        began, before = time.perf_counter(), reached(lab, server)
        disturbed.append(fire(others, lab.plan.seconds * WRITING, lab.loader))
        rates.append((reached(lab, server) - before) / (time.perf_counter() - began))
        if asked(server, made.token, "GET", path)["state"] != "building":
            raise Skip("needs more records: the key was filled in before a round had ended")
        asked(server, made.token, "DELETE", path)
        server.settle()  # with what was filled in deleted
    if not all(rates):
        raise Broken("the job does not fill in")
    told = f"; the job looked at {statistics.median(rates):,.0f} records a second beside them"
    return [others_wait(lab, "declared key filled in", disturbed, calm, told)]


def reached(lab: Lab, server: Server) -> int:
    """Return the number of the last record that the newest job looked at, 0 where it has not begun."""
    with closing(connect(lab.file_of(server), False)) as connection:
        sql = "SELECT position FROM jobs WHERE kind = ? ORDER BY seq DESC LIMIT 1"
        (position,) = connection.execute(sql, (FILL,)).fetchone()
    return within(json.loads(position) or 0)
