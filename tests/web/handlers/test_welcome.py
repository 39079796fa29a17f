"""The page at / and at /mcp for whoever comes with a browser, and what everybody else gets there."""

import re
from pathlib import Path

import pytest

from tests.house import ALICE, House, Person, house
from tests.web.connecting import heading, rpc

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
EVENTS = "application/json, text/event-stream"


@pytest.mark.parametrize("path", ["/", "/mcp"])
def test_a_browser_is_shown_how_to_connect_to_this_very_address(town: House, path: str) -> None:
    with town.stranger() as someone:
        answer = someone.get(path, headers={"Accept": BROWSER})
    assert (answer.status_code, heading(answer)) == (200, "Connect your assistant to this CRM")
    assert f"<pre>{town.url}/mcp</pre>" in answer.text
    assert f"claude mcp add --transport http crmkit {town.url}/mcp" in answer.text
    assert f'"url": "{town.url}/mcp"' in answer.text
    assert f'<a href="{town.url}/help">' in answer.text
    assert re.findall("<summary>(.*?)</summary>", answer.text) == [
        *("Claude", "Claude Code", "ChatGPT", "Cursor", "curl, or any other program")
    ]
    assert "works on this computer alone" in answer.text


@pytest.mark.parametrize("path", ["/", "/mcp"])
def test_the_page_runs_no_script_and_loads_nothing(town: House, path: str) -> None:
    with town.stranger() as someone:
        answer = someone.get(path, headers={"Accept": BROWSER})
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["vary"] == "Accept"
    assert not re.search(r"<(script|img|link|iframe|object|form)\b|\bsrc=|url\(|@import", answer.text)
    assert re.findall(r'href="([^"]+)"', answer.text) == [f"{town.url}/help"]


@pytest.mark.parametrize(
    "accept",
    [
        *("", "*/*", "text/plain", "application/json, text/plain, */*", EVENTS, "text/event-stream", "text/*"),
        *("text/markdown, text/html, */*", "application/json,text/html;q=0.9", "text/html;q=0"),
    ],
)
def test_who_asks_for_another_form_gets_what_programs_get(town: House, accept: str) -> None:
    headers = {"Accept": accept} if accept else {}
    with town.stranger() as someone:
        front, mcp = someone.get("/", headers=headers), someone.get("/mcp", headers=headers)
    assert not front.headers["content-type"].startswith("text/html")
    assert f"{town.url}/help" in front.text
    assert mcp.status_code == 401
    assert "resource_metadata=" in mcp.headers["www-authenticate"]


def test_a_format_in_the_query_wins_over_the_browser(town: House) -> None:
    with town.stranger() as someone:
        assert someone.get("/?format=json", headers={"Accept": BROWSER}).json()["service"] == "crmkit"
        assert someone.get("/?format=html", headers={"Accept": BROWSER}).status_code == 400


def test_the_page_changes_nothing_for_clients_of_mcp(town: House) -> None:
    with town.sign_in(ALICE) as alice:
        assert alice.get("/mcp", headers={"Accept": "text/event-stream"}).status_code == 405
        sent = alice.post("/mcp", json=rpc("ping"), headers={"Accept": BROWSER})
        assert sent.headers["content-type"] == "application/json"


def test_a_public_address_stands_on_the_page_and_so_does_who_may_sign_in(tmp_path: Path) -> None:
    environ = {"CRMKIT_SERVER_BASE_URL": "https://crm.example.com", "CRMKIT_AUTH_SIGNUP": "invited"}
    with house(tmp_path / "data", environ) as home, Person(home.url) as someone:
        page = someone.get("/", headers={"Accept": BROWSER}).text
    assert "<pre>https://crm.example.com/mcp</pre>" in page
    assert home.url not in page
    assert "works on this computer alone" not in page
    assert "New accounts are by invitation" in page


@pytest.mark.parametrize("path", ["/", "/mcp"])
def test_the_head_of_the_page_is_that_of_the_page(town: House, path: str) -> None:
    with town.stranger() as someone:
        page, head = (someone.request(method, path, headers={"Accept": BROWSER}) for method in ("GET", "HEAD"))
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-type", "content-length", "content-security-policy", "cache-control"):
        assert head.headers[name] == page.headers[name]
