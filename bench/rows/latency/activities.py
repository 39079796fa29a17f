"""The rows of writes to activities: what a contact shows of them is right after each, at no cost that grows."""

import time
from contextlib import closing

from bench.lab import Lab, Shot
from bench.load.generators import SERIAL_TEXT, Broken, Result
from bench.report import Line
from bench.rows.requests import AT_ONCE, cpu, middle
from crmkit.clock import stamp, system_clock
from crmkit.core import followed
from crmkit.records.activity import CONTACTS
from crmkit.storage.sqlite.engine.connection import connect

# one request for each contact, about its newest activity where it names one
ASKED = {
    "log": f'POST /contacts/{{contact}}/activities {{"kind":"call","body":"Rang 1{SERIAL_TEXT}"}}',
    "change": f'PATCH /activities/{{newest}} {{"occurred_at":"2020-01-01T09:00:00Z","body":"Rang 1{SERIAL_TEXT}"}}',
    "delete": "DELETE /activities/{newest}",
}
_NEWEST = "SELECT id FROM activities WHERE workspace_id = ? AND contact_id = ? ORDER BY occurred_at DESC, id LIMIT 1"
_LOGGED = "FROM activities AS a WHERE a.workspace_id = c.workspace_id AND a.contact_id = c.id"
_WRONG = (
    "SELECT id FROM contacts AS c WHERE workspace_id = ? AND id = ? AND (last_contacted_at IS NOT "
    f"(SELECT max(occurred_at) {_LOGGED} AND a.kind IN {CONTACTS}) OR "
    f"coalesce(last_interaction_at, '') < (SELECT max(created_at) {_LOGGED}))"
)


def activities(lab: Lab) -> list[Line]:
    """Log an activity on each of some contacts, then change and delete the newest: the one before it is looked for."""
    for size in (lab.large, lab.small):
        with closing(connect(lab.file_of(lab.product(size)), False)) as connection:
            while followed.is_due(connection, stamp(system_clock())):  # the data was made with some dated ahead
                time.sleep(0.2)
    return [_line(lab, what) for what in ASKED]


def _line(lab: Lab, what: str) -> Line:
    found: dict[int, list[Result]] = {lab.large: [], lab.small: []}
    for number in range(lab.plan.rounds + 1):
        for size in list(found)[:: 1 if number % 2 else -1]:
            result = _round(lab, size, what)
            if number:  # the first is the warm-up
                found[size].append(result)
    large, small = found.values()
    return Line(
        f"{what} an activity at {lab.large:,}, p50, {AT_ONCE} clients",
        f"at {lab.small:,}",
        [a.p50 / b.p50 for a, b in zip(large, small, strict=True)],
        1.5,
        1.1,
        at_most=True,
        absolute=f"large {middle(large)}; small {middle(small)}",
        cpu=cpu(small, large),
    )


def _round(lab: Lab, size: int, what: str) -> Result:
    """Return what one request for each of some contacts comes to. Raises Broken where they show what is wrong then."""
    made, server = lab.data(size), lab.product(size)
    contacts, workspace = lab.drawn(made, "id"), lab.workspace(made)
    with closing(connect(lab.file_of(server), False)) as connection:
        newest = {id: connection.execute(_NEWEST, (workspace, id)).fetchone() for id in contacts}
        lines = [
            ASKED[what].replace("{contact}", id).replace("{newest}", row[0] if row else "")
            for id, row in newest.items()
            if row or what == "log"
        ]
        shot = Shot(server, lab.requests(f"{what}-{size}", lines), AT_ONCE, made.token, writes=True)
        result = lab.fire(shot, count=len(lines))
        wrong = [id for id in contacts if connection.execute(_WRONG, (workspace, id)).fetchone()]
    if wrong:
        raise Broken(f"{what}: {len(wrong)} of {len(contacts)} contacts, {wrong[0]} too, show no newest activity")
    return result
