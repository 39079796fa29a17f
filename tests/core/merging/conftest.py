"""Alice, at a database of her own."""

import pytest

from crmkit.model.actor import Actor
from tests.storage.desk import Desk


@pytest.fixture
def alice(back: Desk) -> Actor:
    return back.person()
