"""What is said of a path that leads nowhere: the nearest one that does, and of an id that cannot be one, why."""

import re
from collections.abc import Collection, Iterable, Iterator
from itertools import pairwise

from crmkit import ids
from crmkit.core import path_ids
from crmkit.errors import Problem
from crmkit.model.fields import Link, keys
from crmkit.model.record import Kinds
from crmkit.web.route import Route

MAX_PATH = 200  # characters of a path that is compared with others
MAX_PREFIX = 2  # segments before a path, like those of /api/v1/contacts
LIKENESS = 75  # of 100 (rapidfuzz), below which a path is not near

# words that other APIs have in their paths, in the singular or as they are -> the path that does that here
_MEANT = {
    **dict.fromkeys(("people", "person", "lead", "customer", "client"), "contacts"),
    **dict.fromkeys(("organization", "organisation", "org", "business", "businesses"), "companies"),
    **dict.fromkeys(("opportunity", "opportunities", "sale"), "deals"),
    **dict.fromkeys(("pipeline", "stage"), "pipelines/deals"),
    **dict.fromkeys(("report", "reports", "stats", "statistics", "metrics", "dashboard"), "analytics/summary"),
    **dict.fromkeys(("note", "call", "email", "meeting", "event", "interaction", "timeline"), "activities"),
    **dict.fromkeys(("followup", "follow-up", "due"), "reminders"),
    **dict.fromkeys(("todo", "to-do"), "tasks"),
    **dict.fromkeys(("me", "self", "profile", "account", "user"), "whoami"),
    **dict.fromkeys(("login", "signin", "sign-in", "signup"), "auth/request"),
    **dict.fromkeys(("session", "key", "api-key", "apikey"), "tokens"),
    **dict.fromkeys(("users", "members", "team"), "workspaces/{id}/members"),
    **dict.fromkeys(("invite", "invitation"), "workspaces/{id}/invites"),
    **dict.fromkeys(("history", "change", "log"), "audit"),
    **dict.fromkeys(("find", "query"), "search"),
    **dict.fromkeys(("segment", "saved-search", "saved-view", "smart-list"), "views"),
    **dict.fromkeys(("doc", "manual", "guide"), "help"),
    **dict.fromkeys(("openapi", "swagger", "swagger.json", "schema"), "openapi.json"),
    **dict.fromkeys(("health", "status", "ping"), "healthz"),
}

# words that other APIs have below a list -> the method and the path that does that here
_BELOW = {
    **dict.fromkeys(("search", "find", "query"), ("GET", "{list}?search=jane")),
    **dict.fromkeys(("import", "upload"), ("POST", "/import?kind={kind}")),
    **dict.fromkeys(("bulk", "many"), ("POST", "{list}/batch")),
}

_PLACEHOLDER = re.compile(r"{\w+}")


