"""The words that a mistyped one may stand for are those that a slow look at every known word finds."""

import random
from collections import Counter
from collections.abc import Iterator

import pytest
from rapidfuzz.distance import OSA

from crmkit.model import fold
from crmkit.model.actor import Actor
from crmkit.storage.interface.texts import Terms
from crmkit.storage.search.nearest import CLOSEST
from crmkit.storage.sqlite.engine.connection import SqliteConnection
from crmkit.storage.sqlite.search import typos
from tests.kinds import CONTACT
from tests.storage.desk import Desk, desk, workspace_of

SCRIPTS = (
    (("kel", "bran", "schmid", "o", "lu", "ab7"), ("a", "er", "in"), ("son", "sen", "berg", "ti", "42", "e")),
    (("Ольг", "конст", "кел"), ("ан", "е"), ("ович", "ский", "а")),
    (("Γεωρ", "κελ"), ("ι", "αν"), ("γιος", "ου")),
)


def known(choice: random.Random) -> str:
    starts, middles, ends = choice.choice(SCRIPTS)
    return choice.choice(starts) + "".join(choice.choices(middles, k=choice.randint(0, 3))) + choice.choice(ends)


def mistyped(choice: random.Random, word: str) -> str:
    at, other = choice.randrange(len(word)), choice.choice("aeskt7" if word.isascii() else word)
    return choice.choice(
        (
            word[:at] + other + word[at:],
            word[:at] + word[at + 1 :],
            word[:at] + other + word[at + 1 :],
            word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :],
            word + other,
        )
    )


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, Actor, Counter[str]]]:
    """Alice beside a neighbour with other words; a tenth of hers wait to be indexed. And how many texts have each."""
    choice = random.Random(5)
    with desk(tmp_path_factory.mktemp("spoken") / "data") as back:
        alice, bob = back.person("alice@example.com"), back.person("bob@example.com")
        names = [known(choice) for _ in range(500)]
        back.save_all(bob, [{"name": known(choice)} for _ in range(100)])
        back.save_all(alice, [{"name": name} for name in names[:450]])
        back.index()
        back.save_all(alice, [{"name": name} for name in names[450:]])
        yield back, alice, Counter(map(fold.plain, names))


def nearest(back: Desk, actor: Actor, *words: str) -> tuple[tuple[str, ...], ...] | None:
    terms = Terms.exact(" ".join(words))
    found = back.do(back.database.read(actor, typos.closest, CONTACT, workspace_of(actor), terms))
    return None if found is None else found.groups


def slow(words: Counter[str], word: str) -> tuple[str, ...]:
    if len(word) < 3:
        return ()
    most = 2 if len(word) >= 8 else 1
    edits = {known: OSA.distance(word, known) for known in words if len(known) >= 3}
    near = sorted((distance, -words[known], known) for known, distance in edits.items() if distance <= most)
    return tuple(known for *_, known in near[:CLOSEST])


@pytest.mark.parametrize("times", [1, 2, 3])
def test_no_near_word_is_missed_wherever_it_was_mistyped(spoken: tuple[Desk, Actor, Counter[str]], times: int) -> None:
    back, alice, words = spoken
    choice, found = random.Random(times), 0
    for meant in choice.choices(sorted(words), k=150):
        word = meant
        for _ in range(times):
            word = mistyped(choice, word)
        word = fold.plain(word)
        expected = slow(words, word)
        assert nearest(back, alice, word) == ((expected,) if expected and expected != (word,) else None)
        found += meant in expected
    assert found > {1: 120, 2: 60, 3: 5}[times]


def test_of_more_words_than_are_read_those_next_in_the_alphabet_are_found(
    spoken: tuple[Desk, Actor, Counter[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    back, alice, _ = spoken
    monkeypatch.setattr(typos, "MOST_READ", 1)
    back.save_all(alice, [{"name": f"quokka{number}"} for number in range(100, 130)])
    back.index()
    found = nearest(back, alice, "quokka120x")
    assert found is not None
    assert found[0][0] == "quokka120"


@pytest.mark.parametrize("word", ["ann", "kelsom", "branerasom", "schmiderasom"])
def test_no_lookup_reads_all_words_of_a_workspace(spoken: tuple[Desk, Actor, Counter[str]], word: str) -> None:
    back, alice, _ = spoken

    def plans(connection: SqliteConnection) -> list[str]:
        seen: list[str] = []
        connection.set_trace_callback(seen.append)
        typos.closest(connection, CONTACT, workspace_of(alice), Terms.exact(word))
        connection.set_trace_callback(None)
        asked = [sql for sql in seen if "search_words" in sql]
        return [step for sql in asked for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall()]

    found = [step for step in back.do(back.database.read(alice, plans)) if step.split()[1] == "s"]
    assert found
    for step in found:
        assert step.startswith("SEARCH")
        assert "word=?" in step or "word>?" in step or "<expr>=?" in step, step
