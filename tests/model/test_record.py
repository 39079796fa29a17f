"""What a class declares is what clients may send, and every fault of a body is told at once."""

from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.errors import Problem
from crmkit.model.fields import Choice, Custom, Email, Integer, Link, Tags, Text
from crmkit.model.form import (
    DETAIL,
    MAX_UNKNOWN_FIELDS_SHOWN,
    READ,
    REQUIRED,
    SEARCHED,
    TITLE,
    Default,
    Form,
    NameOf,
    form_of,
)
from crmkit.model.record import Followed, Kind, Kinds, Record, Tracked, kind_of
from tests.kinds import ACTIVITY, AUDIT, CONTACT, DISMISSAL, KINDS, MEMBERSHIP, NAMED, PREFIXES
from tests.render.drawn import DRAW, json_objects, json_values, records_of, texts

ALL_KINDS = [*KINDS, MEMBERSHIP, ACTIVITY, AUDIT]
every_kind = pytest.mark.parametrize("kind", ALL_KINDS, ids=lambda kind: kind.name)


class Boat(Followed, frozen=True):
    """Something that floats."""

    name: Annotated[str, Text(10), REQUIRED, TITLE, "its name"]
    masts: Annotated[int | None, Integer(0, 9), "how many"]
    berth: Annotated[str, Text(5), REQUIRED, "where it lies"]
    tags: Annotated[list[str] | None, Tags(), SEARCHED, "words"]
    flag: Annotated[str, Choice(("red", "blue")), Default("blue"), "blue unless sent"]
    harbour_id: Annotated[str | None, Link("co"), "where it lies"]
    harbour_name: Annotated[str | None, Text(9), NameOf("harbour_id"), READ, "name of that"]
    log: Annotated[str | None, Text(99), READ, DETAIL, "what happened"]


class Harbour:
    """A form that is no record."""

    email: Annotated[str, Email(), REQUIRED, "whose"]
    size: Annotated[int | None, Integer(), "how large"]


BOAT = kind_of(Boat, "boat", "boats", "c").with_prefixes(PREFIXES)
HARBOUR = form_of(Harbour, "harbour")


def told(form: Form, body: dict[str, Any]) -> Problem:
    with pytest.raises(Problem) as caught:
        form.draft(body)
    assert caught.value.status == 400
    return caught.value


# declarations


def test_a_kind_has_its_id_then_its_own_fields_then_those_it_inherits() -> None:
    assert list(BOAT.by_name) == [
        *("id", "name", "masts", "berth", "tags", "flag", "harbour_id", "harbour_name", "log"),
        *("version", "created_at", "updated_at", "created_by", "activities", "last_activity_at"),
        *("last_contacted_at", "contacts_made", "on_behalf_of"),
    ]
    assert list(CONTACT.by_name)[:3] == ["id", "name", "first_name"]
    assert list(CONTACT.by_name)[-7:] == [
        *("activities", "last_activity_at", "last_contacted_at", "contacts_made", "on_behalf_of"),
        *("score", "last_interaction_at"),
    ]


def test_annotations_say_everything_about_a_field() -> None:
    name, masts, log = BOAT.by_name["name"], BOAT.by_name["masts"], BOAT.by_name["log"]
    assert (name.type, name.help, name.required, name.writable, name.nullable) == (
        Text(10),
        "its name",
        True,
        True,
        False,
    )
    assert (masts.type, masts.required, masts.nullable, masts.listed) == (Integer(0, 9), False, True, True)
    assert (log.writable, log.listed, log.default, log.name_of) == (False, False, None, "")
    assert (BOAT.by_name["flag"].default, BOAT.by_name["harbour_name"].name_of) == ("blue", "harbour_id")
    assert (BOAT.title, BOAT.searched) == (name, (BOAT.by_name["tags"],))
    assert (BOAT.help, BOAT.custom, CONTACT.custom) == ("Something that floats.", None, CONTACT.by_name["custom"])
    assert (name.compared, masts.compared) == ("name_key", "masts")


def test_fields_marked_as_read_only_cannot_be_written() -> None:
    assert list(BOAT.writable) == ["name", "masts", "berth", "tags", "flag", "harbour_id"]
    assert list(HARBOUR.by_name) == list(HARBOUR.writable) == ["email", "size"]
    assert list(AUDIT.writable) == []


