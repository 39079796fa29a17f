"""The newest schema, as a new database gets it at once, and the steps to it from older ones."""

import re
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from msgspec import Struct

_END = ";\n"
_HEAD = re.compile(r"-- (\d+)(?: (.+))?\n")
_NEEDS = re.compile(r"-- needs (\d+)\n")
_BESIDE = re.compile(r'CREATE (?:UNIQUE )?INDEX CONCURRENTLY "{0,1}(\w+)"{0,1}')
_TABLE = re.compile(r'CREATE (?:UNLOGGED )?TABLE "{0,1}(\w+)"{0,1}')
_INDEX = re.compile(r'CREATE (?:UNIQUE )?INDEX "{0,1}(\w+)"{0,1}')


class Step(Struct, frozen=True):
    """One step. Programs that know a schema below `needs` cannot use a database after it; 0: all can."""

    number: int
    name: str
    statements: tuple[str, ...]  # of one transaction
    indexes: tuple[str, ...] = ()  # built after it, while others write
    needs: int = 0

    @property
    def title(self) -> str:
        return f"{self.number:04d} {self.name}"


class Schema(Struct, frozen=True):
    """The schema of this program: its number, the statements that make it of nothing, the steps to it."""

    number: int
    statements: tuple[str, ...]
    functions: str
    steps: tuple[Step, ...] = ()

    @property
    def first(self) -> Step:
        """What makes this schema in an empty database."""
        needs = max((step.needs for step in self.steps), default=0)
        return Step(self.number, "baseline", self.statements, needs=needs)

    def after(self, number: int) -> tuple[Step, ...]:
        """Return the steps from an older schema, none where there are not all of them."""
        found = tuple(step for step in self.steps if step.number > number)
        return found if [step.number for step in found] == [*range(number + 1, self.number + 1)] else ()

    @property
    def tables(self) -> list[str]:
        """The names of the tables that this schema makes."""
        return [name for name in (_named(_TABLE, sql) for sql in self.statements) if name]

    @property
    def indexes(self) -> dict[str, str]:
        """The statements that build the indexes of this schema while others write, by name."""
        named = {_named(_INDEX, sql): sql for sql in self.statements}
        return {name: sql.replace(" INDEX ", " INDEX CONCURRENTLY ", 1) for name, sql in named.items() if name}


def _named(pattern: re.Pattern[str], sql: str) -> str:
    found = pattern.match(sql)
    return found[1] if found else ""


@cache
def newest() -> Schema:
    """Return the schema of this program."""
    here = files(__package__)
    text = _text(here / "schema.sql")
    found = sorted((each for each in (here / "steps").iterdir() if each.name.endswith(".sql")), key=lambda e: e.name)
    functions = _text(here / "fold.sql") + _text(here / "functions.sql")
    return Schema(
        step_of(text).number, step_of(text).statements, functions, tuple(step_of(_text(each)) for each in found)
    )


def step_of(text: str) -> Step:
    """Return the step that a file tells."""
    head = _HEAD.match(text)
    assert head, "the first line of a step is -- NUMBER NAME"
    needs = _NEEDS.match(text, head.end())
    *statements, last = text[needs.end() if needs else head.end() :].split(_END)
    assert not last, "a statement ends with its line"
    beside = tuple(sql for sql in statements if _BESIDE.match(sql))
    others = tuple(sql for sql in statements if sql not in beside)
    return Step(int(head[1]), head[2] or "", others, beside, int(needs[1]) if needs else 0)


def _text(file: Traversable) -> str:
    return file.read_text(encoding="utf-8")
