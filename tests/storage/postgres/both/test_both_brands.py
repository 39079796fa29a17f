"""The same requests, made by chance, are answered alike by both brands of database."""

import random
import signal
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from tests.kinds import KINDS
from tests.storage import samples
from tests.storage.postgres.both.requests import Requests
from tests.storage.postgres.both.twins import Said, Twins, needs_server, twins

pytestmark = needs_server

QUICK, SLOW = 4, 18  # seeds
EACH = 500  # requests of a quick seed; a slow one has twice as many
SECONDS = 1_200  # until a seed is stuck


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Twins]:
    signal.alarm(SECONDS)
    with twins(tmp_path) as found:
        yield found


def asked(both: Twins, seed: int, count: int) -> None:
    chance = random.Random(seed)
    for said in islice(Requests(chance, both.known), count):
        both.move(chance.choice([0, 0, 1, 1, 60, 300]))  # all within a day: none is outdated
        if said.method == "GET":
            both.walk(said)
        else:
            both.say(said)
    for kind in KINDS:
        for sort in samples.sort_keys(kind):
            for sign in ("", "-"):
                both.walk(Said("GET", f"/{kind.plural}?sort={sign}{sort}&limit=40&count=exact"))
    assert both.answered[200] > count / 5, both.answered
    assert both.answered[201] > count / 10, both.answered


@pytest.mark.parametrize("seed", range(QUICK))
def test_generated_requests_are_answered_alike(both: Twins, seed: int) -> None:
    asked(both, seed, EACH)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(QUICK, QUICK + SLOW))
def test_many_more_requests_are_answered_alike(both: Twins, seed: int) -> None:
    asked(both, seed, 2 * EACH)
