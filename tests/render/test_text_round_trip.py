"""Whatever is stored: its line is one line, shows only what can be seen, and parses back to what JSON shows."""

import json
import unicodedata
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmkit.errors import CATALOGUE, Problem
from crmkit.model.listing import Listing, Paging, Rows
from crmkit.model.record import Kind, Record
from crmkit.records import ACTIVITY, AUDIT, CONTACT, KINDS
from crmkit.render import parse, text
from crmkit.render.answers import Answer, Card, Failure, Groups, Line, Lines, Many, One, Team, done
from tests.render.drawn import LOOK_ALIKES, exactly, json_values, keys, records_of, texts

ALL_KINDS = [*KINDS, ACTIVITY, AUDIT]
every_kind = pytest.mark.parametrize("kind", ALL_KINDS, ids=lambda kind: kind.name)


def examples(many: int) -> settings:
    return settings(max_examples=many, deadline=None, suppress_health_check=list(HealthCheck))


def contact(**values: Any) -> Record:
    whole = {
        **dict.fromkeys(CONTACT.by_name),
        "id": "c_k7m2q9xa",
        "name": "Jane",
        "version": 1,
        "created_at": "2026-06-10T09:00:00Z",
        "updated_at": "2026-06-10T09:00:00Z",
        "created_by": "me@example.com",
        "activities": 0,
        **values,
    }
    return CONTACT.record(handle="contact/c_k7m2q9xa", **whole)


def assert_one_visible_line(line: str) -> None:
    assert line.splitlines() == [line]
    assert line.isprintable()


def assert_reads_back(kind: Kind, line: str, shown: dict[str, Any]) -> None:
    assert_one_visible_line(line)
    assert exactly(parse.record(kind, line)) == exactly(shown)


# value -> how it stands behind `key=`
SPELLED = [
    (5, "5"),
    ("5", '"5"'),
    (-5, "-5"),
    ("-5", '"-5"'),
    (0, "0"),
    (5.0, "5.0"),
    ("5.0", '"5.0"'),
    (-0.0, "-0.0"),
    (1e22, "1e+22"),
    ("-1e5", '"-1e5"'),
    ("1E+5", '"1E+5"'),
    ("05", '"05"'),
    ("+5", "+5"),
    ("5kg", "5kg"),
    ("1_000", "1_000"),
    ("0x1F", "0x1F"),
    ("٣", "٣"),
    ("-", "-"),
    (9_223_372_036_854_775_807, "9223372036854775807"),
    (True, "true"),
    ("true", '"true"'),
    ("True", "True"),
    (False, "false"),
    ("false", '"false"'),
    (None, "null"),
    ("null", '"null"'),
    ("NaN", '"NaN"'),
    ("-Infinity", '"-Infinity"'),
    ("nullable", "nullable"),
    ("truest", "truest"),
    ("", '""'),
    (" ", '" "'),
    ("Jane Doe", '"Jane Doe"'),
    ("[x", '"[x"'),
    ("x[", "x["),
    ("{x", '"{x"'),
    ("x{}", "x{}"),
    ('"', '"\\""'),
    ('say "hi"', '"say \\"hi\\""'),
    ("a\\b", '"a\\\\b"'),
    ("'quoted'", "'quoted'"),
    ("a=b", "a=b"),
    ("=", "="),
    ("#x", "#x"),
    ("#", "#"),
    ("a,b", "a,b"),
    ("a,", "a,"),
    ("a.b", "a.b"),
    ("jane@acme.com", "jane@acme.com"),
    ("http://x/?q=1&r=2#s", "http://x/?q=1&r=2#s"),
    ("+1 555 0100", '"+1 555 0100"'),
    ("2026-06-10T09:00:00Z", "2026-06-10T09:00:00Z"),
    ("Müller", "Müller"),
    ("東京", "東京"),
    ("😀", "😀"),
    ("a\nb", '"a\\nb"'),
    ("a\r\nb", '"a\\r\\nb"'),
    ("a\tb", '"a\\tb"'),
    ("\x00", '"\\u0000"'),
    ("\x1b[31m", '"\\u001b[31m"'),
    ("\x7f", '"\\u007f"'),
    ("a\x85b", '"a\\u0085b"'),
    ("a\x1cb", '"a\\u001cb"'),
    ("a\u00a0b", '"a\\u00a0b"'),  # no-break space
    ("a\u2003b", '"a\\u2003b"'),  # em space
    ("a\u2028b", '"a\\u2028b"'),  # line separator
    ("a\u2029b", '"a\\u2029b"'),
    ("a\u200bb", '"a\\u200bb"'),  # zero-width space
    ("a\u202eb", '"a\\u202eb"'),  # right-to-left override
    ("\u2066x\u2069", '"\\u2066x\\u2069"'),
    ("\ufeffx", '"\\ufeffx"'),
    ("a\u00adb", '"a\\u00adb"'),  # soft hyphen
    ("👩\u200d💻", '"👩\\u200d💻"'),
    ("\U000e0041x", '"\\udb40\\udc41x"'),  # a tag character: unprintable and past U+FFFF
    ("\U0001d173", '"\\ud834\\udd73"'),
    ("\U0010ffff", '"\\udbff\\udfff"'),
    ([], "[]"),
    ([1, "a b", None, True], '[1,"a b",null,true]'),
    (["a\u2028b"], '["a\\u2028b"]'),
    ({}, "{}"),
    ({"a b": "\u202e"}, '{"a b":"\\u202e"}'),
]


