"""Signing in over HTTP at a server of the tests, which may be restarted on the same data."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.house import ALICE, GivenClock, House, house

REQUEST, VERIFY = "/auth/request", "/auth/verify"


@contextmanager
def restarted(tmp_path: Path, clock: GivenClock, **environ: str) -> Iterator[House]:
    """The server again, on the same data."""
    with house(tmp_path / "data", environ, clock) as running:
        yield running


def post(home: House, path: str, **body: Any) -> httpx.Response:
    # without verify, which costs more than the request: every client loads all certificates
    return httpx.post(home.url + path, json=body, headers={"Accept": "application/json"}, timeout=60, verify=False)


def ask(home: House, email: str = ALICE) -> str:
    """Return the code that is mailed."""
    answer = post(home, REQUEST, email=email)
    assert answer.status_code == 200, answer.text
    return home.letterbox.code_for(email.lower())


def enter(home: House, code: str, email: str = ALICE) -> int:
    return post(home, VERIFY, email=email, code=code, token_name="test").status_code
