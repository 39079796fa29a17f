"""A record as it is written: after the rules of its kind, with what they write on others."""

from msgspec import Struct, structs

from crmkit.core import derived, quotas, rules
from crmkit.core.duplicates.matching import Match
from crmkit.core.rules.rule import Values, Write
from crmkit.errors import Problem
from crmkit.model.fields import Invalid
from crmkit.model.record import Kind, Record


class Saved(Struct, frozen=True):
    """A record after a write; `created` is False if it was there before. `notes` say what else was written.

    `potential_duplicate` is the handle of a record that a new one may be the same as.
    """

    record: Record
    created: bool
    notes: tuple[str, ...] = ()
    potential_duplicate: str = ""


def settled(write: Write, values: Values) -> Saved:
    """Return the record with these values, after the rules of its kind, and with what they write on others."""
    before, after = write.before, checked(write, values)
    matches: list[Match] = []
    record = derived.put_and_follow(write.tx, write.crm.kinds, write.kind, before, after, matches=matches)
    for rule in rules.of(write.kind):
        rule.after(write, record)
    if before is not None or not matches:
        return Saved(record, before is None, tuple(write.notes))
    other = matches[0]
    write.notes.append(f"may be the same as {other.record.handle} ({other.reason})")
    return Saved(record, True, tuple(write.notes), other.record.handle)


def checked(write: Write, values: Values) -> Record:
    """Return the record as it is to be written with these values; raises what the rules of its kind forbid."""
    tx, kind, before = write.tx, write.kind, write.before
    if before is None:
        values = kind.with_defaults(values, tx.by.preferences)
    for rule in rules.of(kind):
        values = rule.settle(write, values)
    if before is None:
        kind.check_required(values)
        quotas.check(tx, write.crm.settings, kind.plural)
    values = _merged(kind, before, values)
    return kind.new(values, preferences=tx.by.preferences) if before is None else structs.replace(before, **values)


def _merged(kind: Kind, before: Record | None, values: Values) -> Values:
    """Return the values, with keys of custom and changes of tags merged into those that the record has."""
    found, wrong = {}, {}
    for field in kind.merging:
        if field.name in values:
            old = None if before is None else getattr(before, field.name)
            try:
                found[field.name] = field.type.merged(old, values[field.name])
            except Invalid as error:
                wrong[field.name] = str(error)
    if wrong:
        raise Problem("invalid_value", f"Keep less in {' and '.join(wrong)}.", fields=wrong)
    return values | found if found else values
