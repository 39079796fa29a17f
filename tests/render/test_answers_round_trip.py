"""Whatever an answer holds: its text and its JSON tell the same, in lines that nothing can break."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.errors import CATALOGUE, Problem
from crmkit.model.query.chosen import Chosen
from crmkit.model.query.listing import Listing, MixedListing, Paging
from crmkit.model.record import Kind, Record
from crmkit.render import parse, text
from crmkit.render.answers import Answer, Card, Failure, One, done, groups, page, team, thing
from crmkit.render.encoding import encoded
from crmkit.render.tail import Tail
from tests.kinds import CONTACT, KINDS
from tests.render.drawn import exactly, json_values, keys, records_of, texts
from tests.render.lines import assert_one_visible_line, assert_reads_back, contact, every_kind, examples

pytestmark = pytest.mark.slow

notes = st.lists(texts, max_size=2).map(tuple)
pagings = st.one_of(
    st.builds(Paging, st.just(True), st.integers(0, 9), st.none(), st.sampled_from([None, "Zm9v"]), notes),
    st.builds(Paging, st.just(True), st.none(), st.just(1000), st.just("Zm9v"), notes),
    st.builds(Paging, st.just(False), st.none(), st.none(), st.sampled_from([None, "Zm9v"]), notes),
)


def assert_ends_as(answer: Answer, noun: str, paging: Paging) -> list[str]:
    """Check the trailers of a page and the members of its JSON, and return the lines before the trailers."""
    told = json.loads(msgspec.json.encode(answer.data()))
    lines = answer.text().split("\n")
    for line in lines:
        assert_one_visible_line(line)
    many = len(told["items"])
    head, trailers = lines[:many], lines[many:]
    assert trailers.pop(0) == f"# {many} {noun}"
    assert (told["total"], told.get("total_at_least")) == (paging.total, paging.at_least)
    if paging.is_first:
        assert trailers.pop(0) == f"# total: {'1000+' if paging.total is None else paging.total}"
    assert told.get("notes", []) == list(paging.notes)
    assert trailers[: len(paging.notes)] == [f"# note: {text.printable(note)}" for note in paging.notes]
    assert told["next_cursor"] == paging.next_cursor
    assert trailers[len(paging.notes) :] == ([] if paging.next_cursor is None else [f"# next: {paging.next_cursor}"])
    return head


def listing(kind: Kind, records: list[Record], names: tuple[str, ...], paging: Paging) -> Listing:
    """Return a page of these records, each with those fields."""
    return Listing(kind, names, [[getattr(record, name) for name in ("id", *names)] for record in records], paging)


@every_kind
def test_text_and_json_of_a_page_tell_the_same(kind: Kind) -> None:
    chosen = st.lists(st.sampled_from(list(kind.members[1:])), unique=True, max_size=4).map(tuple)
    names = st.just(kind.listed[1:]) | st.just(kind.members[1:]) | chosen

    @examples(30)
    @given(st.lists(records_of(kind), max_size=3), names, pagings)
    def holds(found: list[Record], names: tuple[str, ...], paging: Paging) -> None:
        listed = listing(kind, found, names, paging)
        answer = page(listed)
        lines = assert_ends_as(answer, kind.plural, listed.paging)
        shown = ("id", *listed.fields)
        items = json.loads(msgspec.json.encode(answer.data()))["items"]
        for line, item in zip(lines, items, strict=True):
            back = parse.record(kind, line)
            assert exactly({name: back[name] for name in shown}) == exactly({name: item[name] for name in shown})
            assert (back["handle"], back["id"]) == (item["handle"], item["id"])

    holds()


@every_kind
def test_a_line_of_a_list_leaves_long_fields_out_and_a_record_shows_all(kind: Kind) -> None:
    @examples(30)
    @given(records_of(kind, filled=True))
    def holds(record: Record) -> None:
        first = page(listing(kind, [record], kind.listed[1:], Paging.whole(1))).text().split("\n")[0]
        alone = One(kind, record).text()
        listed = {path[0] for path, _ in parse.split(first)[1]}
        assert listed == {field.name for field in kind.fields if field.listed and field.name != "id"}
        assert {path[0] for path, _ in parse.split(alone)[1]} == set(kind.by_name) - {"id"}

    holds()


def test_notes_are_left_out_of_lists() -> None:
    answer = page(listing(CONTACT, [contact(notes="long")], CONTACT.listed[1:], Paging.whole(1)))
    assert "long" not in answer.text()


@pytest.mark.parametrize(("outcome", "status"), [("created", 201), ("updated", 200), ("", 200)])
def test_a_record_ends_with_created_or_updated(outcome: str, status: int) -> None:
    answer = One(CONTACT, contact(version=7), tail=Tail(outcome=outcome))
    line, *rest = answer.text().split("\n")
    assert_reads_back(CONTACT, line, msgspec.to_builtins(answer.record))
    assert rest == ([f"# {outcome}"] if outcome else [])
    assert answer.status == status
    assert answer.headers == {"ETag": '"7"'}


@examples(300)
@given(st.dictionaries(st.sampled_from(["email", "workspace_name", "token_name"]), texts, min_size=1))
def test_a_card_keeps_every_stored_value_on_the_line_of_its_label(facts: dict[str, str]) -> None:
    lines = Card({label: text.value(content) for label, content in facts.items()}, facts).text().split("\n")
    assert len(lines) == len(facts)
    for line, (label, content) in zip(lines, facts.items(), strict=True):
        assert_one_visible_line(line)
        assert line.startswith(f"{label}: ")
        assert parse.value(line.removeprefix(f"{label}: ")) == content


@examples(300)
@given(done_=texts, content=texts, comments=st.lists(texts, max_size=3))
def test_a_card_has_one_line_for_each_part_whatever_text_it_holds(
    done_: str, content: str, comments: list[str]
) -> None:
    answer = Card({"label": content}, {}, done=f"did {done_}", tail=Tail(counts=comments))
    lines = answer.text().split("\n")
    assert [line.split(" ")[0] for line in lines] == ["OK", "label:", *["#"] * len(comments)]
    for line in lines:
        assert_one_visible_line(line)


def test_a_done_line_says_the_same_in_json() -> None:
    answer = done("deleted contact/c_k7m2q9xa", {"id": "c_k7m2q9xa"})
    assert answer.text() == "OK deleted contact/c_k7m2q9xa"
    assert answer.data() == {"ok": True, "message": "deleted contact/c_k7m2q9xa", "id": "c_k7m2q9xa"}


things = st.fixed_dictionaries({"id": st.just("tok_x"), "name": texts, "count": json_values, "at": st.none()})


def assert_told(line: str, handle: str, fields: Mapping[str, Any], id: str = "id") -> None:
    """Check that a line says what the fields hold, the empty ones and the id in its handle left out."""
    assert_one_visible_line(line)
    found, pairs = parse.split(line)
    assert found == handle
    told = {".".join(path): parse.value(raw) for path, raw in pairs}
    assert exactly(told) == exactly({name: v for name, v in fields.items() if v is not None and name != id})


@examples(120)
@given(st.lists(things, max_size=3), pagings)
def test_a_page_of_what_are_no_records_has_a_line_for_each_that_reads_back(rows: list[Any], paging: Paging) -> None:
    answer = page(MixedListing("tokens", tuple(("token/tok_x", row) for row in rows), paging))
    for line, row in zip(assert_ends_as(answer, "tokens", paging), rows, strict=True):
        assert_told(line, "token/tok_x", row)
    assert answer.data()["items"] == [{"handle": "token/tok_x", **row} for row in rows]


@examples(200)
@given(things, st.lists(texts, max_size=2))
def test_what_is_no_record_is_one_line_and_its_comments(one: dict[str, Any], comments: list[str]) -> None:
    answer = thing("token/tok_x", one, Tail(counts=comments))
    line, *rest = answer.text().split("\n")
    assert_told(line, "token/tok_x", one)
    assert rest == [f"# {text.printable(comment)}" for comment in comments]
    assert answer.data() == {"handle": "token/tok_x", **one}


@examples(100)
@given(
    st.lists(st.fixed_dictionaries({"user_id": st.just("u_x"), "email": texts, "role": texts}), max_size=3),
    st.lists(st.fixed_dictionaries({"id": st.just("inv_x"), "email": texts, "role": texts}), max_size=3),
)
def test_a_team_has_a_line_for_each_member_and_invite(members: list[Any], invites: list[Any]) -> None:
    answer = team(members, invites)
    lines = answer.text().split("\n")
    assert lines[-2:] == [f"# {len(members)} members", f"# {len(invites)} invites"]
    for line, member in zip(lines, members, strict=False):
        assert_told(line, "user/u_x", member, "user_id")
    for line, invite in zip(lines[len(members) : -2], invites, strict=True):
        assert_told(line, "invite/inv_x", invite)
    assert answer.data() == {"members": members, "invites": invites}


def test_what_a_search_over_all_kinds_found_tells_the_same_in_text_and_json() -> None:
    page_of = {
        kind.plural: st.builds(
            listing,
            st.just(kind),
            st.lists(records_of(kind), max_size=2),
            st.just(kind.listed[1:]),
            st.builds(Paging, notes=notes),
        )
        for kind in KINDS
    }

    @examples(25)
    @given(st.fixed_dictionaries(page_of))
    def holds(pages: dict[str, Listing]) -> None:
        answer = groups(list(pages.values()), {"q": "jane"})
        told = json.loads(msgspec.json.encode(answer.data()))
        lines = iter(answer.text().split("\n"))
        for plural, one in pages.items():
            for item in told[plural]:
                line = next(lines)
                assert_one_visible_line(line)
                back = parse.record(one.kind, line)
                shown = [field.name for field in one.kind.fields if field.listed]
                assert exactly({name: back[name] for name in shown}) == exactly({name: item[name] for name in shown})
            assert next(lines) == f"# {len(told[plural])} {plural}"
            for note in one.paging.notes:
                assert next(lines) == f"# note: {text.printable(note)}"
        assert next(lines, None) is None
        assert told.get("notes", []) == [note for one in pages.values() for note in one.paging.notes]
        assert told["q"] == "jane"

    holds()


@examples(300)
@given(
    code=st.sampled_from(sorted(CATALOGUE)),
    hint=texts,
    fields=st.dictionaries(keys, texts, max_size=4),
)
def test_an_error_has_a_line_a_field_whatever_names_and_hints_hold(
    code: str, hint: str, fields: dict[str, str]
) -> None:
    answer = Failure(Problem(code, hint, fields=fields), "1f")
    first, *middle, last = answer.text().split("\n")
    assert first == f"ERROR {code}"
    assert last.startswith("HINT  ")
    assert len(middle) == len(fields)
    for line in (first, *middle, last):
        assert_one_visible_line(line)
    for line, (name, what) in zip(middle, fields.items(), strict=True):
        assert line.startswith("FIELD ")
        label, told = _label_of(line.removeprefix("FIELD "))
        assert label == (name if len(name) <= 60 else name[:60] + "…")
        assert told == text.printable(what)
    facts = answer.data()
    assert (facts["error"], facts["hint"], facts.get("fields", {})) == (code, hint, fields)
    assert list(facts)[-1] == "request_id"


@examples(40)
@given(records_of(CONTACT), texts, st.lists(texts, max_size=2))
def test_an_error_that_shows_a_record_ends_with_its_line(record: Record, hint: str, comments: list[str]) -> None:
    answer = Failure(Problem("version_conflict", hint, shown=record, comments=comments), "1f", CONTACT)
    error, hinted, line, *rest = answer.text().split("\n")
    assert (error, hinted[:6]) == ("ERROR version_conflict", "HINT  ")
    assert rest == [f"# {text.printable(comment)}" for comment in comments]
    assert_reads_back(CONTACT, line, json.loads(msgspec.json.encode(answer.data()))["current"])


def _label_of(rest: str) -> tuple[str, str]:
    if rest.startswith('"'):
        label, end = json.JSONDecoder().raw_decode(rest)
    else:
        end = rest.index("  ")
        label = rest[:end]
    assert rest[end : end + 2] == "  "
    return label, rest[end + 2 :]


def test_the_lines_of_a_tail_stand_in_one_order_and_json_tells_them_by_name() -> None:
    paging = Paging(total=3, next_cursor="Zm9v")
    tail = Tail(
        now="2026-11-27T09:00:00Z",
        timezone="Europe/Berlin",
        outcome="merged",
        notes=["first", "second"],
        paging=paging,
        counts=["3 contacts"],
    )
    assert tail.lines() == [
        "# 3 contacts",
        "# total: 3",
        "# note: first",
        "# note: second",
        "# merged",
        "# now: 2026-11-27T09:00:00Z (Europe/Berlin)",
        "# next: Zm9v",
    ]
    assert tail.data() == {
        "total": 3,
        "next_cursor": "Zm9v",
        "now": "2026-11-27T09:00:00Z",
        "timezone": "Europe/Berlin",
    }
    record = contact(version=7)
    now = Tail(now="2026-11-27T09:00:00Z", timezone="UTC")
    for answer in (One(CONTACT, record, tail=now), One(CONTACT, record, Chosen(("name",)), now)):
        told = answer.data()
        assert {**told, **answer.tail.data()} == told
        assert told["handle"] == record.handle
    assert done("did it", {}, now).data()["now"] == "2026-11-27T09:00:00Z"


@given(st.one_of(json_values, st.lists(st.text(max_size=20), max_size=5)))
def test_json_is_that_of_the_encoder_with_each_unprintable_character_escaped(content: Any) -> None:
    assert encoded(content) == text.printable(msgspec.json.encode(content).decode()).encode()


@pytest.mark.parametrize("content", ["नमस्ते क्‍ष", "a\u200db", "é\x7f", "\x7f", "❤️", "a\u202eb", "é\ufe0f", "\u200d"])
def test_json_has_joiners_and_what_nobody_sees_as_text_has_them(content: str) -> None:
    assert encoded([content, "ü"]) == text.printable(msgspec.json.encode([content, "ü"]).decode()).encode()
