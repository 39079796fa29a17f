"""What tests of faults begin with: the tests' PostgreSQL behind a proxy."""

from collections.abc import Iterator

import pytest

from tests import postgres
from tests.storage.postgres.faults.proxy import Proxy, proxy


@pytest.fixture
def between() -> Iterator[Proxy]:
    """A proxy in front of the tests' PostgreSQL."""
    parts = dict(part.split("=", 1) for part in postgres.SERVER.split())
    with proxy(parts["host"]) as found:
        yield found
