"""The verb that says of two records that are likely one: they are two."""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any

from msgspec.structs import replace

from crmkit.core import derived, lookup
from crmkit.core.call import Call
from crmkit.errors import Problem
from crmkit.model.fields import Key, LinkToAny
from crmkit.model.form import REQUIRED, Form, form_of
from crmkit.model.record import Kind, Kinds, Record
from crmkit.records.between.dismissal import ids_of
from crmkit.storage import records
from crmkit.storage.duplicates import pairs
from crmkit.storage.interface.tx import Tx

Two = tuple[Record, Record]


class DismissalBody:
    a: Annotated[str, LinkToAny(()), REQUIRED, "one of the two"]
    b: Annotated[str, LinkToAny(()), REQUIRED, "the other"]


@cache
def form(kinds: Kinds) -> Form:
    """Return the form of the body."""
    made = form_of(DismissalBody, "dismissal")
    type_ = LinkToAny(tuple(kind.prefix for kind in kinds.alike), kinds.prefixes, kinds.forms)
    return replace(made, fields=tuple(replace(field, type=type_) for field in made.fields))


def carry_over(tx: Tx, kinds: Kinds, source: str, target: str) -> None:
    """Have what somebody said of one record, that it and another are two, said of the `target` it is merged into."""
    kind, workspace_id = kinds.dismissal, tx.by.workspace_id
    for side, of_other in (("a", 1), ("b", 0)):
        for said in records.linked(tx.connection, kind, workspace_id, side, source):
            other = ids_of(said)[of_other]
            if other != target:
                _say(tx, kinds, target, other)


def _say(tx: Tx, kinds: Kinds, one: str, other: str) -> None:
    """Write that two records are two, unless that was said before."""
    values = dict(zip(("a", "b"), pairs.pair_of(one, other), strict=True))
    if records.find_by(tx.connection, kinds.dismissal, tx.by.workspace_id, values) is None:
        derived.put_and_follow(tx, kinds, kinds.dismissal, None, kinds.dismissal.new(values))


async def dismiss(call: Call, body: Mapping[str, Any]) -> Two:
    """Have a pair listed no more, and return its records; nothing is written where that was said before."""
    kinds = call.crm.kinds
    sent = form(kinds).draft(body, call.asker)
    form(kinds).check_required(sent)
    for named in sent.values():
        call.actor.access.check(*(f"{kind.area}.write" for kind in _of(kinds, named)))

    def unit(tx: Tx) -> Two:
        a, b = _two(tx, kinds, sent)
        _say(tx, kinds, a.id, b.id)
        return a, b

    return await call.write(unit)


def _two(tx: Tx, kinds: Kinds, sent: Mapping[str, str | Key]) -> Two:
    """Return the two records; raises `invalid_reference` for one that is not there, `invalid_value` for no pair."""
    found, wrong = {}, {}
    for name, named in sent.items():
        of = _of(kinds, named)
        records_ = (lookup.find(tx.connection, kind, tx.by, named) for kind in of)
        record = next((record for record in records_ if record is not None), None)
        if record is None:
            wrong[name] = lookup.nothing(of, named)
        else:
            found[name] = record
    if wrong:
        raise Problem("invalid_reference", "GET /duplicates lists the pairs that there are.", fields=wrong)
    a, b = found["a"], found["b"]
    if a.id == b.id or type(a) is not type(b):
        what = "is the same record as a" if a.id == b.id else "is of another kind than a"
        raise Problem(
            "invalid_value", "Send the two records of a pair, as GET /duplicates has them.", fields={"b": what}
        )
    return a, b


def _of(kinds: Kinds, named: str | Key) -> list[Kind]:
    """Return the kinds of which an id or a key may name a record."""
    if isinstance(named, str):
        return [kind for kind in kinds.alike if named.partition("_")[0] == kind.prefix]
    return [kind for kind in kinds.alike if named.of(kind.prefix)]
