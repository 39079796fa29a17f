"""How an entry of a record is taken back: by `put` and `follow`, as the verbs write.

What an operation wrote must still stand. Of `custom` that is asked of each key; other fields may have changed, and must
go together with what is put back (see Rule.agree). No other rule is asked: what a rule wrote was logged.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import structs

from crmkit.core import derived, lookup, roles, rules
from crmkit.core.history.combined import given
from crmkit.core.records import relations
from crmkit.core.rules.rule import Write
from crmkit.core.undo.reversal import ERASED, Reversal, UndoContext
from crmkit.errors import Problem
from crmkit.model.query.filters import CustomKey
from crmkit.model.record import Kind, Record
from crmkit.records.audit import ERASE
from crmkit.records.settings.field import MOST, DeclaredField
from crmkit.records.settings.rule import MOST as MOST_RULES
from crmkit.records.settings.rule import ScoringRule
from crmkit.storage import links, records
from crmkit.storage.custom import declarations
from crmkit.storage.log import audit, operations
from crmkit.storage.log.operations import Entry
from crmkit.storage.scoring import rules as scoring

MOST_LINKS = 5  # of one field that lead to a record that would go, in an answer


def reversal(context: UndoContext, entry: Entry) -> Reversal:
    """Return how the entry of a record is taken back; raises `admin_required` where only admins write its kind."""
    kind = context.kinds.by_word[entry.noun]
    if kind.is_admins:
        roles.check_admin(context.tx)
    if entry.is_erased:
        return Reversal({entry.target: ERASED})
    if entry.version is None:
        return Reversal({entry.target: "was written before the log held what an undo needs"})
    now = records.fetch(context.tx.connection, kind, context.workspace_id, entry.id)
    if entry.ended is not None:
        return _restored(context, kind, entry, entry.ended, now)
    if entry.begun is not None:
        return _taken_away(context, kind, entry, entry.begun, now)
    return _changed_back(context, kind, entry, now)


def _changed_back(context: UndoContext, kind: Kind, entry: Entry, now: Record | None) -> Reversal:
    if now is None:
        return Reversal({entry.target: _gone(context, entry.target)})
    pairs: Mapping[str, list[Any]] = entry.changes
    unknown = _unknown(kind, entry, pairs)
    if unknown:
        return Reversal(unknown)
    values, conflicts, differs = dict[str, Any](), dict[str, str](), _differs(context, kind)
    for name, (old, new) in pairs.items():
        held = getattr(now, name)
        if held == new:
            values[name] = old
        elif kind.custom is not None and name == kind.custom.name:
            values[name] = _keys_back(held or {}, old or {}, new or {})
            conflicts |= dict(_other_keys(entry.target, held or {}, old or {}, new or {}, differs))
        else:
            conflicts[f"{entry.target}.{name}"] = differs(held, new)
    values, wrong = _with_links(context, kind, entry, values)
    conflicts |= wrong | dict(_taken(context, kind, entry, values))
    if not conflicts:
        values, conflicts = _agreeing(context, kind, entry, now, values)
    if conflicts:
        return Reversal(conflicts)
    after = structs.replace(now, **values)
    return Reversal(write=lambda: derived.put_and_follow(context.tx, context.kinds, kind, now, after))


def _taken_away(context: UndoContext, kind: Kind, entry: Entry, new: Mapping[str, Any], now: Record | None) -> Reversal:
    """Return how a record is deleted that the operation brought, or merged again where it had been."""
    if now is None:
        return Reversal({entry.target: _gone(context, entry.target)})
    conflicts, differs = dict(_unknown(kind, entry, new)), _differs(context, kind)
    # all of it would go with the record, also what the operation did not write
    for name in () if conflicts else given(kind):
        held, value = getattr(now, name), new.get(name)
        if held == value or not (held or value):
            continue
        if kind.custom is not None and name == kind.custom.name:
            conflicts |= dict(_other_keys(entry.target, held or {}, {}, value or {}, differs))
        else:
            conflicts[f"{entry.target}.{name}"] = differs(held, value)
    conflicts |= dict(_led_to(context, kind, entry)) | dict(_is_no_more(context, kind, entry))
    if conflicts:
        return Reversal(conflicts)
    write, merged = derived.put_and_follow, entry.was_merged_into
    return Reversal(write=lambda: write(context.tx, context.kinds, kind, now, None, **merged), more=(kind.plural, -1))


def _restored(context: UndoContext, kind: Kind, entry: Entry, old: Mapping[str, Any], now: Record | None) -> Reversal:
    """Return how a record comes back that the operation deleted, under its id, with what it had."""
    if now is not None:
        return Reversal({entry.target: "is there again"})
    unknown = _unknown(kind, entry, old)
    if unknown:
        return Reversal(unknown)
    values, wrong = _with_links(context, kind, entry, old)
    conflicts = (
        wrong | dict(_taken(context, kind, entry, values)) | dict(_holds_its_place(context, kind, entry, values))
    )
    if conflicts:
        return Reversal(conflicts)
    after = kind.new({**values, "version": entry.version}, entry.id)
    write = derived.put_and_follow
    return Reversal(write=lambda: write(context.tx, context.kinds, kind, None, after), more=(kind.plural, 1))


def _gone(context: UndoContext, handle: str) -> str:
    """Return when a record went, and the operation of which the undo brings it back."""
    newest = operations.newest_of(context.tx.connection, context.workspace_id, handle)
    if newest is None:
        return "is gone"
    if newest.action.endswith(f".{ERASE}"):
        return f"was erased at {newest.at}"
    did = "merged" if newest.action.endswith(".merge") else "deleted"
    return f"was {did} at {newest.at}: POST /undo/{audit.operation_id(context.workspace_id, newest.first)} first"


def _unknown(kind: Kind, entry: Entry, values: Mapping[str, Any]) -> dict[str, str]:
    return {f"{entry.target}.{name}": "is no field any more" for name in values if name not in kind.by_name}


def _keys_back(held: Mapping[str, Any], old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the custom keys that a record holds with those as they were that the operation wrote."""
    wrote = {key for key in (*old, *new) if old.get(key) != new.get(key)}
    back = {key: old[key] for key in wrote if key in old}
    return {**{key: value for key, value in held.items() if key not in wrote}, **back} or None


