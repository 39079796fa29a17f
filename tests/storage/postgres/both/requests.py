"""Requests made by chance: to every route, about every kind, with texts and filters of all sorts, right and wrong.

All of it follows from the routes, the kinds and their fields; a new one is asked for without a line here.
"""

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from crmkit.faces.registry import FACES
from crmkit.model import fields
from crmkit.model.declared.types import TYPES
from crmkit.model.fields import Link
from crmkit.model.query.count import FUNCTIONS
from crmkit.web.app import routes
from crmkit.web.route import ANY, Route
from tests.faces.requests import GUARDED as OF_FACES
from tests.faces.requests import request_of
from tests.kinds import ACTIVITY, KINDS, LOGGED, REGISTRY
from tests.storage import samples
from tests.storage.hostile import NUMBERS, TIMES
from tests.storage.postgres.both.drawn import JSON, NAMES, ODD, WRONG, Drawn, quoted
from tests.storage.postgres.both.twins import Said
from tests.storage.reference import PATHS, PERIODS
from tests.teams.rights import matrix

# how a database keeps its data, what a process counts for itself, and what ends the token that asks
OTHERWISE = {"doctor", "metrics", "openapi_json", "help_", "llms_full", "end_account", "revoke", "list_changes"}
SIGNING_IN = {"request_code", "enter_code", "narrow_token", "mint_token"}
ROUTES = [route for route in routes(REGISTRY) if route.name not in OTHERWISE | SIGNING_IN and not route.direct]

SEARCHES = [
    *NAMES,
    "kelsaon",
    "janne",
    "muler",
    "strase",
    "acmee",
    "龍",
    "o'brien",
    "a",
    "ja",
    "+49 30 123456",
    "zzzzz",
]
UNITS = ("day", "week", "month", "quarter", "year", "hour", "weekday", "nope")
FORMATS = ("text", "json", "csv", "jsonl", "xml")
FIRST = 4  # records of each kind, before the rest
CURSORS = ("limit=1", "limit=2", "limit=3", "limit=7", "limit=200", "limit=0", "")