@every_kind
def test_every_field_of_a_kind_is_declared_with_a_type_and_words_of_its_own(kind: Kind) -> None:
    assert set(kind.record.__struct_fields__) == {"handle", *kind.by_name}
    assert kind.help
    for field in kind.fields:
        assert field.help
        assert field.help.splitlines() == [field.help]
        assert field.type.says
        assert type(field.type) in DRAW
        assert not (field.required and field.nullable)
        assert not (field.required and not field.writable)
        assert field.default is None or (field.type.accept(field.default) == field.default and not field.nullable)
        assert not field.name_of or (isinstance(kind.by_name[field.name_of].type, Link) and not field.writable)
        assert field.name.isidentifier()
    assert len({field.name for field in kind.fields}) == len(kind.fields)
    assert PREFIXES[kind.prefix] == kind.name
    assert kind.order == "" or kind.by_name[kind.order].type.sortable


@pytest.mark.parametrize("kind", NAMED, ids=lambda kind: kind.name)
def test_every_kind_that_people_name_has_a_history_a_title_and_free_keys(kind: Kind) -> None:
    assert issubclass(kind.record, Tracked)
    assert kind.title.required
    assert kind.custom is not None
    assert not {"search", "sort", "limit", "cursor", "count", "fields", "max_tokens", "format"} & set(kind.by_name)


@every_kind
def test_a_record_is_built_from_its_id_and_the_values_of_its_other_fields_in_their_order(kind: Kind) -> None:
    @settings(max_examples=30, deadline=None)
    @given(records_of(kind))
    def holds(record: Record) -> None:
        shown = msgspec.to_builtins(record)
        handle, id, *values = shown.values()
        assert kind.build(id, *values) == record
        assert handle == kind.handle(id) == f"{kind.name}/{id}"

    holds()


def test_a_record_cannot_be_changed_in_place() -> None:
    record = BOAT.build(
        "c_aaaaaaaa", 1, "", "", "", 0, None, None, 0, None, "Ann", None, "A1", None, "red", None, None, None
    )
    with pytest.raises(AttributeError):
        record.name = "Bea"  # type: ignore[attr-defined]


# bodies


def test_a_body_gives_the_stored_form_of_just_what_was_sent() -> None:
    assert BOAT.draft({}) == {}
    assert BOAT.draft({"masts": 2, "tags": ["a", "A"], "name": "Ann"}) == {"masts": 2, "tags": ["a"], "name": "Ann"}
    assert BOAT.draft({"masts": None, "tags": []}) == {"masts": None, "tags": None}
    assert CONTACT.draft({"email": " Jane@ACME.com ", "phone": "", "custom": {}}) == {
        "email": "jane@acme.com",
        "phone": None,
        "custom": {},
    }


def test_a_field_with_a_default_that_is_cleared_has_its_default_again() -> None:
    assert BOAT.draft({"flag": None}) == BOAT.draft({"flag": ""}) == {"flag": "blue"}
    assert BOAT.draft({"flag": " RED "}) == {"flag": "red"}
    assert BOAT.draft({}) == {}


def test_of_very_many_unknown_names_the_first_twenty_are_told() -> None:
    problem = told(BOAT, {f"x{number}": 1 for number in range(100_000)})
    assert problem.code == "unknown_field"
    assert list(problem.fields) == [f"x{number}" for number in range(MAX_UNKNOWN_FIELDS_SHOWN)]
    assert MAX_UNKNOWN_FIELDS_SHOWN == 20


def test_all_faults_of_a_body_are_told_at_once() -> None:
    problem = told(BOAT, {"nmae": "Ann", "masts": 10, "version": 3, "name": "", "tags": ["ok"], "berth": "x" * 6})
    assert problem.code == "unknown_field"
    assert problem.fields == {
        "nmae": "is no field of a boat (did you mean name?)",
        "masts": "must be a whole number from 0 to 9",
        "version": "is written by the server; leave it out",
        "name": "cannot be empty",
        "berth": "has 6 characters; at most 5 fit",
    }
    assert problem.hint == "A boat takes these fields: name, masts, berth, tags, flag, harbour_id."


def test_without_an_unknown_name_the_code_is_that_of_the_values() -> None:
    problem = told(BOAT, {"masts": "2", "name": None})
    assert (problem.code, list(problem.fields)) == ("invalid_value", ["masts", "name"])
    problem = told(BOAT, {"masts": 2, "name": None, "berth": "  "})
    assert problem.code == "missing_field"
    assert problem.fields == {"name": "cannot be empty", "berth": "cannot be empty"}
    assert problem.hint == "Send a boat with name and berth that is not empty."


