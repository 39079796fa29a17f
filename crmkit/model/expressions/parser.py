"""The parser: precedence climbing over the levels of operators (Pratt), which makes parts as it goes.

Operators of one level are one part however many they are, so only what is written within something else is deeper.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NoReturn, get_origin

from msgspec import Struct

from crmkit.errors import a, nearest
from crmkit.model.expressions import parts
from crmkit.model.expressions.parts import Part
from crmkit.model.expressions.scope import Scope
from crmkit.model.expressions.tokens import BadExpression, Sort, Token, tokens
from crmkit.model.expressions.values import number
from crmkit.model.fields import Custom
from crmkit.model.form import Field, Form

MOST_CHARACTERS = 1_000
MOST_LEVELS = 50  # of parentheses, arguments, signs and choices within each other

# the levels of operators, the loosest first
_ANYTHING, _CHOICE, _OR, _AND, _NOT, _COMPARED, _SUM, _PRODUCT, _VALUE = range(9)

_LEVELS: Mapping[str, int] = {
    **dict.fromkeys(("?",), _CHOICE),
    **dict.fromkeys(("or", "||"), _OR),
    **dict.fromkeys(("and", "&&"), _AND),
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), _COMPARED),
    **dict.fromkeys(("+", "-"), _SUM),
    **dict.fromkeys(("*", "/"), _PRODUCT),
}
_INVERTS = ("not", "!")
_CONSTANTS: Mapping[str, Part] = {
    "true": parts.constant(1.0),
    "false": parts.constant(0.0),
    "nil": parts.missing,
    "null": parts.missing,
}
_WORDS = ("or", "and", "not")
_DAYS_SINCE = "days_since"
_HAS = "has"


class _Function(Struct, frozen=True):
    """`takes` shows its arguments, of which it has from `least` to `most`; without `most` any number."""

    takes: str
    make: Callable[[Sequence[Part]], Part]
    least: int = 1
    most: int = 0


_FUNCTIONS: Mapping[str, _Function] = {
    _HAS: _Function('has(tags, "vip")', parts.held, 2, 2),
    _DAYS_SINCE: _Function("days_since(FIELD)", parts.days_since, 1, 1),
    "min": _Function("min(VALUE, …)", parts.least),
    "max": _Function("max(VALUE, …)", parts.most),
}


class Expression(Struct, frozen=True):
    """An expression that was parsed; `reads` are the fields that its value depends on.

    `ages` tells whether the value depends on the present too.
    """

    part: Part
    reads: frozenset[str]
    ages: bool

    def value(self, scope: Scope) -> float:
        """Return what a rule counts: a finite number, 0 for a text, a list or a missing value."""
        return number(self.part(scope))


def parse(text: str, form: Form, made: str = "") -> Expression:
    """Return the expression that a text spells, about records of a form; raises BadExpression.

    The field `made` is one that expressions make, and none reads.
    """
    if len(text) > MOST_CHARACTERS:
        raise BadExpression(MOST_CHARACTERS + 1, f"is too long: at most {MOST_CHARACTERS:,} characters fit")
    parser = _Parser(text, form, made)
    part = parser.whole()
    return Expression(part, frozenset(parser.reads), parser.ages)


class _Parser:
    def __init__(self, text: str, form: Form, made: str) -> None:
        self._tokens = tokens(text)
        self._next = next(self._tokens)
        self._form = form
        self._made = made
        self._level = 0
        self._fields: dict[Part, Field] = {}  # parts that are a field alone
        self._texts = set[Part]()  # those that are a text in quotes
        self.reads: set[str] = set()
        self.ages = False

    def whole(self) -> Part:
        """Return the part that all of the text is."""
        part = self._part(_ANYTHING)
        if self._next.sort is not Sort.END:
            self._expected("an operator", _WORDS)
        return part

    def _part(self, least: int) -> Part:
        """Return the part that begins here, with the operators after it that bind at `least` so tightly."""
        part = self._operand(least)
        while (level := self._operator()) >= max(least, _CHOICE):
            if level == _CHOICE:
                part = self._choice(part)
                continue
            rest: list[tuple[str, Part]] = []
            while self._operator() == level:
                sign = self._take()
                if level == _COMPARED and rest:
                    raise sign.bad("comparisons do not chain: write A < B and B < C")
                rest.append((sign.text, self._part(level + 1)))
                if level == _COMPARED:
                    self._check_compared(sign, part, rest[0][1])
            part = _joined(level, part, rest)
        return part

    def _check_compared(self, sign: Token, one: Part, other: Part) -> None:
        """Raise BadExpression where a text is compared with a field that never holds one."""
        for held, text in ((one, other), (other, one)):
            field = self._fields.get(held)
            if field is None or text not in self._texts or field.type.wire is str:
                continue
            if _is_list(field):
                raise sign.bad(f"{field.name} is a list: write has({field.name}, TEXT)")
            raise sign.bad(f"{field.name} holds no text: write the value without quotes")

    def _operator(self) -> int:
        """Return the level of the operator that is next, 0 for anything else."""
        is_operator = self._next.sort in (Sort.SIGN, Sort.NAME)
        return _LEVELS.get(self._next.text, 0) if is_operator else 0

    def _choice(self, test: Part) -> Part:
        """Return what a test chooses; the value of its last arm may be another choice."""
        arms = []
        while self._operator() == _CHOICE:
            with self._within(self._take()):
                value = self._part(_ANYTHING)
            self._sign(":")
            arms.append((test, value))
            test = self._part(_OR)
        return parts.chosen(arms, test)

    def _operand(self, least: int) -> Part:
        """Return the value that begins here."""
        token = self._take()
        if token.sort in (Sort.NUMBER, Sort.TEXT):
            constant = parts.constant(token.value)
            self._texts |= {constant} if token.sort is Sort.TEXT else set()
            return constant
        if token.sort is Sort.KEY:
            return self._key(token)
        if token.text in _INVERTS:
            if least > _NOT:
                raise token.bad(f"{token.text} binds loosely: put it in parentheses with what it is about")
            with self._within(token):
                return parts.inverted(self._part(_NOT))
        if token.text == "-":
            with self._within(token):
                return parts.negated(self._part(_VALUE))
        if token.text == "(":
            with self._within(token):
                part = self._part(_ANYTHING)
            self._sign(")")
            return part
        if token.sort is Sort.NAME and token.text not in _LEVELS:
            return self._named(token)
        raise token.bad(f"expected a value, found {token.shown}")

    def _named(self, token: Token) -> Part:
        if self._next.text == "(":
            return self._call(token)
        if token.text in _CONSTANTS:
            return _CONSTANTS[token.text]
        if token.text in _FUNCTIONS:
            raise token.bad(f"is a function: write {_FUNCTIONS[token.text].takes}")
        field = self._field(token)
        part = parts.field(field.name)
        self._fields[part] = field
        return part

    def _call(self, token: Token) -> Part:
        function = _FUNCTIONS.get(token.text)
        if function is None:
            raise token.bad(f"{token.shown} is no function{nearest(token.text, _FUNCTIONS)}")
        with self._within(self._take()):
            if token.text == _DAYS_SINCE:
                arguments = [self._time()]
            else:
                arguments = [] if self._next.text == ")" else [self._part(_ANYTHING)]
            while self._next.text == ",":
                self._take()
                arguments.append(self._part(_ANYTHING))
        if not function.least <= len(arguments) <= (function.most or len(arguments)):
            raise token.bad(f"takes other arguments: write {function.takes}")
        looked = self._fields.get(arguments[0]) if token.text == _HAS else None
        if looked is not None and not _is_list(looked):
            raise token.bad(f"{looked.name} is no list: write {looked.name} == VALUE")
        self._sign(")")
        return function.make(arguments)

    def _time(self) -> Part:
        """Return the field or key that is next, which may hold a time."""
        token = self._take()
        self.ages = True
        if token.sort is Sort.KEY:
            return self._key(token)
        if token.sort is not Sort.NAME or token.text in _CONSTANTS:
            raise token.bad(f"expected a field that holds a time, found {token.shown}")
        field = self._field(token)
        if not field.type.dated:
            raise token.bad(f"{field.name} holds no time or date")
        return parts.field(field.name)

    def _field(self, token: Token) -> Field:
        """Return the field of this name; raises BadExpression."""
        name = token.text
        if name == self._made:
            raise token.bad(f"{name} is what rules make: no rule reads it")
        field = self._form.by_name.get(name)
        if field is None:
            known = [each for each in self._form.by_name if each != self._made]
            raise token.bad(f"{token.shown} is no field of {a(self._form.noun)}{nearest(name, [*known, *_FUNCTIONS])}")
        if isinstance(field.type, Custom):
            raise token.bad(f"holds many values: write {name}.KEY")
        self.reads.add(name)
        return field

    def _key(self, token: Token) -> Part:
        custom = self._form.custom
        if custom is None:
            raise token.bad(f"{a(self._form.noun)} has no custom keys")
        self.reads.add(custom.name)
        return parts.key(custom.name, token.value)

    def _take(self) -> Token:
        """Return what is next, and go on to what follows it; the end stays the end."""
        token = self._next
        self._next = next(self._tokens, token)
        return token

    def _sign(self, text: str) -> None:
        if self._next.text != text:
            self._expected(f"an operator or {text}", _WORDS)
        self._take()

    def _expected(self, what: str, words: Sequence[str]) -> NoReturn:
        token = self._next
        close = nearest(token.text, words) if token.sort is Sort.NAME else ""
        raise token.bad(f"expected {what}, found {token.shown}{close}")

    @contextmanager
    def _within(self, token: Token) -> Iterator[None]:
        """Parse what is within a part; raises BadExpression where that is too deep."""
        self._level += 1
        if self._level > MOST_LEVELS:
            raise token.bad(f"is too deep: at most {MOST_LEVELS} levels fit")
        yield
        self._level -= 1


def _is_list(field: Field) -> bool:
    return get_origin(field.type.wire) is list


def _joined(level: int, first: Part, rest: Sequence[tuple[str, Part]]) -> Part:
    """Return what operators of one level make of the first part and those after it."""
    if level in (_OR, _AND):
        join = parts.any_of if level == _OR else parts.all_of
        return join([first, *(part for _, part in rest)])
    if level == _COMPARED:
        ((sign, other),) = rest
        return parts.compared(first, sign, other)
    return parts.calculated(first, rest)
