"""A name is composed of first and last name unless it was set apart, in whatever order they are written."""

from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.errors import Problem
from crmkit.model.actor import Actor
from tests.kinds import DEAL
from tests.storage.desk import Desk

PARTS = ("first_name", "last_name")
NUMBERS = count()

words = st.sampled_from([None, "", "Jane", "Doe", " Jane ", "Jane Doe"])
names = st.sampled_from([None, "Jane", "Doe", "Jane Doe", "Doe Jane", "Jane Doe Jane", "Dr. Doe"])
bodies = st.fixed_dictionaries({}, optional={"name": names, "first_name": words, "last_name": words, "stage": words})


@dataclass
class Model:
    """What a contact is called, and whether that was set apart."""

    first_name: str | None = None
    last_name: str | None = None
    name: str | None = None
    apart: bool = False

    @property
    def composed(self) -> str | None:
        return " ".join(filter(None, (self.first_name, self.last_name))) or None

    def write(self, body: dict[str, Any]) -> bool:
        """Take what a body says; False if that leaves the contact without a name, and so must change nothing."""
        sent = {name: (text.strip() or None) if text else None for name, text in body.items()}
        self.first_name = sent.get("first_name", self.first_name)
        self.last_name = sent.get("last_name", self.last_name)
        if sent.get("name") is not None:
            self.name, self.apart = sent["name"], sent["name"] != self.composed
        elif "name" in sent or not self.apart:
            self.name, self.apart = self.composed, False
        return self.name is not None


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["PATCH", "POST"]), bodies), min_size=1, max_size=6), bodies)
def test_name_and_parts_agree_in_every_order_of_writes(
    back: Desk, writer: Actor, writes: list[tuple[str, dict[str, Any]]], made: dict[str, Any]
) -> None:
    email = f"p{next(NUMBERS)}@example.com"
    model, contact = Model(), None
    for method, body in [("POST", made), *writes]:
        after = Model(**vars(model))
        merges = method == "POST" and contact is not None
        fits = after.write({name: text for name, text in body.items() if text} if merges else body)
        try:
            if method == "POST" or contact is None:
                contact = back.save(writer, email=email, **body)
            else:
                contact = back.change(writer, contact, **body)
        except Problem as problem:
            assert (problem.code, fits) == ("missing_field", False), body
            assert {"name", *PARTS} >= problem.fields.keys() > set()
        else:
            assert fits, body
            model = after
        if contact is not None:
            contact = back.fetch(writer, contact)
            found = (contact.first_name, contact.last_name, contact.name, contact.name_composed)
            assert found == (model.first_name, model.last_name, model.name, None if model.apart else True)


@pytest.fixture(scope="module")
def writer(back: Desk) -> Actor:
    return back.person("writer@example.com")


def test_the_first_and_the_last_name_make_the_name(back: Desk, alice: Actor) -> None:
    contact = back.save(alice, first_name="Jane", last_name="Doe")
    assert contact.name == "Jane Doe"
    assert back.change(alice, contact, last_name="Roe").name == "Jane Roe"
    assert back.save(alice, last_name="Doe").name == "Doe"


def test_a_name_that_was_set_apart_stays_until_it_is_cleared(back: Desk, alice: Actor) -> None:
    contact = back.save(alice, name="Dr. Doe", first_name="Jane", last_name="Doe")
    contact = back.change(alice, contact, last_name="Roe")
    assert contact.name == "Dr. Doe"
    assert back.change(alice, contact, name=None).name == "Jane Roe"


def test_a_name_is_never_taken_apart(back: Desk, alice: Actor) -> None:
    contact = back.save(alice, name="Jane Doe")
    assert (contact.first_name, contact.last_name) == (None, None)
    assert back.change(alice, contact, first_name="Janet").name == "Jane Doe"


def test_a_name_that_its_parts_equal_by_chance_stays_set_apart(back: Desk, alice: Actor) -> None:
    contact = back.save(alice, name="Jane")
    contact = back.change(alice, contact, first_name="Jane")
    contact = back.change(alice, contact, last_name="Doe")
    assert contact.name == "Jane"
    assert back.change(alice, contact, name="Jane Doe").name_composed
    assert back.change(alice, contact, last_name="Roe").name == "Jane Roe"


def test_clearing_the_last_part_of_a_composed_name_is_refused(back: Desk, alice: Actor) -> None:
    contact = back.save(alice, first_name="Jane", email="jane@example.com")
    with pytest.raises(Problem, match="missing_field") as caught:
        back.change(alice, contact, first_name=None)
    assert caught.value.fields == {"first_name": "is the last part of the name"}
    assert back.save(alice, email="jane@example.com", first_name=None).first_name == "Jane"  # a POST clears nothing
    assert back.change(alice, contact, first_name=None, name="Jane").first_name is None
    with pytest.raises(Problem, match="missing_field") as caught:
        back.change(alice, contact, name=None)
    assert caught.value.fields == {"name": "cannot be empty; first_name or last_name would make one"}


def test_a_contact_needs_a_name_or_a_part_of_one(back: Desk, alice: Actor) -> None:
    for body in ({}, {"name": None}, {"first_name": ""}, {"name": "", "last_name": None}):
        with pytest.raises(Problem) as caught:
            back.save(alice, **body)
        assert caught.value.code == "missing_field"
        assert caught.value.hint == "Send a contact with name or first_name or last_name."
        assert caught.value.fields == {"name": "cannot be empty" if "name" in body else "is needed to create"}


def test_parts_that_make_too_long_a_name_are_refused(back: Desk, alice: Actor) -> None:
    parts = {"first_name": "j" * 150, "last_name": "d" * 150}
    with pytest.raises(Problem) as caught:
        back.save(alice, **parts)
    assert (caught.value.code, caught.value.fields.keys()) == ("invalid_value", parts.keys())
    assert back.save(alice, name="Jane", **parts).name == "Jane"


def test_a_composed_name_is_known_wherever_a_name_is(back: Desk, alice: Actor) -> None:
    contact = back.save(alice, first_name="Jane", last_name="Doe")
    deal = back.make(alice, DEAL, title="Boat", contact_id=contact.id)
    back.change(alice, contact, last_name="Roe")
    assert back.fetch(alice, deal).contact_name == "Jane Roe"
    assert [found.id for found in back.find(alice, search="jane roe").records] == [contact.id]
