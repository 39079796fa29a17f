"""SQL of one condition on a row `r`. Pure, as `sql` is.

What an operator tests is spelled here, once for each sort of column; what negates it is the same test with a NOT.
"""

from collections.abc import Callable
from typing import Any

from crmkit.model import phones
from crmkit.model.fields import Location, Phone, Tags
from crmkit.model.form import Field, Through
from crmkit.model.operators.circle import Circle
from crmkit.model.operators.rows import BY_NAME
from crmkit.model.query.filters import Condition, CustomKey, DeclaredKey, Target
from crmkit.storage.columns import quoted
from crmkit.storage.interface.dialect import COMPARISONS, Dialect
from crmkit.storage.interface.statement import Statement, joined

_LAST = "\U0010ffff"
_Bound = Callable[[Any], Any]  # what is bound in a statement for a value
_BEFORE_SURROGATES, _AFTER_SURROGATES = "\ud7ff", "\ue000"


def written(dialect: Dialect, condition: Condition, is_unindexed: bool = False) -> Statement:
    """Return the SQL of a condition; one that `is_unindexed` chooses no index."""
    target, operator, value = condition.target, condition.operator, condition.value
    if isinstance(target, Field) and target.through is not None:
        return _joined(target.through, operator, value)
    if isinstance(target, Field) and isinstance(target.type, Location):
        return _located(dialect, target.type, operator, value, is_unindexed)
    if operator in ("is", "not"):
        null = "IS NULL" if operator == "is" else "IS NOT NULL"
        return _value(dialect, target) + Statement(f" {null}")
    if isinstance(target, CustomKey):
        test = BY_NAME[operator].negates
        found = dialect.custom_condition(target, test or operator, value)
        # the inner condition is NULL where the key is missing, and those rows are meant as well
        return Statement("coalesce(NOT ") + found + Statement(", TRUE)") if test else found
    compared = Statement(dialect.unindexed if is_unindexed else "") + column(dialect, target)
    if isinstance(target.type, Tags):
        return _negated(condition, compared, _tags(dialect, compared, condition))
    if isinstance(target.type, Phone):
        return _negated(condition, compared, _phone(dialect, target, compared, condition))
    if operator == "starts" and (isinstance(target, DeclaredKey) or target.type.unfolded):
        held = dialect.held(value) if isinstance(target, DeclaredKey) else value
        return _with(dialect, operator, compared, held)  # made for each row, and once is enough
    return of_column(dialect, compared, condition)


def of_column(dialect: Dialect, column: Statement, condition: Condition) -> Statement:
    """Return the SQL of a condition on what a column holds."""
    if condition.operator in ("compared", "uncompared"):
        return column + Statement(" IS NOT NULL" if condition.operator == "compared" else " IS NULL")
    bound = dialect.held if isinstance(condition.target, DeclaredKey) else _itself
    return _negated(condition, column, _compared(dialect, column, _test(condition), condition.value, bound))


def column(dialect: Dialect, field: Field) -> Statement:
    """Return what filters and sorts compare: a text without case, the place of a word."""
    if isinstance(field, DeclaredKey):
        return dialect.compared(field.form, field.key)
    name = f"r.{quoted(field.compared)}"
    return Statement(dialect.folded.format(name) if field.type.unfolded else name)


def _value(dialect: Dialect, target: Target) -> Statement:
    """Return what is stored."""
    if isinstance(target, CustomKey):
        return dialect.custom_value(target)
    if isinstance(target, DeclaredKey):
        return dialect.custom_json(target.key)
    return Statement(f"r.{quoted(target.name)}")


def _test(condition: Condition) -> str:
    """Return the operator that is tested: for one that negates another, that one."""
    return BY_NAME[condition.operator].negates or condition.operator


def _negated(condition: Condition, column: Statement, found: Statement) -> Statement:
    """Return the test, or for an operator that negates it all else, NULL included."""
    if not BY_NAME[condition.operator].negates:
        return found
    return Statement("(NOT (") + found + Statement(") OR ") + column + Statement(" IS NULL)")


def _itself(value: Any) -> Any:
    return value


def _compared(dialect: Dialect, column: Statement, test: str, value: Any, bound: _Bound) -> Statement:
    if test == "in":
        return column + Statement(f" IN ({', '.join('?' * len(value))})", tuple(map(bound, value)))
    if test == "spanned":
        return _any_of([column + Statement(" BETWEEN ? AND ?", tuple(map(bound, span))) for span in value])
    if test in ("like", "ends"):
        return _with(dialect, test, column, bound(value))
    if test == "starts":
        return _starts(column, value, bound)
    return column + Statement(f" {COMPARISONS[test]} ?", (bound(value),))


