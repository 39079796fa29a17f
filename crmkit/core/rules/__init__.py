"""Rules that concern some kinds of records: between their fields, and on other records. One module for each.

`RULES` lists them in the order in which they are applied. Core's `write` asks `of(kind)`.
"""

from functools import cache

from crmkit.core.rules import (
    closings,
    codes,
    conversions,
    declarations,
    declared_keys,
    money,
    names,
    scoring,
    stages,
    tasks,
    times,
)
from crmkit.core.rules.rule import Rule
from crmkit.model.record import Kind

RULES: tuple[Rule, ...] = (
    names.RULE,
    codes.RULE,
    money.RULE,
    times.FOLLOW_UP,
    stages.RULE,
    closings.RULE,
    tasks.RULE,
    times.OCCURRENCE,
    times.PERIOD,
    conversions.RULE,
    declared_keys.RULE,
    declarations.RULE,
    scoring.RULE,
)


@cache
def of(kind: Kind) -> tuple[Rule, ...]:
    """Return the rules that concern records of this kind."""
    return tuple(rule for rule in RULES if rule.concerns(kind))
