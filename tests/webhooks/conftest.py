"""A house whose server may reach receivers on loopback, by a clock that shows the present."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.house import UNLIMITED, GivenClock, House, house
from tests.webhooks.receiver import Receiver, receiver

ALLOW = {"CRMKIT_WEBHOOKS_ALLOW": "127.0.0.0/8"}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    clock = GivenClock(datetime.now(UTC).replace(microsecond=0))
    with house(tmp_path / "data", {**UNLIMITED, **ALLOW}, clock) as running:
        yield running


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as found:
        yield found
