"""Servers that the tests of a module share, and mail servers."""

from collections.abc import Iterator

import pytest

from tests.house import UNLIMITED, House, Process, house, process
from tests.mail.conftest import authority, certified, serve, silent_port

__all__ = ["authority", "certified", "serve", "silent_port", "town"]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server in this process, with a given clock and a letterbox, for tests that do not mind each other."""
    with house(tmp_path_factory.mktemp("town") / "data", UNLIMITED) as running:
        yield running


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """The program with all times as short as they can be set."""
    times = {f"CRMKIT_LIMITS_{name}_SECONDS": "1" for name in ("HEAD", "STALL", "IDLE")}
    folder = tmp_path_factory.mktemp("connections") / "data"
    with process(folder, **UNLIMITED, **times) as running:
        yield running
        assert "Traceback" not in running.printed()


@pytest.fixture(scope="module")
def token(program: Process) -> str:
    with program.sign_in() as me:
        return me.token
