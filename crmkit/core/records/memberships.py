"""The verbs of memberships: who is in a campaign, join it, leave it.

A membership is a record of the kind `Kinds.membership`, written by `put`, so the log can restore it. It goes with the
campaign and with its member (see relations.cascade). A record is a member of a campaign once at most.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any

from msgspec import Struct, structs
from msgspec.structs import replace

from crmkit import ids
from crmkit.core import derived, lookup
from crmkit.core.call import Call
from crmkit.core.reading import feeds
from crmkit.errors import LOOK_IT_UP, Problem, listed, nearest
from crmkit.model.fields import Key, LinkToAny, Text, keys
from crmkit.model.form import REQUIRED, Form, form_of
from crmkit.model.query.listing import RecordListing
from crmkit.model.record import Kind, Kinds, Record
from crmkit.storage import records
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx

PARAMETERS = ("kind", "limit", "cursor")
BESIDE = ("reason", "joined_at")  # what is shown of a membership beside the member's own fields


class Member(Struct, frozen=True):
    """A member as clients see it; `is_new` is False if it was one before."""

    kind: Kind
    record: Record
    facts: Mapping[str, Any]
    is_new: bool = False
    notes: tuple[str, ...] = ()


class MemberBody:
    id: Annotated[str, LinkToAny(()), REQUIRED, "who joins"]
    reason: Annotated[str | None, Text(1_000), "why they are in it"]


@cache
def form(kinds: Kinds) -> Form:
    """Return the form of the body that makes a record a member."""
    made = form_of(MemberBody, "member")
    any_member = LinkToAny(tuple(link.to.prefix for link in kinds.members), kinds.prefixes, kinds.forms)
    return replace(made, fields=tuple(replace(f, type=any_member) if f.name == "id" else f for f in made.fields))


async def find_all(call: Call, id: str, parameters: Mapping[str, str]) -> RecordListing:
    """Return a page of the members of a campaign, those that joined last first; `kind` picks those of one kind."""
    kinds, workspace_id = call.crm.kinds, call.actor.workspace_id
    whole, membership = kinds.whole, kinds.membership
    named = lookup.id_or_key(whole.to, id)
    campaign = await call.read(lookup.existing, whole.to, call.actor, named)
    on = [(whole.link, f"eq:{campaign.id}"), *_of_kind(kinds, parameters.get("kind", ""))]
    paging = [(name, text) for name, text in parameters.items() if name in ("limit", "cursor")]
    found = await feeds.read(call, membership, paging, {}, on, details=True)

    def read(connection: Connection) -> RecordListing:
        listed = [membership.build(*row) for row in found.rows]
        places = [kinds.member_of(each) for each in listed]
        known = {
            link.to: records.all_of(connection, link.to, workspace_id, [id for kind, id in places if kind is link.to])
            for link in kinds.members
        }
        rows = {
            at: (kind, known[kind][id], facts(each))
            for at, (each, (kind, id)) in enumerate(zip(listed, places, strict=True), 1)
            if id in known[kind]  # else it was deleted since the page was read
        }
        paging = found.paging.after(lookup.notes(named, campaign)).without_others([*rows])
        return RecordListing("members", tuple(rows.values()), paging)

    return await call.read(read)


async def add(call: Call, id: str, body: Mapping[str, Any]) -> Member:
    """Make a record a member of a campaign, or change the reason for which it is one."""
    kinds = call.crm.kinds
    whole, named = kinds.whole.to, lookup.id_or_key(kinds.whole.to, id)
    values = form(kinds).draft(body, call.asker)
    form(kinds).check_required(values)
    member = values.pop("id")

    def unit(tx: Tx) -> Member:
        campaign = lookup.existing(tx.connection, whole, tx.by, named)
        found = _one(_found(tx, kinds, member))
        if found is None:
            raise Problem(
                "invalid_reference",
                LOOK_IT_UP,
                fields={"id": lookup.nothing(_named(kinds, member), member)},
            )
        kind, record = found
        joined, is_new = join(tx, kinds, campaign.id, kind, record.id, values)
        notes = (*lookup.notes(named, campaign), *lookup.notes(member, record))
        return Member(kind, record, facts(joined), is_new, notes)

    return await call.write(unit)


async def remove(call: Call, id: str, member: str) -> tuple[Record, Record, tuple[str, ...]]:
    """End a membership; return the member, the campaign, and notes. It needs no confirm token."""
    kinds = call.crm.kinds
    whole, named, sent = kinds.whole.to, lookup.id_or_key(kinds.whole.to, id), _in_path(kinds, member)

    def unit(tx: Tx) -> tuple[Record, Record, tuple[str, ...]]:
        campaign = lookup.existing(tx.connection, whole, tx.by, named)
        found = _found(tx, kinds, sent)
        if not found:
            kind = _named(kinds, sent)[0]
            found = [(kind, lookup.existing(tx.connection, kind, tx.by, sent))]  # it says why there is none
        joined = [each for each in found if _between(tx, kinds, campaign.id, each[0], each[1].id)]
        kind, record = _one(joined) or found[0]
        membership = _between(tx, kinds, campaign.id, kind, record.id)
        if membership is None:
            hint = f"{record.handle} is no member of {campaign.handle}."
            raise Problem("not_found", f"{hint} GET {whole.path}/{campaign.id}/members lists who is.")
        derived.put_and_follow(tx, kinds, kinds.membership, membership, None)
        return record, campaign, (*lookup.notes(named, campaign), *lookup.notes(sent, record))

    return await call.write(unit)


def join(
    tx: Tx, kinds: Kinds, whole_id: str, kind: Kind, id: str, values: Mapping[str, Any] | None = None
) -> tuple[Record, bool]:
    """Return the membership of a live record in a live campaign, with these values, and whether it is new."""
    before = _between(tx, kinds, whole_id, kind, id)
    if before is not None:
        after = structs.replace(before, **(values or {}))
        return derived.put_and_follow(tx, kinds, kinds.membership, before, after), False
    links = {kinds.whole.link: whole_id, _link_to(kinds, kind): id}
    after = kinds.membership.new({**(values or {}), **links})
    return derived.put_and_follow(tx, kinds, kinds.membership, None, after), True


def facts(membership: Record) -> dict[str, Any]:
    """Return the fields of a membership that are shown beside its contact or company (see BESIDE)."""
    return dict(
        zip(BESIDE, (getattr(membership, "reason", None), getattr(membership, "created_at", None)), strict=True)
    )


def _between(tx: Tx, kinds: Kinds, whole_id: str, kind: Kind, id: str) -> Record | None:
    links = {_link_to(kinds, kind): id, kinds.whole.link: whole_id}
    return records.find_by(tx.connection, kinds.membership, tx.by.workspace_id, links)


def _link_to(kinds: Kinds, kind: Kind) -> str:
    return next(link.link for link in kinds.members if link.to is kind)


def _found(tx: Tx, kinds: Kinds, named: str | Key) -> list[tuple[Kind, Record]]:
    """Return the live records that a bare id or a natural key of a member names, one of a kind, with their kinds."""
    each = ((kind, lookup.find(tx.connection, kind, tx.by, named)) for kind in _named(kinds, named))
    return [(kind, record) for kind, record in each if record is not None]


def _one(found: Sequence[tuple[Kind, Record]]) -> tuple[Kind, Record] | None:
    """Return the record that was found, None if there is none; raises `invalid_value` if there are several."""
    if len(found) > 1:
        handles = listed(record.handle for _, record in found)
        raise Problem("invalid_value", "Send the id of the one that is meant.", fields={"id": f"names {handles}"})
    return found[0] if found else None


def _named(kinds: Kinds, named: str | Key) -> list[Kind]:
    """Return the kinds of which an id or a natural key may name a record."""
    if isinstance(named, str):
        return [kinds.by_prefix[ids.prefix_of(named)]]
    return [link.to for link in kinds.members if named.of(link.to.prefix)]


def _in_path(kinds: Kinds, text: str) -> str | Key:
    """Return the bare id or the natural key of a member that a path names; raises `not_found`."""
    prefix, prefixes = ids.prefix_of(text), [link.to.prefix for link in kinds.members]
    if prefix in prefixes:
        return lookup.id_or_key(kinds.by_prefix[prefix], text)
    key = keys.read(text, kinds.forms, kinds.prefixes)
    if key is None or not any(map(key.of, prefixes)):
        return lookup.id_or_key(kinds.members[0].to, text)  # which says what is wrong with it
    return key


def _of_kind(kinds: Kinds, text: str) -> list[tuple[str, str]]:
    """Return the filter for the members of the kinds that `kind=` names, by comma; raises `invalid_value`."""
    words = {word: link for link in kinds.members for word in (link.to.name, link.to.plural)}
    sent = [word.strip().lower() for word in text.split(",") if word.strip()]
    wrong = next((word for word in sent if word not in words), None)
    if wrong is None:
        wanted = [link for link in kinds.members if link in [words[word] for word in sent]]
        if len(wanted) == 1:
            return [(wanted[0].link, "not:null")]
        # a member is of one kind, so those of several kinds are of none of the others
        return [(link.link, "is:null") for link in kinds.members if link not in wanted] if wanted else []
    names = [link.to.name for link in kinds.members]
    raise Problem(
        "invalid_value",
        f"Write kind={' or kind='.join(names)}.",
        fields={"kind": f"must be {listed(names, 'or')}{nearest(wrong, names)}"},
    )