@pytest.mark.parametrize(("value", "spelled"), SPELLED, ids=ascii)
def test_a_value_has_this_one_spelling_and_reads_back(value: Any, spelled: str) -> None:
    assert text.value(value) == spelled
    assert exactly(parse.value(spelled)) == exactly(value)
    assert_one_visible_line(spelled)


@examples(1_000)
@given(json_values)
def test_any_value_reads_back_from_its_spelling(value: Any) -> None:
    spelled = text.value(value)
    assert exactly(parse.value(spelled)) == exactly(value)
    assert_one_visible_line(spelled)


@examples(1_000)
@given(texts)
def test_a_string_is_bare_only_where_nothing_else_could_be_meant(content: str) -> None:
    spelled = text.value(content)
    if spelled == content:
        assert content
        assert content[0] not in '"[{'
        assert not any(character.isspace() or character in '"\\' for character in content)
        with pytest.raises(ValueError):
            json.loads(content)
    else:
        assert json.loads(spelled) == content


def test_every_character_of_unicode_reads_back_and_none_can_break_or_hide_a_line() -> None:
    unseen = {"Cc", "Cf", "Cn", "Co", "Zl", "Zp", "Zs"}
    # the planes between hold nothing yet; of the last ones, which are private, samples do
    for start in (*range(0, 0x34000, 256), *range(0xE0000, 0xE1000, 256), 0xF0000, 0x10FF00):
        block = "".join(chr(point) for point in range(start, start + 256) if not 0xD800 <= point < 0xE000)
        bare = [character for character in block if text.is_bare(f"a{character}b")]
        assert [ascii(character) for character in bare if unicodedata.category(character) in unseen] == []
        assert [character for character in block if text.value(f"{character}b") == f"{character}b"] == [
            character for character in block if text.is_bare(f"{character}b")
        ]
        assert [ascii(c) for c in block if text.value(f"{c} b") != text.quoted(f"{c} b")] == []
        assert_one_visible_line(text.value(block))
        assert parse.value(text.value(block)) == block


@pytest.mark.parametrize(
    "unseen", [*"\u034f\u115f\u1160\u17b4\u180b\u180f\u3164\ufe00\ufe0f\uffa0\U000e0100\U000e01ef"], ids=ascii
)
def test_what_nobody_sees_is_escaped_though_python_calls_it_printable(unseen: str) -> None:
    assert unseen.isprintable()
    for content in (f"a{unseen}b", unseen, f"ü{unseen} \n", {f"k{unseen}": [unseen]}):
        shown = text.value(content)
        assert unseen not in shown
        assert parse.value(shown) == content
    assert unseen not in text.printable(f"ü{unseen}")


