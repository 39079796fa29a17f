"""How the SQL of one brand of database differs from that of another: a value, which the pure functions of storage take.

All that is not named here is spelled so that every brand understands it.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from crmkit.model.query.filters import CustomKey
    from crmkit.storage.interface.statement import Statement

# the operators of filters that are spelled alike everywhere
COMPARISONS = {"eq": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


class Dialect(Struct, frozen=True, eq=False):  # compared by identity: statements are cached by it
    """`{}` in a text stands for an expression, or for several separated by commas; `{0}` for the first."""

    json_array: str  # the expressions as one JSON array
    json_column: str  # a column that holds JSON, as a part of such an array
    json_flag: str  # a column that holds 1 or 0, as true or false in such an array
    json_real: str  # a column of REAL, with its fraction where that is 0, as a part of such an array
    json_object: Callable[[Sequence[tuple[str, str]]], str]  # names and their expressions, as one JSON object
    all_lines: str  # of all rows of a column of texts: one text, a row in each line
    all_rows: str  # of the columns `row` (a JSON array) and `seq`: the bytes of one JSON array, all numbers by commas
    joined_texts: str  # of all rows, separated by commas
    joined_by: str  # the same in the order of a column, in which a subquery has the rows
    numbers: str  # a SELECT of the numbers in a JSON array that is bound to ?
    texts: str  # a SELECT of the texts in such an array, each as `value`
    spans: str  # a SELECT of the pairs of texts in such an array, as `low` and `high`
    same: str  # the operator of equality for which NULL is NULL
    contains: str  # the condition that a text, {0}, contains another, {1}
    starts: str  # that it starts with another
    ends: str
    distance: str  # the kilometres from a latitude and a longitude to another latitude and longitude
    limit: str  # LIMIT with a bound value
    unindexed: str  # stands before a column, or a condition in brackets, that is not to choose an index
    likely: str  # a condition that most rows meet, so that an index is rather chosen for another
    join: str  # a JOIN that looks up rows of the right table for each of the left one
    greatest: str  # the greater of expressions that are not NULL
    least: str
    dialled: str  # a phone number by its digits, read without a country
    folded: str  # a text column that has no folded twin, folded
    custom_value: Callable[["CustomKey"], "Statement"]  # what a custom key holds, for IS NULL
    custom_order: Callable[["CustomKey"], "Statement"]  # what a custom key is sorted by
    custom_condition: Callable[["CustomKey", str, Any], "Statement"]  # a key, what is tested, its operand
    custom_json: Callable[[str], "Statement"]  # the JSON of a key of custom, NULL without one
    compared: Callable[[str, str], "Statement"]  # what a key of a declared form is compared by, NULL for a misfit
    held: Callable[[Any], Any]  # what is bound for a value that is compared with what `compared` returns
    custom_group: Callable[["CustomKey"], "Statement"]  # what a custom key is grouped by
    custom_number: Callable[["CustomKey"], "Statement"]  # the number that a custom key holds, NULL for all else
    bucketed: Callable[[str, str, "Statement"], "Statement"]  # the bucket of a unit of time, in a zone, of a value
    each: str  # behind a table: a row for each text in a JSON array and one without, under the name of the second {}
    keys: str  # behind a table: a row for each `key` of a JSON object, under the name of the second {}
    stored_columns: str  # a SELECT of the names of a table's columns, in order, without those that are computed
    refused: Callable[[Exception], bool]  # whether a row breaks a rule of its table, if that was the error
    taken: Callable[[Exception], str | None]  # the unique column whose value another row has, if that was the error
