"""`fields=`: what it chooses of each kind."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.errors import Problem
from crmkit.model.query.chosen import ALL, MAX_CHOSEN, Chosen, chosen
from crmkit.model.record import Kind
from crmkit.render import text as written
from tests.kinds import CAMPAIGN, COMPANY, CONTACT
from tests.model.query.queries import every_kind
from tests.render.drawn import keys


def of(text: str, kind: Kind = CONTACT) -> Chosen:
    return chosen([kind], text)[kind]


def refused(*kinds: Kind, text: str) -> Problem:
    with pytest.raises(Problem) as caught:
        chosen(kinds, text, ("reason",))
    assert (caught.value.code, caught.value.status) == ("invalid_value", 400)
    return caught.value


@pytest.mark.parametrize("text", ["", " ", ",", " , ,"])
def test_no_name_chooses_all(text: str) -> None:
    assert chosen([CONTACT], text) is ALL


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("name", ("name",)),
        ("email, name ,", ("email", "name")),
        ("name,name", ("name",)),
        ("id", ()),
        ("handle", ()),
        ("handle,id,stage", ("stage",)),
        ("notes,custom", ("notes", "custom")),
    ],
)
def test_fields_are_shown_in_the_order_asked_for_and_handle_and_id_always(text: str, fields: tuple[str, ...]) -> None:
    assert of(text) == Chosen(fields)


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("custom.region", (("region",),)),
        ("custom.a,custom.b", (("a",), ("b",))),
        ("custom.a,custom.a", (("a",),)),
        ("custom.a.b,custom.a", (("a",),)),
        ("custom.a.b,custom.a.c", (("a", "b"), ("a", "c"))),
        ("custom,custom.a", ()),
        ('custom."full name"', (("full name",),)),
        ('custom."a,b",custom."a.b"', (("a,b",), ("a.b",))),
    ],
)
def test_keys_of_custom_are_chosen_one_by_one(text: str, paths: tuple[tuple[str, ...], ...]) -> None:
    assert of(text) == Chosen(("custom",), paths)
    assert of(f"{text},name") == Chosen(("custom", "name"), paths)


@given(st.lists(keys.filter(lambda key: key and "\x00" not in key), min_size=1, max_size=3))
def test_a_key_is_chosen_as_lines_spell_it(path: list[str]) -> None:
    spelled = ".".join(["custom", *map(written.key, path)])
    assert of(spelled).keys == (tuple(path),)


def test_an_unknown_name_is_refused_with_the_nearest_and_all_that_there_are() -> None:
    problem = refused(CONTACT, text="name,emial")
    assert problem.fields == {"fields": '"emial" is no field of a contact (did you mean email?)'}
    assert all(f" {field.name}," in problem.hint for field in CONTACT.fields)
    assert problem.hint.endswith("reason, handle, custom.KEY.")
    for text in ("custom.", 'custom."', 'custom."a"b', "custom..a", "campaign", "name.x", "Name", "a\x00b"):
        assert "is no field of a contact" in refused(CONTACT, text=text).fields["fields"]


@every_kind
def test_each_kind_has_keys_to_choose_where_it_has_custom(kind: Kind) -> None:
    if kind.custom:
        assert of("custom.x", kind).keys == (("x",),)
    else:
        assert "custom.KEY" not in refused(kind, text="custom.x").hint


def test_each_of_several_kinds_shows_the_names_that_it_has() -> None:
    found = chosen([CONTACT, COMPANY, CAMPAIGN], "domain,email,reason,name", ("reason", "joined_at"))
    assert found == {
        CONTACT: Chosen(("email", "name"), (), ("reason",)),
        COMPANY: Chosen(
            tuple(name for name in ("domain", "email", "name") if name in COMPANY.by_name), (), ("reason",)
        ),
        CAMPAIGN: Chosen(("name",), (), ("reason",)),
    }
    told = refused(CONTACT, COMPANY, text="due_at").fields["fields"]
    assert told.startswith('"due_at" is no field of a contact or a company')


def test_so_many_names_are_taken_and_no_more() -> None:
    names = ",".join(f"custom.k{n}" for n in range(MAX_CHOSEN))
    assert len(of(names).keys) == MAX_CHOSEN
    assert "201 names" in refused(CONTACT, text=f"{names},name").fields["fields"]
