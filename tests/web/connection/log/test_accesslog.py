"""The access log: one line a request, that tells what happened and cannot be forged."""

import json
from pathlib import Path
from typing import Any

import pytest

from crmkit.render import parse
from tests.house import ALICE, House, Person, house

NASTY = [
    "evil\nat=2026-06-10T09:00:00Z  request=0  method=GET  path=/  status=200  ms=0.1  token=root",
    "two  spaces=x",
    'quote" \\back',
    "a\u2028\u0085\x1b[2J\u202ez",
    "null",
    "=",
]


def fields(line: str) -> dict[str, Any]:
    """Return what a line says; raises ValueError for a line that is not of this form."""
    assert line.isprintable()
    return {path[0]: parse.value(raw) for path, raw in parse.split(f"log  {line}")[1]}


def test_a_request_is_one_line_with_path_status_and_token_name_but_no_query_values(home: House, alice: Person) -> None:
    before = len(home.logged().splitlines())
    answer = alice.get("/contacts?search=canary&stage=lead")
    refused = alice.patch("/contacts/contact%2Fc_2?format=json", json={"name": "canary"})
    with home.stranger() as someone:
        health = someone.get("/healthz")
    lines = home.logged().splitlines()[before:]
    assert len(lines) == 3
    assert "canary" not in "".join(lines)
    told = [fields(line) for line in lines]
    assert all(isinstance(one.pop("ms"), int | float) for one in told)
    at = "2026-06-10T09:00:00Z"
    ids = [one.headers["X-Request-Id"] for one in (answer, refused, health)]
    assert told == [
        {"at": at, "request": ids[0], "method": "GET", "path": "/contacts", "status": 200, "token": "test"},
        {
            "at": at,
            "request": ids[1],
            "method": "PATCH",
            "path": "/contacts/{id}",
            "status": 404,
            "token": "test",
        },
        {"at": at, "request": ids[2], "method": "GET", "path": "/healthz", "status": 200},
    ]


def test_as_json_the_log_tells_the_same(tmp_path: Path) -> None:
    with house(tmp_path / "data", {"CRMKIT_SERVER_LOG": "json"}) as home, home.sign_in(ALICE, NASTY[0]) as alice:
        answer = alice.get("/contacts?search=canary")
        told = json.loads(home.logged().splitlines()[-1])
        assert told.pop("ms") >= 0
        assert told == {
            "at": "2026-06-10T09:00:00Z",
            "level": "info",
            "message": "GET /contacts 200",
            "request": answer.headers["X-Request-Id"],
            "method": "GET",
            "path": "/contacts",
            "status": 200,
            "token": NASTY[0],
        }
        assert home.logged().isascii()


@pytest.mark.slow
@pytest.mark.parametrize("name", NASTY)
def test_neither_a_path_nor_the_name_of_a_token_can_forge_a_line(home: House, name: str) -> None:
    with home.sign_in(ALICE, name) as alice:
        before = len(home.logged().split("\n"))
        alice.get("/whoami")
        part = name.replace("/", "")  # one segment of a path
        raw = "".join(f"%{byte:02x}" for byte in part.encode())
        assert alice.get(f"/contacts/{raw}").status_code == 404
        assert alice.get(f"/{raw}").status_code == 404
        lines = home.logged().split("\n")[before - 1 :]
    assert len(lines) == 4
    assert lines[3] == ""
    known, one, nowhere = (fields(line) for line in lines[:3])
    assert known["token"] == one["token"] == name
    assert (known["path"], one["path"], nowhere["path"]) == ("/whoami", "/contacts/{id}", "/*")
    assert set(nowhere) == {"at", "request", "method", "path", "status", "ms"}


def test_a_request_id_that_the_client_chose_is_marked_in_the_log(home: House) -> None:
    with home.stranger() as someone:
        own = someone.get("/healthz").headers["X-Request-Id"]
        chosen = someone.get("/healthz", headers={"X-Request-Id": own})
        assert chosen.headers["X-Request-Id"] == own
    first, second = (fields(line)["request"] for line in home.logged().splitlines())
    assert (first, second) == (own, f"client:{own}")
