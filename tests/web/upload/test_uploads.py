"""Files as bodies: written to the data folder as they come, handed to the handler, removed unless a unit kept them."""

import asyncio
import hashlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from crmkit.core.transfer import uploads
from crmkit.errors import Problem
from crmkit.render.answers import Answer, done
from crmkit.storage import growing
from crmkit.storage.interface.tx import Tx
from crmkit.storage.transfer import kept
from crmkit.web.call import HttpCall
from crmkit.web.route import BadRoute, Route, route
from crmkit.web.upload.form import MAX_FIELDS
from crmkit.web.upload.receiving import AT_ONCE, PIECE
from tests.house import ALICE, CHARLIE, UNLIMITED, House, Person, house
from tests.web.connection.raw import answer, connected, head

MIB = 1024**2
FOREVER = 20  # seconds


def told(call: HttpCall, value: dict[str, Any]) -> Answer:
    return done("taken", value)


async def cut() -> None:
    """An effect at which the request ends, as when the server stops."""
    raise asyncio.CancelledError


@route("POST", "/files", summary="takes a file", area="workspace", verb="write", consent="free", shows=told,
       uploads=True, query=("keep", "fail", "cut"))  # fmt: skip
async def take(call: HttpCall) -> Any:
    upload, asked = call.upload, call.parameters()

    def unit(tx: Tx) -> dict[str, Any]:
        if "fail" in asked:
            raise Problem("invalid_value", "It fails.")
        if "cut" in asked:
            tx.after(cut)
        if asked.keys() & {"keep", "cut"}:
            upload.keep(tx)
        if asked.get("keep") == "fail":
            raise Problem("invalid_value", "It fails.")
        mode = oct(upload.path.stat().st_mode & 0o777)
        digest = hashlib.sha256(upload.path.read_bytes()).hexdigest()
        facts = {"file": upload.path.name, "mode": mode, "size": upload.size, "sha256": digest, "name": upload.name}
        return {**facts, "type": upload.content_type, "fields": dict(upload.fields)}

    return await call.write(unit)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    more = {"CRMKIT_LIMITS_IMPORT_MIB": "2", "CRMKIT_LIMITS_STALL_SECONDS": "1"}
    with house(tmp_path / "data", {**UNLIMITED, **more}, more=[take]) as running:
        yield running


def files(home: House) -> list[Path]:
    return list((home.folder / "uploads").glob("*"))


def becomes_empty(home: House) -> None:
    deadline = time.monotonic() + FOREVER
    while files(home):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def begun(home: House, count: int) -> None:
    """Return once so many files are being written."""
    deadline = time.monotonic() + FOREVER
    while len(files(home)) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_file_that_a_durable_row_names_stays_though_the_request_is_cut(home: House, alice: Person) -> None:
    assert alice.post("/files?cut", content=b"x").status_code == 503
    assert len(files(home)) == 1


