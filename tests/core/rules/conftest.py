"""Fixtures of the rules' tests: a desk for each module, and how a workspace comes to prefer something."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from crmkit.model.actor import Actor
from crmkit.storage.interface.tx import Tx
from tests.storage.desk import Desk, desk


@pytest.fixture(scope="module")
def back(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("rules") / "data") as opened:
        yield opened


@pytest.fixture
def alice(back: Desk, request: pytest.FixtureRequest) -> Actor:
    """Alice, in a workspace that is hers alone in each test."""
    return back.person(f"alice{abs(hash(request.node.nodeid))}@example.com")


@pytest.fixture
def prefer(back: Desk) -> Callable[..., None]:
    """Return what writes preferences of somebody's workspace."""

    def write(actor: Actor, **values: Any) -> None:
        def unit(tx: Tx) -> None:
            for name, value in values.items():
                tx.connection.execute(f'UPDATE workspaces SET "{name}" = ? WHERE id = ?', (value, actor.workspace_id))

        back.do(back.database.write(unit, lanes=[actor.workspace_id]))

    return write
