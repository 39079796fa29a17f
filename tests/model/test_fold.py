"""Text that a person takes for the same is the same: without case for filters, without accents too for search."""

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.model.fold import fold, plain, words

some_text = st.one_of(
    st.text(max_size=12),
    st.text("aAäÄßẞſKKÅåıİiIΣσςΐΰŉǰﬁﬀ\u0301\u0308\u0345\u0323éÉąĄłŁøØđĐ각ᄀ\u1161ｱﾞ゛ １'’´‑–“″`\u00a0", max_size=12),
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Jane", "JANE"),
        ("MÜLLER", "müller"),
        ("mu\u0308ller", "müller"),
        ("Straße", "STRASSE"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("\u212a", "k"),  # Kelvin sign
        ("\u212b", "å"),  # Ångström sign
        ("Ω", "ω"),
        ("ǅ", "ǆ"),
        ("ﬁ", "FI"),
        ("q\u0307\u0323", "Q\u0323\u0307"),  # marks in another order
        ("ᾳ", "ΑΙ"),
    ],
)
def test_case_and_composition_make_no_difference(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"), [("e", "é"), ("o", "ö"), ("1", "１"), ("a b", "ab"), ("a", "a "), ("i", "ı")]
)
def test_different_texts_fold_differently(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@pytest.mark.parametrize(
    ("written", "simple"),
    [
        ("O’Brien", "O'Brien"),
        ("O‘Brien", "O'Brien"),
        ("O`Brien", "O'Brien"),
        ("O´Brien", "O'Brien"),
        ("Oʼbrien", "O'Brien"),
        ("ŉ", "'n"),
        ("L′Oréal", "L'Oréal"),
        ("“Acme”", '"Acme"'),
        ("«Acme»", '"Acme"'),
        ("„Acme‟", '"Acme"'),
        ("Anne‑Marie", "Anne-Marie"),
        ("2019–2020", "2019-2020"),
        ("2019—2020", "2019-2020"),
        ("−5", "-5"),
        ("Jane\u00a0Doe", "Jane Doe"),
        ("Jane\u202fDoe", "Jane Doe"),
        ("Jane\tDoe", "Jane Doe"),
        ("Jane\u3000Doe é", "Jane Doe é"),
    ],
)
def test_kinds_of_apostrophe_quote_hyphen_and_blank_are_one(written: str, simple: str) -> None:
    assert fold(written) == fold(simple)
    assert plain(written) == plain(simple)


@pytest.mark.parametrize("mark", ['"', "-", " ", ""])
def test_kinds_are_not_mixed(mark: str) -> None:
    assert fold("o’brien") != fold(f"o{mark}brien")
    assert plain("o’brien") != plain(f"o{mark}brien")


def test_all_dashes_and_all_white_space_of_unicode_are_folded() -> None:
    every = [chr(point) for point in range(0x110000)]
    assert {fold(c) for c in every if c.isspace()} == {" "}
    assert {fold(c) for c in every if unicodedata.category(c) == "Pd"} == {"-"}
    assert {plain(c) for c in every if unicodedata.category(c) == "Pd"} == {"-"}


@settings(max_examples=500)
@given(some_text)
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@settings(max_examples=500)
@given(some_text)
def test_texts_that_differ_in_case_or_normal_form_fold_alike(text: str) -> None:
    assert fold(unicodedata.normalize("NFD", text).casefold()) == fold(text)
    assert fold(unicodedata.normalize("NFD", text)) == fold(text)
    assert fold(unicodedata.normalize("NFC", text)) == fold(text)


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_alone_folds_as_it_does_beside_other_characters(text: str) -> None:
    assert fold(text + "é") == fold(text) + "é"
    assert plain(text + " é") == f"{plain(text)} e".strip()


@pytest.mark.slow
def test_folding_any_character_again_changes_nothing() -> None:
    for point in range(0x30000):
        if 0xD800 <= point < 0xE000:
            continue
        character = chr(point)
        once, bare = fold(character), plain(character)
        if fold(once) != once or plain(bare) != bare:
            pytest.fail(f"U+{point:04X} changes when it is folded again")
        if fold(character.lower()) != once or (fold(character.upper()) != once and character != "ı"):
            pytest.fail(f"U+{point:04X} is not the same in upper and in lower case")
        if plain(character.lower()) != bare or plain(character.upper()) != bare:
            pytest.fail(f"search sees U+{point:04X} differently in upper and in lower case")
        if any(plain(part) not in bare for part in re.findall(r"[ -~]+", once)):
            pytest.fail(f"a filter that looks for U+{point:04X} in the index finds nothing")


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("Jane  Doe", "jane doe"),
        (" Jane\tDoe\n", "jane doe"),
        ("Müller", "muller"),
        ("mu\u0308ller", "muller"),
        ("José Ángel Ñandú", "jose angel nandu"),
        ("ŁÓDŹ", "lodz"),
        ("Ørsted", "orsted"),
        ("Đặng", "dang"),
        ("Straße", "strasse"),
        ("İstanbul", "istanbul"),
        ("ıstanbul", "istanbul"),
        ("Ёлка", "елка"),
        ("Αθήνα", "αθηνα"),
        ("ﬁnance", "finance"),
        ("ＡＢＣ１２３", "abc123"),
        ("①②", "12"),
        ("½", "1⁄2"),
        ("™", "tm"),
        ("東京", "東京"),
        ("서울", "서울"),
        ("カﾞ", "ガ"),
        ("a\u00a0b", "a b"),
        ("a\u3000b", "a b"),
        ("co\u00adop", "coop"),  # soft hyphen
        ("a\u200bb", "ab"),
        ("a\u200db", "ab"),
        ("हिन्दी", "हिन्दी"),  # vowel signs are letters
        ("ภาษาไทย", "ภาษาไทย"),
        ("\u0301", ""),
        ("", ""),
    ],
)
def test_search_ignores_case_accents_and_compatibility_forms(written: str, seen: str) -> None:
    assert plain(written) == seen


@settings(max_examples=500)
@given(some_text)
def test_a_text_folded_for_search_does_not_change_when_folded_again(text: str) -> None:
    seen = plain(text)
    assert plain(seen) == seen
    assert seen.split() == ([] if seen == "" else seen.split(" "))


@settings(max_examples=300)
@given(some_text)
def test_search_ignores_normal_forms(text: str) -> None:
    for form in ("NFC", "NFD"):
        assert plain(unicodedata.normalize(form, text)) == plain(text)
    simple = fold(text)  # without ´, of which NFKC makes a blank and an accent
    for form in ("NFKC", "NFKD"):
        assert plain(unicodedata.normalize(form, simple)) == plain(simple)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("jane doe", ["jane", "doe"]),
        ("jane.doe@acme-corp.com", ["jane", "doe", "acme", "corp", "com"]),
        ("a_b", ["a", "b"]),
        ("+1 (555) 0100", ["1", "555", "0100"]),
        ("東京 サービス", ["東京", "サービス"]),
        ("... !", []),
        ("", []),
    ],
)
def test_words_are_runs_of_letters_and_digits(text: str, found: list[str]) -> None:
    assert words(text) == found
