"""`crmkit import FILE`: sends a file to a server, shows the plan, asks, and shows how far the import is.

It speaks HTTP as any client: CRMKIT_URL names the server, CRMKIT_TOKEN is the token.
"""

import http.client
import json
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, TextIO
from urllib.parse import urlencode, urlsplit

from msgspec import Struct

URL, TOKEN = "CRMKIT_URL", "CRMKIT_TOKEN"
LOCAL = "http://127.0.0.1:8000"
TIMEOUT_SECONDS = 600  # of one answer: a plan of a large file takes a while
PIECE = 256 * 1024  # bytes that are sent at once
LOOK_SECONDS = (0.1, 2.0)  # between two looks how far it is: at first, and at last, since each slows it
SHOWN = 20  # refused rows
COLUMN = "column/"  # begins a line of the plan, which the outcome does not repeat
LINE_SECONDS = 5.0  # between two lines where no terminal shows a bar
BAR = 30  # characters


class Refused(Exception):
    """What the server answered in place of what was asked for."""


class Upload(Struct, frozen=True):
    """A file that is sent, as far as it is written, by a name that tells what it is."""

    name: str
    body: BinaryIO

    def size(self) -> int:
        return self.body.seek(0, os.SEEK_END)

    def pieces(self) -> Iterator[bytes]:
        self.body.seek(0)
        while piece := self.body.read(PIECE):
            yield piece


class Server:
    """Sends requests to the server that the environment names."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Raise ValueError without a token, or for an address that is none."""
        self._token = environ.get(TOKEN, "").strip()
        self.url = environ.get(URL, "").strip() or LOCAL
        url = urlsplit(self.url)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ValueError(f"{URL} must be the address of the server, like {LOCAL}")
        if not self._token:
            raise ValueError(f"set {TOKEN} to a token (crmkit token --email you@example.com prints one) and {URL}")
        self._of = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        self._host, self._port, self._base = url.hostname, url.port, url.path.rstrip("/")

    def text(self, method: str, path: str, **more: Any) -> str:
        return self._answer(method, path, "text/plain", **more).rstrip("\n")

    def json(self, method: str, path: str, **more: Any) -> Any:
        return json.loads(self._answer(method, path, "application/json", **more))

    def _answer(self, method: str, path: str, accept: str, file: Upload | None = None) -> str:
        """Return the body of an answer; raises Refused for an error, OSError where no server answers."""
        connection = self._of(self._host, self._port, timeout=TIMEOUT_SECONDS)
        headers = {"Authorization": f"Bearer {self._token}", "Accept": accept}
        try:
            if file is None:
                connection.request(method, self._base + path, headers=headers)
            else:
                boundary = secrets.token_hex(16)
                head, tail = _around(file.name, boundary)
                headers["Content-Type"] = f"multipart/form-data; boundary={boundary}"
                headers["Content-Length"] = str(len(head) + file.size() + len(tail))
                # a server that refuses answers before it has all of the file, and closes
                with suppress(BrokenPipeError, ConnectionResetError):
                    connection.request(method, self._base + path, _form(head, file, tail), headers)
            answer = connection.getresponse()
            text = answer.read().decode("utf-8", "replace")
        except (http.client.HTTPException, BrokenPipeError, ConnectionResetError) as error:
            raise OSError(f"the server at {self._host} ended the connection ({type(error).__name__})") from None
        finally:
            connection.close()
        if answer.status >= 400:
            raise Refused(_told(text) if accept == "application/json" else text.rstrip("\n"))
        return text


def _told(text: str) -> str:
    """Return an error that was sent as JSON as the server's text would have it; what is no such JSON as it is."""
    try:
        found = json.loads(text)
        fields = [f"FIELD {name}  {what}" for name, what in found.get("fields", {}).items()]
        return "\n".join([f"ERROR {found['error']}", *fields, f"HINT  {found['hint']}"])
    except (ValueError, KeyError, AttributeError):
        return text.strip()


def exit_status(server: Server, work: Callable[[], int]) -> int:
    """Return the exit status of work with a server; what the server refuses is told on standard error."""
    try:
        return work()
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    except ConnectionRefusedError:
        raise OSError(f"no server answers at {server.url}: start one, or set {URL}") from None


