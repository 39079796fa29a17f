"""What a client chose for an import, by the names that a query string and the body of a PATCH have for it."""

from collections.abc import Mapping
from typing import Any, get_args

from msgspec import structs

from crmkit.errors import Problem, a, listed, nearest
from crmkit.model.record import Kind, Kinds
from crmkit.model.sheets.habits import ORDERS
from crmkit.storage.transfer.imports import Mode, Options, Unknown

MERGE: Mode = "merge"
CREATE: Mode = "create"
UPDATE: Mode = "update"
WORDS: Mapping[str, tuple[str, ...]] = {"mode": get_args(Mode), "unknown": get_args(Unknown), "dates": ORDERS}
MAP, COLUMN = "map.", "COLUMN"  # of an option that says where a column goes: this, and the title of the column
NAMES = ("kind", *WORDS)
MOST_MAPPED = 2_000  # columns


def of_new(kinds: Kinds, sent: Mapping[str, Any], zone: str) -> Options:
    """Return the options of a new import; raises `invalid_value` for what is none. Without a kind it is the first."""
    return changed(kinds, Options(kinds.records[0].plural, zone=zone), sent)


def changed(kinds: Kinds, before: Options, sent: Mapping[str, Any]) -> Options:
    """Return the options with what was sent in place of what they were; raises `invalid_value`, `unknown_field`.

    Which columns there are is left for the mapping to check.
    """
    unknown = {name: f"is no option{nearest(name, NAMES)}" for name in sent if not _is_option(name)}
    if unknown:
        raise Problem("unknown_field", f"Send {', '.join(NAMES)} or {MAP}{COLUMN}.", fields=unknown)
    wrong = {name: "must be text" for name, text in sent.items() if not isinstance(text, str | None)}
    own = {name: text or "" for name, text in sent.items() if name not in wrong}
    texts = {name: text if name.startswith(MAP) else text.strip().lower() for name, text in own.items()}
    found: dict[str, Any] = {}
    for name, words in WORDS.items():
        if name in texts:
            found[name] = texts[name] or getattr(Options(""), name)
            if texts[name] and texts[name] not in words:
                wrong[name] = f"must be {listed(words, 'or')}{nearest(texts[name], words)}"
    if texts.get("kind"):
        kind = kinds.by_word.get(texts["kind"])
        if kind is None or kind not in importable(kinds):
            plurals = [each.plural for each in importable(kinds)]
            wrong["kind"] = f"must be {listed(plurals, 'or')}{nearest(texts['kind'], plurals)}"
        else:
            found["kind"] = kind.plural
    if wrong:
        raise Problem("invalid_value", "Correct the options named above and send the request again.", fields=wrong)
    kind = kinds.by_word[found.get("kind", before.kind)]
    if found.get("mode", before.mode) != MERGE and (kind is kinds.activity or not kind.known_by):
        fields = {"mode": f"must be {MERGE} for {kind.plural}, which no key names"}
        raise Problem("invalid_value", f"Leave mode out: each row becomes {a(kind.name)}.", fields=fields)
    mapped = {name.removeprefix(MAP): text.strip() for name, text in texts.items() if name.startswith(MAP)}
    if len(before.map) + len(mapped) > MOST_MAPPED:
        raise Problem("too_large", f"Map at most {MOST_MAPPED:,} columns.")
    return structs.replace(before, **found, map={**before.map, **mapped})


def importable(kinds: Kinds) -> tuple[Kind, ...]:
    """Return the kinds whose records a file may hold."""
    return (*kinds.records, kinds.activity, *(kind for kind in kinds.settings if not kind.secrets))


def _is_option(name: str) -> bool:
    return name in NAMES or (name.startswith(MAP) and name != MAP)
