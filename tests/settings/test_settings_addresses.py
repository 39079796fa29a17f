"""Where the server listens and what it is called: which addresses are taken, and which need https."""

from pathlib import Path

import pytest

from crmkit.settings import SettingsError, check_https, is_loopback, load
from tests.house import run
from tests.settings.wrong_settings import told


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.53", "127.255.255.254", "::1", "localhost"])
def test_local_mode_goes_with_a_loopback_address(host: str) -> None:
    assert is_loopback(host)
    assert load(environ={"CRMKIT_SERVER_HOST": host, "CRMKIT_AUTH_LOCAL": "true"}).auth.local


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "", "*", "192.168.1.5", "10.0.0.1", "128.0.0.1", "example.com", "127.0.0.1.example.com"]
)
def test_local_mode_is_refused_on_any_other_host(host: str) -> None:
    assert not is_loopback(host)
    assert not load(environ={"CRMKIT_SERVER_HOST": host}).auth.local
    message = told(environ={"CRMKIT_SERVER_HOST": host, "CRMKIT_AUTH_LOCAL": "true"})
    assert message.startswith("local mode shows sign-in codes to anyone who can connect, so it needs a loopback host")
    assert told(environ={"CRMKIT_SERVER_HOST": host}, flags={("auth", "local"): True}) == message


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"CRMKIT_SERVER_PORT": "80"}, "http://127.0.0.1:80"),
        ({"CRMKIT_SERVER_HOST": "::1"}, "http://[::1]:8000"),
        ({"CRMKIT_SERVER_HOST": "0.0.0.0"}, "http://localhost:8000"),
        ({"CRMKIT_SERVER_HOST": "::"}, "http://localhost:8000"),
        ({"CRMKIT_SERVER_HOST": "0:0::0", "CRMKIT_SERVER_PORT": "80"}, "http://localhost:80"),
        ({"CRMKIT_SERVER_HOST": ""}, "http://localhost:8000"),
        ({"CRMKIT_SERVER_HOST": "0.0.0.0", "CRMKIT_SERVER_BASE_URL": "http://crm:81"}, "http://crm:81"),
        ({"CRMKIT_SERVER_BASE_URL": "https://crm.acme.com"}, "https://crm.acme.com"),
        ({"CRMKIT_SERVER_BASE_URL": "https://acme.com/crm/"}, "https://acme.com/crm"),
    ],
)
def test_the_base_url_is_the_one_that_is_set_or_where_it_listens(environ: dict[str, str], url: str) -> None:
    assert load(environ=environ).base_url == url


@pytest.mark.parametrize(
    ("url", "origin", "path"),
    [
        ("https://crm.acme.com", "https://crm.acme.com", ""),
        ("https://crm.acme.com/", "https://crm.acme.com", ""),
        ("https://acme.com:8443/a/crm//", "https://acme.com:8443", "/a/crm"),
        ("http://[::1]:80/crm.v2/", "http://[::1]:80", "/crm.v2"),
    ],
)
def test_a_base_url_has_an_origin_and_perhaps_a_path(url: str, origin: str, path: str) -> None:
    found = load(environ={"CRMKIT_SERVER_BASE_URL": url})
    assert (found.origin, found.base_path) == (origin, path)


@pytest.mark.parametrize(
    "rest",
    [
        *(
            "?",
            "/crm?a=b",
            "/crm#x",
            "#",
            "/a b",
            "/a%20b",
            "/ä",
            "/../crm",
            "/./crm",
            "//crm",
            "/a//b",
            "/.well-known",
        ),
        *(":port", ":123456", "\n", "/crm\n", '"', "/a;b", "\\crm"),
    ],
)
def test_a_base_url_that_cannot_be_obeyed_is_refused(rest: str) -> None:
    assert "cannot be obeyed" in told(environ={"CRMKIT_SERVER_BASE_URL": f"https://acme.com{rest}"})
    assert "cannot be obeyed" in told(environ={"CRMKIT_SERVER_BASE_URL": f"https://me:pass@acme.com{rest}"})


@pytest.mark.parametrize("proxies", ["10.0.0.1", "10.0.0.0/8", "10.0.0.5/8", "::1", "fd00::/8", "10.0.0.1,::1", ""])
def test_proxies_are_addresses_or_networks(proxies: str) -> None:
    found = load(environ={"CRMKIT_SERVER_TRUSTED_PROXIES": proxies}).server.trusted_proxies
    assert found == tuple(part for part in proxies.split(",") if part)


@pytest.mark.parametrize(
    "url",
    [
        "http://crm.example.com",
        "http://example.com:8000/crm",
        "http://203.0.114.5",
        "http://[2a00:1450::1]",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com.",
    ],
)
def test_a_public_address_needs_https(url: str, tmp_path: Path) -> None:
    settings = load(environ={"CRMKIT_SERVER_BASE_URL": url})
    with pytest.raises(SettingsError, match="public address without https"):
        check_https(settings)
    check_https(load(environ={"CRMKIT_SERVER_BASE_URL": url.replace("http://", "https://")}))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://localhost:8000",
        "http://127.0.0.1",
        "http://[::1]:8000",
        "http://192.168.1.5:8000",
        "http://10.1.2.3",
        "http://crm",
        "http://crm.local",
        "http://crm.internal:8000",
        "http://crm.home.arpa",
        "https://crm.example.com",
    ],
)
def test_a_private_address_needs_no_https(url: str) -> None:
    check_https(load(environ={"CRMKIT_SERVER_BASE_URL": url}))


def test_serve_stops_with_one_line_before_it_touches_anything(tmp_path: Path) -> None:
    done = run("serve", "--port", "0", cwd=tmp_path, CRMKIT_SERVER_BASE_URL="http://crm.example.com")
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "http://crm.example.com" in line
    assert "https://" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "secret", ["x", "fifteen-letters", "sixteen letters!", "sixteen-lettersö", "line\nbreak-in-it-here"]
)
def test_a_secret_that_is_short_or_fits_into_no_header_stops_the_start_and_is_not_printed(secret: str) -> None:
    message = told(environ={"CRMKIT_SERVER_METRICS_SECRET": secret})
    assert message.startswith("[server] metrics_secret has at least 16 characters")
    assert secret not in message or secret == "x"


@pytest.mark.parametrize("host", ["[::1]", "https://x.com", "x.com/crm", "localhost:8000", "me@x.com", "::g"])
def test_what_is_no_host_is_refused_by_name(host: str) -> None:
    message = f"[server] host is a name or address without brackets, scheme or path, not {host!r}"
    assert told(environ={"CRMKIT_SERVER_HOST": host}) == message
    assert told(flags={("server", "host"): host}) == message


@pytest.mark.parametrize("host", ["", "*", "x.com", "localhost", "::1", "fe80::1%eth0", "127.0.0.1", "my_host"])
def test_names_and_addresses_are_hosts(host: str) -> None:
    assert load(environ={"CRMKIT_SERVER_HOST": host}).server.host == host
