"""What a record holds once another of its kind is merged into it.

It keeps what it has. Empty fields are filled from the other, tags are united, custom is united key by key. A field that
means something only beside others is filled only where the two records agree in those.
"""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct, field

from crmkit.core.records import relations
from crmkit.core.rules import names
from crmkit.core.rules.rule import Values, Write
from crmkit.errors import Problem
from crmkit.model.fields import Custom, Invalid
from crmkit.model.form import Field
from crmkit.model.query.filters import CustomKey
from crmkit.model.record import Kind, Record, Tracked
from crmkit.storage.columns import country_of
from crmkit.storage.interface.tx import Tx

_PLACE = ("address", "city", "region", "postal_code", "country", "latitude", "longitude")
_BESIDE = {
    **dict.fromkeys(_PLACE, _PLACE),
    "follow_up_note": ("follow_up_at",),
    "stage": ("status",),
}


class United(Struct, frozen=True):
    """The `values` that change on the record that stays, and how it comes to them, by name.

    `kept` and `dropped` have what it has in place of another value, and that value; `dropped` also has what an empty
    field is not filled with. `filled` has what the other record gives it. A key of custom is a field in all three.
    """

    values: Values
    kept: dict[str, Any] = field(default_factory=dict)
    dropped: dict[str, Any] = field(default_factory=dict)
    filled: dict[str, Any] = field(default_factory=dict)


def united(write: Write, other: Record) -> United:
    """Return what the record of `write` holds once `other` is merged into it; raises `invalid_value` past a limit."""
    kind, stays = write.kind, write.before
    if stays is None:
        raise TypeError("a record is merged into one that is there")
    found, too_long = United({}), {}
    for each in _own_fields(kind):
        kept, given = getattr(stays, each.name), getattr(other, each.name)
        try:
            value = each.type.united(kept, given)
        except Invalid as error:
            too_long[each.name] = str(error)
            continue
        if kept is None and not _agrees(kind, each, stays, other):
            value = None
        if value != kept:
            found.values[each.name] = value
        _tell(found, each, kept, given, value)
    if too_long:
        raise Problem("invalid_value", "Take some away from one of the two first.", fields=too_long)
    _carry(write.tx, found, kind, stays, other)
    _settle(write, found, other)
    return found


def _own_fields(kind: Kind) -> Iterator[Field]:
    """Yield the fields that somebody gives a record, not those that follow from others or tell of the record itself."""
    told_by = kind.composed.told_by if kind.composed else ""
    for each in kind.fields:
        if not each.derived and each.name != told_by and each.name not in Tracked.__struct_fields__:
            yield each


def _agrees(kind: Kind, each: Field, stays: Record, other: Record) -> bool:
    """Tell whether no field beside which this one stands holds different things in the two records."""
    beside = ("currency",) if each.name.endswith("_cents") else _BESIDE.get(each.name, ())
    return not any(_differ(kind.by_name[name], stays, other) for name in beside if name in kind.by_name)


def _differ(each: Field, stays: Record, other: Record) -> bool:
    one, two = getattr(stays, each.name), getattr(other, each.name)
    if one is None or two is None or one == two:
        return False
    return not each.type.key_column or bool(each.type.key(one) != each.type.key(two))


def _tell(found: United, each: Field, kept: Any, given: Any, value: Any) -> None:
    """Note what becomes of a field that both records may have a value of."""
    if isinstance(each.type, Custom):
        for key in {**(kept or {}), **(given or {})}:
            name = CustomKey((key,)).name
            _tell_one(found, name, (kept or {}).get(key), (given or {}).get(key), (value or {}).get(key))
    elif each.type.merges:
        if value != kept:
            found.filled[each.name] = value
    else:
        _tell_one(found, each.name, kept, given, value)


def _tell_one(found: United, name: str, kept: Any, given: Any, value: Any) -> None:
    if given is None or given == kept:
        return
    if kept is not None:
        found.kept[name] = kept
    if value == given:
        found.filled[name] = value
    else:
        found.dropped[name] = given


def _carry(tx: Tx, found: United, kind: Kind, stays: Record, other: Record) -> None:
    """Write what is filled so that it means the same in the country of the record that stays."""
    for each in kind.by_country:
        if each.name in found.values:
            country = found.values.get("country") or country_of(tx, stays)
            value = each.type.carried(found.values[each.name], country_of(tx, other), country)
            found.values[each.name] = found.filled[each.name] = value


def _settle(write: Write, found: United, other: Record) -> None:
    """Add titles of linked records, and the name that its parts make.

    No other rule is asked: both records were written by their rules, and a merge shall not be refused for what has
    changed since, like a stage that a pipeline no longer has.
    """
    found.values.update(relations.linked(write.tx, write.crm.kinds, write.kind, found.values))
    composed = write.kind.composed
    if composed is None:
        return
    found.values.update(names.RULE.settle(write, found.values))
    name, given = found.values.get(composed.name), getattr(other, composed.name)
    if name is not None and name != write.was(composed.name):
        for told in (found.kept, found.dropped):
            told.pop(composed.name, None)
        _tell_one(found, composed.name, None if name == given else name, given, name)
