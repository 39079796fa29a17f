"""What is written at one process holds for the next request at another: no process keeps what another may change."""

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from tests import postgres
from tests.house import Person, run
from tests.storage.postgres.beside.processes import Processes
from tests.webhooks.making import made, standing
from tests.webhooks.receiver import Receiver, until

pytestmark = [
    pytest.mark.skipif(not postgres.SERVER, reason="`make test-postgres` starts a server"),
    pytest.mark.slow,
]

_NUMBERS = itertools.count()
CONFIG = "crmkit.toml"


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """Two processes that run, for all tests of this module."""
    folder = tmp_path_factory.mktemp("both")
    (folder / CONFIG).write_text("[plans.small]\ncontacts = 1\n")
    with ExitStack() as stack:
        found = Processes(folder / "data", stack)
        for _ in range(2):
            found.start("--config", str(folder / CONFIG))
        yield found


@pytest.fixture
def here(both: Processes) -> Iterator[Person]:
    """The admin of a new workspace, at one process."""
    with both.running[0].sign_in(f"alice{next(_NUMBERS)}@example.com") as person:
        yield person


@pytest.fixture
def there(both: Processes, here: Person) -> Iterator[Person]:
    """The same person with the same token, at the other."""
    with Person(both.running[1].url, here.token, here.email) as person:
        yield person


