"""Tags and free keys: what fits, how a body merges, and what a filter compares with."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.model.fields import Custom, Invalid, Tags
from crmkit.model.names import trimmed
from tests.model.fields.refusal import refusal
from tests.render.drawn import keys, scalars, texts

# tags


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        (["vip"], ["vip"]),
        (["VIP", "fintech", "vip", "Vip"], ["VIP", "fintech"]),
        (["straße", "STRASSE"], ["straße"]),
        (["é", "e\u0301"], ["é"]),
        (["b", "a", "b"], ["b", "a"]),
        (["x" * 50], ["x" * 50]),
        (["vip\u200b", "\u2060fintech"], ["vip", "fintech"]),
        (["a-b", "a_b", "a.b", "#a", "5", "true", "日本"], ["a-b", "a_b", "a.b", "#a", "5", "true", "日本"]),
        ([], None),
        (None, None),
    ],
)
def test_tags_keep_their_order_and_the_first_spelling_of_each(sent: Any, stored: Any) -> None:
    assert Tags().accept(sent) == stored


@pytest.mark.parametrize(
    "sent",
    [
        "vip",
        "vip,fintech",
        5,
        {"vip": True},
        [5],
        [None],
        [["vip"]],
        [""],
        ["a b"],
        ["a,b"],
        ["a,"],
        [" a"],
        ["a\n"],
        ["a\u00a0b"],
        ["\u200b"],
        ["\u3164"],
        ["a\u2028b"],
        ["a\x1cb"],
        ["x" * 51],
    ],
    ids=ascii,
)
def test_a_tag_that_is_no_plain_word_is_refused(sent: Any) -> None:
    assert refusal(Tags(), sent) == (
        "must be a list of at most 50 words of up to 50 characters, no commas or spaces in them"
    )


def test_fifty_tags_fit_and_repeats_do_not_count() -> None:
    fifty = [f"t{number}" for number in range(50)]
    assert Tags().accept([*fifty, *fifty]) == fifty
    assert refusal(Tags(), [*fifty, "one-more"]) == "has 51 tags; at most 50 fit"


@given(st.lists(texts.map(lambda text: "".join(text.replace(",", "").split())).filter(trimmed), min_size=1, max_size=8))
def test_the_folded_form_of_tags_has_a_comma_on_both_sides_of_each(words: list[str]) -> None:
    stored = Tags().accept(words)
    twin = Tags().key(stored)
    assert twin is not None
    assert twin[0] == twin[-1] == ","
    assert len(twin[1:-1].split(",")) == len(stored)
    for word in words:
        assert f",{Tags().operand(word)}," in twin


def test_no_character_of_a_tag_folds_to_a_comma_or_a_space() -> None:
    for point in range(0x21, 0x30000):
        written = f"a{chr(point)}b"
        if not 0xD800 <= point < 0xE000 and chr(point) != "," and not chr(point).isspace():
            folded = Tags().operand(written)
            assert not any(character == "," or character.isspace() for character in folded)


@pytest.mark.parametrize("written", ["vip fintech", "a,b", "a\u00a0b", "x" * 51])
def test_a_filter_of_what_no_tag_can_be_is_refused(written: str) -> None:
    for read in (Tags().operand, Tags().part):
        with pytest.raises(Invalid, match="must be words of up to 50 characters"):
            read(written)


# custom


def merged(before: Any, sent: Any) -> Any:
    return Custom().merged(before, Custom().accept(sent))


@pytest.mark.parametrize(
    ("before", "sent", "after"),
    [
        (None, {"a": 1}, {"a": 1}),
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
        ({"a": 1}, {"a": None}, None),
        ({"a": 1}, {"x": None}, {"a": 1}),
        (None, {"a": None}, None),
        ({"a": 1}, {}, {"a": 1}),
        (None, {}, None),
        ({"a": 1}, None, None),
        ({"a": {"x": 1, "y": 2}}, {"a": {"x": 3}}, {"a": {"x": 3}}),
        ({}, {"a": {"x": None}}, {"a": {"x": None}}),
        ({}, {"a": ""}, {"a": ""}),
        ({}, {"a": {}, "b": []}, {"a": {}, "b": []}),
        ({}, {"A": 1, "a": 2}, {"A": 1, "a": 2}),
    ],
)
def test_custom_merges_by_its_top_keys_and_null_drops_one(before: Any, sent: Any, after: Any) -> None:
    kept = dict(before) if before is not None else None
    assert merged(before, sent) == after
    assert before == kept


@given(st.dictionaries(keys, scalars, max_size=5), st.dictionaries(keys.filter(bool), scalars, max_size=5))
def test_custom_after_a_merge_has_what_was_sent_and_what_was_not_touched(before: Any, sent: Any) -> None:
    after = merged(before, sent) or {}
    for key in {*before, *sent}:
        assert after.get(key) == (sent[key] if key in sent else before[key])
    assert None not in after.values()
    assert merged(after, sent) == (after or None)


@pytest.mark.parametrize("sent", [[], ["a"], "x", 5, True, {"": 1}], ids=repr)
def test_custom_that_is_no_object_or_has_an_empty_key_is_refused(sent: Any) -> None:
    assert refusal(Custom(), sent) in (
        "must be an object of at most 100 keys and 32 KiB",
        "has an empty key; every key needs a name",
    )


def test_a_hundred_keys_fit_also_when_they_come_one_by_one() -> None:
    hundred = {f"k{number}": number for number in range(100)}
    assert merged(None, hundred) == hundred
    assert merged(hundred, {"k0": "new"})["k0"] == "new"
    assert len(merged(hundred, {"k0": None, "one_more": 1})) == 100
    with pytest.raises(Invalid, match="has 101 keys; at most 100 fit"):
        merged(hundred, {"one_more": 1})


def test_custom_fits_32_kib_to_the_byte_in_utf8() -> None:
    empty = len(msgspec.json.encode({"a": ""}))
    for filler in ("x", "é", "\n"):
        width = len(msgspec.json.encode(filler)) - 2
        fits = filler * ((32 * 1024 - empty) // width)
        assert merged(None, {"a": fits}) == {"a": fits}
        with pytest.raises(Invalid, match="is larger than 32 KiB"):
            merged(None, {"a": fits + filler})
        with pytest.raises(Invalid, match="is larger than 32 KiB"):
            merged({"a": fits}, {"b": 1})
