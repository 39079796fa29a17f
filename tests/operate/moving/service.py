"""Another service as a test has it: real HTTP on loopback, which answers GETs as it is told."""

import json
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.house import ROOT, Person, command

KEY = "sk_live_0123456789abcdef0123456789abcdef"


@dataclass
class Asked:
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass
class Reply:
    """What is answered: text as it is, else JSON; with the status 0 the connection ends without an answer."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Service:
    answers: Callable[[Asked], Reply]
    url: str = ""
    asked: list[Asked] = field(default_factory=list)

    def paths(self) -> list[str]:
        return [each.path for each in self.asked]


@contextmanager
def service(answers: Callable[[Asked], Reply]) -> Iterator[Service]:
    """Run a service on a free port of loopback until the block ends."""
    running = Service(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            place = urlsplit(self.path)
            asked = Asked(place.path, dict(parse_qsl(place.query)), {**self.headers})
            running.asked.append(asked)
            reply = running.answers(asked)
            if not reply.status:
                self.close_connection = True
                return
            body = (reply.body if isinstance(reply.body, str) else json.dumps(reply.body)).encode()
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    running.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


Done = subprocess.CompletedProcess[str]


def moved(to: Person, name: str, url: str, *arguments: str, **environ: str) -> Done:
    """Run the command that brings a service to the workspace of a person; addresses of this machine are allowed."""
    words, variables = command("import", "--from", name, url, "--allow-private", *arguments)
    variables |= {"CRMKIT_URL": str(to.base_url), "CRMKIT_TOKEN": to.token, "CRMKIT_FROM_KEY": KEY} | environ
    variables = {name: text for name, text in variables.items() if text}
    more: dict[str, Any] = {"capture_output": True, "text": True, "timeout": 60, "cwd": ROOT, "input": ""}
    return subprocess.run(words, env=variables, check=False, **more)


def listed(person: Person, path: str) -> list[dict[str, Any]]:
    """Return the items of a list."""
    found: list[dict[str, Any]] = person.json_of("GET", path)["items"]
    return found
