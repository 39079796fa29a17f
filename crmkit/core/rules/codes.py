"""A new record without a code gets the next number of its workspace, if that has a prefix for codes: `CRM-17`."""

from crmkit.core.rules.rule import Rule, Values, Write
from crmkit.model.record import Kind
from crmkit.storage import sequence


def _settled(write: Write, values: Values) -> Values:
    prefix = write.tx.by.preferences.code_prefix
    field = write.kind.numbered
    if not prefix or field is None or write.before is not None or values.get(field.name) is not None:
        return values
    code = sequence.code(write.tx, write.kind, field, prefix)
    if write.tx.codes is not None:
        write.tx.codes.add((write.kind.name, code))
    return {**values, field.name: code}


def _is_numbered(kind: Kind) -> bool:
    return kind.numbered is not None


RULE = Rule(_is_numbered, _settled)
