"""Search: everyone finds what they just wrote, in any spelling, and never what is gone or another's."""

import random
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crmkit.model.actor import Actor
from crmkit.storage.sqlite.search.indexing import waits
from tests.house import CHARLIE
from tests.kinds import CONTACT
from tests.storage.desk import SEARCH_PLANS, Desk, desk, force_search_plan

pytestmark = pytest.mark.slow

CLOSEST = "no exact match, closest shown"


@pytest.fixture(params=["before", *SEARCH_PLANS])
def found(back: Desk, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Search as Alice and give the names; once with nothing indexed, and by every plan with everything."""
    alice = back.person()
    is_indexed = request.param in SEARCH_PLANS
    if is_indexed:
        force_search_plan(monkeypatch, request.param)

    def search(text: str, *contacts: dict[str, Any], **more: str) -> list[str]:
        for body in contacts:
            back.save(alice, **body)
        if is_indexed:
            back.index()
            assert not back.do(back.database.read(None, waits, CONTACT))
        else:
            assert back.do(back.database.read(None, waits, CONTACT))
        return [contact.name for contact in back.find(alice, search=text, **more).records]

    return search


JANE = {
    "name": "Jané Doe-Müller",
    "email": "jd@acme.com",
    "phone": "+41 44 668 18 00",
    "tags": ["Fintech"],
    "notes": "Sails a boat.",
}


@pytest.mark.parametrize(
    "text",
    [
        "jane",  # no accents
        "JANÉ",  # no case
        "müller",
        "MULLER",
        "ulle",  # inside a word
        "doe-mü",
        "e doe",  # and across two
        "ACME.com",
        "jd@acme.com",
        "44 668",
        "4 66",
        "fintech",
        "ntec",
        "boat.",
        "a",  # one letter
        "é",
        "do",  # two
        "boat jane",  # several words, each anywhere
        "acme doe fintech 668 sail",
        "  jane   doe ",
        "ＪＡＮＥ",  # full-width letters
        "jan\u0065\u0301",  # e and a combining acute accent
        "ja\u00adne",  # a soft hyphen, which cannot be seen
        "dø",  # as people type it who have no such key, and the other way round
    ],
)
def test_a_contact_is_found_by_parts_of_what_it_holds_in_any_spelling(
    found: Callable[..., list[str]], text: str
) -> None:
    assert found(text, JANE, {"name": "Bob", "email": "bob@xyz.org"}) == [JANE["name"]]


@pytest.mark.parametrize(
    "text", ["jane bob", "boatxyz", "doejane", "jane acme.org", "qq", "z", "lead", "alice@example.com"]
)
def test_a_contact_is_not_found_by_what_it_does_not_hold(found: Callable[..., list[str]], text: str) -> None:
    assert found(text, {**JANE, "stage": "lead", "custom": {"k": "qqz"}}) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Łukasz Żółć", "lukasz zolc"),
        ("Øystein Đorđević", "oystein dordevic"),
        ("İstanbul Ltd", "istanbul"),
        ("ISPARTA", "ısparta"),
        ("Straße GmbH", "STRASSE"),
        ("STRASSE GmbH", "straße"),
        ("李小龍", "小龍"),
        ("李小龍", "小"),
        ("กรุงเทพ", "กรุง"),
        ("ΟΔΥΣΣΕΎΣ", "οδυσσευς"),
        ("Ёлкин", "елкин"),
        ("ﬁne Print", "fine"),
        ("🦀 Crab", "🦀"),
    ],
)
def test_a_name_in_another_script_is_found_by_what_people_type(
    found: Callable[..., list[str]], name: str, text: str
) -> None:
    assert found(text, {"name": name}, {"name": "somebody else"}) == [name]


PLAIN = [
    '"',
    '""',
    '"jane"',
    "*",
    "jan*",
    "near(",
    "NEAR(jane doe)",
    "title:jane",
    "title : jane",
    "col:",
    "^",
    "^jane",
    "-",
    "-jane",
]
PLAIN += [
    "jane AND doe",
    "jane OR doe",
    "NOT",
    "(jane)",
    "((",
    ")",
    "{a b}",
    "+",
    "jane + doe",
    "a'b",
    "''; DROP TABLE contacts",
    "\\",
    "%",
    "_",
]
PLAIN += [
    "/",
    "[",
    "]",
    "?",
    "?1",
    ":a",
    "@a",
    "$a",
    "#",
    "\x01",
    "\x7f",
    "—",
    "jane\u200bdoe",
    "jane \ufeff doe",
]


@pytest.mark.parametrize("text", PLAIN)
def test_a_character_of_the_query_language_is_searched_for_as_text(found: Callable[..., list[str]], text: str) -> None:
    holder = {"name": f"x{text}y", "notes": f"before {text} after"}
    everyone = [holder, {"name": "Jane Doe"}, {"name": "nobody"}]
    expected = [body["name"] for body in reversed(everyone) if holds(body, text)]
    assert sorted(found(text, *everyone)) == sorted(expected)


def holds(body: dict[str, Any], text: str) -> bool:
    """Tell whether every word stands somewhere; what cannot be seen counts for nothing."""
    spoken = "\n".join(body.values()).lower().translate(INVISIBLE)
    return all(word in spoken for word in text.lower().translate(INVISIBLE).split())


INVISIBLE = dict.fromkeys(map(ord, "\u200b\ufeff\U000e0041"))


def test_the_best_match_comes_first(found: Callable[..., list[str]]) -> None:
    contacts = [
        {"name": "Ann Lee starts with it"},
        {"name": "Lee, Ann: both words in the name"},
        {"name": "Nobody", "notes": "both words elsewhere: ann lee"},
        {"name": "ann lee again, newer"},
        {"name": "Old Lee", "email": "ann@example.com"},
        {"name": "Joann Leeds: inside words"},
        {"name": "Ann alone"},
    ]
    assert found("Ann Lee", *contacts) == [
        "ann lee again, newer",
        "Ann Lee starts with it",
        "Joann Leeds: inside words",
        "Lee, Ann: both words in the name",
        "Old Lee",
        "Nobody",
    ]


def test_the_best_match_of_two_letters_comes_first(found: Callable[..., list[str]]) -> None:
    contacts = [{"name": "Al"}, {"name": "Zed", "notes": "al"}, {"name": "Sal"}, {"name": "Alma"}]
    assert found("al", *contacts) == ["Alma", "Al", "Sal", "Zed"]


def test_a_sort_wins_over_the_best_match(found: Callable[..., list[str]]) -> None:
    contacts = [{"name": "Zoe Ann"}, {"name": "Ann"}, {"name": "Bob", "notes": "ann"}]
    assert found("ann", *contacts, sort="name") == ["Ann", "Bob", "Zoe Ann"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("jonathon", ["Jonathan Price"]),  # one letter wrong
        ("jonatan", ["Jonathan Price"]),  # one missing
        ("jonathann", ["Jonathan Price"]),  # one too many
        ("pirce", ["Jonathan Price"]),  # two swapped
        ("jnoathon", ["Jonathan Price"]),  # a long word may have two
        ("jonathon prise", ["Jonathan Price"]),
        ("jonathon fintec", ["Jonathan Price"]),  # one of them is inside a word
        ("ane", ["Ann Roe"]),
        ("jonarhpn price", ["Jonathan Price"]),
        ("jonarhpo", []),  # three
        ("prcae", []),  # two in a short word
        ("xq", []),  # too short to guess at
        ("jonathon xyzzy", []),  # a word that nothing is near to
        ("jonathon 4930", ["Jonathan Price"]),  # numbers have no typos
        ("jonathon +49", ["Jonathan Price"]),
        ("jonathon 12", ["Jonathan Price"]),
        ("493012346", []),
        ("jonathon 493012346", []),
        ("jonathan +48", []),
    ],
)
def test_one_typo_is_forgiven_and_two_in_a_long_word(
    found: Callable[..., list[str]], text: str, names: list[str]
) -> None:
    contacts = [
        {"name": "Jonathan Price", "tags": ["fintech"], "phone": "+493012345"},
        {"name": "Ann Roe"},
        {"name": "Bob"},
    ]
    assert found(text, *contacts) == names


@pytest.mark.usefixtures("every_plan")
def test_a_corrected_search_says_that_it_is_no_exact_match(back: Desk) -> None:
    alice = back.person()
    back.save(alice, name="Jonathan Price", stage="lead")
    back.save(alice, name="Jonathon Frakes")
    assert [c.name for c in back.find(alice, search="jonathon").records] == ["Jonathon Frakes"]
    assert back.find(alice, search="jonathon").paging.notes == ()
    guessed = back.find(alice, search="jonathun")
    assert {c.name for c in guessed.records} == {"Jonathan Price", "Jonathon Frakes"}
    assert guessed.paging.notes == (CLOSEST,)
    assert guessed.paging.total == 2
    assert back.find(alice, search="nothing like it").paging.notes == ()
    assert [c.name for c in back.find(alice, search="jonathun", stage="lead").records] == ["Jonathan Price"]


@pytest.mark.parametrize("indexed_between", [True, False])
@pytest.mark.parametrize("text", ["canary", "canart", "ca"])  # exact, mistyped, too short for the index
@pytest.mark.usefixtures("every_plan")
def test_text_that_was_deleted_or_changed_is_not_found(back: Desk, indexed_between: bool, text: str) -> None:
    alice = back.person()
    deleted = back.save(alice, name="Canary One", email="one@example.com")
    renamed = back.save(alice, name="Canary Two")
    retagged = back.save(alice, name="Three", tags=["canary"], notes="canary")
    if indexed_between:
        back.index()
    assert len(back.find(alice, search=text).records) == 3
    back.remove(alice, deleted)
    back.change(alice, renamed, name="Two")
    back.change(alice, retagged, tags=["b"], notes=None)
    for _ in range(2):
        assert back.find(alice, search=text).records == ()
        assert back.find(alice, search=text, sort="name").records == ()
        assert back.find(alice, search=text).paging.total == 0
        assert len(back.find(alice, search="two").records) == 1
        back.index()
    again = back.save(alice, name="Canary Four")
    assert [c.id for c in back.find(alice, search=text).records] == [again.id]


def canaries(choice: random.Random, letters: str) -> list[str]:
    """Return ten words that are near to no others but those of the same ten."""
    return ["".join(choice.choices(letters, k=9)) for _ in range(10)]


@pytest.mark.usefixtures("every_plan")
def test_no_other_workspace_is_searched(back: Desk) -> None:
    alice, charlie = back.person(), back.person(CHARLIE)
    choice = random.Random(3)
    words = {
        alice: canaries(choice, string.ascii_lowercase[:13]),
        charlie: canaries(choice, string.ascii_lowercase[13:]),
    }
    for actor, own in words.items():
        for place, word in enumerate(own):
            where = ("name", "notes", "phone")[place % 3]
            back.save(actor, **{"name": "anyone", "tags": [word], where: f"{word} here"})
    asked = 0
    for _ in range(2):
        for actor, own in words.items():
            others = next(theirs for other, theirs in words.items() if other is not actor)
            for word in own:
                assert len(back.find(actor, search=word).records) == 1
            for word in others:
                mistyped = f"{word[:4]}{word[5]}{word[4]}{word[6:]}"
                for text in (word, mistyped, word[:3], word[2:6], f"anyone {word}", word[:2]):
                    for more in ({}, {"sort": "name"}, {"count": "exact"}):
                        answer = back.find(actor, search=text, **more)
                        assert (answer.records, answer.paging.total, answer.paging.notes) == ((), 0, ())
                        asked += 1
        back.index()
    assert asked == 2 * 2 * 10 * 18


@pytest.mark.usefixtures("every_plan")
def test_indexing_does_not_change_what_is_found(tmp_path: Path) -> None:
    choice = random.Random(5)
    words = [
        "anna",
        "hannah",
        "joann",
        "müller",
        "acme",
        "acme.com",
        "boat",
        "x1",
        "小龍",
        "o'hara",
        '"quoted"',
        "100%",
        "a",
    ]

    def text(most: int) -> str:
        return " ".join(choice.choices(words, k=choice.randint(1, most)))

    with desk(tmp_path / "data") as back:
        alice = back.person()
        bodies = [{"name": text(3), "notes": text(8), "tags": choice.sample(words, 2)} for _ in range(150)]
        made = back.save_all(alice, [{**body, "phone": text(2)} for body in bodies])
        for _ in range(4):
            searches = [text(2) for _ in range(30)] + words + ["ana", "mulelr", "bota", "hanah boat", "an", "'"]
            before = [answers(back, alice, search) for search in searches]
            assert sum(bool(found) for found, *_ in before) > 20
            back.index()
            after = [answers(back, alice, search) for search in searches]
            for search, one, other in zip(searches, before, after, strict=True):
                assert one == other, search
            for contact in choice.sample(made, 40):
                made[made.index(contact)] = back.change(alice, contact, name=text(3), notes=text(8))
            for contact in choice.sample(made, 5):
                back.remove(alice, made.pop(made.index(contact)))
            made += back.save_all(alice, [{"name": text(3)} for _ in range(10)])


def answers(back: Desk, actor: Actor, search: str) -> tuple[Any, ...]:
    page = back.find(actor, search=search, limit="200")
    by_name = back.find(actor, search=search, limit="200", sort="name")
    return [c.id for c in page.records], page.paging.total, page.paging.notes, [c.id for c in by_name.records]
