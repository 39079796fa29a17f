"""The rows that compare a large data set with a small one: percentiles, creates, search, neighbours, logs."""

import time
from collections.abc import Callable, Sequence
from urllib.parse import quote_plus

from bench.data.drawn import TOWNS
from bench.lab import Lab, Shot, Skip
from bench.load.generators import Broken, Result
from bench.report import Line
from bench.rows.requests import AT_ONCE, LISTED, cpu, creating, listed, middle, one_by_id, rates
from bench.servers.processes import Server

Maker = Callable[[Lab, int], Shot]


def _by(name: str, over: Sequence[Result], under: Sequence[Result]) -> list[float]:
    return [getattr(a, name) / getattr(b, name) for a, b in zip(over, under, strict=True)]


def searched(lab: Lab, size: int, server: Server | None = None) -> Shot:
    """Half of the searches are for the frequent term, half for the name of someone."""
    made = lab.data(size)
    lines = []
    for name in lab.drawn(made, "name", most=200):
        lines += [f"GET /contacts?search={made.term}", f"GET /contacts?search={quote_plus(name)}"]
    return Shot(server or lab.product(size), lab.requests(f"search-{size}", lines), AT_ONCE, made.token)


def percentiles(lab: Lab) -> list[Line]:
    found = []
    for what, make in {"GET": one_by_id, "list": listed, "search": searched}.items():
        large, small = lab.rounds(make(lab, lab.large), make(lab, lab.small))
        found.append(
            Line(
                f"p99 of {what} at {lab.large:,}",
                f"at {lab.small:,}",
                _by("p99", large, small),
                2.0,
                1.3,
                at_most=True,
                absolute=f"large {middle(large)}; small {middle(small)}",
            )
        )
    return found


def creates(lab: Lab) -> list[Line]:
    shots = [creating(lab, lab.product(size), lab.data(size).token) for size in (lab.large, lab.small)]
    large, small = lab.rounds(*shots)
    absolute = f"large {middle(large)}; small {middle(small)}"
    return [
        Line(
            f"creates/s at {lab.large:,}",
            f"at {lab.small:,}",
            rates(large, small),
            0.70,
            0.90,
            absolute=absolute,
            cpu=cpu(large, small),
        )
    ]


def search_term(lab: Lab) -> list[Line]:
    made = lab.data(lab.large)
    file = lab.requests("term", [f"GET /contacts?search={made.term}"])
    search, one = lab.rounds(
        Shot(lab.product(lab.large), file, 1, made.token), one_by_id(lab, lab.large, connections=1)
    )
    absolute = f"search {middle(search)}; GET {middle(one)}"
    what = f"search of a 0.5 % term at {lab.large:,}, p50, 1 conn"
    return [
        Line(
            what,
            "GET one by id",
            _by("p50", search, one),
            5.0,
            3.0,
            at_most=True,
            absolute=absolute,
            cpu=cpu(one, search),
        )
    ]


