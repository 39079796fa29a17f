"""Rows of figures: a line each, which begins with a plural."""

from crmkit.model.query.listing import MixedListing, Paging
from crmkit.render.figures import figures
from crmkit.render.parse import split, value

ROWS = (
    ("deals", {"stage": "in talks", "owner": None, "count": 4, "sum.amount_cents": 340000, "currency": "USD"}),
    ("deals", {"stage": None, "owner": "a@b.example", "count": 0, "sum.amount_cents": 0, "currency": "EUR"}),
)


def test_a_line_leaves_out_what_json_has_as_null_and_both_have_the_same_flat_names() -> None:
    found = figures(MixedListing("groups", ROWS, Paging(total=2)))
    lines = found.text().splitlines()
    assert lines == [
        'deals  stage="in talks"  count=4  sum.amount_cents=340000  currency=USD',
        "deals  owner=a@b.example  count=0  sum.amount_cents=0  currency=EUR",
        "# 2 groups",
    ]
    assert found.data() == {"total": 2, "next_cursor": None, "items": [row for _, row in ROWS]}
    for line, (_, row) in zip(lines, ROWS, strict=False):
        start, pairs = split(line)
        assert start == "deals"
        assert {".".join(path): value(raw) for path, raw in pairs} == {k: v for k, v in row.items() if v is not None}


def test_only_a_page_that_has_not_all_rows_tells_how_many_there_are() -> None:
    first = figures(MixedListing("groups", ROWS, Paging(total=5, next_cursor="abc", notes=("x",))))
    assert first.text().splitlines()[2:] == ["# 2 groups", "# total: 5", "# note: x", "# next: abc"]
    assert first.data()["total"] == 5
    last = figures(MixedListing("groups", ROWS, Paging(is_first=False)))
    assert last.text().splitlines()[2:] == ["# 2 groups"]
    assert last.data() == {"items": [row for _, row in ROWS], "total": None, "next_cursor": None}
