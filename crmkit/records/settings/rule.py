"""Rule: what gives records points."""

from collections.abc import Sequence
from typing import Annotated

from msgspec.structs import replace

from crmkit.model.declared.parts import NameOfKind
from crmkit.model.expressions.field import Formula
from crmkit.model.fields import Flag, Integer, Number, Text
from crmkit.model.form import DETAIL, REQUIRED, Default
from crmkit.model.record import Kind, Tracked, index, kind_of

MOST = 50  # of one kind in a workspace
LOWEST = -(2**31)  # priority


class ScoringRule(Tracked, frozen=True):
    """What gives records points."""

    name: Annotated[str, Text(200), REQUIRED, "what it is for"]
    kind: Annotated[str, NameOfKind(()), Default("contact"), "which records; contact unless sent"]
    expression: Annotated[str, Formula(), REQUIRED, "its value, see topic=scoring"]
    weight: Annotated[float, Number(), Default(1.0), "points for a value of 1; 1 unless sent"]
    active: Annotated[bool, Flag(), Default(True), "true unless sent"]
    priority: Annotated[int, Integer(LOWEST, -LOWEST - 1), DETAIL, Default(0), "lower is told first"]


def rule_of(kinds: Sequence[Kind]) -> Kind:
    """Return the kind of the rules for those of these kinds that have a score."""
    scored = [kind for kind in kinds if kind.is_scored]
    of_kinds = NameOfKind(tuple(kind.name for kind in scored), plurals={kind.plural: kind.name for kind in scored})
    made = kind_of(
        ScoringRule,
        name="rule",
        plural="rules",
        prefix="sr",
        path="scoring-rules",
        area="scoring",
        indexes=(index("updated_at"), index("kind", "updated_at")),
        is_setting=True,
        is_admins=True,
        is_capped=False,
    )
    fields = (replace(each, type=of_kinds) if each.name == "kind" else each for each in made.fields)
    return replace(made, fields=tuple(fields), called="scoring rule")
