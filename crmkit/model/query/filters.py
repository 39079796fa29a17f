"""Filters: a parameter of a query string -> the conditions that records must meet.

Names in a Condition are those of the kind's declaration, so nothing a client writes can become a name in SQL.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from crmkit.errors import Problem, listed, nearest
from crmkit.model import fold, phones
from crmkit.model.actor import NOBODY, Asker
from crmkit.model.cells import json_of
from crmkit.model.fields import PLAIN_KEY, Invalid, Location, Phone, Span
from crmkit.model.form import Field
from crmkit.model.operators.rows import BY_NAME, OPERATORS, TAKEN_BY, Operand, Operator, Taken, meant
from crmkit.model.record import Kind
from crmkit.model.times import periods, relative

MAX_LISTED = 500  # values after in: and tags, in one filter and in all filters together

EMPTY = "is empty; is:null finds records without a value"
NULLS = ("null", "none", "nil", "empty")  # what a client writes who means no value

_ONLY_NULL = {
    "is": "takes is:null only; a value stands alone",
    "not": "takes not:null only; ne: finds all records but those with a value",
}

_PART = re.compile(r'"(?:[^"\\]|\\.)*"|[^.]+')
_SIGN = re.compile(r"[!<>=]=|<>|[!<>=~]")
# stage!=lead arrives as the name stage! and the value lead
_FIELD_AND_OPERATOR = re.compile(r"([\w.]+?)(?:([!<>~])(.*)|\[(\w+)\]|__(\w+))")
_BLANKS = re.compile(r"\s*")
_decode = json.JSONDecoder(strict=False).raw_decode


class CustomKey(Struct, frozen=True):
    """A value within custom, by the keys that lead to it."""

    path: tuple[str, ...]

    @property
    def name(self) -> str:
        keys = (key if PLAIN_KEY.fullmatch(key) else json.dumps(key) for key in self.path)
        return ".".join(("custom", *keys))


class DeclaredKey(Field, frozen=True, eq=False):
    """A key of custom that the workspace declares; its type is one of model.fields.declared.

    `place` is the number of its index, which holds the values of all records once it `is_ready`.
    """

    key: str = ""
    form: str = ""
    place: int = 0
    is_ready: bool = False


Target = Field | CustomKey  # a DeclaredKey is a Field
Declarations = Mapping[str, DeclaredKey]  # by key
NONE: Declarations = {}


class Condition(Struct, frozen=True):
    """What one field must meet. `value` is what its column is compared with (`operand` of its type).

    It is a tuple for in, out and tags. Clients have no operators `spanned`, `unspanned`, `compared` and `uncompared`.
    What a day equals is a Span: the value of the first two is a tuple of Spans, of which the column is in one or in
    none. `compared` is met by all values that fit the type of a declared key, `uncompared` by all others and by none.
    """

    target: Target
    operator: str
    value: Any


class Filter(Struct, frozen=True):
    """A filter as a client wrote it, and the conditions that it stands for: all of them must hold."""

    target: Target
    operator: str
    operands: tuple[str, ...]
    conditions: tuple[Condition, ...]

    @property
    def words(self) -> str:
        """What it asks of its field, after the field's name: `is lead or won`."""
        return BY_NAME[self.operator].said(taken_of(self.target), self.operands)


def conditions(target: Target, name: str, text: str, asker: Asker = NOBODY) -> tuple[Condition, ...]:
    """Return the conditions that a filter stands for; arguments and errors are those of `filter_of`."""
    return filter_of(target, name, text, asker).conditions


def filter_of(target: Target, name: str, text: str, asker: Asker = NOBODY) -> Filter:
    """Return the filter in a text; `name` is how the client spelled the target.

    Raises `invalid_operator`, or `invalid_value` for a value that no record can hold.
    """
    operator, operand = split(text)
    allowed = operators_of(target)
    if operator not in allowed:
        raise _bad_operator(name, mistyped(text, allowed, is_text=False) or operator, allowed)
    try:
        return _read(target, BY_NAME[operator], operand, asker)
    except Invalid as error:
        word = mistyped(text, allowed, is_text=_is_text(target))
        if word:
            raise _bad_operator(name, word, allowed) from None
        shown = quoted(name, bare=True)
        hint = _ways(shown, allowed)
        if operator == "eq" and operand.lower() in NULLS:
            hint += f" For records without a value write {shown}=is:null."
        elif "during" in allowed and periods.is_period(operand):
            hint += f" For a period write {shown}=during:{operand.strip()}."
        elif operator == "eq" and ".." in operand and "gte" in allowed:
            hint += f" For a range write {shown}=between:FIRST,LAST."
        elif operator == "eq" and "," in operand:
            hint += f" For one of several write {shown}=in:VALUE,VALUE."
        raise Problem("invalid_value", hint, fields={name: str(error)}) from None


