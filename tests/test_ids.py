"""Ids tell their kind, notice a slip of the pen, and say what is wrong with what is none."""

import itertools
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit import ids
from crmkit.errors import a
from tests.kinds import PREFIXES

GOOD = {prefix: ids.numbered(prefix, 12_345_678_901) for prefix in PREFIXES}
every_prefix = pytest.mark.parametrize("prefix", PREFIXES)


def refusal(text: str, prefix: str) -> str:
    with pytest.raises(ids.BadId) as caught:
        ids.parse(text, prefix, PREFIXES)
    assert str(caught.value).splitlines() == [str(caught.value)]
    return str(caught.value)


def test_the_alphabet_has_31_characters_that_cannot_be_taken_for_one_another() -> None:
    assert len(ids.ALPHABET) == len(set(ids.ALPHABET)) == 31
    assert not set("0o1li") & set(ids.ALPHABET)
    assert ids.ALPHABET.islower()


@every_prefix
def test_a_minted_id_is_well_formed_and_random(prefix: str) -> None:
    minted = [ids.mint(prefix) for _ in range(500)]
    assert len(set(minted)) == 500
    for id in minted:
        assert ids.parse(id, prefix, PREFIXES) == id
        assert len(id) == len(prefix) + 1 + ids.LENGTH
    bodies = "".join(id.partition("_")[2] for id in minted)
    assert set(bodies) == set(ids.ALPHABET)


@pytest.mark.parametrize("length", range(ids.LENGTH))
def test_an_id_is_minted_with_the_prefix_it_is_given(length: int) -> None:
    start = ids.ALPHABET[-length:] if length else ""
    minted = [ids.mint("co", start) for _ in range(50)]
    assert all(ids.parse(id, "co", PREFIXES).startswith(f"co_{start}") for id in minted)
    assert (len(set(minted)) == 1) == (length == ids.LENGTH - 1)


def test_random_prefixes_use_the_whole_alphabet_and_seldom_repeat() -> None:
    assert len({ids.start() for _ in range(200)}) > 150
    assert set("".join(ids.start() for _ in range(300))) == set(ids.ALPHABET)


SAMPLES = [ids.numbered("c", number * 104_729 + 7) for number in range(60)] + ["c_aaaaaaaa"]


@pytest.mark.parametrize("id", SAMPLES)
def test_every_single_wrong_character_is_found(id: str) -> None:
    body = id.removeprefix("c_")
    for place, right in enumerate(body):
        for wrong in ids.ALPHABET:
            if wrong != right:
                assert "mistyped" in refusal(f"c_{body[:place]}{wrong}{body[place + 1 :]}", "c")


@pytest.mark.parametrize("id", SAMPLES)
def test_every_swap_of_two_characters_is_found(id: str) -> None:
    body = id.removeprefix("c_")
    for one, other in itertools.combinations(range(ids.LENGTH), 2):
        if body[one] != body[other]:
            swapped = list(body)
            swapped[one], swapped[other] = swapped[other], swapped[one]
            assert "mistyped" in refusal(f"c_{''.join(swapped)}", "c")


@given(st.text(ids.ALPHABET, min_size=7, max_size=7), st.integers(0, 6), st.sampled_from(ids.ALPHABET))
def test_no_two_ids_differ_in_only_one_character(body: str, place: int, character: str) -> None:
    other = body[:place] + character + body[place + 1 :]
    assert (ids.check_character(body) == ids.check_character(other)) == (body == other)


@every_prefix
def test_an_id_is_understood_in_every_spelling(prefix: str) -> None:
    id = GOOD[prefix]
    kind = PREFIXES[prefix]
    for written in (id, f"{kind}/{id}", f"{kind}%2F{id}", f"{kind}%2f{id}", f" {id} ", f"\n{kind}/{id}\t"):
        assert ids.parse(written, prefix, PREFIXES) == id