def run(server: Server, file: Upload, sent: Mapping[str, str], is_dry: bool, is_agreed: bool) -> int:
    """Plan the import, ask whether it is to run unless that `is_agreed`, and run it; return the exit status."""
    if is_dry:
        print(server.text("POST", f"/import?{urlencode({**sent, 'dry_run': '1'})}", file=file))
        return 0
    found = imported(server, file, sent, is_agreed)
    return 0 if found and found["state"] == "done" else 1


def imported(server: Server, file: Upload, sent: Mapping[str, str], is_agreed: bool) -> Any:
    """Return an import once it has ended, None where nobody agreed to it; plan and outcome are printed."""
    path = f"/imports/{server.json('POST', f'/import?{urlencode(sent)}', file=file)['id']}"
    print(server.text("GET", f"{path}?limit={SHOWN}"), flush=True)
    if not is_agreed and not _agrees():
        print(f"not started: POST {path}/start starts it, DELETE {path} drops it", file=sys.stderr)
        return None
    server.json("POST", f"{path}/start")
    try:
        found = _watched(server, path, sys.stderr)
    except KeyboardInterrupt:
        print(f"\nit goes on: GET {path} tells how far it is, DELETE {path} stops it", file=sys.stderr)
        raise
    outcome = server.text("GET", f"{path}?limit={SHOWN}").splitlines()
    print("\n".join(line for line in outcome if not line.startswith(COLUMN)), flush=True)
    return found


def _agrees() -> bool:
    """Ask on a terminal whether to go on; without one nobody can agree."""
    if not sys.stdin.isatty():
        print("there is no terminal to ask on: add --yes to run it", file=sys.stderr)
        return False
    return input("Import this? [y/N] ").strip().lower() in ("y", "yes")


def _watched(server: Server, path: str, out: TextIO) -> Any:
    """Return the import once it has ended; a terminal shows a bar meanwhile, anything else gets lines."""
    began = told_at = time.monotonic()
    pause, longest = LOOK_SECONDS
    while True:
        found = server.json("GET", f"{path}?limit=0")
        has_ended = found["state"] != "running"
        now = time.monotonic()
        if out.isatty():
            print(f"\r{bar(found, now - began)}", end="\n" if has_ended else "", file=out, flush=True)
        elif has_ended or now - told_at >= LINE_SECONDS:
            told_at = now
            print(f"{found['done']} of {found['rows']} rows", file=out, flush=True)
        if has_ended:
            return found
        time.sleep(pause)
        pause = min(2 * pause, longest)


def bar(found: Mapping[str, Any], seconds: float) -> str:
    """Return how far an import is, as a bar with figures."""
    done, of = found["done"], found["rows"]
    full = BAR * done // of if of else BAR
    rate = f"{done / seconds:,.0f} rows/s" if seconds > 0 else ""
    return f"[{'#' * full}{'.' * (BAR - full)}] {done:,} of {of:,} rows, {found['refused']:,} refused  {rate}".rstrip()


def mapped(pairs: Sequence[str]) -> dict[str, str]:
    """Return the parameters of COLUMN=FIELD pairs; raises ValueError for one that is none."""
    found = {}
    for pair in pairs:
        column, sign, field = pair.rpartition("=")
        if not sign or not column:
            raise ValueError(f"--map {pair}: write COLUMN=FIELD (nothing after the = leaves the column out)")
        found[f"map.{column}"] = field
    return found


def _around(name: str, boundary: str) -> tuple[bytes, bytes]:
    """Return what stands before and after a file in a form (RFC 7578)."""
    quoted = name.replace("\\", "_").replace('"', "%22").replace("\r", "").replace("\n", "")
    disposition = f'Content-Disposition: form-data; name="file"; filename="{quoted}"'
    head = f"--{boundary}\r\n{disposition}\r\nContent-Type: application/octet-stream\r\n\r\n"
    return head.encode("utf-8", "replace"), f"\r\n--{boundary}--\r\n".encode()


def _form(head: bytes, file: Upload, tail: bytes) -> Iterator[bytes]:
    yield head
    yield from file.pieces()
    yield tail


def main(file: str, kind: str | None, mode: str | None, pairs: Sequence[str], is_dry: bool, is_agreed: bool) -> int:
    """Run the command; raises ValueError, OSError."""
    sent = {name: text for name, text in (("kind", kind), ("mode", mode)) if text}
    sent |= mapped(pairs)
    server, path = Server(os.environ), Path(file)
    try:
        body = path.open("rb")
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}") from None
    with body:
        return exit_status(server, lambda: run(server, Upload(path.name, body), sent, is_dry, is_agreed))
