"""Every plan of a search finds what a slow look at each text finds, in the same order, page by page."""

import random
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crmkit.model import fold
from crmkit.model.actor import Actor
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.texts import Terms
from crmkit.storage.lists import pages
from crmkit.storage.sqlite.search import indexing, sql, trigrams, vocabulary
from crmkit.storage.sqlite.search import plan as search_plan
from crmkit.storage.sqlite.search.plan import SearchPlan
from tests.house import CHARLIE
from tests.kinds import CONTACT
from tests.storage.desk import SEARCH_PLANS, Desk, desk, force_search_plan, workspace_of

WORDS = ["anna", "hannah", "joanna", "kelason", "mckelason2", "kelas", "lasonde", "müller", "acme.com", "jd@acme.com"]
WORDS += ["boat", "x1", "o'hara", "小龍女", '"quoted"', "an", "a"]
SEARCHES = ["anna", "Anna Kelason", "kelason anna", "hannah kelason jd@acme.com", "an", "a an", "lason", "n kelason"]
SEARCHES += [
    "jd@acme.com",
    "acme.com kelason",
    "小龍",
    "小龍女 anna",
    '"quoted" joanna',
    "kelason müller anna",
    "x1",
    "son",
]


def text(choice: random.Random, most: int) -> str:
    return " ".join(choice.choices(WORDS, k=choice.randint(1, most)))


def body(choice: random.Random) -> dict[str, Any]:
    return {
        "name": text(choice, 3),
        "notes": choice.choice([None, text(choice, 4)]),
        "tags": choice.choice([None, choice.sample(WORDS[:4], 2)]),
        "stage": choice.choice(["lead", "won"]),
    }


@pytest.fixture(scope="module")
def peopled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, Actor, list[Any]]]:
    """Alice between two neighbours with the same words; of hers a third was changed, some deleted, some are new since
    all was indexed."""
    choice = random.Random(11)
    with desk(tmp_path_factory.mktemp("peopled") / "data") as back:
        before, alice, after = (back.person(email) for email in ("aaron@example.com", "alice@example.com", CHARLIE))
        made: list[Any] = []
        for actor in (before, alice, after):
            made = back.save_all(actor, [body(choice) for _ in range(120)]) if actor is alice else made
            if actor is not alice:
                back.save_all(actor, [body(choice) for _ in range(60)])
        back.index()
        for index in choice.sample(range(120), 40):
            made[index] = back.change(alice, made[index], **body(choice))
        for contact in choice.sample(made, 12):
            back.remove(alice, made.pop(made.index(contact)))
        made += back.save_all(alice, [body(choice) for _ in range(10)])
        yield back, alice, made


def spoken(contact: Any) -> str:
    """Return all text of a contact that a search sees."""
    return "\n".join(fold.plain(part) for part in (contact.name, " ".join(contact.tags or ()), contact.notes or ""))


def slow(made: list[Any], search: str) -> list[Any]:
    """Return the matches as the manual has them: the name begins with it, the name has all words, anywhere."""
    asked = fold.plain(search)
    words = asked.split()
    tiers: list[list[Any]] = [[], [], []]
    for contact in reversed(made):  # in the order of creation
        name = fold.plain(contact.name)
        if all(word in spoken(contact) for word in words):
            tier = 0 if name.startswith(asked) else 1 if all(word in name for word in words) else 2
            tiers[tier].append(contact)
    return [contact for tier in tiers for contact in tier]


def trigrams_of(title: str, rest: str) -> set[str]:
    """Return what the index has of a text: all of three letters, and the codes of all runs of letters."""
    parts = (title, rest, *map(trigrams.coded, re.findall(r"[a-z\x80-\U0010ffff]{5,}", f"{title}\n{rest}")))
    return {part[at : at + 3] for part in parts for at in range(len(part) - 2)}


