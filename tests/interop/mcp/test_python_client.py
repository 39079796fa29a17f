"""The official Python client: registers, or is described by a document, has its user sign in, uses the tools.

In both eras of the protocol.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.house import UNLIMITED, Person, Process, process
from tests.interop.foreign import PYTHON, Ended, run
from tests.outbound.publishing import publisher

CLIENT = Path(__file__).with_name("sdk_client.py")
ERAS = {"auto": "2026-07-28", "legacy": "2025-11-25"}


def connect(served: Process, mode: str, folder: Path, email: str = "", place: str = "/mcp", *more: str) -> Ended:
    """Run the client once; what it keeps stays in the folder."""
    line = [str(PYTHON), str(CLIENT), f"{served.url}{place}", mode, str(folder / "store.json"), *more]
    ended = run(line, folder, email)
    assert ended.status == 0, ended.printed
    return ended


def got(ended: Ended) -> dict[str, Any]:
    return json.loads(ended.printed.splitlines()[-1])


@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize("place", ["/mcp", "/mcp/typed"])
def test_it_signs_in_and_uses_what_is_there(served: Process, tmp_path: Path, email: str, mode: str, place: str) -> None:
    ended = connect(served, mode, tmp_path, email, place)
    assert ended.signins == 1
    answer = got(ended)
    assert answer["version"] == ERAS[mode]
    assert answer["server"] == "crmkit"
    assert "GET /help" in answer["instructions"]
    assert (answer["tools"] == ["read", "write", "request"]) is (place == "/mcp")
    assert answer["changed"]["text"].endswith("# created\n")
    assert not answer["changed"]["is_error"]
    assert 'name="José Peña"' in answer["read"]["text"]
    assert not answer["read"]["is_error"]
    assert answer["wrong"]["text"].startswith(("ERROR unknown_path", "ERROR not_found"))
    assert answer["wrong"]["is_error"]
    assert answer["page"].startswith("crmkit: a plain-text CRM")
    assert answer["prompts"] == ["start_my_day", "log_a_call", "clean_duplicates"]
    assert answer["prompt"].startswith("Log a call that I had with: José\n")
    if place == "/mcp/typed" and mode == "auto":  # it asked its user, who agreed
        assert "\nIts activities, conversions and campaign memberships go with it" in ended.printed
        assert answer["gone"]["text"].startswith("OK deleted contact/")
    else:
        assert answer["gone"]["text"].startswith("ERROR confirmation_required")


@pytest.mark.parametrize("mode", ERAS)
def test_it_asks_to_sign_in_again_once_its_user_has_ended_its_token(
    served: Process, tmp_path: Path, person: Person, email: str, mode: str
) -> None:
    assert connect(served, mode, tmp_path, email).signins == 1
    assert connect(served, mode, tmp_path).signins == 0  # the token it kept is still good
    (token,) = [token for token in person.json_of("GET", "/tokens")["items"] if token["name"] == "Python client"]
    assert person.delete(f"/tokens/{token['id']}").status_code == 200
    again = connect(served, mode, tmp_path, email)
    assert again.signins == 1
    assert 'name="José Peña"' in got(again)["read"]["text"]


@pytest.mark.parametrize("mode", ERAS)
def test_it_connects_by_a_document_that_describes_it(tmp_path: Path, email: str, mode: str) -> None:
    authority = tmp_path / "authority.pem"
    with (
        publisher(authority) as published,
        process(
            tmp_path / "data", SSL_CERT_FILE=str(authority), CRMKIT_WEBHOOKS_ALLOW="127.0.0.1,::1", **UNLIMITED
        ) as served,
    ):
        document = f"{published.url}/client.json"
        # its port is not known beforehand
        described = {"client_id": document, "client_name": "Described", "redirect_uris": ["http://localhost/callback"]}
        published.documents["/client.json"] = (200, {}, json.dumps(described).encode())
        ended = connect(served, mode, tmp_path, email, "/mcp", document)
        assert ended.signins == 1
        assert 'name="José Peña"' in got(ended)["read"]["text"]
        assert published.asked == ["/client.json"]
        with served.sign_in(email) as person:
            assert "Described" in [token["name"] for token in person.json_of("GET", "/tokens")["items"]]
        assert json.loads((tmp_path / "store.json").read_text())["client"]["client_id"] == document
        assert served.stop() == 0
    assert "Traceback" not in served.printed()
