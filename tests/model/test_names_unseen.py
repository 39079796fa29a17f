"""What nobody sees is taken off the ends of a text, and nothing else is."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.model.names import is_unseen, trimmed, undirected


@pytest.mark.parametrize(
    "character",
    [
        "\u200b",
        "\u200d",
        "\u2060",
        "\ufeff",
        "\u00ad",
        "\u202e",
        "\u2066",
        "\u180e",
        "\u3164",
        "\u2800",
        "\ufe0f",
        "\x00",
        "\x7f",
    ],
    ids=ascii,
)
def test_what_nobody_sees_is_unseen(character: str) -> None:
    assert is_unseen(character)


@pytest.mark.parametrize(
    "character", ["a", "é", "\u0301", "١", "東", "❤", "\u0600", "\U000f0000", " ", "\u3000", "-", "़"]
)
def test_what_is_seen_is_not_unseen(character: str) -> None:
    assert not is_unseen(character)


@given(st.text())
def test_a_trimmed_text_is_a_part_of_it_and_stays_when_it_is_trimmed_again(text: str) -> None:
    assert trimmed(text) in text
    assert trimmed(trimmed(text)) == trimmed(text)
    assert trimmed(f" \u200b{text}\u200b ") == trimmed(text)


def test_every_mark_of_direction_is_taken_out_and_nothing_else() -> None:
    every = "".join(map(chr, range(0x110000)))
    gone = set(every) - set(undirected(f"a{every}a"))
    assert {unicodedata.bidirectional(c) for c in gone} == {
        "L",
        "R",
        "AL",
        "LRE",
        "RLE",
        "PDF",
        "LRO",
        "RLO",
        "LRI",
        "RLI",
        "FSI",
        "PDI",
    }
    assert len(gone) == 12
