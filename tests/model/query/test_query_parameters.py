"""The parameters of a list that are no filters: limit, count, sort, search, cursor."""

import pytest

from crmkit.model.query.parse import MAX_LIMIT, MAX_SEARCH, MAX_SORTS, MAX_WORDS, RESERVED
from tests.model.query.queries import query, told


@pytest.mark.parametrize("name", RESERVED)
def test_a_parameter_that_is_no_filter_stands_at_most_once(name: str) -> None:
    problem = told((name, ""), (name, ""))
    assert (problem.code, problem.fields) == ("invalid_value", {name: "stands twice"})


@pytest.mark.parametrize(
    ("text", "limit", "notes"),
    [
        ("", 50, ()),
        ("1", 1, ()),
        ("50", 50, ()),
        ("200", 200, ()),
        ("007", 7, ()),
        ("201", 200, ("limit is 200",)),
        ("999999999", 200, ("limit is 200",)),
        ("9999999999", 200, ("limit is 200",)),
        ("9" * 5_000, 200, ("limit is 200",)),
    ],
    ids=lambda part: str(part)[:12],
)
def test_a_limit_past_200_is_served_as_200_and_says_so(text: str, limit: int, notes: tuple[str, ...]) -> None:
    found = query(("limit", text))
    assert (found.limit, found.notes) == (limit, notes)
    assert MAX_LIMIT == 200


@pytest.mark.parametrize("text", ["0", "000", "-1", "+1", "1.5", "1e2", "ten", "٣", " 1", "1 ", "1_0", "0x10", "all"])
def test_a_limit_that_is_no_number_from_1_is_refused(text: str) -> None:
    problem = told(("limit", text))
    assert (problem.code, problem.fields) == ("invalid_value", {"limit": "must be 1 to 200"})


def test_count_is_exact_or_left_out() -> None:
    assert query(("count", "exact")).exact_count
    assert not query(("count", "")).exact_count
    for text in ("1", "true", "Exact", "exact "):
        assert told(("count", text)).fields == {"count": "must be exact"}


@pytest.mark.parametrize(
    ("text", "sorts"),
    [
        ("", []),
        (",", []),
        ("name", [("name", False)]),
        ("-name", [("name", True)]),
        ("stage,-updated_at", [("stage", False), ("updated_at", True)]),
        (" stage , -name ", [("stage", False), ("name", True)]),
        ("name,-name", [("name", False)]),
        ("custom.score,-id", [("custom.score", False), ("id", True)]),
        ('custom."x,y",name', [('custom."x,y"', False), ("name", False)]),
        ('custom.a."x,\\",y"."z,",-name', [('custom.a."x,\\",y"."z,"', False), ("name", True)]),
    ],
)
def test_sort_keys_are_separated_by_commas(text: str, sorts: list[tuple[str, bool]]) -> None:
    assert [(sort.target.name, sort.descending) for sort in query(("sort", text)).sorts] == sorts


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("nmae", '"nmae" is no sort key (did you mean name?)'),
        ("name,+stage", '"+stage" is no sort key (did you mean stage?)'),
        ("--name", '"-name" is no sort key (did you mean name?)'),
        ("notes", '"notes" is no sort key'),
        ("name desc", '"name desc" is no sort key (did you mean name?)'),
        ("qqqq", '"qqqq" is no sort key'),
    ],
)
def test_an_unknown_sort_key_is_named_with_the_nearest(text: str, what: str) -> None:
    problem = told(("sort", text))
    assert problem.code == "invalid_sort"
    assert problem.fields["sort"].startswith(what)
    assert "Sort contacts by id, name, first_name" in problem.hint


def test_five_sort_keys_fit() -> None:
    five = "name,email,stage,owner,phone"
    assert len(query(("sort", five)).sorts) == MAX_SORTS == 5
    assert told(("sort", f"{five},id")).code == "invalid_sort"


def test_the_text_of_a_search_is_folded_like_what_it_searches() -> None:
    assert query(("search", "  Müller  ACME ")).search == "muller acme"
    assert query(("search", "x")).filtered
    assert not query(("search", "  ")).filtered
    assert query(("search", "like:x")).search == "like:x"


@pytest.mark.parametrize(
    ("text", "searched"),
    [
        ("www.acme.com", "acme.com"),
        ("WWW.Acme.com.", "acme.com"),
        ("https://www.acme.com/about?x=1", "acme.com"),
        ("http://acme.com:8080/", "acme.com"),
        ("//www.acme.com", "acme.com"),
        ("jane https://www.acme.com/a doe", "jane acme.com doe"),
        ("https://www.münchen.example/ü", "xn--mnchen-3ya.example"),
        ("www.acme", "acme"),
        ("https://" + "a.example/" + "b" * 300, "a.example"),
        ("www.", "www."),
        ("http://127.0.0.1/a", "http://127.0.0.1/a"),
        ("// a", "// a"),
        ("acme.com", "acme.com"),
        ("node.js/react awww.x x//y.z", "node.js/react awww.x x//y.z"),
    ],
)
def test_the_address_of_a_page_is_searched_as_the_domain_that_is_kept(text: str, searched: str) -> None:
    assert query(("search", text)).search == searched


@pytest.mark.parametrize("text", ["\u0301", " \u0301 \u200b", "\u200b", "\ufeff", "\u00ad"])
def test_a_search_of_which_nothing_is_left_is_refused(text: str) -> None:
    problem = told(("search", text))
    assert problem.code == "invalid_value"
    assert list(problem.fields) == ["search"]


def test_a_search_has_at_most_200_characters_and_20_words() -> None:
    assert query(("search", "x" * MAX_SEARCH)).search == "x" * 200
    assert query(("search", "x " * MAX_WORDS)).search == ("x " * 20).strip()
    for text in ("x" * 201, "x " * 21, "ﷺ" * 20):
        assert told(("search", text)).fields == {"search": "has over 200 characters or 20 words"}


def test_a_cursor_is_handed_on_as_it_is() -> None:
    assert query(("cursor", "Zm9v")).cursor == "Zm9v"
