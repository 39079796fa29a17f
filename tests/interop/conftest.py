"""One server for the clients of others: the real program in local mode, with a person of its own for each test.

For the pages of signing in, a browser, and a visit in it to a server of the test's own.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from typing import Any

import pytest

from tests.house import UNLIMITED, House, Person, Process, process
from tests.interop.browser import EVIL, Callback, Visit, Visitor, chromium, listening, visiting
from tests.web.connecting import App

_numbers = count(1)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    folder = tmp_path_factory.mktemp("interop") / "data"
    with process(folder, **UNLIMITED) as running:
        yield running
        assert running.stop() == 0
    assert "Traceback" not in running.printed()


@pytest.fixture
def email() -> str:
    """The address of a person whom no other test knows."""
    return f"person{next(_numbers)}@example.com"


@pytest.fixture
def person(served: Process, email: str) -> Iterator[Person]:
    """That person, signed in by hand."""
    with served.sign_in(email) as signed_in:
        yield signed_in


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


@pytest.fixture
def callback() -> Iterator[Callback]:
    with listening() as waiting:
        yield waiting


@pytest.fixture
def visit(browser: Any, home: House, callback: Callback) -> Iterator[Visit]:
    """Start a visit for an app of this name; whatever a test does, what no visit may leave behind is looked for."""
    visits, stack = [], ExitStack()

    def visited(name: str = "Claude", uri: str = callback.url, **more: Any) -> Visitor:
        visits.append(stack.enter_context(visiting(browser, home, App(home, name, (uri,)), **more)))
        return visits[-1]

    with stack:
        yield visited
    for visitor in visits:
        account = visitor.account
        assert account.told == []  # no script, no dialog, nothing that the policy had to stop
        assert account.cookies == []
        assert account.hosts <= {visitor.house.url.removeprefix("http://"), callback.url.split("/")[2]}
        assert account.policies
        for policy in account.policies:
            assert "default-src 'none'" in policy
            assert "form-action" not in policy


@pytest.fixture
def three(alice: Person) -> None:
    """Give Alice two workspaces more; the third has a name that is no markup."""
    for name in ("Acme", EVIL):
        assert alice.post("/workspaces", json={"name": name}).status_code == 201
