"""Natural keys: what a text names in place of an id, by the unique fields of all kinds."""

from typing import Annotated, Any

import pytest

from crmkit.model.fields import Domain, Email, Identifier, Invalid, Key, Link, Text, keys
from crmkit.model.form import REQUIRED, TITLE
from crmkit.model.record import Followed, Tracked, kind_of, unique


class Person(Followed, frozen=True):
    """A person."""

    name: Annotated[str, Text(200), REQUIRED, TITLE, "x"]
    email: Annotated[str | None, Email(), "x"]
    source_id: Annotated[str | None, Identifier(200), "x"]
    code: Annotated[str | None, Identifier(200), "x"]
    owner: Annotated[str | None, Email(), "x"]


class Firm(Followed, frozen=True):
    """A firm."""

    name: Annotated[str, Text(200), REQUIRED, TITLE, "x"]
    domain: Annotated[str | None, Domain(), "x"]
    code: Annotated[str | None, Text(200), "x"]


PERSON = kind_of(Person, "person", "people", "p", indexes=(unique("email"), unique("source_id"), unique("code")))
FIRM = kind_of(Firm, "firm", "firms", "f", indexes=(unique("domain"), unique("code")))
FORMS = {"p": PERSON.key_forms, "f": FIRM.key_forms}
PREFIXES = {"p": "person", "f": "firm", "c": "contact"}


def test_the_forms_of_a_kind_follow_from_its_unique_fields() -> None:
    assert keys.names(PERSON.key_forms) == "id, email, code:X or source:X"
    assert keys.names(FIRM.key_forms) == "id, domain or code:X"


@pytest.mark.parametrize(
    ("text", "person", "firm"),
    [
        ("Jane@Acme.com", ("email", "jane@acme.com"), None),
        ("https://www.acme.com/about", None, ("domain", "acme.com")),
        ("code:X 1", ("code", "X 1"), ("code", "X 1")),
        (" CODE: x ", ("code", "x"), ("code", "x")),
        ("source:hubspot:42", ("source_id", "hubspot:42"), None),
        ("person/code:p/q", ("code", "p/q"), None),
        ("firm%2Fcode:p/q", None, ("code", "p/q")),
        ("code:a@b.example", ("code", "a@b.example"), ("code", "a@b.example")),
    ],
)
def test_a_text_may_be_a_key_of_several_kinds(text: str, person: Any, firm: Any) -> None:
    key = keys.read(text, FORMS, PREFIXES)
    assert key is not None
    assert (key.of("p"), key.of("f"), key.of("c")) == ([person] if person else [], [firm] if firm else [], [])


def test_what_begins_with_a_kind_may_be_an_address_as_a_whole() -> None:
    key = keys.read("person/jane@acme.com", FORMS, PREFIXES)
    assert key is not None
    assert (key.of("p"), key.of("f")) == ([("email", "person/jane@acme.com"), ("email", "jane@acme.com")], [])


@pytest.mark.parametrize(
    "text", ["jane", "", "code:", "source: ", "code", "x:y", "source_id:1", "p_22222222", "a b@c.d"]
)
def test_other_texts_are_no_keys(text: str) -> None:
    assert keys.read(text, FORMS, PREFIXES) is None


class Shelf(Tracked, frozen=True):
    """A shelf."""

    label: Annotated[str, Text(60), REQUIRED, "x"]


SHELF = kind_of(Shelf, "shelf", "shelves", "s", indexes=(unique("label"),), is_setting=True)


def test_the_key_of_a_setting_is_read_only_where_that_kind_is_meant() -> None:
    forms, prefixes = {**FORMS, "s": SHELF.key_forms}, {**PREFIXES, "s": "shelf"}
    assert SHELF.merges_by == ()
    for among in ((), ("p", "f")):
        assert keys.read("label:top", forms, prefixes, among=among) is None
    for text, among in (("label:top", ("s",)), ("shelf/label:top", ())):
        key = keys.read(text, forms, prefixes, among=among)
        assert key is not None
        assert key.readings == (("s", "label", "top"),)


def test_a_blank_in_a_query_is_the_plus_of_an_address() -> None:
    key = keys.read("jane tag@acme.com", FORMS, PREFIXES, in_query=True)
    assert key is not None
    assert key.of("p") == [("email", "jane+tag@acme.com")]


def test_a_link_keeps_a_key_until_it_is_looked_up_and_refuses_what_is_neither() -> None:
    link = Link("p", {"p": "person", "f": "firm"}, FORMS)
    assert isinstance(link.accept("jane@acme.com"), Key)
    assert isinstance(link.accept("acme.com"), Key)  # names another kind, which a write finds out
    with pytest.raises(Invalid, match="jane is no id"):
        link.accept("jane")