class Nearest:
    """Knows the paths of the manual, what ids stand in paths, and how both may be spelled."""

    def __init__(self, routes: Iterable[Route], kinds: Kinds) -> None:
        self._prefixes = kinds.prefixes
        self._forms = kinds.forms
        self._methods: dict[str, list[str]] = {}  # of each path that the manual lists
        self._nouns: dict[str, tuple[str, ...]] = {}  # the word before an id, or its name -> prefixes of that id
        for route in routes:
            for path in route.paths if route.summary or route.apps else ():
                if route.verb != "delete" or "{" in path:  # a slip shall not lead to the end of an account
                    self._methods.setdefault(path, []).extend(route.listed_methods)
        self._direct = tuple(path for route in routes if route.direct for path in route.paths)  # no tool may go there
        words = {word for path in self._methods for word in path.split("/")}
        names = {kind.name: kind.path.strip("/") for kind in kinds.all}
        # of each kind whose records link to those of another: the path of its list, the other's prefix -> the link
        self._linking = {
            (kind.path, field.type.prefix): field.name
            for kind in kinds.related
            for field in (*kind.joins, *kind.fields)
            if isinstance(field.type, Link)
        }
        self._lists_of_records = {kind.path: kind.plural for kind in kinds.records}
        self._plurals: dict[str, str] = {}  # contact -> contacts
        # other names of lists, which are paths alone too
        elsewhere = {kind: names[kind.name] for kind in kinds.all if names[kind.name] != kind.plural}
        self._lists = {kind.plural: path for kind, path in elsewhere.items()}
        # scoring-rule -> scoring-rules, beside rule
        self._plurals |= {f"{path.removesuffix(kind.plural)}{kind.name}": path for kind, path in elsewhere.items()}
        for prefix, name in kinds.prefixes.items():
            plural = names.get(name, f"{name}s")
            self._nouns[plural] = self._nouns[f"{{{name}_id}}"] = (prefix,)
            if plural in words and plural != name:
                self._plurals[name] = plural
        self._nouns["{member_id}"] = tuple(link.to.prefix for link in kinds.members)
        self._plurals |= self._lists
        self._meant = {word: path for word, path in _MEANT.items() if word not in words} | self._plurals

    def of_singular(self, path: str) -> str:
        """Return /contacts/c_… for /contact/c_…, /pipelines/deals for /pipelines/deal; empty without a singular.

        A singular alone is no path that is meant as it stands; another name of a list is.
        """
        words = path.removeprefix("/").split("/")
        plurals = [self._plurals.get(word, word) for word in words]
        is_meant = len(words) > 1 or words[0] in self._lists
        return f"/{'/'.join(plurals)}" if is_meant and plurals != words else ""

    def starts(self, path: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Return (name, prefixes with their underscores) of each placeholder of a route's path whose ids are known."""
        words = path.split("/")
        found = [
            (word[1:-1], self._nouns.get(word) or self._nouns.get(before))
            for before, word in pairwise(words)
            if _PLACEHOLDER.fullmatch(word)
        ]
        return tuple((name, tuple(f"{prefix}_" for prefix in prefixes)) for name, prefixes in found if prefixes)

    def check(self, id: str, starts: tuple[str, ...], method: str, path: str) -> None:
        """Raise `not_found` for what is neither an id that begins with one of `starts` nor a natural key of its kind.

        `method` and `path` are those of the request.
        """
        method = _listed(method)
        prefixes = [start[:-1] for start in starts]
        key = keys.read(id, self._forms, self._prefixes, among=prefixes)
        prefix = next((each for each in prefixes if ids.prefix_of(id) == each or (key and key.of(each))), prefixes[0])
        meant = self._home_of(id, method) or self._below(id, method, path) or self._found(method, path)
        meant = "" if meant == f"{method} {path}" else meant  # which is what was sent
        if not meant.startswith(f"{method} ") or "{" in meant:  # better the list that has the id, or takes the method
            meant = self._found(method, path.partition(f"/{id}")[0]) or meant
        meant = meant or self._found(method, path.replace(f"/{id}", "/{id}"))  # nothing lists what there is
        where = f"Did you mean {meant}?" if meant else "GET /help?topic=endpoints lists every endpoint."
        path_ids.id_or_key(self._prefixes, self._forms, id, prefix, where)

    def unknown(self, method: str, path: str) -> Problem:
        """Return the Problem of a path that no route has."""
        meant = self._linked(_listed(method), path) or self._found(_listed(method), path)
        nothing, lists = "There is nothing at this path.", "GET /help?topic=endpoints lists every endpoint."
        for_tools = f"{nothing} {lists}" if meant.endswith(self._direct) else ""
        return Problem("unknown_path", f"{nothing}{_asked(meant)} {lists}", for_tools=for_tools)

    def lacking(self, method: str, path: str, allowed: str) -> Problem:
        """Return the Problem of a method that a path does not have; a word that means another path here is told."""
        other, method = _MEANT.get(path.strip("/")), _listed(method)
        meant = _asked(f"{method} /{other}") if method in self._methods.get(f"/{other}", ()) else ""
        return Problem(
            "method_not_allowed",
            f"This path takes {allowed}.{meant}",
            headers={"Allow": allowed},
            for_tools=f"This path takes {allowed.replace('HEAD, ', '')}.{meant}",
        )

    def _home_of(self, id: str, method: str) -> str:
        """Return the path of an id that is another kind's, empty for what is no id."""
        word = id.rpartition("/")[2]
        path = f"/{self._plurals.get(self._prefixes.get(word.partition('_')[0], ''))}/{{id}}"
        is_home = self._is_id(word) and method in self._methods.get(path, ())
        return f"{method} {_filled(path, [word])}" if is_home else ""

    def _linked(self, method: str, path: str) -> str:
        """Return `GET /deals?contact_id=c_…` for a path like /contacts/c_…/deals, empty for others."""
        words = path.strip("/").split("/")
        if len(words) < 3 or not self._is_id(id := words[-2]):
            return ""
        home = f"/{self._translated(words[-1].lower())}"
        link = self._linking.get((home, ids.prefix_of(id)))
        meant = {"GET": f"GET {home}?{link}={id}", "POST": f'POST {home} {{"{link}":"{id}"}}'}
        return meant.get(method, "") if link else ""

    def _below(self, word: str, method: str, path: str) -> str:
        """Return `GET /contacts?search=jane` for a path like /contacts/search, empty for others."""
        at = path.partition(f"/{word}")[0]
        needed, meant = _BELOW.get(word.lower(), ("", ""))
        does = needed == method and at in self._lists_of_records
        return f"{method} {meant.format(list=at, kind=self._lists_of_records[at])}" if does else ""

    def _found(self, method: str, path: str) -> str:
        """Return `GET /contacts` for the path most like this one, or nothing if none is near."""
        if len(path) > MAX_PATH:
            return ""
        own = path.strip("/").split("/")
        known = [word for word in own if self._is_id(word)]
        words = ["{id}" if self._is_id(word) else self._translated(word.lower()) for word in own]
        spelled = {_PLACEHOLDER.sub("{id}", each): each for each in self._methods}
        having = [each for each, known_as in spelled.items() if method in self._methods[known_as]]
        tried = [f"/{'/'.join(words[skipped:])}" for skipped in range(min(MAX_PREFIX + 1, len(words)))]
        near = next(filter(None, (_most_like(wanted, having, spelled) for wanted in tried)), "")
        near = near or next((each for each in having if len(words) == 1 and _has_word(each, words[0])), "")
        home = tried[0].rpartition("/")[0]
        if home in spelled and near.rpartition("/")[0] != home and near not in having:
            near = home  # what it would belong to
        if not near:
            return ""
        methods = self._methods[spelled[near]]
        takes = method if method in methods else " or ".join(sorted(methods))
        return f"{takes} {_filled(spelled[near], known)}"

    def _translated(self, word: str) -> str:
        return self._meant.get(word) or self._meant.get(word.removesuffix("s")) or word

    def _is_id(self, word: str) -> bool:
        prefix, _, body = word.partition("_")
        return prefix in self._prefixes and len(body) == ids.LENGTH and body.isalnum() and body.isascii()


def _has_word(path: str, word: str) -> bool:
    """Tell whether a path without ids has a word that leads nowhere alone, as /analytics/summary has analytics."""
    return "{" not in path and word in path.strip("/").split("/")


def _listed(method: str) -> str:
    """Return a method as lists of endpoints have it, which leave HEAD out."""
    return "GET" if method == "HEAD" else method


def _asked(meant: str) -> str:
    return f" Did you mean {meant}?" if meant else ""


def _most_like(wanted: str, having: Collection[str], every: Collection[str]) -> str:
    """Return the path like `wanted`, empty if none is near: itself, one of those `having` the method, or any."""
    from rapidfuzz import fuzz, process  # imported late, as in errors.nearest

    for paths in ({wanted} & set(every), having, every):
        close = process.extractOne(wanted, list(paths), scorer=fuzz.ratio, score_cutoff=LIKENESS)
        if close:
            return str(close[0])
    return ""


def _filled(path: str, known: Iterable[str]) -> str:
    """Return a path with the ids of the request, in order, in place of its placeholders."""
    left: Iterator[str] = iter(known)
    return _PLACEHOLDER.sub(lambda found: next(left, found[0]), path)
