"""A key of custom that the workspace declares holds a value of its type, and one that is required is never empty."""

from typing import Any

from crmkit.core.rules.rule import Rule, Values, Write
from crmkit.errors import IS_EMPTY, IS_NEEDED, Problem
from crmkit.model.fields import Invalid
from crmkit.model.query.filters import CustomKey
from crmkit.storage.custom import indexes
from crmkit.storage.custom.indexes import CustomIndex


def _settled(write: Write, values: Values) -> Values:
    """Return the values as they are; raises `invalid_value`, else `missing_field`, for all wrong keys at once."""
    if write.before is not None and "custom" not in values:
        return values
    declared = indexes.known(write.tx, write.kind)
    if not declared:
        return values
    sent: dict[str, Any] = values.get("custom") or {}
    clears_all = "custom" in values and values["custom"] is None
    held = write.was("custom") or {}
    wrong, missing = {}, {}
    for index in declared:
        name = CustomKey((index.key,)).name
        value = sent.get(index.key)
        what = _fault(index, value)
        if what:
            wrong[name] = what
        elif index.required and _is_empty(value):
            if write.before is None and index.key not in sent:
                missing[name] = IS_NEEDED
            elif index.key in sent or (clears_all and index.key in held):
                missing[name] = IS_EMPTY
    if wrong:
        raise Problem("invalid_value", "GET /fields lists the declared keys and their types.", fields=wrong | missing)
    if missing:
        raise Problem("missing_field", "Send a value; GET /fields lists the declared keys.", fields=missing)
    return values


def _fault(index: CustomIndex, value: Any) -> str:
    """Return what is wrong with the type of a value, empty if nothing is."""
    if value is None:
        return ""
    try:
        index.type.compared(value)
    except Invalid as error:
        return str(error)
    return ""


def _is_empty(value: Any) -> bool:
    return value is None or value in ([], {}) or (isinstance(value, str) and not value.strip())


RULE = Rule(lambda kind: kind.custom is not None, _settled)