def search_nothing(lab: Lab) -> list[Line]:
    """Searches for the names of people, with three letters put into each last name: so many typos are not forgiven."""
    made, product = lab.data(lab.large), lab.product(lab.large)
    names = lab.drawn(made, "name", most=200)
    halves = [(name, (len(name) + name.rfind(" ") + 1) // 2) for name in names]
    asked = {
        "search-hit": names,
        "search-nothing": [f"{name[:half]}qxq{name[half:]}" for name, half in halves],
    }
    paths = {what: [f"/contacts?search={quote_plus(text)}" for text in texts] for what, texts in asked.items()}
    for what, least, most in (("search-hit", 1, 50), ("search-nothing", 0, 0)):
        for path in paths[what]:
            finds = product.get(path, made.token).count(b"contact/")
            if not least <= finds <= most:
                raise Broken(f"{path} finds {finds} contacts")
    hit, nothing = lab.rounds(
        *(Shot(product, lab.requests(what, [f"GET {path}" for path in paths[what]]), 1, made.token) for what in paths)
    )
    return [
        Line(
            f"search that finds nothing at {lab.large:,}, p50, 1 conn",
            "search for a name",
            _by("p50", nothing, hit),
            6.0,
            3.0,
            at_most=True,
            absolute=f"nothing {middle(nothing)}; name {middle(hit)}",
            cpu=cpu(hit, nothing),
        )
    ]


def neighbours(lab: Lab) -> list[Line]:
    beside, alone = lab.data(lab.large), lab.data(lab.medium, alone=True)
    paths = {"search": f"/contacts?search={beside.term}", "list": LISTED}
    found = []
    for what, path in paths.items():
        file = lab.requests(f"neighbour-{what}", [f"GET {path}"])
        shots = [
            Shot(lab.product(lab.large), file, AT_ONCE, beside.medium_token),
            Shot(lab.product(lab.medium, alone=True), file, AT_ONCE, alone.token),
        ]
        finds = [shot.server.get(path, shot.token).count(b"contact/") for shot in shots]
        if min(finds) < 0.8 * max(finds) or not min(finds):
            raise Broken(f"{what} finds {finds[0]} contacts beside others and {finds[1]} alone")
        large, small = lab.rounds(*shots)
        found.append(
            Line(
                f"{what} in a workspace of {lab.medium:,} beside {lab.large:,}",
                "the same alone",
                _by("p50", large, small),
                1.5,
                1.1,
                at_most=True,
                absolute=f"beside {middle(large)}; alone {middle(small)}",
                cpu=cpu(small, large),
            )
        )
    return found


def logs(lab: Lab) -> list[Line]:
    def activities(size: int) -> list[str]:
        return [f"GET /contacts/{id}/activities" for id in lab.drawn(lab.data(size), "id")]

    kinds: dict[str, Callable[[int], list[str]]] = {
        "activities of one contact": activities,
        "reminders": lambda _: ["GET /reminders"],
        "reminders of one owner": lambda _: ["GET /reminders?owner=me"],
        "reminders of tasks": lambda _: ["GET /reminders?kind=task"],
        "audit page": lambda _: ["GET /audit?action=contact.create"],
    }
    found = []
    for what, lines in kinds.items():
        shots = [
            Shot(
                lab.product(size),
                lab.requests(f"{what.replace(' ', '-')}-{size}", lines(size)),
                AT_ONCE,
                lab.data(size).token,
            )
            for size in (lab.large, lab.small)
        ]
        large, small = lab.rounds(*shots)
        absolute = f"large {middle(large)}; small {middle(small)}"
        ratios = _by("p50", large, small)
        found.append(
            Line(
                f"{what} at {lab.large:,}",
                f"at {lab.small:,}",
                ratios,
                1.5,
                1.1,
                at_most=True,
                absolute=absolute,
                cpu=cpu(small, large),
            )
        )
    return found


# each on a declared key, beside the same on a field that has an index
DECLARED = {
    "filter": ("/contacts?custom.city=Oslo", "/contacts?stage=lead"),
    "sort": ("/contacts?sort=custom.size", "/contacts?sort=name"),
    "filter and sort": (
        "/contacts?custom.size=gte:2500&sort=custom.size",
        "/contacts?name=gte:m&sort=name",
    ),
}


def declared(lab: Lab) -> list[Line]:
    """Filters and sorts on declared keys, once their indexes are built, beside those on indexed fields."""
    made, server = lab.data(lab.large), lab.product(lab.large)
    for key, type in (("city", "text"), ("size", "number")):
        server.post("/fields", made.token, f'{{"kind":"contact","key":"{key}","type":"{type}"}}')
    while b"state=building" in server.get("/fields", made.token):
        time.sleep(0.2)
    found = []
    for what, paths in DECLARED.items():
        shots = [
            Shot(server, lab.requests(f"declared-{what.replace(' ', '-')}-{at}", [f"GET {path}"]), AT_ONCE, made.token)
            for at, path in enumerate(paths)
        ]
        ours, plain = lab.rounds(*shots)
        absolute = f"declared {middle(ours)}; field {middle(plain)}"
        found.append(
            Line(
                f"{what} on a declared key at {lab.large:,}, p50",
                "an indexed field",
                _by("p50", ours, plain),
                3.0,
                1.5,
                at_most=True,
                absolute=absolute,
                cpu=cpu(plain, ours),
            )
        )
    return found


def groups(lab: Lab) -> list[Line]:
    """A group of two filters that indexes know, beside the first of them alone."""
    made, server = lab.data(lab.large), lab.product(lab.large)
    paths = {"group": "/contacts?or.stage=lead&or.owner=ada@example.com", "one-filter": "/contacts?stage=lead"}
    files = [lab.requests(what, [f"GET {path}"]) for what, path in paths.items()]
    ours, one = lab.rounds(*(Shot(server, file, AT_ONCE, made.token) for file in files))
    return [
        Line(
            f"a group of two indexed filters at {lab.large:,}, p50",
            "one of them",
            _by("p50", ours, one),
            3.0,
            1.5,
            at_most=True,
            absolute=f"group {middle(ours)}; one {middle(one)}",
            cpu=cpu(one, ours),
        )
    ]


def brief(lab: Lab) -> list[Line]:
    made, server = lab.data(lab.large), lab.product(lab.large)
    file = lab.requests("brief", ["GET /brief"])
    ours, page = lab.rounds(Shot(server, file, AT_ONCE, made.token), listed(lab, lab.large))
    return [
        Line(
            f"GET /brief at {lab.large:,}, p50",
            "list of 50, sorted, filtered",
            _by("p50", ours, page),
            5.0,
            3.0,
            at_most=True,
            absolute=f"brief {middle(ours)}; list {middle(page)}",
            cpu=cpu(page, ours),
        )
    ]


def analytics(lab: Lab) -> list[Line]:
    """Figures of the month in which most deals were made, beside the first page of a list."""
    made, server = lab.data(lab.large), lab.product(lab.large)
    paths = {"analytics": "/analytics/summary?from=2024-12-15&to=2025-01-14", "analytics-list": LISTED}
    shots = [Shot(server, lab.requests(name, [f"GET {path}"]), 1, made.token) for name, path in paths.items()]
    ours, page = lab.rounds(*shots)
    return [
        Line(
            f"GET /analytics/summary of a month at {lab.large:,}, p50, 1 conn",
            "list of 50, sorted, filtered",
            _by("p50", ours, page),
            at_most=True,
            absolute=f"summary {middle(ours)}; list {middle(page)}",
            cpu=cpu(page, ours),
        )
    ]


def duplicates(lab: Lab) -> list[Line]:
    """The first page of the pairs that are likely one, beside the first page of a list."""
    made, server = lab.data(lab.large), lab.product(lab.large)
    shots = [
        Shot(server, lab.requests("duplicates", ["GET /duplicates"]), AT_ONCE, made.token),
        listed(lab, lab.large),
    ]
    pairs, page = lab.rounds(*shots)
    return [
        Line(
            f"first page of GET /duplicates at {lab.large:,}, p50",
            "list of 50",
            _by("p50", pairs, page),
            5.0,
            3.0,
            at_most=True,
            absolute=f"pairs {middle(pairs)}; list {middle(page)}",
            cpu=cpu(page, pairs),
        )
    ]


def nearby(lab: Lab) -> list[Line]:
    """Who is within 5 km of the middle of a town, beside a page of a list."""
    made, server = lab.data(lab.large), lab.product(lab.large)
    paths = [f"/contacts?location=within:{north:.5f},{east:.5f},5" for north, east in TOWNS]
    if not any(server.get(path, made.token).count(b"contact/") for path in paths[:5]):
        raise Skip(f"of {lab.large:,} contacts nobody is within 5 km of the towns")
    file = lab.requests("nearby", [f"GET {path}" for path in paths])
    ours, page = lab.rounds(Shot(server, file, AT_ONCE, made.token), listed(lab, lab.large))
    return [
        Line(
            f"list of those within 5 km at {lab.large:,}, p50",
            "list of 50",
            _by("p50", ours, page),
            5.0,
            3.0,
            at_most=True,
            absolute=f"nearby {middle(ours)}; list {middle(page)}",
            cpu=cpu(page, ours),
        )
    ]
