"""The published clients of Klozeo for Rust and Python work against this server; only base URL and key are ours."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import Process, process
from tests.interop.foreign import BUILD, run

RUST = str(BUILD / "klozeo" / "debug" / "interop")  # made of klozeo/ beside this file
PYTHON = str(BUILD / "klozeo_python" / "bin" / "python"), str(Path(__file__).with_name("klozeo_client.py"))


@pytest.fixture(scope="module")
def speaking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A server that speaks with Klozeo's clients."""
    with process(tmp_path_factory.mktemp("klozeo") / "data", CRMKIT_SERVER_FACES="klozeo") as running:
        yield running
        assert "Traceback" not in running.printed()


@pytest.mark.parametrize("client", [[RUST], [*PYTHON]], ids=["rust", "python"])
def test_a_client_does_what_it_offers(speaking: Process, tmp_path: Path, email: str, client: list[str]) -> None:
    with speaking.sign_in(email) as me:
        ended = run([*client, f"{speaking.url}/api/v1", me.token], tmp_path)
    assert (ended.status, ended.printed.strip()) == (0, "done"), ended.printed