@examples(1_000)
@given(texts)
def test_a_string_is_spelled_alike_in_a_line_and_alone(content: str) -> None:
    assert text.line(CONTACT, contact(name=content), ["name"]) == f"contact/c_k7m2q9xa  name={text.value(content)}"
    assert text.row_liner(CONTACT, ("name",))(["c_k7m2q9xa", content]) == text.line(
        CONTACT, contact(name=content), ["name"]
    )


@every_kind
def test_the_line_of_any_record_parses_back_to_what_json_shows(kind: Kind) -> None:
    @examples(180)
    @given(records_of(kind))
    def holds(record: Record) -> None:
        line = text.line(kind, record, kind.by_name)
        assert_reads_back(kind, line, msgspec.to_builtins(record))
        assert exactly(json.loads(msgspec.json.encode(record))) == exactly(parse.record(kind, line))

    holds()


@every_kind
def test_a_line_of_picked_fields_has_just_those_in_the_order_asked_for(kind: Kind) -> None:
    @examples(60)
    @given(records_of(kind), st.permutations(list(kind.by_name)), st.integers(0, len(kind.by_name)))
    def holds(record: Record, names: list[str], many: int) -> None:
        picked = names[:many]
        line = text.line(kind, record, picked)
        shown = msgspec.to_builtins(record)
        kept = {name: value for name, value in shown.items() if name in (*picked, "handle", "id")}
        assert_reads_back(kind, line, {**dict.fromkeys(shown), **kept})
        paths = [tuple(path) for path, _ in parse.split(line)[1]]
        assert len(paths) == len(set(paths))
        told = list(dict.fromkeys(path[0] for path in paths))
        assert told == [name for name in picked if name != "id" and getattr(record, name) is not None]

    holds()


CUSTOM = [
    ({"region": "emea"}, "custom.region=emea"),
    ({"score": 10}, "custom.score=10"),
    ({"score": "10"}, 'custom.score="10"'),
    ({"vip": True}, "custom.vip=true"),
    ({"vip": "true"}, 'custom.vip="true"'),
    ({"note": ""}, 'custom.note=""'),
    ({"full name": "x"}, 'custom."full name"=x'),
    ({"a.b": 1}, 'custom."a.b"=1'),
    ({"a": {"b": 1}}, "custom.a.b=1"),
    ({"a": {"b": {"c d": {"e": "f g"}}}}, 'custom.a.b."c d".e="f g"'),
    ({"a": {"": None}}, 'custom.a.""=null'),
    ({"a": {}}, "custom.a={}"),
    ({"a": []}, "custom.a=[]"),
    ({"a": {"b": {}}}, "custom.a.b={}"),
    ({"a": [{"b": [1, "x  y"]}]}, 'custom.a=[{"b":[1,"x  y"]}]'),
    ({"a": ["vip"]}, 'custom.a=["vip"]'),
    ({"größe": 5}, 'custom."größe"=5'),
    ({"a=b": 5}, 'custom."a=b"=5'),
    ({'"': 5}, 'custom."\\""=5'),
    ({"a\n": 5}, 'custom."a\\n"=5'),
    ({"\u202e": 5}, 'custom."\\u202e"=5'),
    ({"x": 1, "y": {"z": 2}, "w": 3}, "custom.x=1  custom.y.z=2  custom.w=3"),
]


@pytest.mark.parametrize(("custom", "spelled"), CUSTOM, ids=ascii)
def test_custom_stands_under_dotted_keys(custom: dict[str, Any], spelled: str) -> None:
    record = contact(custom=custom)
    line = text.line(CONTACT, record, ["custom"])
    assert line == f"contact/c_k7m2q9xa  {spelled}"
    assert exactly(parse.record(CONTACT, line)["custom"]) == exactly(custom)


def test_custom_nested_as_deep_as_a_body_may_be_reads_back() -> None:
    deep: Any = "x y"
    for _ in range(31):
        deep = {"a b": deep}
    record = contact(custom=deep)
    assert_reads_back(CONTACT, text.line(CONTACT, record, CONTACT.by_name), msgspec.to_builtins(record))


