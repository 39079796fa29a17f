"""The operator lists people, workspaces and tokens, and switches accounts and plans, beside a server that notices."""

import json
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from crmkit import ids
from crmkit.core.webhooks import maker
from crmkit.render import parse
from crmkit.storage.webhooks import keys
from tests.house import ALICE, BOB, ROOM, House, Person, house, process, run
from tests.teams import office as desk
from tests.teams.office import JSON, new
from tests.teams.rights.matrix import NOWHERE as RECEIVER
from tests.web.connecting import App

PLANS = '[plans.small]\ncontacts = 1\naudit_days = 30\n[plans."two words"]\n'

pytestmark = pytest.mark.slow  # each command is a process

NOWHERE = ids.numbered("ws", 7)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    file = tmp_path / "crmkit.toml"
    file.write_text(PLANS)
    with house(tmp_path / "data", file=file) as running:
        yield running


def operated(home: House, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    done = run(*arguments, "--data", str(home.folder), cwd=home.folder.parent, **ROOM)
    assert done.returncode == status, done
    return done


def joined(home: House, alice: Person) -> Person:
    """Return Bob, a member of Alice's workspace."""
    workspace = alice.json_of("GET", "/whoami")["workspace"]
    alice.post(f"/workspaces/{workspace}/invites", json={"email": BOB, "role": "member"})
    return home.sign_in(BOB)


def user_of(person: Person) -> str:
    found: str = person.json_of("GET", "/whoami")["user"]
    return found


def test_a_disabled_account_is_refused_from_the_next_request_and_gets_back_what_it_had(home: House) -> None:
    with home.sign_in(ALICE) as alice, joined(home, alice) as bob:
        app = App(home)
        app_token = app.token(BOB)
        further = App(home)
        code = further.allowed(BOB)["code"]
        link = bob.json_of("POST", "/links", {"path": "/contacts"})["url"]
        assert bob.post("/auth/request", json={"email": BOB}).status_code == 200
        mailed = home.letterbox.code_for(BOB)
        assert bob.get("/whoami").status_code == 200  # so it is cached who that is

        assert operated(home, "users", "disable", "Bob@Example.com").stdout == f"{BOB} is disabled\n"
        assert bob.get("/whoami").status_code == 401
        with Person(home.url, app_token) as connected, home.stranger() as someone:
            assert connected.get("/whoami").status_code == 401
            assert someone.get(link.removeprefix(home.url)).status_code >= 400
            entry = {"email": BOB, "code": mailed}
            assert "ERROR invalid_code" in someone.text("POST", "/auth/verify", entry)
            unknown = someone.post("/auth/request", json={"email": "nobody@example.com"}, headers=JSON)
            known = someone.post("/auth/request", json={"email": BOB}, headers=JSON)
        assert known.json().keys() == unknown.json().keys()
        assert known.text.replace(BOB, "nobody@example.com") == unknown.text
        letter = home.letterbox.letters[-1]
        assert (letter.to, letter.subject) == (BOB, "Your crmkit account is disabled")
        refused = further.redeem(code)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
        assert "disabled" in refused.json()["error_description"]
        assert alice.get("/whoami").status_code == 200
        entry = alice.json_of("GET", "/audit?action=member.update")["items"][0]
        assert (entry["by"], entry["changes"]) == ("operator", {"disabled": [False, True]})

        assert operated(home, "users", "enable", BOB).stdout == f"{BOB} is enabled\n"
        assert bob.get("/whoami").status_code == 200
        with Person(home.url, app_token) as connected:
            assert connected.get("/whoami").status_code == 200
        home.clock.move(minutes=1)
        home.sign_in(BOB).close()
    assert operated(home, "users", "enable", BOB).stdout == f"{BOB} was already enabled\n"


def test_invites_of_a_disabled_account_are_withdrawn_and_those_of_others_stay(home: House) -> None:
    with home.sign_in(ALICE) as alice, joined(home, alice) as bob:
        workspace = alice.json_of("GET", "/whoami")["workspace"]
        desk.stepped(home, alice, "POST", f"/workspaces/{workspace}/members/{user_of(bob)}/role", {"role": "admin"})
        for person, invited in ((bob, "dave@example.com"), (alice, "erin@example.com")):
            assert person.post(f"/workspaces/{workspace}/invites", json={"email": invited}).status_code == 201
        operated(home, "users", "disable", BOB)
        waiting = alice.json_of("GET", f"/workspaces/{workspace}/members")["invites"]
        assert [invite["email"] for invite in waiting] == ["erin@example.com"]
        gone = alice.json_of("GET", "/audit?action=invite.delete")["items"]
        assert [(entry["by"], entry["changes"]["email"]) for entry in gone] == [
            ("operator", ["dave@example.com", None])
        ]
        with home.sign_in("dave@example.com") as dave:
            assert workspace not in [each["id"] for each in dave.json_of("GET", "/workspaces")["items"]]
        operated(home, "users", "enable", BOB)
        assert alice.json_of("GET", f"/workspaces/{workspace}/members")["invites"] == waiting


def test_an_admin_stays_as_long_as_all_others_are_disabled(home: House) -> None:
    with home.sign_in(ALICE) as alice, joined(home, alice) as bob:
        own = f"/workspaces/{alice.json_of('GET', '/whoami')['workspace']}/members/{user_of(alice)}"
        desk.stepped(home, alice, "POST", f"{own.removesuffix(user_of(alice))}{user_of(bob)}/role", {"role": "admin"})
        operated(home, "users", "disable", BOB)
        for answer in (
            alice.delete(own, headers=JSON),
            alice.post(f"{own}/role", json={"role": "member"}, headers=JSON),
        ):
            assert desk.error_of(answer) == (409, "last_admin")
            assert f"{ALICE} is the only admin whose account is enabled" in answer.json()["hint"]
        operated(home, "users", "enable", BOB)
        assert alice.delete(own).status_code == 200


def test_webhooks_of_a_disabled_account_pause(home: House) -> None:
    with home.sign_in(ALICE) as alice:
        workspace, id = alice.json_of("GET", "/whoami")["workspace"], new(alice, "/webhooks", url=f"{RECEIVER}/1")
    read = partial(home.crm.database.read, None)
    key = home.do(read(keys.find, workspace, id))
    assert key is not None
    assert home.do(read(maker.lacks, home.crm.kinds, key, ["*"])) == ""
    operated(home, "users", "disable", ALICE)
    assert home.do(read(maker.lacks, home.crm.kinds, key, ["*"])) == "the account of who wrote it last is disabled"


def test_the_only_admin_may_be_disabled_which_is_told(home: House) -> None:
    with home.sign_in(ALICE) as alice:
        workspace = alice.json_of("GET", "/whoami")["workspace"]
        told = operated(home, "users", "disable", ALICE)
        assert told.stderr == f"crmkit: workspace/{workspace} has no other admin\n"
        assert alice.get("/whoami").status_code == 401
    done = operated(home, "token", "--email", ALICE, status=1)
    assert done.stderr == f"crmkit: {ALICE} is disabled, so no token works: crmkit users enable {ALICE}\n"


def test_a_plan_counts_from_the_next_request_and_takes_nothing_away(home: House) -> None:
    with home.sign_in(ALICE) as alice:
        for name in ("Jane", "Joe"):
            new(alice, "/contacts", name=name)
        workspace = alice.json_of("GET", "/whoami")["workspace"]
        told = operated(home, "workspaces", "plan", workspace, "small")
        assert told.stdout == f"workspace/{workspace} has the plan small (before: unlimited)\n"
        assert told.stderr == "crmkit: it holds 2 contacts, 1 are allowed: no more can be made\n"
        card = alice.json_of("GET", "/whoami")
        assert (card["plan"], card["audit_days"], card["usage"]["contacts"]) == ("small", 30, {"used": 2, "cap": 1})
        assert desk.error_of(alice.post("/contacts", json={"name": "Jim"}, headers=JSON)) == (403, "plan_limit_reached")
        assert alice.json_of("GET", "/audit?limit=1")["items"][0]["changes"] == {"plan": ["unlimited", "small"]}
        assert operated(home, "workspaces", "plan", f"workspace/{workspace}", "unlimited").stderr == ""
        assert alice.post("/contacts", json={"name": "Jim"}).status_code == 201


def test_a_plan_that_the_settings_do_not_declare_allows_the_least_and_is_told(tmp_path: Path) -> None:
    file, folder = tmp_path / "crmkit.toml", tmp_path / "data"
    (tmp_path / "other.toml").write_text("[plans.ghost]\n")
    file.write_text(f"{PLANS}[plans.large]\ncontacts = 100\n")
    with house(folder, file=file) as home, home.sign_in(ALICE) as alice:
        workspace = alice.json_of("GET", "/whoami")["workspace"]
        operated(home, "workspaces", "plan", workspace, "ghost", "--config", "other.toml")
        told = f"the plan 'ghost' of workspace/{workspace} is not declared"
        new(alice, "/contacts", name="Jane")
        assert desk.error_of(alice.post("/contacts", json={"name": "Jim"}, headers=JSON)) == (403, "plan_limit_reached")
        card = alice.json_of("GET", "/whoami")
        assert (card["plan"], card["audit_days"], card["usage"]["contacts"]) == ("ghost", None, {"used": 1, "cap": 1})
        listing = operated(home, "workspaces", "list")
        assert "plan=ghost" in listing.stdout
        assert listing.stderr.startswith(f"crmkit: {told}")
        assert f"BAD  plans: {told}" in operated(home, "doctor", status=1).stdout
        assert f"BAD  plans: {told}" in home.visitor().get("/doctor").text
    with process(folder) as served:
        assert f"crmkit: {told}" in served.output.read_text()
    file.write_text(f"{PLANS}[plans.ghost]\n")
    with process(folder) as served:
        assert served.output.read_text().count("is not declared") == 1  # of the start before


def test_lists_are_a_line_each_or_json(home: House) -> None:
    with home.sign_in(ALICE, "a token  of mine") as alice:
        new(alice, "/contacts", name="Jane")
        card = alice.json_of("GET", "/whoami")
        token = alice.json_of("GET", "/tokens")["items"][0]
    account, workspace, held = (
        json.loads(operated(home, what, "list", "--json").stdout)["items"] for what in ("users", "workspaces", "tokens")
    )
    at = "2026-06-10T09:00:00Z"
    assert account == [
        {
            **{"handle": f"user/{card['user']}", "email": ALICE, "created_at": at, "disabled_at": None},
            **{"workspaces": 1, "tokens": 1, "last_used_at": at},
        }
    ]
    assert workspace == [
        {
            **{"handle": f"workspace/{card['workspace']}", "name": ALICE, "plan": "unlimited", "members": 1},
            **{"records": 1, "created_at": at, "created_by": ALICE},
        }
    ]
    assert held == [
        {
            **{"handle": f"token/{token['id']}", "email": ALICE, "workspace": card["workspace"]},
            **{"name": "a token  of mine", "access": "full", "is_app": False},
            **{"created_at": at, "last_used_at": at, "expires_at": None},
        }
    ]
    for what, (told,) in (("users", account), ("workspaces", workspace), ("tokens", held)):
        (line,) = operated(home, what, "list").stdout.splitlines()
        handle, fields = parse.split(line)
        said = {path[0]: parse.value(raw) for path, raw in fields}
        assert {"handle": handle, **said} == {name: content for name, content in told.items() if content is not None}
    assert alice.token not in operated(home, "tokens", "list").stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("users", "disable", "nobody@example.com"), "nobody@example.com has no account: crmkit users list"),
        (("users", "disable", "nobody"), "EMAIL "),
        (("workspaces", "plan", "ws_1", "small"), "WS "),
        (
            ("workspaces", "plan", NOWHERE, "smal"),
            "no plan is called 'smal' (did you mean small?); crmkit.toml declares: ",
        ),
        (("workspaces", "plan", NOWHERE, "small"), f"there is no workspace {NOWHERE}: crmkit workspaces list"),
    ],
    ids=str,
)
def test_what_does_not_exist_is_told_and_changes_nothing(home: House, arguments: tuple[str, ...], told: str) -> None:
    done = operated(home, *arguments, status=1)
    assert done.stdout == ""
    assert done.stderr.startswith(f"crmkit: {told}")
    assert len(done.stderr.splitlines()) == 1


def test_a_plan_of_a_file_that_was_not_read_says_so(home: House) -> None:
    (home.folder.parent / "crmkit.toml").unlink()
    done = operated(home, "workspaces", "plan", NOWHERE, "small", status=1)
    assert done.stderr == (
        "crmkit: no plan is called 'small'; no settings file was read (--config names one), so there is: unlimited\n"
    )
