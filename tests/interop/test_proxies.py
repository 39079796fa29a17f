"""The samples of deploy/proxy with the real proxies: TLS before a server, on a host of its own and below a path."""

import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
import trustme

from tests.house import ALICE, ROOT, UNLIMITED, House, house

SAMPLES = ROOT / "deploy" / "proxy"
AUTHORITY = trustme.CA()
TLS = ssl.create_default_context(cadata=AUTHORITY.cert_pem.bytes().decode())
GUEST = {"CRMKIT_SERVER_TRUSTED_PROXIES": "127.0.0.1", **UNLIMITED}


def nginx(sample: str, folder: Path) -> list[str]:
    """Return how to run nginx by a sample, which stands where its one include is."""
    (folder / "site.conf").write_text(sample)
    # as root it would run its workers as somebody who cannot read the folder
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user} daemon off; pid {folder}/pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;\n"
        f"fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n"
        f"include {folder}/site.conf; }}\n"
    )
    return ["nginx", "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]


def caddy(sample: str, folder: Path) -> list[str]:
    (folder / "Caddyfile").write_text(f"{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{sample}")
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


RUNS: dict[str, Callable[[str, Path], list[str]]] = {"nginx": nginx, "caddy": caddy}


@contextmanager
def before(program: str, sample: str, folder: Path, path: str = "") -> Iterator[tuple[House, httpx.Client]]:
    """Run a server and the proxy of a sample before it; yield that server, and a client of https://localhost:PORT."""
    if not shutil.which(program):
        pytest.skip(f"there is no {program}")
    port, plain = free_ports(2)
    origin = f"https://localhost:{port}"
    certificate = AUTHORITY.issue_cert("localhost")
    (folder / "cert.pem").write_bytes(b"".join(part.bytes() for part in certificate.cert_chain_pems))
    certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
    with house(folder / "data", {"CRMKIT_SERVER_BASE_URL": f"{origin}{path}", **GUEST}) as home:
        changes = {
            r"127\.0\.0\.1:8000": home.url.removeprefix("http://"),
            r"listen 443": f"listen {port}",
            r"listen 80": f"listen {plain}",
            r"/etc/letsencrypt/\S+/fullchain\.pem": str(folder / "cert.pem"),
            r"/etc/letsencrypt/\S+/privkey\.pem": str(folder / "key.pem"),
            r"(?m)^(crm\.)?example\.com \{": f"localhost:{port} {{\n\ttls {folder}/cert.pem {folder}/key.pem",
        }
        for old, new in changes.items():
            sample = re.sub(old, new, sample)
        with (
            running(RUNS[program](sample, folder), folder),
            httpx.Client(base_url=origin, verify=TLS, timeout=30, trust_env=False) as client,
        ):
            answers(client, folder)
            yield home, client


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [listener.getsockname()[1] for listener in listeners]


@contextmanager
def running(line: list[str], folder: Path) -> Iterator[None]:
    own = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with (folder / "proxy.output").open("wb") as output:
        started = subprocess.Popen(line, env={**os.environ, **own}, stdout=output, stderr=output)
    try:
        yield
    finally:
        started.terminate()
        started.wait(30)


def answers(client: httpx.Client, folder: Path) -> None:
    """Return once the proxy answers."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            client.get("/")
            return
        except httpx.TransportError:
            time.sleep(0.02)
    raise AssertionError((folder / "proxy.output").read_text())


def works(home: House, client: httpx.Client, path: str) -> None:
    """Whoever knows no more than the address of the server finds everything, and works."""
    base = f"{client.base_url}".rstrip("/") + path
    assert f"{base}/mcp" in client.get(f"{path}/", headers={"Accept": "text/html"}).text
    assert client.get(f"{path}/openapi.json").json()["servers"] == [{"url": base}]
    assert f"{base}/help" in client.get(f"{path}/llms.txt").text
    refused = client.post(f"{path}/mcp", json={})
    assert refused.status_code == 401
    (metadata,) = re.findall(r'resource_metadata="([^"]+)"', refused.headers["www-authenticate"])
    resource = client.get(metadata).json()
    assert (resource["resource"], resource["authorization_servers"]) == (f"{base}/mcp", [base])
    server = client.get(f"/.well-known/oauth-authorization-server{path}").json()
    assert server["issuer"] == base
    assert client.get(server["authorization_endpoint"]).status_code == 400  # it is there, and wants parameters
    with home.sign_in(ALICE) as alice:
        client.headers.update({"Authorization": f"Bearer {alice.token}", "Accept": "application/json"})
    made = client.post(f"{path}/contacts", json={"name": "Jane Doe"}).json()
    client.post(f"{path}/contacts", json={"name": "John Roe"})
    assert client.get(f"{path}/contacts/{made['id']}").json()["name"] == "Jane Doe"
    following = client.get(f"{path}/contacts?limit=1&format=csv").links["next"]["url"]
    assert following.startswith(f"{path}/contacts?")
    assert len(client.get(following).text.splitlines()) == 2
    assert client.post(f"{path}/contacts", content=b"x" * (2 << 20)).status_code == 413  # crmkit's own word


def forwarded(home: House, client: httpx.Client, path: str) -> None:
    """The address that counts is the proxy's word, whatever the client claims."""
    client.get(f"{path}/healthz", headers={"X-Forwarded-For": "192.0.2.1"})
    assert "192.0.2.1" not in home.logged()


@pytest.mark.parametrize(("program", "name"), [("nginx", "nginx.conf"), ("caddy", "Caddyfile")])
def test_the_sample_for_a_host_of_its_own_works(program: str, name: str, tmp_path: Path) -> None:
    with before(program, (SAMPLES / name).read_text(), tmp_path) as (home, client):
        works(home, client, "")
        forwarded(home, client, "")


@pytest.mark.parametrize(("program", "name"), [("nginx", "nginx-path.conf"), ("caddy", "Caddyfile-path")])
def test_the_sample_for_a_path_works_and_leaves_other_paths_alone(program: str, name: str, tmp_path: Path) -> None:
    with before(program, (SAMPLES / name).read_text(), tmp_path, "/crm") as (home, client):
        works(home, client, "/crm")
        forwarded(home, client, "/crm")
        lines = home.logged()
        for other in ("/crmx/help", "/help", "/.well-known/oauth-authorization-server/other"):
            assert "crmkit" not in client.get(other).text
        assert home.logged() == lines


def test_a_proxy_that_strips_the_path_works_too(tmp_path: Path) -> None:
    sample = (SAMPLES / "nginx-path.conf").read_text()
    (block,) = re.findall(r"^    location ~ .*?^    \}\n", sample, re.MULTILINE | re.DOTALL)
    places = re.sub(r"location ~ .* \{", "location /.well-known/ {", block)
    inside = re.sub(r"location ~ .* \{", "location /crm/ {", block).replace("http://crmkit;", "http://crmkit/;")
    with before("nginx", sample.replace(block, places + inside), tmp_path, "/crm") as (home, client):
        works(home, client, "/crm")
