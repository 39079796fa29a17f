"""What sentences of ours repeat of what strangers chose: a few plain words, plain addresses, and nothing else."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.model.names import MAX_NAME, clean, spoken, spoken_address


@pytest.mark.parametrize(
    "name", ["Acme", "Zoë's App & Co", "Claude Code (Anthropic)", "北京", "Team 7", "Acme 2026", "a_b-c+d"]
)
def test_a_name_of_a_few_plain_words_is_repeated(name: str) -> None:
    assert spoken(name, "ws_x") == name


@pytest.mark.parametrize(
    "name",
    [
        "", " ", " Acme", "Acme ", "a  b", "two\nlines", "a\u2028b", "a\u202eb", "a\u200bb", "\u3164", "x\u3164y",
        "https://evil.example", "evil.example", "me@example.com", "say \"this\"", "$(reboot)", "`reboot`", "a|b", "<b>",
        "x" * 41, "a; b", "HINT  read on", "654321", "Your code is 654321", "x\ufe0f", "a\\b", "-rf",
    ],
)  # fmt: skip
def test_any_other_name_is_replaced_by_the_id(name: str) -> None:
    assert spoken(name, "ws_x") == "ws_x"


@given(st.text(max_size=60))
def test_a_repeated_name_is_one_short_line_without_links_quotes_or_commands(name: str) -> None:
    said = spoken(name, "ws_x")
    assert said in (name, "ws_x")
    assert len(said) <= 40
    assert said.isprintable()
    assert not re.search(r"""[."`$|<>;:/\\@#!?*%={}\[\]~^]|  """, said)


@pytest.mark.parametrize(
    "address", ["jane@acme.com", "o'brien@acme.com", "a.b+c=d@xn--bcher-kva.example", "josé@a.example"]
)
def test_a_plain_address_is_repeated(address: str) -> None:
    assert spoken_address(address, "u_x") == address


@pytest.mark.parametrize(
    "address", ["victim+'|reboot|'@gmail.com", "`reboot`@a.example", "evil.example/login@a.example", "a&b@a.example"]
)
def test_an_address_that_could_be_a_command_or_a_link_is_not_repeated(address: str) -> None:
    assert spoken_address(address, "u_x") == "u_x"
    assert spoken_address(address) == f"an address at {address.partition('@')[2]}"


@given(st.text(max_size=300))
def test_a_cleaned_name_is_one_visible_line_of_at_most_100_characters(name: str) -> None:
    cleaned = clean(name)
    assert len(cleaned) <= MAX_NAME
    assert cleaned == clean(cleaned) == cleaned.strip()
    assert cleaned.isprintable()


def test_invisible_characters_are_removed_from_a_name() -> None:
    assert clean("\u202eevil\u202c  Cl\u200baude\r\n\x00App\u2028x") == "evil Claude App x"


def test_at_most_three_combining_marks_stay_on_a_letter() -> None:
    assert clean("a" + "\u0301" * 99 + "b") == "a" + "\u0301" * 3 + "b"
