"""Likeness of names: which pairs are alike, and that the order of the two names does not matter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.model.likeness import ALIKE, likeness

SAME = [
    ("Jane Doe", "jane doe"),
    ("Jane Doe", "Doe, Jane"),
    ("José Müller", "Jose Muller"),
    ("Anne-Marie O’Hara", "Anne Marie O'Hara"),
    ("李小龍", "李小龍"),
]
ALIKE_NAMES = [
    ("John Smith", "Jon Smith"),
    ("John Smith", "Jhon Smith"),
    ("Jane Doe", "J. Doe"),
    ("Jane Doe", "Doe J"),
    ("Jane M. Doe", "Jane Doe"),
    ("Jane Mary Doe", "Jane M Doe"),
    ("Jan van der Berg", "Jan Berg"),
    ("Ludwig von Mises", "Ludwig Mises"),
    ("Catherine Kelason", "Katherine Kelason"),
    ("Acme Corporation", "Acme Corporaton"),
]
UNLIKE = [
    ("Jane Doe", "John Doe"),
    ("Jane Doe", "Bob Stone"),
    ("Jane Doe", "Jane Roberts"),
    ("Anna Schmidt", "Peter Schmidt"),
    ("Reception", "Jane Doe"),
    ("J. Doe", "M. Roe"),
    ("李小龍", "王小明"),
    ("", "Jane"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_names_of_the_same_words_are_the_same(one: str, other: str) -> None:
    assert likeness(one, other) == likeness(other, one) == 1.0


@pytest.mark.parametrize(("one", "other"), ALIKE_NAMES)
def test_a_typo_an_initial_or_a_particle_leaves_names_alike(one: str, other: str) -> None:
    assert ALIKE < likeness(one, other) == likeness(other, one) < 1.0


@pytest.mark.parametrize(("one", "other"), UNLIKE)
def test_names_of_two_people_are_not_alike(one: str, other: str) -> None:
    assert likeness(one, other) == likeness(other, one) <= ALIKE


words = st.lists(st.sampled_from(["j", "jane", "jana", "d", "doe", "van", "de", "m", "mary"]), max_size=4).map(" ".join)


@given(st.one_of(st.text(max_size=20), words), st.one_of(st.text(max_size=20), words))
def test_likeness_is_symmetric_and_one_for_equals(one: str, other: str) -> None:
    assert 0.0 <= likeness(one, other) == likeness(other, one) <= 1.0
    assert likeness(one, one) == 1.0


@pytest.mark.parametrize(("one", "other"), [("\U0001f642", "-"), ("-", "."), ("\U0001f642", "Jane")])
def test_names_without_letters_are_alike_only_if_they_are_equal(one: str, other: str) -> None:
    assert likeness(one, other) == 0.0
    assert likeness(one, one) == 1.0
