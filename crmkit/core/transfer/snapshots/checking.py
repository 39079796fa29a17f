"""What arrives is what the types of its fields store: none of it makes an answer of this server fail."""

from collections.abc import Mapping
from typing import Any

import msgspec

from crmkit.core.configuration.settings import SETTINGS
from crmkit.core.transfer.snapshots.archive import Invalid, Reader, Row
from crmkit.model.expressions import BadExpression
from crmkit.model.fields import Flag
from crmkit.model.form import Field
from crmkit.model.record import Kinds
from crmkit.records.settings.rule import ScoringRule
from crmkit.storage.columns import stored
from crmkit.storage.scoring import rules
from crmkit.storage.workspaces import owned


def check(reader: Reader, kinds: Kinds) -> None:
    """Raise Invalid for the first setting or row that holds what its field does not; columns are not compared here."""
    _check(SETTINGS.fields, reader.manifest.workspace, "the workspace")
    names = {table.name for table in owned.travelling(kinds)} & {file.name for file in reader.manifest.files}
    for kind in kinds.all:
        if kind.plural not in names:
            continue
        fields = stored(kind)
        for rows in reader.rows(kind.plural):
            for row in rows:
                place = f"the row {row.get('id') or row.get('seq')} of {kind.plural}"
                _check(fields, row, place)
                if issubclass(kind.record, ScoringRule):
                    _check_rule(kinds, row, place)


def _check_rule(kinds: Kinds, row: Row, place: str) -> None:
    """Raise Invalid where the expression of a scoring rule is none about records of its kind."""
    kind = kinds.by_word.get(str(row.get("kind")))
    if kind is None:
        raise Invalid(f"{place} is about no kind of this server")
    try:
        rules.parsed(kind, str(row.get("expression")))
    except BadExpression as error:
        raise Invalid(f"{place} has an expression that cannot be read: {error}") from None


def _check(fields: tuple[Field, ...], row: Row | Mapping[str, Any], place: str) -> None:
    for field in fields:
        value = row.get(field.name)
        if value is not None and value != "" and not field.type.is_stored(_read(field, value)):
            raise Invalid(f"{place} has a {field.name} that is not {field.type.says}: {str(value)[:80]!r}")


def _read(field: Field, value: Any) -> Any:
    """Return a value as its type has it, of what its column holds; None where it is none."""
    if isinstance(field.type, Flag) and value in (0, 1):
        return bool(value)
    if not field.type.structured:
        return value
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, TypeError, RecursionError):
        return None
