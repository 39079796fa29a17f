"""Two workspaces: every id of one, in every place of the API that the other can send it to, over HTTP and MCP."""

from collections.abc import AsyncGenerator, Iterator

from attack import report
from attack.client import Answer
from attack.lab import Lab
from attack.places import Place, places
from attack.report import Row
from attack.stands import Stand, blotted, described, furnished, over_mcp, shown
from crmkit import ids
from crmkit.boot import KINDS

CANARY = "zebracanary"
FACES = ("application/json", "text/plain", "mcp")
LEAST_PLACES = 300  # fewer mean that the description of the API was not understood


async def campaign(lab: Lab) -> AsyncGenerator[Row, None]:
    """Yield in how many places a foreign id is answered otherwise than one that never existed."""
    served = await lab.start()
    victim = await furnished(served, await served.sign_in("victim@example.com"), CANARY)
    charlie = await furnished(served, await served.sign_in("charlie@example.com"), "charlie")
    known = await described(charlie.client)
    tried = list(places(known))
    before = await shown(victim.client, known, victim.ids)
    told_apart: list[str] = []
    seen = requests = 0
    for number, place in enumerate(tried):
        for prefix, face in aims(place, number, lab.is_long):
            answers = [await ask(charlie, place, id, face) for id in (victim.ids[prefix], ids.mint(prefix))]
            foreign, unknown = (answer for answer, _ in answers)
            requests += 2
            seen += CANARY in foreign.text.lower()
            refused = foreign.status >= 400 or face == "mcp" or place.where == "query"
            if answers[0][1] != answers[1][1] or not refused:
                told_apart.append(f"{place.named} {prefix}: {foreign.status}, {unknown.status}")
    size = f"{len(tried)} places, {requests:,} requests"
    yield report.exactly("places that take ids, enough of them", size, len(tried) >= LEAST_PLACES, True)
    yield report.exactly("foreign ids told apart from invented ones", size, told_apart[:3], [])
    yield report.exactly("answers with the other's texts", size, seen, 0)
    after = await shown(victim.client, known, victim.ids)
    changed = [path for path in before if before[path] != after[path]]
    yield report.exactly("what the other reads has changed", f"{len(before)} paths", changed[:3], [])
    # the same requests with an id of one's own are done: so the id was what was wrong
    own = [place for place in tried if place.where == "path" and place.method in ("GET", "PATCH")]
    failed = [
        place.named
        for place in own
        if (await ask(charlie, place, charlie.ids[place.prefix], FACES[0]))[0].status != 200
    ]
    yield report.exactly("the same with one's own id, not done", f"{len(own)} places", failed[:3], [])
    yield report.exactly("tracebacks", size, served.tracebacks(), 0)


def aims(place: Place, number: int, is_long: bool) -> Iterator[tuple[str, str]]:
    """Yield (prefix, face): an id of the right kind over every face, of each other kind over one in turn.

    The short form tries a quarter of the other kinds in each place.
    """
    for turn, prefix in enumerate(KINDS.prefixes, number):
        if is_long or prefix == place.prefix:
            yield from ((prefix, face) for face in FACES)
        elif turn % 4 == 0:
            yield prefix, FACES[turn % len(FACES)]


async def ask(stand: Stand, place: Place, id: str, face: str) -> tuple[Answer, tuple[int, str]]:
    """Return the answer to someone who puts an id in a place, and what of it can be compared."""
    method, path, body = place.filled(id, stand.ids)
    if face == "mcp":
        answer = await over_mcp(stand.client, method, path, body)
    else:
        answer = await stand.client.ask(method, path, body, face)
    return answer, blotted(answer, id)
