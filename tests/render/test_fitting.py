"""A page of any records, in any script, stays within the tokens that it may have: text and JSON, trailers too."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.errors import Problem
from crmkit.model.query.chosen import Chosen
from crmkit.model.query.listing import Listing, MixedListing, Paging
from crmkit.model.record import Kind, Record
from crmkit.render.answers import Table, groups, page
from crmkit.render.formats import FORMATS, TEXT, Format
from crmkit.render.pages import picked
from crmkit.render.pages.fitting import BYTES, fitted
from tests.kinds import CONTACT, KINDS
from tests.render.drawn import records_of, texts
from tests.render.lines import every_kind, examples

pytestmark = pytest.mark.slow

SCRIPTS = (
    "Jane Kelason",
    "Παπαδοπούλου",
    "Жанна",
    "山田太郎",
    "김민준",
    "محمد علي",
    "नमस्ते क्‍ष",
    "👩‍💻 ❤️",
    "\u202e",
    "\U0010ffff",
)
words = st.lists(st.sampled_from(SCRIPTS) | texts, max_size=6).map(" ".join)
tokens = st.integers(1, 1500)
formats = st.sampled_from(FORMATS)
cursors = st.lists(st.text("abc", max_size=400), min_size=9, max_size=9)


def listing(kind: Kind, found: Sequence[Record], names: tuple[str, ...], paging: Paging) -> Listing:
    return Listing(kind, names, [[getattr(record, name) for name in ("id", *names)] for record in found], paging)


def paging_of(cursors: list[str], notes: list[str]) -> Paging:
    last = cursors[-1] or None
    return Paging(total=9, next_cursor=last, notes=tuple(notes), cursor_after=lambda rows: f"{rows}{cursors[rows - 1]}")


def written(answer: Table, format: Format, tokens: int) -> bytes:
    """Return the body within these tokens, or within those that the refusal says are needed."""
    try:
        (_, body), most = fitted(answer, format.body, tokens), tokens
    except Problem as problem:
        most = int(problem.fields["max_tokens"].split()[-1])
        assert most > tokens
        _, body = fitted(answer, format.body, most)
    assert len(body) <= BYTES * most
    return body


@every_kind
def test_a_page_has_no_more_tokens_than_it_may(kind: Kind) -> None:
    @examples(25)
    @given(st.lists(records_of(kind), max_size=8), cursors, st.lists(words, max_size=2), tokens, formats)
    def holds(found: list[Record], cursors: list[str], notes: list[str], tokens: int, format: Format) -> None:
        names = kind.members[1:] if format.is_whole_record else kind.listed[1:]
        answer = page(listing(kind, found, names, paging_of(cursors, notes)))
        body = written(answer, format, tokens).decode()
        shown = answer.text().split("\n")
        if format is TEXT:
            lines = body.split("\n")
            rows = next(at for at, line in enumerate(lines) if line.startswith("# "))
            assert lines[:rows] == shown[:rows]
            assert lines[rows] == f"# {rows} {kind.plural}"
            if rows < len(found):
                assert f"# next: {rows}{cursors[rows - 1]}" in lines

    holds()


@examples(60)
@given(st.lists(words, min_size=1, max_size=9), cursors, tokens, formats)
def test_so_has_a_page_of_what_are_no_records(
    names: list[str], cursors: list[str], tokens: int, format: Format
) -> None:
    rows = tuple((f"token/tok_{at}", {"name": name}) for at, name in enumerate(names))
    written(page(MixedListing("tokens", rows, paging_of(cursors, []))), format, tokens)


@examples(40)
@given(st.lists(st.lists(records_of(CONTACT), max_size=3), min_size=3, max_size=3), tokens, formats)
def test_a_search_over_several_kinds_names_what_it_leaves_out(
    found: list[list[Record]], tokens: int, format: Format
) -> None:
    pages = [
        listing(CONTACT, some, ("name", "notes"), Paging(total=len(some), rest=f"more of {at}"))
        for at, some in enumerate(found)
    ]
    written(groups(pages, {"query": "a"}), format, tokens)


def test_an_answer_that_cannot_be_cut_says_how_many_tokens_all_of_it_takes() -> None:
    rows = tuple((f"token/tok_{at}", {}) for at in range(5))
    answer = page(MixedListing("tokens", rows, Paging(total=5)))
    for format in FORMATS:
        whole = format.body(answer)
        with pytest.raises(Problem, match="invalid_value") as caught:
            fitted(answer, format.body, 2)
        assert caught.value.fields == {"max_tokens": f"is too few: the shortest answer takes {-(-len(whole) // 4)}"}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.custom], ids=lambda kind: kind.name)
def test_a_line_and_json_tell_the_same_of_a_chosen_key(kind: Kind) -> None:
    @examples(30)
    @given(records_of(kind, filled=True), st.data())
    def holds(record: Record, data: st.DataObject) -> None:
        custom = record.custom  # type: ignore[attr-defined]
        key = data.draw(st.sampled_from(sorted(custom)))
        chosen = Chosen(("custom",), ((key,), ("nothing", "here")))
        assert picked.data(kind, record, chosen)["custom"] == {"nothing": {"here": None}, key: custom[key]} or (
            key == "nothing"
        )
        alone = picked.line(kind, record, Chosen(("custom",), ((key,),)), ())
        assert picked.line(kind, record, chosen, ()) == alone or key == "nothing"

    holds()