@pytest.mark.parametrize("query", ["keep=fail", "cut&keep=fail", "cut&dry_run=1"])
def test_a_file_that_no_row_names_after_all_is_removed(home: House, alice: Person, query: str) -> None:
    alice.post(f"/files?{query}", content=b"x")
    assert files(home) == []


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * MIB])
def test_a_body_is_handed_on_as_a_file_and_removed_after_the_answer(home: House, alice: Person, size: int) -> None:
    body = bytes(n % 251 for n in range(251)) * (size // 251 + 1)
    body = body[:size]
    headers = {"Content-Type": "text/csv; charset=utf-16", "Accept": "application/json"}
    found = alice.post("/files", content=body, headers=headers).json()
    assert (found["size"], found["sha256"]) == (size, hashlib.sha256(body).hexdigest())
    assert (found["mode"], found["name"], found["type"]) == ("0o600", "", "text/csv; charset=utf-16")
    assert files(home) == []
    assert oct((home.folder / "uploads").stat().st_mode & 0o777) == "0o700"


def test_a_form_hands_on_its_file_and_its_other_fields(home: House, alice: Person) -> None:
    body = b"name\r\n--x\r\n" * 50_000
    form = {"files": {"data": ("C:\\files\\../people.csv", body, "text/csv")}, "data": {"kind": "contacts", "ü": "é"}}
    found = alice.post("/files", headers={"Accept": "application/json"}, **form).json()
    assert (found["size"], found["sha256"]) == (len(body), hashlib.sha256(body).hexdigest())
    assert (found["name"], found["type"]) == ("people.csv", "text/csv")
    assert found["fields"] == {"kind": "contacts", "ü": "é"}
    assert files(home) == []


def test_a_chunked_body_is_taken_and_measured_as_it_comes(home: House, alice: Person) -> None:
    def pieces(count: int) -> Iterator[bytes]:
        for _ in range(count):
            yield b"x" * 100_000

    assert alice.post("/files", content=pieces(20)).status_code == 200
    answered = alice.post("/files", content=pieces(22))
    assert answered.status_code == 413
    assert "at most 2 MiB" in answered.text
    assert files(home) == []


def test_a_body_that_announces_too_much_is_refused_at_once(home: House, alice: Person) -> None:
    with connected(home.url) as connection:
        lines = (f"Content-Length: {2 * MIB + 1}", "Expect: 100-continue")
        connection.sendall(head("POST", "/files", *lines, token=alice.token))
        status, _, body = answer(connection)
        assert (status, body.splitlines()[0]) == (413, "ERROR too_large")
    assert files(home) == []


def test_nothing_is_read_of_a_stranger(home: House) -> None:
    with connected(home.url) as connection:
        connection.sendall(head("POST", "/files", "Content-Length: 1000", "Expect: 100-continue"))
        assert answer(connection)[0] == 401
    assert not (home.folder / "uploads").exists()


def sending(home: House, person: Person, connection: socket.socket) -> None:
    """Begin to send a file that does not end."""
    connection.sendall(head("POST", "/files", f"Content-Length: {MIB}", token=person.token) + b"x" * PIECE)


def test_a_client_that_goes_away_leaves_no_file(home: House, alice: Person) -> None:
    with connected(home.url) as connection:
        sending(home, alice, connection)
        begun(home, 1)
    becomes_empty(home)


@pytest.mark.slow
def test_a_client_that_stalls_is_refused_and_leaves_no_file(home: House, alice: Person) -> None:
    with connected(home.url) as connection:
        sending(home, alice, connection)
        begun(home, 1)
        status, _, body = answer(connection)
        assert (status, body.splitlines()[0]) == (408, "ERROR request_timeout")
    becomes_empty(home)


def test_uploads_of_one_workspace_at_once_are_bounded_and_take_nothing_from_others(home: House, alice: Person) -> None:
    connections = [socket.create_connection(("127.0.0.1", int(home.url.rpartition(":")[2]))) for _ in range(AT_ONCE)]
    for connection in connections:
        sending(home, alice, connection)
    begun(home, AT_ONCE)
    refused = alice.post("/files", content=b"x")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    with home.sign_in(CHARLIE) as charlie:
        assert charlie.post("/files", content=b"x").status_code == 200
    for connection in connections:
        connection.close()
    becomes_empty(home)
    assert alice.post("/files", content=b"x").status_code == 200


def test_a_file_stays_when_the_unit_that_kept_it_is_durable_and_only_then(home: House, alice: Person) -> None:
    for query, status in (("keep=1&fail=1", 400), ("keep=1&dry_run=1", 200), ("keep=1&other=1", 400)):
        assert alice.post(f"/files?{query}", content=b"x").status_code == status
        assert files(home) == []
    found = alice.json_of("POST", "/files?keep=1", b"x")
    assert [file.name for file in files(home)] == [found["file"]]
    assert home.crm.uploads.path(found["file"]).read_bytes() == b"x"
    home.crm.uploads.remove(found["file"])
    assert files(home) == []
    home.crm.uploads.remove(found["file"])


def test_a_file_under_a_key_is_taken_once_and_another_file_is_another_request(home: House, alice: Person) -> None:
    def sent(body: Any, **more: Any) -> httpx.Response:
        return alice.post("/files?keep=1", content=body, headers={"Idempotency-Key": "a", **more})

    first = sent(b"x")
    again = sent(b"x")
    assert (again.content, again.headers["Idempotent-Replayed"]) == (first.content, "true")
    assert len(files(home)) == 1
    assert sent(b"y").status_code == 422
    forms = [
        alice.post("/files", files={"file": ("a", b"x")}, data={"kind": kind}, headers={"Idempotency-Key": "b"})
        for kind in ("contacts", "contacts", "deals")
    ]  # each with a boundary of its own
    assert [each.status_code for each in forms] == [200, 200, 422]
    assert forms[1].headers["Idempotent-Replayed"] == "true"


@pytest.mark.sqlite  # elsewhere it may be on its way to another process
def test_what_no_row_names_is_removed_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "data"
    with house(folder, UNLIMITED, more=[take]) as home, home.sign_in(ALICE) as alice:
        names = [alice.json_of("POST", "/files?keep=1", b"x")["file"] for _ in range(3)]
    monkeypatch.setattr(kept, "names", lambda connection: {names[0]})
    assert uploads.kept is kept
    with house(folder, UNLIMITED) as home:
        assert [file.name for file in files(home)] == [names[0]]


@pytest.mark.parametrize(
    ("content_type", "body", "code", "hint"),
    [
        ("multipart/form-data", b"", "invalid_file", "boundary"),
        ("multipart/form-data; boundary=b", b"", "invalid_file", "end"),
        ("multipart/form-data; boundary=b", b"name\nJane\n", "invalid_file", "end"),
        ("multipart/form-data; boundary=b", b"--b\r\nX: y\r\n\r\nx\r\n--b--\r\n", "invalid_file", "Disposition"),
        ("multipart/form-data; boundary=b", b"--b--\r\n", "missing_field", "curl -F file=@FILE"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nJane',
            "invalid_file",
            "end",
        ),
    ],
)
def test_a_form_that_cannot_be_read_is_refused(
    home: House, alice: Person, content_type: str, body: bytes, code: str, hint: str
) -> None:
    answered = alice.post("/files", content=body, headers={"Content-Type": content_type})
    assert (answered.status_code, answered.text.splitlines()[0]) == (400, f"ERROR {code}")
    assert hint in answered.text
    assert files(home) == []


def test_a_form_has_one_file_and_few_small_fields_each_once(home: House, alice: Person) -> None:
    two = alice.post("/files", files=[("file", ("a", b"x")), ("more", ("b", b"y"))])
    assert (two.status_code, "FIELD more" in two.text) == (400, True)
    twice = alice.post("/files", files={"file": b"x"}, data={"kind": ["a", "b"]})
    assert (twice.status_code, "FIELD kind" in twice.text) == (400, True)
    assert alice.post("/files", files={"file": b"x"}, data={"kind": "a" * (MAX_FIELDS + 1)}).status_code == 413
    many = alice.post("/files", files={"file": b"x"}, data={f"f{n}": "a" for n in range(200)})
    assert many.status_code == 400
    assert files(home) == []


def test_a_coded_body_is_refused_by_its_name(home: House, alice: Person) -> None:
    answered = alice.post("/files", content=b"x", headers={"Content-Encoding": "gzip"})
    assert (answered.status_code, "gzip" in answered.text) == (415, True)
    assert files(home) == []


def test_a_disk_that_takes_no_more_is_told(home: House, alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    (home.folder / "uploads").write_text("stands in the way")
    answered = alice.post("/files", content=b"x")
    assert (answered.status_code, answered.headers["Retry-After"]) == (503, "60")
    assert "cannot be written" in answered.text


def test_a_large_file_leaves_room_on_the_disk(home: House, alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growing, "LOOK_BYTES", MIB)
    monkeypatch.setattr(growing, "FREE_BYTES", 1 << 60)
    assert alice.post("/files", content=b"x" * MIB).status_code == 200
    answered = alice.post("/files", content=b"x" * 2 * MIB)
    assert (answered.status_code, "disk is full" in answered.text) == (503, True)
    assert files(home) == []


def test_a_route_with_uploads_has_no_other_body(home: House) -> None:
    with pytest.raises(BadRoute, match="an upload is a file"):
        route("POST", "/f", area="workspace", verb="write", shows=told, uploads=True, is_batch=True)(take.handler)
    assert isinstance(take, Route)