@pytest.mark.parametrize(
    ("tags", "spelled"),
    [
        (["vip"], "tags=vip"),
        (["vip", "fintech"], "tags=vip,fintech"),
        (["5"], 'tags=["5"]'),
        (["vip", "5"], 'tags=["vip","5"]'),
        (["true"], 'tags=["true"]'),
        (["[x"], 'tags=["[x"]'),
        (['a"b', "c"], 'tags=["a\\"b","c"]'),
        (["a\u200bb"], 'tags=["a\\u200bb"]'),
        (["a=b", "#x"], "tags=a=b,#x"),
        (["größe", "😀"], "tags=größe,😀"),
    ],
)
def test_tags_are_joined_by_commas_where_they_are_plain_words(tags: list[str], spelled: str) -> None:
    line = text.line(CONTACT, contact(tags=tags), ["tags"])
    assert line == f"contact/c_k7m2q9xa  {spelled}"
    assert parse.record(CONTACT, line)["tags"] == tags


@pytest.mark.parametrize("hostile", LOOK_ALIKES, ids=ascii)
def test_no_text_field_can_forge_a_field_or_a_line(hostile: str) -> None:
    record = contact(name=hostile or "x", phone=hostile, notes=f"{hostile}  owner=mallory@example.com\n{hostile}")
    line = text.line(CONTACT, record, CONTACT.by_name)
    assert_reads_back(CONTACT, line, msgspec.to_builtins(record))
    assert parse.record(CONTACT, line)["owner"] is None


def test_a_whole_line_looks_like_this() -> None:
    record = contact(
        name="Jane Doe",
        email="jane@acme.com",
        company_id="co_x7k2p9ab",
        company_name="Acme Corp",
        tags=["vip", "fintech"],
        custom={"region": "emea", "full name": "Jane Q. Doe"},
    )
    assert text.line(CONTACT, record, CONTACT.by_name) == (
        'contact/c_k7m2q9xa  name="Jane Doe"  email=jane@acme.com  company_id=co_x7k2p9ab  company_name="Acme Corp"  '
        'tags=vip,fintech  custom.region=emea  custom."full name"="Jane Q. Doe"  version=1  '
        "created_at=2026-06-10T09:00:00Z  updated_at=2026-06-10T09:00:00Z  created_by=me@example.com  activities=0"
    )


@pytest.mark.parametrize(
    "line",
    [
        "",
        "# 5 contacts",
        "ERROR not_found",
        "company/co_x7k2p9ab  name=Acme",
        "contact/c_k7m2q9xa  nmae=Jane",
        "contact/c_k7m2q9xa  name",
        "contact/c_k7m2q9xa  name=Jane stage=lead",
        "contact/c_k7m2q9xa  name=Jane   stage=lead",
        'contact/c_k7m2q9xa  name="Jane',
        'contact/c_k7m2q9xa  name="Jane"x',
        "contact/c_k7m2q9xa  =Jane",
        "contact/c_k7m2q9xa  custom=1",
        "contact/c_k7m2q9xa  custom.=1",
        "contact/c_k7m2q9xa  custom.a",
        "contact/c_k7m2q9xa  custom.a.",
        "contact/c_k7m2q9xa  custom.a=1  custom.a.b=2",
        "contact/c_k7m2q9xa  name.first=Jane",
    ],
)
def test_a_line_that_is_no_record_of_the_kind_is_refused(line: str) -> None:
    with pytest.raises(ValueError):
        parse.record(CONTACT, line)


