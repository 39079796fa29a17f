"""An app that connects: it registers, sends its user to the pages, and redeems the code, as OAuth clients do."""

import base64
import hashlib
import html
import re
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.house import House

CALLBACK = "https://claude.ai/api/mcp/auth_callback"


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@dataclass
class App:
    """A client of our authorization server; `house` holds the letters that its user reads."""

    house: House
    name: str = "Claude"
    callbacks: tuple[str, ...] = (CALLBACK,)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(40))
    state: str = "state of mine & more"

    def __post_init__(self) -> None:
        self.browser = self.house.visitor()
        answer = self.browser.post("/register", json={"client_name": self.name, "redirect_uris": list(self.callbacks)})
        assert answer.status_code == 201, answer.text
        self.id = answer.json()["client_id"]

    def query(self, **other: str | None) -> dict[str, str]:
        """Return the query of /authorize; `other` replaces parameters, None leaves one out."""
        asked = {
            "response_type": "code",
            "client_id": self.id,
            "redirect_uri": self.callbacks[0],
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
            "state": self.state,
            "resource": f"{self.house.url}/mcp",
            "scope": "crm claudeai",
            **other,
        }
        return {name: text for name, text in asked.items() if text is not None}

    def open(self, **other: str | None) -> httpx.Response:
        return self.browser.get("/authorize", params=self.query(**other))

    def post(self, sent: dict[str, str], **other: str | None) -> httpx.Response:
        return self.browser.post("/authorize", params=self.query(**other), data=sent)

    def begin(self, email: str, **other: str | None) -> str:
        """Ask for a code and return the secret of the page that takes it."""
        page = self.post({"email": email}, **other)
        assert page.status_code == 200, page.text
        return hidden(page, "signin")

    def enter(self, email: str, **other: str | None) -> tuple[str, httpx.Response]:
        """Go on to the page that asks for the workspace; return its secret and the page."""
        signin = self.begin(email, **other)
        page = self.post({"signin": signin, "code": self.house.letterbox.code_for(email)}, **other)
        assert page.status_code == 200, page.text
        return signin, page

    def allowed(self, email: str, workspace: str = "", access: str = "full", **other: str | None) -> dict[str, str]:
        """Return what comes back to the app; without a workspace the first one is chosen."""
        signin, page = self.enter(email, **other)
        chosen = workspace or places(page)[0]
        answer = self.post({"signin": signin, "workspace": chosen, "access": access}, **other)
        assert answer.status_code == 303, answer.text
        return returned(answer)

    def redemption(self, code: str, /, **other: str | None) -> dict[str, str]:
        """Return the form of /token; `other` replaces fields, None leaves one out."""
        sent = {
            "grant_type": "authorization_code",
            "client_id": self.id,
            "redirect_uri": self.callbacks[0],
            "code": code,
            "code_verifier": self.verifier,
            "resource": f"{self.house.url}/mcp",
            **other,
        }
        return {name: text for name, text in sent.items() if text is not None}

    def redeem(self, code: str, /, **other: str | None) -> httpx.Response:
        return self.browser.post("/token", data=self.redemption(code, **other))

    def token(self, email: str, workspace: str = "", access: str = "full") -> str:
        """Walk the whole way and return the access token."""
        answer = self.redeem(self.allowed(email, workspace, access)["code"])
        assert answer.status_code == 200, answer.text
        found: str = answer.json()["access_token"]
        return found


def hidden(page: httpx.Response, name: str) -> str:
    found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)">', page.text)
    assert found, page.text
    return html.unescape(found.group(1))


def places(page: httpx.Response) -> list[str]:
    """Return the ids of the workspaces that the page offers."""
    return re.findall(r'name="workspace" value="(ws_[a-z0-9]+)"', page.text)


def returned(answer: httpx.Response) -> dict[str, str]:
    """Return the parameters that a redirect carries back to the app."""
    query = parse_qs(urlsplit(answer.headers["location"]).query, strict_parsing=True)
    assert all(len(texts) == 1 for texts in query.values()), query
    return {name: texts[0] for name, texts in query.items()}


def alert(page: httpx.Response) -> str:
    """Return what the page says is wrong: what to do, then why, a line each."""
    found = re.search(r'<div role="alert" id="wrong">(.*?)</div>', page.text)
    return "\n".join(map(html.unescape, re.findall("<p[^>]*>([^<]*)</p>", found.group(1)))) if found else ""


def heading(page: httpx.Response) -> str:
    """Return the text of the page's heading, without its elements."""
    found = re.search(r"<h1>(.*?)</h1>", page.text, re.DOTALL)
    assert found, page.text
    return html.unescape(re.sub(r"<[^>]+>", "", found.group(1)))


def rpc(method: str, params: dict[str, Any] | None = None, id: Any = 1) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": id, "method": method, **({} if params is None else {"params": params})}