class Requests(Drawn):
    """Requests without end, as chance draws them."""

    def __init__(self, chance: random.Random, known: dict[str, list[str]]) -> None:
        super().__init__(chance, known)
        self._drawn: dict[Callable[[], Said], int] = {
            self._create: 12,
            self._change: 8,
            self._list: 16,
            self._any_route: 14,
            self._search: 4,
            self._count: 5,
            self._activity: 4,
            self._settings: 3,
            self._batch: 2,
            self._by_filter: 3,
            self._delete: 2,
            self._merge: 2,
            self._undo: 3,
            self._one: 4,
            self._everywhere: 3,
            self._analytics: 1,
            self._export: 2,
            self._import: 1,
            self._tool: 2,
            self._face: 2,
            self._wrong: 3,
        }

    def __iter__(self) -> Iterator[Said]:
        yield from self._beginning()
        while True:
            (draw,) = self._chance.choices([*self._drawn], [*self._drawn.values()])
            yield draw()

    def _beginning(self) -> Iterator[Said]:
        """Yield some records of each kind, and what else can be made by a body that a route's form shows."""
        for kind in [*KINDS] * FIRST:
            yield self._said("POST", f"/{kind.plural}", self._new(kind))
        yield self._said("POST", "/webhooks", {"url": matrix.NOWHERE, "active": False})
        for route in (route for route in ROUTES if "POST" in route.methods and route.form is not None):
            path = self._filled(route.paths[0])
            body = matrix.bodies(route.form)[0]
            yield self._said("POST", path, {name: self._own(value) for name, value in body.items()})

    def _create(self) -> Said:
        kind = self._kind()
        return self._said("POST", f"/{kind.plural}", self._new(kind))

    def _change(self) -> Said:
        kind = self._kind()
        body = self._body(kind, kind.changes.writable, 0.2)
        if self._may(0.1):
            body["version"] = self._one_of([1, 2, 3])
        return self._said("PATCH", f"/{kind.plural}/{self._id(kind.prefix)}", body)

    def _one(self) -> Said:
        kind = self._one_of([*KINDS, ACTIVITY])
        path = f"/{kind.plural}/{self._id(kind.prefix)}"
        path += self._one_of(["", "", "/history?limit=3", "/blame", "/activities", "/score", "?as_of=2026-06-10"])
        return self._said("GET", path)

    def _list(self) -> Said:
        kind = self._kind()
        pairs = self._filters(kind)
        sorts = samples.sort_keys(kind)
        if self._may(0.7):
            keys = [self._one_of(["", "-"]) + self._one_of(sorts) for _ in range(self._chance.randrange(1, 4))]
            pairs.append(("sort", ",".join(keys)))
        if self._may(0.15):
            pairs.append(("search", self._one_of(SEARCHES)))
        if self._may(0.4):
            pairs.append(("count", "exact"))
        if self._may(0.2):
            chosen = self._chance.sample([*kind.by_name], min(4, len(kind.by_name)))
            pairs.append(("fields", ",".join(chosen)))
        if self._may(0.1):
            pairs.append(("timezone", self._one_of(["Europe/Zurich", "UTC", "America/New_York", "Nowhere"])))
        if self._may(0.1):
            pairs.append(("format", self._one_of(FORMATS)))
        if self._may(0.05):
            pairs.append(("max_tokens", self._one_of(["200", "1000"])))
        return self._said("GET", f"/{kind.plural}?{self._query(pairs)}&{self._one_of(CURSORS)}".rstrip("&?"))

    def _search(self) -> Said:
        kind = self._kind()
        text = self._one_of(SEARCHES if self._may(0.7) else [*ODD[:80], *NUMBERS[:4]])
        pairs = [("search", text), *self._filters(kind, 1)]
        return self._said("GET", f"/{kind.plural}?{self._query(pairs)}&{self._one_of(CURSORS)}".rstrip("&"))

    def _count(self) -> Said:
        kind = self._one_of([*KINDS, ACTIVITY])
        names = [name for name in (*kind.by_name, *PATHS, "custom.size") if not self._may(0.2)]
        pairs = [] if kind is ACTIVITY else self._filters(kind, 2)
        if self._may(0.8):
            by = [self._one_of(names) for _ in range(self._chance.randrange(1, 3))]
            by = [f"{name}.{self._one_of(UNITS)}" if name.endswith(("_at", "_on")) else name for name in by]
            pairs.append(("by", ",".join(by)))
        for name in self._chance.sample(FUNCTIONS, self._chance.randrange(3)):
            numbers = [name for name in kind.by_name if isinstance(kind.by_name[name].type, fields.Integer)]
            pairs.append((name, self._one_of([*numbers, *numbers, "custom.a", "custom.size", self._one_of(names)])))
        return self._said("GET", f"/{kind.plural}/count?{self._query(pairs)}&{self._one_of(CURSORS)}".rstrip("&?"))

    def _activity(self) -> Said:
        body = self._body(ACTIVITY, ACTIVITY.taken)
        links = {field.name for field in ACTIVITY.fields if isinstance(field.type, Link)}
        body = {name: value for name, value in body.items() if name not in links}
        if self._may(0.3):
            body["occurred_at"] = self._one_of(samples.TIMES)
        if self._may(0.2):
            link = self._one_of([field for field in ACTIVITY.fields if isinstance(field.type, Link)])
            return self._said("POST", "/activities", {**body, link.name: self._id(link.type.prefix)})
        if self._may(0.3):
            kind = self._one_of([field for field in ACTIVITY.filters if "_id" not in field])
            return self._said("GET", f"/activities?{kind}={quoted(self._one_of([*NAMES, *TIMES, 'call']))}&limit=3")
        kind = self._one_of(LOGGED)
        return self._said("POST", f"/{kind.plural}/{self._id(kind.prefix)}/activities", body)

    def _settings(self) -> Said:
        if self._may(0.4):
            choices = {"choices": ["five", "ten"]}
            type_ = self._one_of([*TYPES])
            key = self._one_of(["a", "b", "size", "Größe", "odd.key"])
            body = {"kind": self._kind().name, "key": key, "type": type_, **(choices if type_ == "choice" else {})}
            return self._said("POST", "/fields", body)
        if self._may(0.4):
            kind = self._kind()
            path = f"/{kind.plural}?{self._query(self._filters(kind, 2))}"
            return self._said("POST", "/views", {"name": f"v{self._chance.randrange(9)}", "path": path.rstrip("?")})
        formula = self._one_of(["rating * 2", 'stage == "lead"', 'has(tags, "vip") ? 5 : 1', "custom.size + 1", "1 +"])
        return self._said("POST", "/scoring-rules", {"name": self._one_of(NAMES), "expression": formula})

    def _batch(self) -> Said:
        kind = self._kind()
        bodies = [self._new(kind) for _ in range(self._chance.randrange(1, 7))]
        bodies += [self._one_of(bodies)] if self._may(0.3) else []
        return self._said("POST", f"/{kind.plural}/batch?{self._one_of(['', 'atomic=1', 'dry_run=1'])}", bodies)

    def _by_filter(self) -> Said:
        kind = self._kind()
        pairs = [self._filter(kind), *self._filters(kind, 1)]
        if self._may(0.2):
            return self._said("DELETE", f"/{kind.plural}?{self._query(pairs)}")
        body = self._body(kind, kind.changes.writable, 0.1) or {"tags": {"add": ["seen"]}}
        return self._said("PATCH", f"/{kind.plural}?{self._query(pairs)}", body)

    def _delete(self) -> Said:
        kind = self._one_of([*KINDS, ACTIVITY])
        return self._said("DELETE", f"/{kind.plural}/{self._id(kind.prefix)}")

    def _merge(self) -> Said:
        kind = self._one_of([kind for kind in KINDS if kind.is_mergeable])
        path = f"/{kind.plural}/{self._id(kind.prefix)}/merge"
        return self._said("POST", path, {"from": self._id(kind.prefix)})

    def _undo(self) -> Said:
        return self._said("POST", f"/undo/{self._id('op')}{self._one_of(['', '', '?dry_run=1'])}")

    def _everywhere(self) -> Said:
        text = quoted(self._one_of([*SEARCHES, *ODD[:60]]))
        since = self._one_of(["2026-06-10", "2026-06-10T09:05:00Z", "nope"])
        paths = [f"/search?q={text}", "/duplicates?limit=3", "/reminders?days=30&limit=3", "/brief", "/audit?limit=7"]
        paths += [f"/changes?since={since}&limit=5", f"/search?q={text}&types=contacts,deals", "/fields", "/views"]
        paths += [f"/audit?action={self._kind().name}.update&limit=3", "/scoring-rules", "/whoami", "/pipelines/deals"]
        return self._said("GET", self._one_of(paths))

    def _analytics(self) -> Said:
        path = self._one_of(["summary", "funnel", "campaigns"])
        return self._said("GET", f"/analytics/{path}?period={self._one_of([*PERIODS, '2026-06', 'nope'])}")

    def _export(self) -> Said:
        found = [route for route in ROUTES if route.name.startswith("export_")]
        route = self._one_of(found)
        name = self._one_of([format.name for format in route.formats if format.name != "xlsx"])
        kind = route.kind if route.kind in KINDS else None
        pairs = self._filters(kind, 1) if kind else []
        return self._said("GET", f"{route.paths[0]}?{self._query([*pairs, ('format', name)])}")

    def _import(self) -> Said:
        kind = self._one_of([*KINDS, ACTIVITY])
        if self._may(0.4):
            id = self._id("imp")
            method, path = self._one_of([("GET", ""), ("POST", "/start"), ("DELETE", ""), ("GET", "?format=csv")])
            return self._said(method, f"/imports/{id}{path}")
        names = [name for name in kind.taken if name != "custom" and self._may(0.6)]
        rows = [[str(self._value(kind.taken[name]) or "") for name in names] for _ in range(5)]
        lines = [",".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row) for row in [names, *rows]]
        file = "\n".join(lines).encode("utf-8", "surrogatepass")
        return Said("POST", f"/import?kind={kind.plural}", file, (JSON, ("Content-Type", "text/csv")))

    def _any_route(self) -> Said:
        """Ask a route of the table with ids, a body and parameters that it takes."""
        route: Route = self._one_of(ROUTES)
        path = self._filled(route.paths[0])
        method = self._one_of([each for each in route.methods if each != "HEAD"])
        body = None
        if method in ("POST", "PATCH", "PUT") and route.takes_body and not route.uploads:
            form = matrix.forms(route)
            body = self._body(route.kind, form.writable, 0.4) if form else {}  # type: ignore[arg-type]
            if form is not None and route.form is not None and self._may(0.6):
                body = {name: self._own(value) for name, value in self._one_of(matrix.bodies(form)).items()}
            if "active" in (form.by_name if form else ()):
                body["active"] = False  # nothing is sent to anybody
        pairs = [(name, self._parameter(name)) for name in route.query if name != "*" and self._may(0.3)]
        pairs = [pair for pair in pairs if pair[0] not in ("explain", "wait", "code")]
        if route.query == ANY and route.kind in KINDS:
            pairs += self._filters(route.kind, 2)
        return self._said(method, f"{path}?{self._query(pairs)}".rstrip("?"), body)

    def _filled(self, path: str) -> str:
        """Return the path of a route with ids in it."""
        return matrix.PLACEHOLDER.sub(lambda found: self._id(self._one_of(matrix.meanings(path, found.start()))), path)

    def _own(self, value: Any) -> Any:
        found = matrix.PLACEHOLDER.fullmatch(value) if isinstance(value, str) else None
        return self._id(found[1]) if found else value

    def _parameter(self, name: str) -> str:
        prefixes = matrix.PARAMETERS.get(name, ())
        if prefixes and self._may(0.7):
            return self._id(self._one_of(prefixes))
        known = {
            "limit": ["1", "3", "999"],
            "kind": ["contact", "deals", "call"],
            "period": [*PERIODS],
            "by": ["stage"],
        }
        return str(self._one_of(known.get(name, [*TIMES, "1", "0", "me", "contacts", "name", *NAMES[:3]])))

    def _tool(self) -> Said:
        """Send another request by a tool of MCP."""
        drawn = self._one_of([self._create, self._list, self._one, self._search, self._count, self._change])()
        arguments: dict[str, Any] = {"method": drawn.method, "path": drawn.path}
        if drawn.body is not None:
            arguments["body"] = json.loads(drawn.body)
        params = {"name": "request", "arguments": arguments}
        return self._said("POST", "/mcp", {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})

    def _face(self) -> Said:
        """Send a request of another service's clients, whose paths and answers their face translates."""
        assert FACES
        own = {
            prefix: self._one_of(self._known[prefix]) for prefix in ("c", "a", "sr", "wh") if self._known.get(prefix)
        }
        route = self._one_of(OF_FACES)
        try:
            method, path, body = request_of(route, own)
        except KeyError:  # it is about something of which there is none yet
            return self._create()
        return self._said(method, path, body)

    def _wrong(self) -> Said:
        """Return another request with something in its path, query or body that has no business there."""
        drawn = self._one_of([self._create, self._list, self._change, self._count, self._activity, self._by_filter])()
        body, path = drawn.body, drawn.path
        match self._chance.randrange(4):
            case 0:
                body = None if body is None else body[: self._chance.randrange(len(body) + 1)]
            case 1:
                path += ("&" if "?" in path else "?") + f"{quoted(self._one_of(ODD))}={quoted(self._one_of(ODD))}"
            case 2:
                path += ("&" if "?" in path else "?") + f"sort={quoted(self._one_of(ODD))}&cursor=AAAA"
            case 3:
                body = None if body is None else json.dumps(self._one_of([WRONG, [], "x", {"custom": WRONG}])).encode()
        return Said(drawn.method, path, body, drawn.headers)
