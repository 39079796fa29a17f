"""The operators of filters, a row each: which fields take one, how its operand is read, what it becomes, its words.

Filters, errors, notes, the manual and `explain` read the rows. A new operator is a row here. If it tests what no other
does, its SQL stands in `storage/lists/conditions.py`, by the dialect.
"""

from collections.abc import Sequence
from enum import Enum

from msgspec import Struct

from crmkit.errors import listed


class Taken(Enum):
    """What fields are like, as operators see them."""

    TEXT = "text"
    NUMBER = "numbers"
    TIME = "days and times"
    EXACT = "ids, words of a set, codes"
    TAGS = "tags"
    PLACE = "a latitude and a longitude"
    WHOLE = "objects and lists"


class Operand(Enum):
    """What stands after an operator, as the manual spells it."""

    NULL = "null"
    ONE = "VALUE"
    LIST = "VALUE,VALUE"
    TWO = "FIRST,LAST"
    PERIOD = "PERIOD"
    CIRCLE = "LAT,LNG,KM"


TEXT, NUMBER, TIME, EXACT, TAGS, PLACE, WHOLE = Taken
_ORDERED = (TEXT, NUMBER, TIME)
_VALUES = (*_ORDERED, EXACT, TAGS)


class Operator(Struct, frozen=True):
    """`words` say what it asks for, `{}` is its operand; `words_for` does where a field of some sort is told otherwise.

    A filter `becomes` conditions that must all hold: of `between` the first is met by the first value, the second by
    the second. One that `negates` another finds what that does not, fields without a value too. `is_range` tells that
    the rows it finds are a part of an index, `alike` how other tools spell it.
    """

    name: str
    takers: tuple[Taken, ...]
    operand: Operand
    words: str
    words_for: tuple[tuple[Taken, str], ...] = ()
    becomes: tuple[str, ...] = ()
    negates: str = ""
    is_range: bool = False
    alike: tuple[str, ...] = ()

    @property
    def conditions(self) -> tuple[str, ...]:
        """The operators of the conditions that a filter becomes."""
        return self.becomes or (self.name,)

    @property
    def is_whole(self) -> bool:
        """Whether it compares whole values, not their order or a part of them."""
        return (self.negates or self.conditions[0]) in ("eq", "in")

    def said(self, taken: Taken, operands: Sequence[str]) -> str:
        """Return what it asks of a field with these operands, after the field's name: `is one of lead, won`."""
        words = dict(self.words_for).get(taken, self.words)
        if self.operand in (Operand.NULL, Operand.TWO, Operand.CIRCLE):
            return words.format(*operands)
        joint = "and" if taken is TAGS and (self.negates or self.name) == "eq" else "or"
        return words.format(listed(operands, joint))


_ONE, _LIST = Operand.ONE, Operand.LIST

ROWS = (
    Operator(
        "eq", _VALUES, _ONE, "is {}", ((TAGS, "have {}"),), is_range=True, alike=("=", "==", "equals", "equal", "all")
    ),
    Operator(
        *("ne", _VALUES, _ONE, "is not {} (or is empty)"),
        words_for=((TAGS, "do not have {} (or are empty)"),),
        negates="eq",
        alike=("!=", "<>", "!", "neq"),
    ),
    Operator("gt", _ORDERED, _ONE, "is above {}", ((TIME, "is after {}"),), is_range=True, alike=(">", "after")),
    Operator(
        *("gte", _ORDERED, _ONE, "is {} or above", ((TIME, "is {} or later"),)),
        is_range=True,
        alike=(">=", "ge", "geq", "min", "from", "since"),
    ),
    Operator("lt", _ORDERED, _ONE, "is below {}", ((TIME, "is before {}"),), is_range=True, alike=("<", "before")),
    Operator(
        *("lte", _ORDERED, _ONE, "is {} or below", ((TIME, "is {} or earlier"),)),
        is_range=True,
        alike=("<=", "le", "leq", "max", "to", "until"),
    ),
    Operator(
        "like",
        (TEXT, TAGS),
        _ONE,
        "contains {}",
        ((TAGS, "have one that contains {}"),),
        alike=("~", "contains", "ilike", "has"),
    ),
    Operator(
        *("unlike", (TEXT, TAGS), _ONE, "does not contain {} (or is empty)"),
        words_for=((TAGS, "have none that contains {} (or are empty)"),),
        negates="like",
        alike=("notlike", "not_like", "nlike", "excludes"),
    ),
    Operator(
        *("starts", (TEXT, TAGS), _ONE, "starts with {}", ((TAGS, "have one that starts with {}"),)),
        is_range=True,
        alike=("startswith", "prefix", "begins"),
    ),
    Operator(
        *("ends", (TEXT, TAGS), _ONE, "ends with {}", ((TAGS, "have one that ends with {}"),)),
        alike=("endswith", "suffix"),
    ),
    Operator(
        "in", _VALUES, _LIST, "is {}", ((TAGS, "have {}"),), is_range=True, alike=("any", "anyof", "any_of", "oneof")
    ),
    Operator(
        *("out", _VALUES, _LIST, "is not {} (or is empty)", ((TAGS, "have none of {} (or are empty)"),)),
        negates="in",
        alike=("nin", "notin", "not_in", "none"),
    ),
    Operator(
        *("between", _ORDERED, Operand.TWO, "is from {} to {}"),
        becomes=("gte", "lte"),
        alike=("range", "btw"),
    ),
    Operator("during", (TIME,), Operand.PERIOD, "is in {}", becomes=("gte", "lt"), alike=("within", "period")),
    Operator("any", (TAGS,), _LIST, "have {}", becomes=("in",)),
    Operator("none", (TAGS,), _LIST, "have none of {} (or are empty)", becomes=("out",), negates="in"),
    Operator("within", (PLACE,), Operand.CIRCLE, "is within {2} km of {0}, {1}", alike=("near", "around")),
    Operator("is", tuple(Taken), Operand.NULL, "is empty"),
    Operator("not", tuple(Taken), Operand.NULL, "is not empty"),
    # what filters become that mean several days: a value is in one of these spans, or in none; no client writes it
    Operator("spanned", (), _LIST, "is {}"),
    Operator("unspanned", (), _LIST, "is not {} (or is empty)", negates="spanned"),
)
BY_NAME = {row.name: row for row in ROWS}
OPERATORS = tuple(row.name for row in ROWS if row.takers)
RANGES = tuple(row.name for row in ROWS if row.is_range)

# what one field has as an operator stands for another on fields that do not have it
SPELLINGS = {spelling: row.name for row in ROWS for spelling in row.alike}
TAKEN_BY = {taken: tuple(row.name for row in ROWS if taken in row.takers) for taken in Taken}


def meant(word: str, allowed: Sequence[str]) -> str:
    """Return the operator among those allowed that a word or sign stands for, "" if it is none of them."""
    found = word if word in allowed else SPELLINGS.get(word.lower(), "")
    return found if found in allowed else ""
