"""A server that the tests of a module share, and mail servers."""

from collections.abc import Iterator

import pytest

from tests.house import UNLIMITED, House, house
from tests.mail.conftest import authority, certified, serve, silent_port

__all__ = ["authority", "certified", "serve", "silent_port", "town"]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server in this process, with a given clock and a letterbox, for tests that do not mind each other."""
    with house(tmp_path_factory.mktemp("town") / "data", UNLIMITED) as running:
        yield running