@every_prefix
def test_the_id_of_another_kind_is_told_by_its_kind(prefix: str) -> None:
    for other, kind in PREFIXES.items():
        if other != prefix:
            told = refusal(GOOD[other], prefix)
            assert told.startswith(f"that is the id of {a(kind)}; the id of {a(PREFIXES[prefix])} looks like")
            assert told.endswith(f"looks like {prefix}_k7m2q9xa")
            told = refusal(f"{kind}/{GOOD[other]}", prefix)
            assert told.startswith(f"that is not the handle of {a(PREFIXES[prefix])}: write {PREFIXES[prefix]}/")


@pytest.mark.parametrize("text", ["", " ", "jane", "k7m2q9xa", "_", "c", "c_", "x_k7m2q9xa", "C_K7M2Q9XA", "co_"])
def test_what_is_no_id_at_all_is_told_what_one_looks_like(text: str) -> None:
    told = refusal(text, "d")
    assert told == f"{text.strip() or 'that'} is no id; the id of a deal looks like d_k7m2q9xa"


def test_a_long_text_that_is_no_id_is_cut_in_the_sentence_about_it() -> None:
    assert refusal("x" * 1000, "d").startswith(f"{'x' * 40}… is no id;")


@pytest.mark.parametrize(
    "body", ["", "a", "aaaaaaa", "aaaaaaaaa", "AAAAAAAA", "aaaaaaa0", "aaaaaaao", "aaaa aaa", "aaaa_aaa", "áaaaaaaa"]
)
def test_a_body_of_another_length_or_alphabet_is_told_as_such(body: str) -> None:
    assert refusal(f"c_{body}", "c") == f"the id of a contact is c_ and 8 characters of {ids.ALPHABET}"


@pytest.mark.parametrize(
    "text", ["contact/", "contact//{}", "contacts/{}", "/{}", "Contact/{}", "contact/contact/{}", "c/{}", "{}/"]
)
def test_a_handle_has_one_form(text: str) -> None:
    assert refusal(text.format(GOOD["c"]), "c")


@given(
    st.one_of(st.text(max_size=30), st.text("contact/_" + ids.ALPHABET, max_size=24)),
    st.sampled_from(list(PREFIXES)),
)
def test_any_text_is_read_as_an_id_or_refused_in_one_line(text: str, prefix: str) -> None:
    try:
        found = ids.parse(text, prefix, PREFIXES)
    except ids.BadId as error:
        assert str(error).splitlines() == [str(error)]
        return
    assert text.strip().endswith(found)
    assert found.startswith(f"{prefix}_")


def test_numbered_ids_are_well_formed_and_all_different() -> None:
    last = 31**7 - 1
    numbers = [*range(3_000), *range(0, last, last // 3_000), *range(last - 3_000, last + 1)]
    found = {number: ids.numbered("au", number) for number in numbers}
    assert len(set(found.values())) == len(found)
    for id in found.values():
        assert ids.parse(id, "au", PREFIXES) == id


@given(st.integers(0, 31**7 - 1), st.integers(0, 31**7 - 1))
def test_different_numbers_have_different_ids(one: int, other: int) -> None:
    assert (ids.numbered("au", one) == ids.numbered("au", other)) == (one == other)


@given(st.integers(0, 31**7 - 1))
def test_a_numbered_id_tells_its_number(number: int) -> None:
    assert ids.number(ids.numbered("op", number)) == number


def test_ids_of_neighbouring_numbers_do_not_look_alike() -> None:
    bodies = [ids.numbered("au", number).removeprefix("au_") for number in range(1_000)]
    alike = sum(sum(a == b for a, b in zip(*pair, strict=True)) >= 5 for pair in itertools.pairwise(bodies))
    assert alike < 10


@pytest.mark.parametrize("number", [0, 1, 2**128 - 1, 0x63726D6B69748000800000016F3CF314])
def test_a_uuid_is_written_as_the_library_writes_it(number: int) -> None:
    assert ids.uuid_of(number) == str(uuid.UUID(int=number))
    for version in (4, 5):
        assert ids.uuid_of(number, version) == str(uuid.UUID(int=number, version=version))
