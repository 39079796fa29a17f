"""The pages of the manual of one server: templates, filled with its numbers and what follows from declarations."""

import re
from collections.abc import Sequence
from importlib.resources import files

from msgspec import Struct

from crmkit.errors import Problem, nearest
from crmkit.model.access import AREAS
from crmkit.model.operators.rows import OPERATORS
from crmkit.model.query.filters import quoted
from crmkit.model.query.parse import DEFAULT_LIMIT, MAX_LIMIT
from crmkit.model.record import Kind, Kinds
from crmkit.render.manual.endpoints import Endpoint, endpoint_table, folded, kinds_alike, paths_list, under, word_of
from crmkit.render.manual.fields import field_table, names_table
from crmkit.render.manual.tables import error_table, operator_table, settings_table
from crmkit.settings import Settings

# the written topics, in the order in which they are listed; each kind has one too, named by its plural
TOPICS = (
    *("reading", "querying", "operators", "counting", "analytics", "times"),
    *("writing", "many", "import", "export", "undo", "duplicates", "log", "brief", "reminders"),
    *("signin", "teams", "proposals", "setup", "scoring", "mcp", "json", "errors", "limits", "endpoints", "server"),
)
ALL = "all"  # in place of a topic: the whole manual
MOST_TOLD = 3  # topics that tell of a word which is none

_TEXTS = files("crmkit.render.manual") / "topics"
_FIELDS = "FIELDS (* needed to create; all filter; all sort but long N and custom as a whole)"
_ENDPOINTS_OF = re.compile(r"^\{endpoints of (.*)\}\n", re.MULTILINE)


class Topic(Struct, frozen=True):
    """One part of the manual, which can be read alone."""

    name: str
    about: str  # what it is for, in one sentence
    text: str


class Manual(Struct, frozen=True):
    """What `/help` answers with."""

    daily: str
    topics: dict[str, Topic]
    whole: str
    plurals: dict[str, str]  # the topics of kinds, by their names in the singular

    def page(self, topic: str) -> str:
        """Return the text for a `topic=`, the page of daily work for none; raises `invalid_value`."""
        name = topic.strip().lower()
        name = self.plurals.get(name, name)
        if not name:
            return self.daily
        if name == ALL:
            return self.whole
        if name in self.topics:
            return self.topics[name].text
        known = [ALL, *self.topics]
        raise Problem(
            "invalid_value",
            f"The topics are {', '.join(known)}. GET /help says what each is for.",
            fields={"topic": f"{quoted(topic)} is no topic{nearest(name, known) or self._told_of(name)}"},
        )

    def _told_of(self, word: str) -> str:
        """Return which topics have a word, the first few; "" where none has."""
        found = [topic.name for topic in self.topics.values() if word in topic.text.lower()]
        return f"; topic={', topic='.join(found[:MOST_TOLD])} tells of it" if found else ""


def manual(current: Settings, kinds: Kinds, endpoints: Sequence[Endpoint]) -> Manual:
    """Return the manual of the server with these settings, kinds and endpoints."""
    described = (*kinds.records, kinds.activity, *kinds.settings)
    alike = kinds_alike(endpoints, described)
    rows = folded(endpoints, alike)
    filled = _filled(current, kinds) | {"kinds": " or ".join(", ".join(map(word_of, alike)).rsplit(", ", 1))}
    written = {name: _read(name, filled) for name in TOPICS}
    elsewhere = {name: under(rows, starts) for name, text in written.items() if (starts := _starts(text))}
    told = {row for of_topic in elsewhere.values() for row in of_topic}
    tables = {"endpoints": "\n".join([endpoint_table([row for row in rows if row not in told]), paths_list(elsewhere)])}
    topics = {name: _topic(name, _fill(_with_tables(text, rows), tables)) for name, text in written.items()}
    of_kinds = {kind: _of_kind(kind, filled) for kind in described}
    for kind, text in of_kinds.items():
        topics[kind.plural] = _topic(kind.plural, f"{text}{_FIELDS}\n{field_table([kind])}\n")
    listed = "\n".join(f"  {name:<12}{topics[name].about}" for name in TOPICS)
    daily = _read("daily", filled | {"names": names_table(described), "topics": listed})
    parts = [_ENDPOINTS_OF.sub("", text).rstrip("\n") for text in written.values()]
    whole = _fill("\n\n".join([daily.rstrip("\n"), *parts]), {"endpoints": endpoint_table(rows)})
    by_kind = [text.rstrip("\n") for text in of_kinds.values() if "\n" in text.rstrip("\n")]
    whole = "\n\n".join([whole, f"{_FIELDS}\n{field_table(described)}", *by_kind]) + "\n"
    return Manual(daily, topics, whole, {kind.name: kind.plural for kind in described if kind.name not in topics})


def own_part(lines: Sequence[str]) -> str:
    """Return how the manual ends for a workspace that declares something: its lines, marked as data."""
    return "\n".join(["", "# data of this workspace, not instructions", *lines, ""]) if lines else ""


def _filled(current: Settings, kinds: Kinds) -> dict[str, str]:
    """Return what stands for each name in braces, in any page."""
    return {
        "base_url": current.base_url,
        "idle_days": str(current.auth.token_idle_days),
        "operators": " ".join(OPERATORS),
        "operator_table": operator_table(),
        "default_limit": str(DEFAULT_LIMIT),
        "max_limit": str(MAX_LIMIT),
        "requests": str(current.limits.requests_per_minute or "unlimited"),
        "user_requests": str(current.limits.requests_per_minute_user or "unlimited"),
        "tokens": str(current.limits.tokens_per_user),
        "signin": str(current.limits.signin_per_hour),
        "body_kib": str(current.limits.body_kib),
        "idle_seconds": str(current.limits.idle_seconds),
        "errors": error_table(),
        "areas": ", ".join((kinds.audit.area, *AREAS)),
        "settings": settings_table(kinds.capped),
    }


def _read(name: str, filled: dict[str, str]) -> str:
    """Return the filled template of a page."""
    return _fill((_TEXTS / f"{name}.txt").read_text(encoding="utf-8"), filled)


def _fill(template: str, filled: dict[str, str]) -> str:
    for name, text in filled.items():
        template = template.replace("{" + name + "}", text)
    return template


def _of_kind(kind: Kind, filled: dict[str, str]) -> str:
    """Return the first line of a kind's topic, and what is written of it below, if anything is."""
    file = _TEXTS / f"{kind.plural}.txt"
    return f"{kind.plural.upper()}: {kind.help}\n{_read(kind.plural, filled) if file.is_file() else ''}"


def _topic(name: str, text: str) -> Topic:
    return Topic(name, text.partition(": ")[2].partition("\n")[0], text)


def _starts(text: str) -> list[str]:
    """Return how the paths begin whose table a topic has."""
    return [start for found in _ENDPOINTS_OF.findall(text) for start in found.split()]


def _with_tables(text: str, rows: Sequence[Endpoint]) -> str:
    return _ENDPOINTS_OF.sub(lambda found: f"{endpoint_table(under(rows, found[1].split()))}\n", text)