def is_told_by_now(target: Target, text: str) -> bool:
    """Tell whether what a filter means depends on the moment at which it is read."""
    if taken_of(target) is not Taken.TIME:
        return False
    operator, operand = split(text)
    if BY_NAME[operator].operand is Operand.PERIOD:
        return True
    return any(relative.is_told_by_now(part) for part in relative.with_plus(operand).split(","))


def split(text: str) -> tuple[str, str]:
    """Return the operator and the operand of a filter; without an operator in front it is eq."""
    word, colon, rest = text.partition(":")
    return (word, rest) if colon and word in OPERATORS else ("eq", text)


def taken_of(target: Target) -> Taken:
    """Return as what operators take a target that they take."""
    return (isinstance(target, Field) and target.type.taken) or Taken.TEXT


def operators_of(target: Target) -> tuple[str, ...]:
    return target.type.operators if isinstance(target, Field) else TAKEN_BY[Taken.TEXT]


def mistyped(text: str, allowed: Sequence[str], is_text: bool) -> str:
    """Return what stands in the place of an operator and is none, "" if nothing does.

    Before a text that may be anything it must be like an operator; else any word with a colon is meant as one.
    """
    sign = _SIGN.match(text)
    if sign:
        return sign.group()
    word, colon, _ = text.partition(":")
    if not colon or word in OPERATORS or not re.fullmatch(r"[A-Za-z_]{2,10}", word):
        return ""
    return word if not is_text or nearest_operator(word, allowed) else ""


def nearest_operator(word: str, allowed: Sequence[str]) -> str:
    """Return ` (did you mean OPERATOR?)` for what may have been meant by a word or sign, or nothing."""
    known = meant(word, allowed)
    return f" (did you mean {known}?)" if known else nearest(word, allowed)


def spelled_otherwise(name: str) -> tuple[str, str]:
    """Return the field and the word or sign that a parameter names at once, as in stage!=lead or stage[in]=lead."""
    found = _FIELD_AND_OPERATOR.fullmatch(name)
    if found is None:
        return "", ""
    field, sign, rest, bracketed, tail = found.groups()
    return field, (sign if rest or sign == "~" else f"{sign}=") if sign else bracketed or tail


def target_of(kind: Kind, name: str, declared: Declarations = NONE) -> Target | None:
    """Return the field or the key of custom that a name stands for, None if there is none."""
    if name.startswith("custom.") and kind.custom is not None:
        path = _path(name.removeprefix("custom."))
        if len(path) == 1 and path[0] in declared:
            return declared[path[0]]
        return CustomKey(path) if path else None
    return kind.by_name.get(name) or kind.filters.get(name)


def items(text: str) -> tuple[str, ...]:
    """Return the parts of a list: separated by commas, trimmed, empty ones left out. Raises Invalid.

    A part may be a JSON string, as lines write values; then it is taken as it is, with its commas. So may the whole be
    an array of them.
    """
    if text.startswith("["):
        array = _array(text)
        if array is not None:
            return array
    found: list[str] = []
    at = 0
    while at <= len(text):
        at = _after_blanks(text, at)
        if text.startswith('"', at):
            part, at = _string(text, at)
            found.append(part)
            at = _after_blanks(text, at)
            if at < len(text) and text[at] != ",":
                raise Invalid("has something between a closing quote and the next comma")
            at += 1
        else:
            comma = text.find(",", at)
            end = len(text) if comma < 0 else comma
            if part := text[at:end].strip():
                found.append(part)
            at = end + 1
    return tuple(found)


def quoted(text: str, bare: bool = False) -> str:
    """Return a name for a sentence of ours, cut."""
    cut = text if len(text) <= 40 else text[:40] + "…"
    return cut if bare else json.dumps(cut, ensure_ascii=False)


def _after_blanks(text: str, at: int) -> int:
    blanks = _BLANKS.match(text, at)
    return blanks.end() if blanks else at


def _array(text: str) -> tuple[str, ...] | None:
    """Return the strings of a JSON array, None if the text is no such array."""
    try:
        found = json_of(text)
    except ValueError:
        return None
    if not isinstance(found, list) or not all(isinstance(part, str) for part in found):
        return None
    return tuple(_kept(part) for part in found)


def _string(text: str, at: int) -> tuple[str, int]:
    """Return the JSON string that begins at `at`, and where it ends."""
    try:
        part, end = _decode(text, at)
    except json.JSONDecodeError:
        raise Invalid('has a quote that does not close; an item may be a JSON string, like "Acme, Inc."') from None
    return _kept(part), end


def _kept(part: str) -> str:
    """Return an item, if it is text that a field can keep."""
    if "\x00" in part or any("\ud800" <= character <= "\udfff" for character in part):
        raise Invalid("has a character that no field can keep (NUL, or half of a surrogate pair)")
    return part


