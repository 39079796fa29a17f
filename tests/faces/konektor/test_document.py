"""Every example request of the document works, and the answer has every field that the document shows."""

import json
import os
import re
import shlex
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from crmkit.faces.konektor.examples import CODE, ID
from tests.faces.requests import ALL
from tests.house import Person
from tests.teams.office import Team, new

DOCUMENT = (Path(__file__).parent / "SKILL-2.2.0.txt").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"^(curl (?:.*\\\n)*.*)\n(\{\n(?:.*\n)*?\})$", re.MULTILINE)
P = "/api/v2/agent"
ROUTES = next(face for face in ALL if face.name == "konektor").routes


class Example(NamedTuple):
    method: str
    path: str
    body: Any
    answer: Any


def examples() -> list[Example]:
    """Return the requests that are spelled out, with their answers."""
    found = []
    for command, answer in EXAMPLE.findall(DOCUMENT):
        words = shlex.split(command.replace("\\\n", " "))
        options = dict(pairwise(words))
        body = json.loads(options["-d"]) if "-d" in options else None
        path = words[-1].removeprefix("https://konektor.id")
        found.append(Example(options.get("-X", "GET"), path, body, json.loads(answer)))
    return found


def same_shape(shown: Any, got: Any, at: str = "$") -> None:
    """Assert that an answer has every member shown, of the same type unless one of both is null."""
    if isinstance(shown, dict):
        assert isinstance(got, dict), at
        for name, inner in shown.items():
            assert name in got, f"{at}.{name}"
            same_shape(inner, got[name], f"{at}.{name}")
    elif isinstance(shown, list):
        assert isinstance(got, list), at
        assert got or not shown, at
        for each in got:
            same_shape(shown[0], each, f"{at}[]")
    elif shown is not None and got is not None:
        numbers = (int, float)
        assert type(got) is type(shown) or (isinstance(got, numbers) and isinstance(shown, numbers)), (at, shown, got)
        if isinstance(shown, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]+\.\d{3}Z", shown):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]+\.\d{3}Z", got), at


def filled(alice: Person) -> str:
    """Fill a workspace so that no list in the document would be empty; return the id of a lead."""
    id = new(alice, "/contacts", name="Budi Santoso", phone="+6281234567890", ad_platform="meta", source="ads")
    won = new(alice, "/contacts", first_name="Andi", ad_platform="meta", stage="won", actual_cents=100)
    campaign = new(alice, "/campaigns", name="Promo Januari", ad_platform="meta")
    for each in (id, won):
        assert alice.post(f"/campaigns/{campaign}/members", json={"id": each}).status_code < 300
    return id


def test_the_document_spells_out_eleven_requests() -> None:
    assert len(examples()) == 11


@pytest.mark.parametrize("example", examples(), ids=lambda example: f"{example.method} {example.path}")
def test_an_example_of_the_document_works_and_its_answer_has_every_field(us: Team, example: Example) -> None:
    path = re.sub(r"lead_\w+", filled(us.alice), example.path)
    answer = us.alice.send_it(example.method, path, example.body, headers={"Accept": "text/plain"})
    assert answer.status_code in (200, 201), answer.text
    assert answer.headers["Content-Type"] == "application/json"
    same_shape(example.answer, answer.json())


def test_the_document_of_this_server_tells_every_route_and_has_no_hole(us: Team) -> None:
    answer = us.home.visitor().get(f"{P}/SKILL.md")
    assert answer.headers["Content-Type"] == "text/markdown; charset=utf-8"
    paths = re.findall(r"^Path(/api\S+)$", DOCUMENT, re.MULTILINE)
    assert len(paths) == 12
    for path in (*paths, f"{P}/leads/upsert"):
        assert f"| Path | {path} |" in answer.text
    assert "${" not in answer.text
    assert "{id}" not in answer.text
    assert answer.text.count("### ") == 13
    for words in re.findall(r"^(?:Lead \w+|Ad Platforms|Timeframes): (.*)$", DOCUMENT, re.MULTILINE):
        assert words in answer.text


OWN = re.compile(r"^### (.+)\n(?:.*\n)*?```sh\n(.+)\n```\n(?:\n```json\n(.+)\n```)?", re.MULTILINE)


def test_each_example_of_the_document_of_this_server_works_as_printed_and_is_answered_in_its_shape(us: Team) -> None:
    id = filled(us.alice)
    new(us.alice, "/conversions", contact_id=id, platform="meta", occurred_at="2026-06-10T08:00:00Z")
    found = OWN.findall(us.home.visitor().get(f"{P}/SKILL.md").text)
    assert len(found) == len(ROUTES)
    environment = {**os.environ, "KONEKTOR_API_KEY": us.alice.token}
    for title, command, shown in found:
        printed = command.replace(ID, id).replace("curl ", "curl --silent --show-error --fail-with-body ", 1)
        done = subprocess.run(["sh", "-c", printed], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (title, done.stdout, done.stderr)
        assert bool(shown) is (title != "Skill")
        if shown:
            answer = json.loads(done.stdout)
            same_shape(json.loads(shown), answer)
            same_shape(answer, json.loads(shown))
            assert answer["data"], title
    assert us.alice.get(f"{P}/leads?search=jane@example.com").json()["pagination"]["total"] == 1


def test_the_document_of_this_server_says_how_a_lead_is_found_and_what_an_error_looks_like(us: Team) -> None:
    text = us.home.visitor().get(f"{P}/SKILL.md").text
    assert f"like `code:{CODE}`" in text
    new(us.alice, "/contacts", name="Jane", code=CODE)
    assert us.alice.get(f"{P}/leads/code:{CODE}").json()["data"]["uniqueCode"] == CODE
    refusal = us.alice.post(f"{P}/leads", json={})
    assert refusal.status_code == 400
    assert f"```json\n{refusal.text.strip()}\n```" in text


def test_the_document_of_this_server_says_when_a_first_name_is_needed(us: Team) -> None:
    text = us.home.visitor().get(f"{P}/SKILL.md").text
    says = [line.rpartition("characters.")[2] for line in text.split("\n") if line.startswith("| firstName |")]
    assert says == [" Required. |", " Required where it creates a lead. |", " |"]
    lead = {"phone": "+4930999999"}
    missing = us.alice.post(f"{P}/leads/upsert", json=lead)
    assert (missing.status_code, missing.json()["error"]["details"]) == (400, {"firstName": "Required"})
    assert us.alice.post(f"{P}/leads/upsert", json={**lead, "firstName": "Jane"}).status_code == 201
    assert us.alice.post(f"{P}/leads/upsert", json={**lead, "status": "won"}).status_code == 200
