"""The catalogue of errors is what the source raises, and each problem knows its status."""

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import crmkit
from crmkit.errors import CATALOGUE, Problem, a, nearest

SOURCE = Path(crmkit.__file__).parent


def raised() -> list[tuple[str, str, int | None]]:
    """Return (place, code, status) of every Problem that the source makes with literals."""
    found = []
    for file in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Problem":
                code = node.args[0]
                assert isinstance(code, ast.Constant), f"{file}:{node.lineno} has a code that is no literal"
                status = next((k.value for k in node.keywords if k.arg == "status"), None)
                value = status.value if isinstance(status, ast.Constant) else None
                found.append((f"{file.relative_to(SOURCE)}:{node.lineno}", code.value, value))
    return found


def test_every_problem_in_the_source_is_in_the_catalogue_with_a_status_it_may_have() -> None:
    problems = raised()
    assert len(problems) > 30
    for place, code, status in problems:
        assert code in CATALOGUE, place
        assert status is None or status in CATALOGUE[code][0], place


def test_every_code_has_a_status_and_a_meaning_on_one_line() -> None:
    for code, (statuses, meaning) in CATALOGUE.items():
        assert code == code.lower()
        assert all(400 <= status < 600 for status in statuses)
        assert meaning
        assert meaning.splitlines() == [meaning]


@pytest.mark.parametrize("code", CATALOGUE)
def test_a_problem_has_the_usual_status_of_its_code_unless_it_names_another(code: str) -> None:
    statuses = CATALOGUE[code][0]
    assert Problem(code, "hint").status == statuses[0]
    assert Problem(code, "hint", status=418).status == 418


def test_a_code_that_is_not_in_the_catalogue_cannot_be_raised() -> None:
    with pytest.raises(KeyError):
        Problem("oops", "hint")


def test_a_problem_copies_its_fields_headers_and_facts() -> None:
    fields, headers, facts = {"a": "b"}, {"Allow": "GET"}, {"confirm": "x"}
    problem = Problem("invalid_value", "hint", fields=fields, headers=headers, facts=facts)
    for told in (fields, headers, facts):
        told.clear()
    assert (problem.fields, problem.headers, problem.facts) == ({"a": "b"}, {"Allow": "GET"}, {"confirm": "x"})
    assert (problem.hint, problem.shown) == ("hint", None)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("nmae", "name"),
        ("NAME", "name"),
        ("names", "name"),
        ("follow_up", "follow_up_at"),
        ("KEY", None),
        ("name", "name"),
        ("zzz", None),
        ("", None),
        ("n" * 10_000, None),
    ],
)
def test_the_nearest_known_name_is_suggested_when_one_is_near(name: str, found: str | None) -> None:
    known = ["name", "notes", "follow_up_at", "follow_up_note", "custom.KEY"]
    assert nearest(name, known) == (f" (did you mean {found}?)" if found else "")


def test_a_suggestion_keeps_the_spelling_of_what_is_known() -> None:
    assert nearest("crmkit_config", ["CRMKIT_CONFIG"]) == " (did you mean CRMKIT_CONFIG?)"
    assert nearest("x", []) == ""


@pytest.mark.parametrize("told", ["a contact", "a company", "a deal", "an activity", "an invite", "a user", "an audit"])
def test_a_noun_gets_a_or_an(told: str) -> None:
    assert a(told.split()[1]) == told


@given(st.text(max_size=30), st.lists(st.text(max_size=30), max_size=5))
def test_a_suggestion_is_one_of_the_known_or_nothing(name: str, known: list[str]) -> None:
    assert nearest(name, known) in ("", *(f" (did you mean {word}?)" for word in known))
