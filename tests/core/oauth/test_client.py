"""A client describes itself: which redirect URIs may be, and what its id carries."""

import base64
import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.core.oauth.client import BadClient, Client, check, client_of, described, host_of
from crmkit.core.oauth.pkce import is_challenge, proves
from crmkit.model.names import clean

GOOD = [
    "https://claude.ai/api/mcp/auth_callback",
    "https://chatgpt.com/connector/oauth/abc-123",
    "https://example.com",
    "https://example.com:8443/cb?x=1&y=2",
    "http://localhost/callback",
    "http://localhost:3030/callback",
    "http://127.0.0.1:6276/oauth/callback",
    "http://[::1]:4000/cb",
    "cursor://anysphere.cursor-mcp/oauth/callback",
    "vscode://vscode.github-authentication/did-authenticate",
    "vscode-insiders://x/y",
    "windsurf://x/y",
    "zed://oauth/callback",
    "claude://claude.ai/mcp-auth-callback",
    "Zed:callback",
    "x-my+app.v2-1:/cb?x=1",
    "com.example.app:/oauth",
    "com.example.app://oauth",
]
BAD = [
    "",
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,x",
    "file:///etc/passwd",
    "blob:https://example.com/x",
    "about:blank",
    "vbscript:x",
    "ftp://example.com/x",
    "ws://example.com/x",
    "mailto:a@example.com",
    "VBScript://x",
    "ftp:x",
    "wss://example.com/x",
    "MailTo:a@example.com",
    "DATA:,x",
    "File:x",
    "-app://x",
    "1app://x",
    "my_app://x",
    "://x",
    "zed://oauth#x",
    "zed://user@oauth/x",
    "zed://oauth/cb?code=x",
    "http://example.com/callback",
    "http://localhost.evil.com/",
    "http://127.0.0.2/",
    "http://10.0.0.1/cb",
    "https://",
    "http://[::1].evil.com/cb",
    "http://evil.com[::1]/",
    "http://user[::1]/",
    "https://evil.com[::1]/",
    "https://claude.ai%2eevil.com/",
    "https://claude.ai;x/",
    "https://example.com/cb?code=x",
    "https://example.com/cb?x=1&ISS=2&iss=y",
    "https://example.com/cb?state",
    "https:///path",
    "https://user@example.com/",
    "https://user:pass@example.com/",
    "https://@example.com/",
    "https://example.com/#fragment",
    "https://example.com/#",
    "https://example.com\\@evil.com/",
    "https://example.com/a b",
    "https://example.com/\n",
    "https://exämple.com/",
    "https://example.com:port/",
    "https://example.com:99999/",
    "https://[::1/",
    "//example.com/cb",
    "/callback",
    "example.com",
    "https://example.com/" + "x" * 1000,
]


@pytest.mark.parametrize("uri", GOOD)
def test_a_redirect_uri_of_a_known_kind_is_taken(uri: str) -> None:
    check(uri)
    client = described([uri], "App")
    assert client.returns_to(uri)
    assert client_of(client.id) == client


@pytest.mark.parametrize("uri", BAD)
def test_any_other_redirect_uri_is_refused(uri: str) -> None:
    with pytest.raises(BadClient) as caught:
        check(uri)
    assert str(caught.value)
    for uris in ([uri], [GOOD[0], uri]):
        with pytest.raises(BadClient):
            described(uris, "App")


def test_one_registration_takes_uris_of_different_kinds() -> None:
    uris = [
        "cursor://anysphere.cursor-mcp/oauth/callback",
        "https://www.cursor.com/agents/mcp/oauth/callback",
        "http://localhost:8787/callback",
    ]
    assert described(uris, "Cursor").redirect_uris == tuple(uris)


@pytest.mark.parametrize(
    ("registered", "asked"),
    [
        ("http://localhost/callback", "http://localhost:3030/callback"),
        ("http://localhost:1/callback", "http://localhost:65535/callback"),
        ("http://127.0.0.1:1/cb?x=1", "http://127.0.0.1:2/cb?x=1"),
        ("http://[::1]/cb", "http://[::1]:9/cb"),
    ],
)
def test_on_loopback_only_the_port_may_differ(registered: str, asked: str) -> None:
    assert described([registered], "").returns_to(asked)