def looked_up(patch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return the trigrams that searches come to look up in place of words, [] where they do not."""
    seen: list[list[str]] = []

    def noted(words: list[str], sample: trigrams.Sample) -> list[str]:
        found = rare(words, sample)
        if words:
            seen.append(found)
        return found

    rare = trigrams.to_look_up
    patch.setattr(trigrams, "to_look_up", noted)
    return seen


@pytest.mark.parametrize("plan", SEARCH_PLANS)
def test_each_plan_looks_up_words_or_trigrams_as_its_name_says(
    peopled: tuple[Desk, Actor, list[Any]], plan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    back, alice, _ = peopled
    force_search_plan(monkeypatch, plan)
    seen = looked_up(monkeypatch)
    for asked in SEARCHES:
        back.find(alice, search=asked)
    are_coded = any(trigrams.is_code(trigram) for found in seen for trigram in found)
    assert (bool(seen), are_coded, [] in seen) == {
        "texts": (False, False, False),
        "words": (True, False, True),
        "trigrams": (True, True, False),
        "some trigrams": (True, True, True),
    }[plan]


@pytest.mark.slow
@pytest.mark.usefixtures("every_plan")
@pytest.mark.parametrize("counted", [0, 3, 1_000])
def test_every_plan_finds_the_same_matches_in_the_same_order(
    peopled: tuple[Desk, Actor, list[Any]], counted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    back, alice, made = peopled
    monkeypatch.setattr(pages, "COUNTED", counted)
    for asked in SEARCHES:
        expected = [contact.id for contact in slow(made, asked)]
        assert expected, asked
        for limit in ("7", "200"):
            walked = back.pages(alice, ("search", asked), ("limit", limit))
            assert [contact.id for contact in walked] == expected, asked
        page = back.find(alice, search=asked, limit="2")
        if len(expected) > max(2, counted):
            assert (page.paging.total, page.paging.at_least) == (None, counted), asked
        else:
            assert page.paging.total == len(expected), asked
        assert back.find(alice, search=asked, limit="1", count="exact").paging.total == len(expected)
        leads = [contact.id for contact in slow(made, asked) if contact.stage == "lead"]
        walked = back.pages(alice, ("search", asked), ("stage", "lead"), ("limit", "3"))
        assert [contact.id for contact in walked] == leads, asked
        assert back.find(alice, search=asked, stage="lead", limit="1", count="exact").paging.total == len(leads)
        walked = back.pages(alice, ("search", asked), ("sort", "-created_at"), ("limit", "3"))
        assert {contact.id for contact in walked} == set(expected), asked


@pytest.mark.parametrize("plan", SEARCH_PLANS)
@pytest.mark.parametrize("counted", [5, 6, 7])
def test_a_total_is_right_also_where_counting_ends(
    back: Desk, plan: str, counted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = back.person()
    back.save_all(alice, [{"name": f"Needle {number}", "stage": "lead"} for number in range(6)])
    force_search_plan(monkeypatch, plan)
    monkeypatch.setattr(pages, "COUNTED", counted)
    for more in ({}, {"sort": "name"}, {"stage": "lead"}):
        for _ in range(2):
            paging = back.find(alice, search="needle", limit="2", **more).paging
            assert (paging.total, paging.at_least) == ((6, None) if counted >= 6 else (None, counted)), more
            back.index()


def test_a_small_workspace_is_read_through_and_a_large_one_searched_by_the_index(
    back: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vocabulary, "SAMPLED", 1)
    alice = back.person()
    back.save_all(alice, [{"name": f"Anna Kelason {number}"} for number in range(3)])
    back.index()
    seen: list[SearchPlan] = []

    def noted(*args: Any) -> SearchPlan:
        seen.append(of(*args))
        return seen[-1]

    of = search_plan.choose
    monkeypatch.setattr(search_plan, "choose", noted)
    for read_through in (3, 2):
        monkeypatch.setattr(search_plan, "MAX_RECORDS_READ", read_through)
        assert len(back.find(alice, search="anna kelason").records) == 3
    sample = trigrams.Sample(3, 3, dict.fromkeys(trigrams.of_words(["anna", "kelason"]), 3))
    through, indexed = SearchPlan(by_index=False, waits=False), SearchPlan(sample=sample, waits=False)
    assert seen == [through, indexed]
    monkeypatch.setattr(pages, "COUNTED", 2)
    back.find(alice, search="anna")
    back.find(alice, search="kelason anna")  # frequent as each is, both may be rare together
    assert seen[2:] == [SearchPlan(waits=False, are_many=True), indexed]
    back.save_all(alice, [{"name": "Anna Who Waits"}])
    assert len(back.find(alice, search="anna").records) == 4
    assert seen[-1] == SearchPlan(waits=True)


def test_long_texts_of_a_small_workspace_are_not_read_through(back: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = back.person()
    monkeypatch.setattr(search_plan, "MAX_LETTERS_READ", 200)
    workspace, terms = workspace_of(alice), Terms.exact("anna")

    def is_read() -> bool:
        def chosen(connection: Any) -> SearchPlan:
            return search_plan.choose(connection, CONTACT, workspace, terms, 1_000)

        return not back.do(back.database.read(None, chosen)).by_index

    assert is_read()
    back.save_all(alice, [{"name": "Anna Kelason"} for _ in range(10)])
    back.index()
    assert is_read()  # 130 letters
    back.save_all(alice, [{"name": "Anna", "notes": "boat " * 20}])
    back.index()
    assert not is_read()


def test_the_matches_of_a_frequent_word_are_not_all_collected(back: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = back.person()
    force_search_plan(monkeypatch, "words")
    monkeypatch.setattr(pages, "COUNTED", 5)
    back.save_all(alice, [{"name": f"Needle {number}", "notes": "Needlework"} for number in range(8)])
    back.index()
    asked: list[str] = []
    found = sql.counted
    monkeypatch.setattr(sql, "counted", lambda *args: asked.append(args[2].text) or found(*args))
    assert back.find(alice, search="needle", limit="2").paging.at_least == 5
    assert back.find(alice, search="needle", limit="2", count="exact").paging.total == 8
    assert back.find(alice, search="needle", stage="lead").paging.total == 0
    assert asked == []
    for text in ("needl", "needle 1", "needl needle"):  # no word, two words
        back.find(alice, search=text)
    back.save_all(alice, [{"name": "Somebody"}])  # a text that waits may be one that was counted
    back.find(alice, search="needle")
    assert asked == ["needl", "needle 1", "needl needle", "needle"]


def rare(words: list[str], **times: int) -> list[str]:
    """Return what is looked up of a million texts, of which 10,000 were sampled; 900 of those have a trigram that is
    not named."""
    return trigrams.to_look_up(
        words, trigrams.Sample(10**6, 10**4, dict.fromkeys(trigrams.of_words(words), 900) | times)
    )


def test_the_rarest_trigrams_are_looked_up_while_that_costs_less_than_reading() -> None:
    # 50 texts are left, and reading them costs less than passing by 30,000 rows
    assert rare(["anna", "kelason"], ann=300, las=0) == ["las"]
    assert rare(["anna", "kelason"], ann=300, las=80) == ["las", "ann"]
    assert rare(["kelason", "anna"], ann=300, las=80) == ["las", "ann"]
    # a second trigram of a word where too many texts would be left to read, but none whose letters are all looked up
    assert rare(["anna", "kelason"], ann=300, las=80, son=90) == ["las", "ann", "son"]
    assert rare(["kelason"], las=80, aso=95, son=90) == ["las", "son"]
    assert rare(["kelason"], las=1) == ["las"]
    # five letters in a row leave fewer texts than three
    first, second, last = trigrams.of([trigrams.coded("kelason")])
    assert rare(["anna", "kelason"], ann=300, las=80, **{first: 9, second: 5, last: 6}) == [second, "ann"]
    assert rare(["kelason"], las=80, **{second: 0}) == [second]
    assert rare(["kelason"], las=800, **{second: 700}) == []  # to walk through all is cheaper than to read
    assert rare(["quok"], quo=50, uok=50) == []
    assert rare(["anna", "kelason"], **dict.fromkeys(trigrams.of_words(["anna", "kelason"]), 9_000)) == []
    assert rare(["mia"]) == []  # nothing to leave out
    assert (
        trigrams.to_look_up(["anna", "kelason"], trigrams.Sample(10**6, 10**4, {"ann": 1})) == []
    )  # others are not known


@pytest.mark.slow
def test_no_folded_text_holds_a_code_character() -> None:
    codes = {trigrams.coded(one + two + three + "ab") for one in "abcdez" for two in "akz" for three in "amyz龍й"}
    assert {fold.plain(code) for code in codes}.isdisjoint(codes)
    every = [character for character in map(chr, range(0x110000)) if trigrams.is_code(character)]
    assert set("".join(codes)) - {"\n"} <= set(every)
    assert not [code for code in every if unicodedata.is_normalized("NFKC", code)]


def test_words_that_share_a_code_are_told_apart(back: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = back.person()
    force_search_plan(monkeypatch, "trigrams")
    monkeypatch.setattr(vocabulary, "SAMPLED", 1)
    one, other = "navel", "taaml"
    assert trigrams.coded(one) == trigrams.coded(other)
    made = back.save_all(alice, [{"name": one}, {"name": other}, {"name": "Somebody", "notes": other}])
    back.index()
    assert [c.id for c in back.find(alice, search=one).records] == [made[0].id]
    assert [c.id for c in back.find(alice, search=other).records] == [made[1].id, made[2].id]
    assert [c.id for c in back.find(alice, search=f"somebody {other}").records] == [made[2].id]


def test_the_kept_counts_of_trigrams_are_right(back: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "SAMPLED", 3)
    choice = random.Random(12)
    people = [back.person(), back.person(CHARLIE)]
    made = [(actor, contact) for actor in people for contact in back.save_all(actor, [body(choice) for _ in range(30)])]

    def counted(connection: Connection) -> dict[tuple[str, str], int]:
        rows = connection.execute("SELECT workspace_id, piece, uses FROM search_pieces WHERE kind = 'contacts'")
        return {(workspace, trigram): uses for workspace, trigram, uses in rows}

    def again(connection: Connection) -> dict[tuple[str, str], int]:
        uses: Counter[tuple[str, str]] = Counter()
        rows = "SELECT workspace_id, title, rest FROM contacts_texts JOIN contacts ON seq = -place WHERE seq % 3 = 0"
        for workspace, *parts in connection.execute(rows):
            uses.update((workspace, trigram) for trigram in trigrams_of(*parts))
        return dict(uses)

    for _ in range(3):
        back.index()
        found = back.do(back.database.read(None, counted))
        assert {actor.workspace_id for actor in people} == {workspace for workspace, _ in found}
        assert found == back.do(back.database.read(None, again))
        for actor, contact in made[::2]:
            back.change(actor, back.fetch(actor, contact), **body(choice))
        for actor, contact in made[:4]:
            back.remove(actor, contact)
        made = made[4:]


@pytest.mark.parametrize("plan", SEARCH_PLANS)
def test_a_text_that_is_gone_is_not_found_and_leaves_the_index(
    tmp_path: Path, plan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    force_search_plan(monkeypatch, plan)
    monkeypatch.setattr(indexing, "MOST_AT_ONCE", 7)
    with desk(tmp_path / "data") as back:
        alice = back.person()
        made = back.save_all(alice, [{"name": f"Canary Bird {number}"} for number in range(30)])
        back.index()
        for contact in made[:10]:
            back.remove(alice, contact)
        for contact in made[10:20]:
            back.change(alice, contact, name="Somebody Else")
        for _ in range(2):
            assert [c.id for c in back.find(alice, search="canary bird").records] == [c.id for c in made[:19:-1]]
            back.index()
        assert not back.do(back.database.read(None, indexing.waits, CONTACT))

        def checked(tx: Any) -> None:  # the index holds just what the texts hold
            tx.connection.execute("INSERT INTO contacts_search (contacts_search, rank) VALUES ('integrity-check', 1)")

        back.do(back.database.write(checked))