def _starts(column: Statement, text: str, bound: _Bound) -> Statement:
    """Return that a text starts so, as a part of an index: from `text` on, up to what comes after all that start so."""
    first, kept = column + Statement(" >= ?", (bound(text),)), text.rstrip(_LAST)
    if not kept:
        return first
    following = _AFTER_SURROGATES if kept[-1] == _BEFORE_SURROGATES else chr(ord(kept[-1]) + 1)
    return first + Statement(" AND ") + column + Statement(" < ?", (bound(kept[:-1] + following),))


def _with(dialect: Dialect, test: str, column: Statement, text: str) -> Statement:
    """Return that a text starts, ends with or contains another."""
    form = {"like": dialect.contains, "starts": dialect.starts, "ends": dialect.ends}[test]
    return Statement(form.format(column.sql, "?"), (*column.args, *(text,) * form.count("{1}")))


def _tags(dialect: Dialect, column: Statement, condition: Condition) -> Statement:
    """Return the condition on tags, which the column holds with a comma before and after each."""
    test, value = _test(condition), condition.value
    if test in ("eq", "in"):
        has = [_with(dialect, "like", column, f",{tag},") for tag in value]
        return joined(has, " AND ") if test == "eq" else _any_of(has)
    return _with(dialect, "like", column, {"starts": f",{value}", "ends": f"{value},"}.get(test, value))


def _phone(dialect: Dialect, target: Field, column: Statement, condition: Condition) -> Statement:
    """Return the condition on a number: on its text as written or a part of its digits, or on how the digits end."""
    test, value = _test(condition), condition.value
    if test in ("like", "starts", "ends"):
        found = [_with(dialect, test, Statement(dialect.folded.format(f"r.{quoted(target.name)}")), value)]
        digits = phones.part(value)
        return _any_of([*found, _with(dialect, test, column, digits)]) if digits else found[0]
    if test not in ("eq", "in"):
        return column + Statement(f" {COMPARISONS[test]} ?", (phones.part(value) or value,))
    parts = []
    dialled = Statement(dialect.dialled.format(f"r.{quoted(target.name)}"))
    for first, *wholes in value if test == "in" else (value,):
        is_ending = phones.is_ending(first)
        first_is = Statement(" LIKE ?", (f"%{first}",)) if is_ending else Statement(" = ?", (first,))
        for known in (column, dialled):
            parts.append(known + first_is)
            parts += [known + Statement(" = ?", (whole,)) for whole in wholes]
    return _any_of(parts)


def _located(dialect: Dialect, type_: Location, operator: str, value: Any, is_unindexed: bool) -> Statement:
    """Return the condition on where a record is: its box first, which an index may know, then the distance."""
    latitude, longitude = f"r.{quoted(type_.latitude)}", f"r.{quoted(type_.longitude)}"
    if operator == "is":
        return Statement(f"({latitude} IS NULL OR {longitude} IS NULL)")
    if operator == "not":
        return Statement(f"({latitude} IS NOT NULL AND {longitude} IS NOT NULL)")
    circle = Circle(*value)
    (south, north), easts = circle.box()
    north_of = f"{dialect.unindexed if is_unindexed else ''}{latitude}"
    box = Statement(f"({north_of} >= ? AND {north_of} <= ? AND ", (south, north))
    box += _any_of([Statement(f"{longitude} BETWEEN ? AND ?", east) for east in easts]) + Statement(" AND ")
    distance = dialect.distance.format(latitude, longitude, "?", "?")
    return box + Statement(f"{distance} <= ?)", (circle.latitude, circle.longitude, circle.reach))


def _joined(through: Through, operator: str, value: Any) -> Statement:
    """Return the condition on what a record is joined to: looked up row by row, by the index on the record's id."""
    negated = operator == "is" or BY_NAME[operator].negates
    ids = () if value is None else value if isinstance(value, tuple) else (value,)
    named = f" AND j.{quoted(through.other)} IN ({', '.join('?' * len(ids))})" if ids else ""
    return Statement(
        f"{'NOT ' if negated else ''}EXISTS (SELECT 1 FROM {quoted(through.table)} AS j "
        f"WHERE j.workspace_id = r.workspace_id AND j.{quoted(through.own)} = r.id{named})",
        ids,
    )


def _any_of(parts: list[Statement]) -> Statement:
    return Statement("(") + joined(parts, " OR ") + Statement(")")