def _differs(context: UndoContext, kind: Kind) -> Callable[[Any, Any], str]:
    """Return `UndoContext.differs` of a kind; a membership is of the area of what its member is in."""
    return context.differs((context.kinds.whole.to if kind is context.kinds.membership else kind).area)


def _other_keys(
    target: str,
    held: Mapping[str, Any],
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    differs: Callable[[Any, Any], str],
) -> Iterator[tuple[str, str]]:
    """Yield the custom keys that the operation wrote and that differ now."""
    for key in dict.fromkeys((*old, *new)):
        if old.get(key) != new.get(key) and held.get(key) != new.get(key):
            yield f"{target}.{CustomKey((key,)).name}", differs(held.get(key), new.get(key))


def _with_links(
    context: UndoContext, kind: Kind, entry: Entry, values: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values with titles of the records that they link to, and the links that lead nowhere."""
    try:
        return relations.linked(context.tx, context.kinds, kind, values), {}
    except Problem as problem:
        to = {link.link: link.to for link in context.kinds.links[kind]}
        lost = {name: to[name].handle(values[name]) for name in problem.fields}
        return dict(values), {
            f"{entry.target}.{name}": f"leads to {handle}, which {_gone(context, handle)}"
            for name, handle in lost.items()
            if not context.goes_first(handle)
        }


def _agreeing(
    context: UndoContext, kind: Kind, entry: Entry, now: Record, values: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values with what follows from them (see Rule.agree), and the fields that would not go together."""
    write = Write(context.tx, context.crm, kind, now)
    try:
        for rule in rules.of(kind):
            values = rule.agree(write, values)
    except Problem as problem:
        wrong = {f"{entry.target}.{name}": what for name, what in problem.fields.items()}
        return values, wrong or {entry.target: problem.hint}
    return values, {}


def _taken(context: UndoContext, kind: Kind, entry: Entry, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the values of unique fields that another record has by now."""
    for name in kind.unique:
        value = values.get(name)
        if value is None or name == "id":
            continue
        holder = records.find(context.tx.connection, kind, context.workspace_id, name, value)
        if holder is not None and holder.id != entry.id and not context.goes_first(holder.handle):
            what = f"belongs to {holder.handle} now"
            yield f"{entry.target}.{name}", context.because_of(holder.handle, name, what)


def _led_to(context: UndoContext, kind: Kind, entry: Entry) -> Iterator[tuple[str, str]]:
    """Yield the links to a record that would go: somebody made them since."""
    kinds, connection = context.kinds, context.tx.connection
    every = [(link.kind, link.link) for link in kinds.references.get(kind, ())]
    if kind.is_logged:
        every.append((kinds.activity, kind.activity_link))
    for other, link in every:
        for holder in links.holders(connection, other, context.workspace_id, link, entry.id, MOST_LINKS):
            if not context.goes_first(holder):
                what = f"leads to {entry.target}, which would go"
                yield f"{holder}.{link}", context.because_of(holder, link, what)


def _is_no_more(context: UndoContext, kind: Kind, entry: Entry) -> Iterator[tuple[str, str]]:
    """Yield that the record is gone into which the restored one had been merged, or is this one by now."""
    for into in entry.was_merged_into.values():
        stays = lookup.find(context.tx.connection, kind, context.tx.by, into)
        if stays is None or stays.id == entry.id:
            yield entry.target, f"was merged into {kind.handle(into)}, which is gone"


def _holds_its_place(
    context: UndoContext, kind: Kind, entry: Entry, values: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Yield what a record of two fields has taken the place of: that of a membership, of a declared key."""
    kinds, connection, place = context.kinds, context.tx.connection, context.workspace_id
    if kind is kinds.membership:
        ends = {link.link: values[link.link] for link in kinds.links[kind] if values.get(link.link)}
        holder = records.find_by(connection, kind, place, ends)
        if holder is not None and not context.goes_first(holder.handle):
            member, id = kinds.member_of(holder)
            yield f"{entry.target}.{kinds.whole.link}", f"has {member.handle(id)} as a member again"
    elif issubclass(kind.record, DeclaredField):
        field = declarations.of_key(connection, place, values["kind"], values["key"])
        if field is not None:
            yield f"{entry.target}.key", f"belongs to {kind.handle(field)} now"
        elif declarations.count(connection, place, values["kind"]) >= MOST:
            yield f"{entry.target}.kind", f"has {MOST} declared fields; at most {MOST} fit"
    elif issubclass(kind.record, ScoringRule) and scoring.count(connection, place, values["kind"]) >= MOST_RULES:
        yield f"{entry.target}.kind", f"has {MOST_RULES} scoring rules; at most {MOST_RULES} fit"