@pytest.mark.parametrize(
    ("registered", "asked"),
    [
        ("https://example.com/cb", "https://example.com/cb/"),
        ("https://example.com/cb", "https://example.com/CB"),
        ("https://example.com/cb", "https://EXAMPLE.com/cb"),
        ("https://example.com/cb", "https://example.com:443/cb"),
        ("https://example.com/cb", "https://example.com:8443/cb"),
        ("https://example.com/cb", "https://example.com/cb?x=1"),
        ("https://example.com/cb", "http://example.com/cb"),
        ("https://example.com/cb", "https://example.com.evil.com/cb"),
        ("http://localhost/callback", "http://127.0.0.1/callback"),
        ("http://[::1]/cb", "http://[::1].evil.com/cb"),
        ("http://localhost/callback", "http://localhost:3030/other"),
        ("http://localhost/callback", "http://localhost:3030/callback?x=1"),
        ("http://localhost/callback", "http://localhost:3030/callback#x"),
        ("http://localhost/callback", "http://user@localhost:3030/callback"),
        ("http://localhost/callback", "https://localhost:3030/callback"),
        ("http://localhost/callback", "http://localhost:port/callback"),
        ("http://localhost/callback", "http://localhost:3030/callback\n"),
        ("http://localhost/callback", "http://localhost:3030/call\tback"),
        ("cursor://a/b", "cursor://a/c"),
        ("cursor://a/b", ""),
    ],
)
def test_all_but_the_port_on_loopback_must_match_to_the_letter(registered: str, asked: str) -> None:
    assert not described([registered], "").returns_to(asked)


def test_a_client_has_one_to_eight_uris() -> None:
    for uris in ([], [f"https://example.com/{n}" for n in range(9)]):
        with pytest.raises(BadClient, match="1 to 8"):
            described(uris, "")
    with pytest.raises(BadClient, match="fewer or shorter"):
        described([f"https://example.com/{'x' * 400}{n}" for n in range(8)], "")


@given(st.text(max_size=300))
def test_whatever_a_client_calls_itself_its_id_carries_the_cleaned_name(name: str) -> None:
    client = described(["https://example.com/"], name)
    assert client_of(client.id) == client
    assert client.name == clean(name)


@given(
    st.one_of(st.text(max_size=100), st.binary(max_size=100).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
)
def test_a_text_that_is_no_client_id_is_refused(text: str) -> None:
    with pytest.raises(BadClient):
        client_of(text)


@pytest.mark.parametrize(
    "described_as",
    [
        {"redirect_uris": ["javascript:alert(1)"]},
        {"redirect_uris": ["http://evil.com/"]},
        {"redirect_uris": []},
        {"redirect_uris": "https://example.com"},
        {"redirect_uris": [None]},
        {"redirect_uris": ["https://example.com/"], "client_name": "\u202eevil"},
        {"redirect_uris": ["https://example.com/"], "client_name": "x" * 101},
        {"redirect_uris": ["https://example.com/"], "more": 1},
        ["https://example.com/"],
    ],
    ids=repr,
)
def test_a_forged_client_id_is_checked_like_a_registration(described_as: object) -> None:
    by_hand = base64.urlsafe_b64encode(json.dumps(described_as, separators=(",", ":")).encode()).rstrip(b"=").decode()
    with pytest.raises(BadClient):
        client_of(by_hand)


def test_an_id_that_nests_without_end_is_refused() -> None:
    raw = b'{"redirect_uris":["https://a/"],"x":' + b"[" * 1300
    with pytest.raises(BadClient):
        client_of(base64.urlsafe_b64encode(raw).rstrip(b"=").decode())


def test_a_client_id_has_one_spelling() -> None:
    client = Client(("https://example.com/",), "App")
    for spelled in (client.id + "=", client.id + "==", f" {client.id}", client.id + "\n", client.id[:-1]):
        with pytest.raises(BadClient):
            client_of(spelled)


def test_a_redirect_uri_is_shown_by_its_host_or_scheme() -> None:
    assert host_of("https://claude.ai/api") == "claude.ai"
    assert host_of("http://localhost:99/cb") == "localhost"
    assert host_of("cursor://anysphere.cursor-mcp/x") == "cursor://"
    assert host_of("com.example.app:/oauth") == "com.example.app://"


def test_the_verifier_of_rfc_7636_fits_its_challenge_and_no_other_does() -> None:
    """RFC 7636, appendix B."""
    verifier, challenge = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert is_challenge(challenge)
    assert proves(verifier, challenge)
    assert not proves(verifier[:-1] + "l", challenge)
    assert not proves(challenge, challenge)


@pytest.mark.parametrize("verifier", ["", "a" * 42, "a" * 129, "a" * 42 + "ä", "a" * 43 + "\n", "a" * 42 + " "])
def test_a_verifier_of_the_wrong_form_proves_nothing(verifier: str) -> None:
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    assert not proves(verifier, digest)


@pytest.mark.parametrize("text", ["", "a" * 42, "a" * 44, "a" * 42 + "=", "a" * 42 + "\n", "a" * 42 + "+"])
def test_a_challenge_has_43_characters(text: str) -> None:
    assert not is_challenge(text)
