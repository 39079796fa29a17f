"""What a scoring rule may be: an expression about records of its kind, at most MOST of one kind."""

from crmkit.core.rules.rule import Rule, Values, Write, has
from crmkit.errors import Problem
from crmkit.model.expressions import BadExpression
from crmkit.records.settings.rule import MOST
from crmkit.storage.scoring import rules


def _settled(write: Write, values: Values) -> Values:
    """Return the values as they are; raises `invalid_expression`, or `invalid_value` for one rule too many."""
    expression, name = (
        write.will("expression", values),
        write.will("kind", values) or write.kind.by_name["kind"].default,
    )
    if expression is None:
        return values  # the form refuses it
    is_added = write.before is None or write.was("kind") != name
    is_switched_on = write.will("active", values) and not write.was("active")
    if is_added or is_switched_on or write.was("expression") != expression:
        try:
            rules.parsed(write.crm.kinds.by_word[name], expression)
        except BadExpression as error:
            hint = "Correct it there: GET /help?topic=scoring says what an expression may be."
            raise Problem("invalid_expression", hint, fields={"expression": str(error)}) from None
    if is_added and rules.count(write.tx.connection, write.tx.by.workspace_id, name) >= MOST:
        what = f"has {MOST} scoring rules; at most {MOST} fit"
        raise Problem("invalid_value", "Delete one first, or add to the expression of another.", fields={"kind": what})
    return values


RULE = Rule(has("kind", "expression", "weight"), _settled, agree=_settled)
