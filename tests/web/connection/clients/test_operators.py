"""What is for the operator is told to this machine and to who has the secret, to nobody else."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from crmkit.render.answers import Answer, Document
from crmkit.web.app import routes
from crmkit.web.call import HttpCall
from crmkit.web.route import read
from tests.house import ALICE, ROOT, House, house
from tests.kinds import REGISTRY

SECRET = "a-secret-of-the-operator"
WITH_SECRET = {"Authorization": f"Bearer {SECRET}"}
PER_MINUTE = 3
EVERY = routes(REGISTRY)


@read("/figures", for_operator=True)
async def figures(call: HttpCall) -> Answer:
    return Document("figures", {"figures": 1})


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    environ = {"CRMKIT_SERVER_METRICS_SECRET": SECRET}
    with house(tmp_path_factory.mktemp("data"), environ, more=[figures]) as running:
        yield running


def asked(home: House, headers: Mapping[str, str] = {}) -> httpx.Response:
    with home.stranger() as someone:
        return someone.get("/figures", headers=headers)


@pytest.mark.parametrize("path", [path for found in EVERY if found.for_operator for path in found.paths])
def test_each_route_of_the_operator_asks_for_the_secret_and_takes_no_token(home: House, path: str) -> None:
    with home.sign_in(ALICE) as alice, home.stranger() as someone:
        assert alice.get(path).status_code == 401
        assert someone.get(path, headers={"X-Forwarded-For": "192.0.2.1"}).status_code == 401
        assert someone.get(path, headers=WITH_SECRET).status_code == 200
        assert someone.get(path).status_code == 200


def refused(home: House, headers: Mapping[str, str], code: str) -> None:
    answer = asked(home, headers)
    assert answer.status_code == 401, answer.text
    assert answer.text.startswith(f"ERROR {code}\n")
    assert "metrics_secret" in answer.text
    assert SECRET not in answer.text
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="crmkit operator"'


def test_this_machine_may_ask(home: House) -> None:
    assert asked(home).text == "figures\n"
    assert asked(home, {"Host": "localhost"}).text == "figures\n"


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Forwarded-Proto": "https"},
        {"Forwarded": "for=127.0.0.1"},
        {"Via": "1.1 proxy"},
        {"X-Real-IP": "127.0.0.1"},
        {"Host": "crm.example.com"},  # of a proxy that passes it on, or of a page whose name leads here
    ],
    ids=str,
)
def test_a_request_that_a_proxy_forwards_is_not_of_this_machine(home: House, headers: dict[str, str]) -> None:
    refused(home, headers, "auth_required")
    assert asked(home, headers | WITH_SECRET).text == "figures\n"


def test_what_a_trusted_proxy_of_this_machine_sends_is_not_of_this_machine(tmp_path: Path) -> None:
    with house(tmp_path / "data", {"CRMKIT_SERVER_TRUSTED_PROXIES": "127.0.0.1"}, more=[figures]) as behind:
        refused(behind, {}, "auth_required")
        refused(behind, {"X-Forwarded-For": "127.0.0.1"}, "auth_required")
        refused(behind, {"X-Forwarded-For": "::1"}, "auth_required")
        hint = asked(behind).text
        assert "[server] metrics_secret" in hint
        assert "127.0.0.1 is a trusted proxy" in hint
        assert "on the machine itself" not in hint


def test_no_token_of_a_person_opens_it_not_even_on_this_machine(home: House) -> None:
    with home.sign_in(ALICE) as alice:
        refused(home, {"Authorization": f"Bearer {alice.token}"}, "invalid_token")
        refused(home, {"X-API-Key": alice.token}, "invalid_token")
        for path in ("/mcp", "/mcp/typed"):
            call = {"name": "request", "arguments": {"method": "GET", "path": "/figures"}}
            sent = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
            assert "figures\n" not in alice.text("POST", path, sent)
        answer = alice.post("/links", json={"path": "/figures"})
        assert answer.status_code == 400, answer.text


@pytest.mark.parametrize(
    "sent", ["", "Bearer", f"Basic {SECRET}", f"Bearer {SECRET}x", f"Bearer {SECRET[:-1]}", SECRET]
)
def test_a_wrong_secret_opens_nothing(home: House, sent: str) -> None:
    refused(home, {"Authorization": sent, "Via": "1.1 proxy"}, "invalid_token" if sent else "auth_required")


def test_without_a_secret_in_the_settings_none_is_right(tmp_path: Path) -> None:
    with house(tmp_path / "data", more=[figures]) as without:
        refused(without, {"Authorization": "Bearer"}, "invalid_token")
        refused(without, {"Authorization": f"Bearer {SECRET}"}, "invalid_token")
        assert asked(without).text == "figures\n"


def test_wrong_secrets_are_limited_and_what_follows_is_not_read(tmp_path: Path) -> None:
    environ = {"CRMKIT_SERVER_METRICS_SECRET": SECRET, "CRMKIT_LIMITS_SIGNINS_PER_MINUTE": str(PER_MINUTE)}
    with house(tmp_path / "data", environ, more=[figures]) as limited:
        for n in range(PER_MINUTE):
            refused(limited, {"Authorization": f"Bearer {n}"}, "invalid_token")
        answer = asked(limited, WITH_SECRET)
        assert answer.status_code == 429
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
        assert asked(limited).text == "figures\n"


def test_it_stands_in_no_manual_and_no_description_of_the_api(home: House) -> None:
    with home.stranger() as someone:
        assert "/figures" not in someone.get("/openapi.json").text + someone.get("/help?topic=all").text


@pytest.mark.parametrize("path", [path for found in EVERY if found.for_operator for path in found.paths])
@pytest.mark.parametrize("document", ["SECURITY.md", "docs/metrics.md"])
def test_where_a_proxy_is_told_what_to_answer_by_404_all_that_is_for_the_operator_is_named(
    document: str, path: str
) -> None:
    parts = re.split(r"\n(?=- |\n)", (ROOT / document).read_text())
    (told,) = (part for part in parts if "answer 404 for" in " ".join(part.split()))
    assert f"`{path}`" in told