@examples(500)
@given(
    st.one_of(
        texts,
        st.builds("contact/c_k7m2q9xa  {}={}".format, keys, texts),
        st.builds("contact/c_k7m2q9xa  custom.{}={}  custom.{}={}".format, keys, texts, keys, texts),
    )
)
def test_reading_any_line_gives_a_record_or_a_value_error(line: str) -> None:
    try:
        found = parse.record(CONTACT, line)
    except ValueError:
        return
    assert {"handle", *CONTACT.by_name} == set(found)


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
        page = listing(kind, found, names, paging)
        answer = Many(page)
        lines = assert_ends_as(answer, kind.plural, page.paging)
        shown = ("id", *page.fields)
        items = json.loads(msgspec.json.encode(answer.data()))["items"]
        for line, item in zip(lines, items, strict=True):
            back = parse.record(kind, line)
            assert exactly({name: back[name] for name in shown}) == exactly({name: item[name] for name in shown})
            assert (back["handle"], back["id"]) == (item["handle"], item["id"])

    holds()


@every_kind
def test_a_list_line_leaves_long_fields_out_and_the_record_alone_has_all(kind: Kind) -> None:
    @examples(30)
    @given(records_of(kind, filled=True))
    def holds(record: Record) -> None:
        page = Many(listing(kind, [record], kind.listed[1:], Paging.whole(1))).text().split("\n")[0]
        alone = One(kind, record).text()
        listed = {path[0] for path, _ in parse.split(page)[1]}
        assert listed == {field.name for field in kind.fields if field.listed and field.name != "id"}
        assert {path[0] for path, _ in parse.split(alone)[1]} == set(kind.by_name) - {"id"}

    holds()


def test_notes_are_left_out_of_lists() -> None:
    page = Many(listing(CONTACT, [contact(notes="long")], CONTACT.listed[1:], Paging.whole(1)))
    assert "long" not in page.text()


@pytest.mark.parametrize(("outcome", "status"), [("created", 201), ("updated", 200), ("", 200)])
def test_one_record_ends_with_what_became_of_it(outcome: str, status: int) -> None:
    answer = One(CONTACT, contact(version=7), outcome=outcome)
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
def test_a_card_of_raw_text_still_has_one_line_for_each_part(done_: str, content: str, comments: list[str]) -> None:
    answer = Card({"label": content}, {}, done=f"did {done_}", comments=comments)
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
def test_a_page_of_other_things_has_a_line_for_each_and_it_reads_back(rows: list[Any], paging: Paging) -> None:
    answer = Lines(Rows("tokens", tuple(("token/tok_x", row) for row in rows), paging))
    for line, row in zip(assert_ends_as(answer, "tokens", paging), rows, strict=True):
        assert_told(line, "token/tok_x", row)
    assert answer.data()["items"] == [{"handle": "token/tok_x", **row} for row in rows]


@examples(200)
@given(things, st.lists(texts, max_size=2))
def test_one_other_thing_is_a_line_and_its_comments(thing: dict[str, Any], comments: list[str]) -> None:
    answer = Line("token/tok_x", thing, comments)
    line, *rest = answer.text().split("\n")
    assert_told(line, "token/tok_x", thing)
    assert rest == [f"# {text.printable(comment)}" for comment in comments]
    assert answer.data() == {"handle": "token/tok_x", **thing}


@examples(100)
@given(
    st.lists(st.fixed_dictionaries({"user_id": st.just("u_x"), "email": texts, "role": texts}), max_size=3),
    st.lists(st.fixed_dictionaries({"id": st.just("inv_x"), "email": texts, "role": texts}), max_size=3),
)
def test_a_team_has_a_line_for_each_member_and_invite(members: list[Any], invites: list[Any]) -> None:
    answer = Team(members, invites)
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
        answer = Groups(list(pages.values()), {"q": "jane"})
        told = json.loads(msgspec.json.encode(answer.data()))
        lines = iter(answer.text().split("\n"))
        for plural, page in pages.items():
            for item in told[plural]:
                line = next(lines)
                assert_one_visible_line(line)
                back = parse.record(page.kind, line)
                shown = [field.name for field in page.kind.fields if field.listed]
                assert exactly({name: back[name] for name in shown}) == exactly({name: item[name] for name in shown})
            assert next(lines) == f"# {len(told[plural])} {plural}"
            for note in page.paging.notes:
                assert next(lines) == f"# note: {text.printable(note)}"
        assert next(lines, None) is None
        assert told.get("notes", []) == [note for page in pages.values() for note in page.paging.notes]
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
