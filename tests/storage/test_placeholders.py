"""A question mark in a statement stands for a value, so that a database with other placeholders can exchange it."""

import ast
import re
from pathlib import Path

import pytest

import crmkit

STORAGE = Path(crmkit.__file__).parent / "storage"
PORTABLE = [file for file in sorted(STORAGE.rglob("*.py")) if "sqlite" not in file.relative_to(STORAGE).parts]
LITERAL = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"")


def texts(source: str) -> list[str]:
    """Return every text of a module that is no docstring; what an f-string fills in is an `x`."""
    tree = ast.parse(source)
    inside = {part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    alone = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            found.append("".join(part.value if isinstance(part, ast.Constant) else "x" for part in node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in inside | alone:
            found.append(node.value)
    return found


def marks_in_literals(source: str) -> list[str]:
    """Return the literals of SQL in a module's texts that have a question mark."""
    return [literal for text in texts(source) for literal in LITERAL.findall(text) if "?" in literal]


@pytest.mark.parametrize("file", PORTABLE, ids=lambda file: str(file.relative_to(STORAGE)))
def test_no_literal_of_a_statement_has_a_question_mark(file: Path) -> None:
    assert marks_in_literals(file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        """sql = "SELECT 1 FROM t WHERE a = '?' AND b = ?" """,
        '''sql = f"SELECT {name} || 'is {it}''s?' FROM t"''',
        """sql = 'SELECT "a?" FROM t'""",
        """sql = ("SELECT 'a" "?' FROM t")""",
    ],
)
def test_a_literal_with_a_question_mark_is_noticed(source: str) -> None:
    assert len(marks_in_literals(source)) == 1


def test_the_check_finds_statements() -> None:
    assert sum("?" in text for file in PORTABLE for text in texts(file.read_text(encoding="utf-8"))) > 50