def done(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code in (200, 201), answer.text
    found: dict[str, Any] = answer.json()
    return found


def sent(person: Person, method: str, path: str, body: Any = None) -> dict[str, Any]:
    """Return the answer to a write that was done."""
    return done(person.send_it(method, path, body, headers={"Accept": "application/json"}))


def refused(person: Person, method: str, path: str, body: Any = None) -> str:
    """Return the code of an error."""
    answer = person.send_it(method, path, body, headers={"Accept": "application/json"})
    assert answer.status_code >= 400, answer.text
    code: str = answer.json()["error"]
    return code


def workspace_of(person: Person) -> dict[str, Any]:
    (found,) = person.json_of("GET", "/workspaces")["items"]
    return dict(found)


def test_a_declared_key(here: Person, there: Person) -> None:
    large = {"name": "Jane", "custom": {"size": "large"}}
    sent(there, "POST", "/contacts?dry_run=1", large)
    sent(here, "POST", "/fields", {"kind": "contact", "key": "size", "type": "number"})
    assert refused(there, "POST", "/contacts", large)
    sent(there, "POST", "/contacts", {"name": "Eve", "custom": {"size": 3}})
    until(lambda: there.json_of("GET", "/fields")["items"][0]["state"] == "ready", 30)
    assert there.json_of("GET", "/contacts?custom.size=gte:3")["total"] == 1


def test_a_pipeline(here: Person, there: Person) -> None:
    deal = {"title": "Roof", "stage": "signed"}
    stages = [{"name": "lead"}, {"name": "signed", "means": "won"}]
    assert sent(there, "POST", "/deals", deal)["status"] == "open"
    sent(here, "PUT", "/pipelines/deals", {"stages": stages, "strict": True})
    assert sent(there, "POST", "/deals", deal)["status"] == "won"
    assert refused(there, "POST", "/deals", {"title": "Roof", "stage": "ghost"})
    assert [each["name"] for each in there.json_of("GET", "/pipelines/deals")["stages"]] == ["lead", "signed"]


def test_a_scoring_rule(here: Person, there: Person) -> None:
    rule = sent(here, "POST", "/rules", {"name": "mail", "kind": "contact", "expression": 'email != ""', "weight": 7})
    jane = sent(there, "POST", "/contacts", {"name": "Jane", "email": "jane@acme.com"})
    assert there.json_of("GET", f"/contacts/{jane['id']}")["score"] == 7
    sent(here, "PATCH", f"/rules/{rule['id']}", {"weight": 9})
    eve = sent(there, "POST", "/contacts", {"name": "Eve", "email": "eve@acme.com"})
    assert there.json_of("GET", f"/contacts/{eve['id']}")["score"] == 9


def test_a_webhook(both: Processes, here: Person, there: Person, receiving: Receiver) -> None:
    hook = made(here, receiving, events=["contact.created"])
    sent(there, "POST", "/contacts", {"name": "Jane"})
    receiving.wait_for(1, 30)
    sent(there, "PATCH", f"/webhooks/{hook['id']}", {"active": False})
    assert standing(here, hook)["active"] is False


def test_a_plan(both: Processes, here: Person, there: Person) -> None:
    for name in ("Jane", "Eve"):
        sent(there, "POST", "/contacts", {"name": name})
    folder = both.folder.parent
    changed = run(
        "workspaces", "plan", workspace_of(here)["id"], "small", "--config", CONFIG, "--data", "data", cwd=folder
    )
    assert changed.returncode == 0, changed.stderr
    for person in (here, there):
        assert refused(person, "POST", "/contacts", {"name": "Ana"}) == "plan_limit_reached"


def test_settings_and_the_name_of_a_workspace(here: Person, there: Person) -> None:
    path = f"/workspaces/{workspace_of(here)['id']}"
    for name, value in (("name", "Renamed"), ("timezone", "Asia/Tokyo"), ("currency", "JPY"), ("language", "de")):
        assert there.json_of("GET", "/workspaces")["items"][0][name] != value
        sent(here, "PATCH", path, {name: value})
        assert there.json_of("GET", "/workspaces")["items"][0][name] == value
    assert "(Asia/Tokyo)" in there.text("GET", "/whoami")
    assert sent(there, "POST", "/deals", {"title": "Roof", "amount_cents": 100})["currency"] == "JPY"


def test_the_zone_of_a_person(here: Person, there: Person) -> None:
    assert "(Europe/Oslo)" not in there.text("GET", "/whoami")
    sent(here, "PATCH", "/me", {"timezone": "Europe/Oslo"})
    assert "(Europe/Oslo)" in there.text("GET", "/whoami")


def test_a_view(here: Person, there: Person) -> None:
    view = sent(here, "POST", "/views", {"name": "hot", "path": "/contacts?stage=hot"})
    sent(there, "POST", "/contacts", {"name": "Jane", "stage": "hot"})
    assert there.json_of("GET", "/views/hot")["total"] == 1
    sent(here, "PATCH", f"/views/{view['id']}", {"path": "/contacts?stage=cold"})
    assert there.json_of("GET", "/views/hot")["total"] == 0


def test_an_account_that_is_disabled(both: Processes, here: Person, there: Person) -> None:
    for verb, status in (("disable", 401), ("enable", 200)):
        found = run("users", verb, here.email, "--data", "data", cwd=both.folder.parent)
        assert found.returncode == 0, found.stderr
        for person in (here, there):
            assert person.get("/whoami").status_code == status


def test_a_token_that_ended(here: Person, there: Person) -> None:
    assert there.get("/whoami").status_code == 200
    (own,) = here.json_of("GET", "/tokens")["items"]
    sent(here, "DELETE", f"/tokens/{own['id']}")
    assert there.get("/whoami").status_code == 401


def test_a_confirm_token_is_good_at_another_process_once(here: Person, there: Person) -> None:
    path = f"/contacts/{sent(here, 'POST', '/contacts', {'name': 'Jane'})['id']}"
    asked = here.delete(path, headers={"Accept": "application/json"})
    confirm = asked.json()["confirm"]
    assert there.delete(f"{path}?confirm={confirm}").status_code == 200
    assert here.get(path).status_code in (404, 410)


def test_a_request_under_a_key_is_done_once_by_all(here: Person, there: Person) -> None:
    answers = [
        person.post(
            "/contacts", json={"name": "Jane"}, headers={"Idempotency-Key": "one", "Accept": "application/json"}
        )
        for person in (here, there, here)
    ]
    assert len({done(answer)["id"] for answer in answers}) == 1
    assert there.json_of("GET", "/contacts")["total"] == 1


def test_who_waits_for_changes_is_woken(here: Person, there: Person) -> None:
    now = there.json_of("GET", "/changes")["next_cursor"]
    found, began = list[Any](), time.monotonic()

    def wait() -> None:
        found.append(there.json_of("GET", f"/changes?wait=60&since={now}", timeout=90))

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.5)  # it waits by then, or looks after the write: both find it
    jane = sent(here, "POST", "/contacts", {"name": "Jane"})
    waiting.join(90)
    (item,) = found[0]["items"]
    assert jane["id"] in str(item)
    assert time.monotonic() - began < 30