def test_a_link_that_can_be_no_record_is_told_after_all_other_faults() -> None:
    """It has the code of an id that leads nowhere; what is no text is a wrong value, as anywhere."""
    for link in ("nope", "ha_zzzzzzzz", "d_k7m2q9xa"):
        problem = told(BOAT, {"harbour_id": link})
        assert (problem.code, list(problem.fields)) == ("invalid_reference", ["harbour_id"])
        assert problem.hint == "Create the record first, or look its id up."
        for body, code in (
            ({"sise": 5, "masts": "2"}, "unknown_field"),
            ({"masts": "2"}, "invalid_value"),
            ({"name": None}, "missing_field"),
        ):
            problem = told(BOAT, {"harbour_id": link, **body})
            assert (problem.code, list(problem.fields)) == (code, [*body, "harbour_id"])
    assert told(BOAT, {"harbour_id": 5}).code == told(BOAT, {"harbour_id": ["nope"]}).code == "invalid_value"


@pytest.mark.parametrize("name", ["id", "handle", "version", "created_at", "created_by", "activities", "company_name"])
def test_a_field_that_only_the_server_writes_is_refused_as_such(name: str) -> None:
    problem = told(CONTACT, {name: None})
    assert (problem.code, problem.fields) == ("unknown_field", {name: "is written by the server; leave it out"})


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("Name", "name"), ("e_mail", "email"), ("emails", "email"), ("note", "notes"), ("tag", "tags"), ("zzz", None)],
)
def test_an_unknown_name_comes_with_the_nearest_and_where_free_keys_go(name: str, nearest: str | None) -> None:
    problem = told(CONTACT, {"name": "Jane", name: "x"})
    suggestion = f" (did you mean {nearest}?)" if nearest else ""
    assert problem.fields == {name: f"is no field of a contact{suggestion}"}
    assert all(known in problem.hint for known in CONTACT.writable)
    assert problem.hint.endswith('Keys of your own go into custom: {"custom":{"KEY":"value"}}.')


def test_a_missing_required_field_is_named() -> None:
    with pytest.raises(Problem) as caught:
        BOAT.check_required({"name": "Ann", "masts": 2})
    assert (caught.value.code, caught.value.fields) == ("missing_field", {"berth": "is needed to create"})
    assert caught.value.hint == "Send a boat with name and berth."
    BOAT.check_required({"name": "Ann", "berth": "A1"})
    with pytest.raises(Problem):
        CONTACT.check_required({"email": "jane@acme.com"})


def test_a_filled_form_has_every_field() -> None:
    assert HARBOUR.filled({"email": "A@b.de"}) == {"email": "a@b.de", "size": None}
    for body in ({}, {"size": 5}, {"email": ""}, {"email": None}):
        with pytest.raises(Problem) as caught:
            HARBOUR.filled(body)
        assert caught.value.code == "missing_field"
        assert list(caught.value.fields) == ["email"]


def test_the_hint_of_a_kind_without_custom_does_not_mention_custom() -> None:
    assert told(HARBOUR, {"sise": 5}).hint == "A harbour takes these fields: email, size."


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_any_body_gives_values_or_a_problem_that_names_each_wrong_field(kind: Kind) -> None:
    names = st.one_of(st.sampled_from([*kind.by_name, "handle"]), texts)

    @settings(max_examples=100, deadline=None)
    @given(st.one_of(json_objects, st.dictionaries(names, json_values, max_size=5)))
    def holds(body: dict[str, Any]) -> None:
        try:
            values = kind.draft(body)
        except Problem as problem:
            assert problem.code in ("unknown_field", "invalid_value", "missing_field", "invalid_reference")
            assert set(problem.fields) <= set(body)
            assert {name for name in body if name not in kind.writable} <= set(problem.fields)
            return
        assert list(values) == list(body)
        assert set(values) <= set(kind.writable)

    holds()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_what_json_shows_of_a_record_can_be_sent_back_as_it_is(kind: Kind) -> None:
    @settings(max_examples=50, deadline=None)
    @given(records_of(kind))
    def holds(record: Record) -> None:
        shown = msgspec.to_builtins(record)
        sent = {name: shown[name] for name in kind.writable}
        assert kind.draft(sent) == sent
        custom = kind.custom
        if custom is not None and isinstance(custom.type, Custom):
            assert custom.type.merged(sent[custom.name], sent[custom.name]) == sent[custom.name]

    holds()


def test_two_kinds_with_one_prefix_are_refused_at_the_start() -> None:
    boat = kind_of(Boat, "boat", "boats", "co")
    with pytest.raises(ValueError, match="company and boat both have ids that begin with co_"):
        Kinds.of((boat, *KINDS), ACTIVITY, AUDIT, MEMBERSHIP, DISMISSAL)
