"""Expressions of scoring rules: a text is parsed once, and evaluated for each record without `eval`.

Operators, loosest first:

    ? :                    TEST ? VALUE : VALUE, from the right
    or ||                  true if one of them is
    and &&                 true if all of them are
    not !                  true if what follows is not
    == != < <= > >=        do not chain
    + -                    from the left
    * /                    from the left
    -                      before a value

A value is a number, a text, a list, or missing. `true` is 1 and `false` is 0, and so is what operators of truth answer.
`nil` and `null` are missing, as are a field or a key without a value. False are 0, "", an empty list and missing.

A missing value counts 0, also where it is compared with a number; beside `nil` it is told apart from 0. Texts and lists
count 0 in sums. A division by 0 is 0. A number that is too large becomes the largest there is, so that none is
infinite. Texts are equal without case, as filters compare them, and ordered likewise, which is the order of time for
times and dates. Lists are equal if their items are, which are texts and numbers. Values of two sorts are neither equal
nor in an order: where a field tells that, the expression is refused.

`has(LIST, ITEM)` is true if an item of the list equals it; another value of a key is a list of itself. `min` and `max`
take numbers. `days_since(FIELD)` counts whole days from a time to the present, from a date to today in the workspace's
zone.
"""

from crmkit.model.expressions.parser import MOST_CHARACTERS, MOST_LEVELS, Expression, parse
from crmkit.model.expressions.scope import Scope
from crmkit.model.expressions.tokens import BadExpression

__all__ = ["MOST_CHARACTERS", "MOST_LEVELS", "BadExpression", "Expression", "Scope", "parse"]
