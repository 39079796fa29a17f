"""The published client of Klozeo for Rust works against this server; only its base URL and its key are ours."""

from collections.abc import Iterator

import pytest

from tests.house import Process, process
from tests.interop.foreign import BUILD, run

CLIENT = BUILD / "klozeo" / "debug" / "interop"  # made of klozeo/ beside this file


@pytest.fixture(scope="module")
def speaking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A server that speaks with Klozeo's clients."""
    with process(tmp_path_factory.mktemp("klozeo") / "data", CRMKIT_SERVER_FACES="klozeo") as running:
        yield running
        assert "Traceback" not in running.printed()


def test_the_client_for_rust_does_what_it_offers_but_webhooks(
    speaking: Process, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with speaking.sign_in() as me:
        line = [str(CLIENT), f"{speaking.url}/api/v1", me.token]
        ended = run(line, tmp_path_factory.mktemp("home"))
    assert (ended.status, ended.printed.strip()) == (0, "done"), ended.printed