def _read(target: Target, row: Operator, text: str, asker: Asker) -> Filter:
    if row.operand is Operand.NULL:
        if text.lower() != "null":
            raise Invalid(_ONLY_NULL[row.name])
        return Filter(target, row.name, (), (Condition(target, row.name, None),))
    if text == "":
        raise Invalid(EMPTY)
    if row.operand is Operand.PERIOD and isinstance(target, Field):
        bounds = zip(row.conditions, target.type.period(text, asker), strict=True)
        found = tuple(Condition(target, each, bound) for each, bound in bounds if bound is not None)
        return Filter(target, row.name, (text.strip(),), found)
    if taken_of(target) is Taken.TIME:
        text = relative.with_plus(text)
    elif isinstance(target, Field) and isinstance(target.type, Phone):
        text = ",".join(map(phones.with_plus, text.split(",")))
    is_several = row.operand is not Operand.ONE or (row.is_whole and taken_of(target) is Taken.TAGS)
    operands = items(text) if is_several else (text,)
    if row.operand is Operand.CIRCLE and isinstance(target, Field) and isinstance(target.type, Location):
        return Filter(target, row.name, operands, (Condition(target, row.name, target.type.circle(operands)),))
    if row.operand is Operand.TWO and len(operands) != 2:
        raise Invalid("takes two values, the first and the last, with a comma between them")
    if not 0 < len(operands) <= MAX_LISTED:
        raise Invalid(f"takes 1 to {MAX_LISTED} values, separated by commas")
    return Filter(target, row.name, operands, _conditions(target, row, operands, asker))


def _conditions(target: Target, row: Operator, texts: Sequence[str], asker: Asker) -> tuple[Condition, ...]:
    if isinstance(target, CustomKey):
        values: tuple[Any, ...] = tuple(fold.fold(part) for part in texts)
    else:
        spans = [target.type.span(part, asker) for part in texts]
        texts = tuple(target.type.meant(part, asker) for part in texts)
        if any(spans):
            return _of_spans(target, row, texts, spans)
        if row.is_whole:
            values = tuple(target.type.asked(part, asker) for part in texts)
        else:
            values = tuple(target.type.part(part) for part in texts)
        if None in values or "" in values:  # an empty part would be found in every value
            raise Invalid(EMPTY)
    if row.operand is Operand.TWO:
        return tuple(Condition(target, each, value) for each, value in zip(row.conditions, values, strict=True))
    (operator,) = row.conditions
    is_several = row.operand is Operand.LIST or (row.is_whole and taken_of(target) is Taken.TAGS)
    return (Condition(target, operator, values if is_several else values[0]),)


def _of_spans(
    target: Field, row: Operator, texts: Sequence[str], found: Sequence[Span | None]
) -> tuple[Condition, ...]:
    """Return the conditions for values of which some are spans: whatever lies in one of them equals it."""
    spans: list[Span] = []
    for text, span in zip(texts, found, strict=True):
        value = target.type.operand(text) if span is None else None
        spans.append(span or (value, value))
    if row.negates:
        return (Condition(target, "unspanned", tuple(spans)),)
    firsts, lasts = zip(*spans, strict=True)
    if row.operand is Operand.TWO:
        return (Condition(target, "gte", firsts[0]), Condition(target, "lte", lasts[1]))
    first, last = min(firsts), max(lasts)
    if row.name in ("gt", "lte"):
        return (Condition(target, row.name, last),)
    if row.name in ("gte", "lt"):
        return (Condition(target, row.name, first),)
    # the bounds are what an index knows
    bounds = (Condition(target, "gte", first), Condition(target, "lte", last))
    return bounds if len(spans) == 1 else (*bounds, Condition(target, "spanned", tuple(spans)))


def _path(text: str) -> tuple[str, ...]:
    """Return the keys of a dotted path, in which a key may be a JSON string (see PLAIN_KEY); () if it is malformed."""
    parts, at = [], 0
    while found := _PART.match(text, at):
        part, at = found.group(), found.end()
        if part.startswith('"'):
            try:
                part = json.loads(part)
                _kept(part)
            except (json.JSONDecodeError, Invalid):
                return ()
        parts.append(part)
        if at == len(text):
            return tuple(parts)
        if text[at] != ".":
            return ()
        at += 1
    return ()


def _is_text(target: Target) -> bool:
    return isinstance(target, CustomKey) or "like" in target.type.operators


def _ways(name: str, allowed: Sequence[str]) -> str:
    """Return how a filter with one of these operators is written."""
    if "eq" in allowed:
        return f"Write {name}=VALUE or {name}=OPERATOR:VALUE with one of {', '.join(allowed)}."
    ways = [f"{name}={each}:{BY_NAME[each].operand.value}" for each in allowed]
    return f"Write {listed(ways, 'or')}."


def _bad_operator(name: str, operator: str, allowed: Sequence[str]) -> Problem:
    shown = quoted(name, bare=True)
    return Problem(
        "invalid_operator",
        f"Use one of {', '.join(allowed)} with {shown}.",
        fields={name: f"has no operator {operator}{nearest_operator(operator, allowed)}"},
    )
