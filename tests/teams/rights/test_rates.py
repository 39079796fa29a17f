"""Limits of requests by plan: all tokens of a workspace share them, no crowd passes them, and everyone is told."""

from pathlib import Path

import httpx
import pytest

from tests.core.crowd import Call, at_once, statuses
from tests.house import House, Person
from tests.teams.office import JSON, address, enter, error_of, team, working_in
from tests.teams.rights.test_plans import planned
from tests.web.connecting import rpc


def limit_of(answer: httpx.Response) -> tuple[int, int]:
    """Return the limit that an answer tells, and how many are left of it."""
    return int(answer.headers["X-RateLimit-Limit"]), int(answer.headers["X-RateLimit-Remaining"])


def put_on(home: House, workspace: str, plan: str) -> None:
    sql = "UPDATE workspaces SET plan = ? WHERE id = ?"
    home.do(
        home.crm.database.write(lambda tx: tx.connection.execute(sql, (plan, workspace)) and None, lanes=[workspace])
    )


def rates(person: Person) -> list[str]:
    """Return the lines of whoami that tell limits of requests."""
    return [line for line in person.text("GET", "/whoami").splitlines() if line.startswith("requests_")]


def test_all_tokens_of_a_workspace_share_the_limits_of_its_plan(tmp_path: Path) -> None:
    with planned(tmp_path, requests_per_minute=20, requests_per_10_minutes=300) as home:
        us = team(home)
        second = working_in(us.alice, us.id)
        before = us.alice.json_of("GET", "/whoami")["usage"]["requests_per_minute"]["used"]
        for number, person in enumerate((us.alice, second, us.bob, us.bob), before + 1):
            assert limit_of(person.get("/contacts")) == (20, 20 - number)
        used = before + 5
        assert rates(us.bob) == [f"requests_per_minute: {used} / 20", f"requests_per_10_minutes: {used} / 300"]
        used += 1
        shown = us.bob.json_of("GET", "/whoami")["usage"]
        assert shown["requests_per_minute"] == {"used": used, "cap": 20}
        assert shown["requests_per_10_minutes"] == {"used": used, "cap": 300}
        call = rpc("tools/call", {"name": "read", "arguments": {"path": "/whoami"}})
        assert f"requests_per_minute: {used + 1} / 20" in second.post("/mcp", json=call).text
        for left in reversed(range(19 - used)):
            assert limit_of(us.alice.get("/contacts/c_2")) == (20, left)
        for person in (us.alice, second, us.bob):
            refused = person.get("/whoami", headers=JSON)
            assert error_of(refused) == (429, "rate_limited")
            assert limit_of(refused) == (20, 0)
            assert 1 <= int(refused.headers["Retry-After"]) <= 60
            assert "This workspace's tokens, limited by its plan, have sent 20 requests within a minute" in refused.text
        text = second.post("/mcp", json=call).json()["result"]["content"][0]["text"]
        assert text.startswith("ERROR rate_limited\nHINT  This workspace's tokens")
        assert limit_of(us.charlie.get("/contacts"))[0] == 20
        assert error_of(us.charlie.get("/contacts/c_2", headers=JSON)) == (404, "not_found")


@pytest.mark.parametrize(
    ("rate", "span"), [("requests_per_minute", "a minute"), ("requests_per_10_minutes", "10 minutes")]
)
def test_of_two_hundred_requests_at_once_as_many_pass_as_the_plan_allows(tmp_path: Path, rate: str, span: str) -> None:
    with planned(tmp_path, **{rate: 50}) as home:
        alice = enter(home, address("alice"))
        workspace = alice.json_of("GET", "/whoami")["workspace"]
        tokens = [alice.token, working_in(alice, workspace).token]
        calls = [
            Call("GET", "/contacts", headers={"Authorization": f"Bearer {tokens[number % 2]}"}) for number in range(200)
        ]
        answers = at_once(home.url, calls)
        assert statuses(answers) == {200: 48, 429: 152}
        hints = {answer.json()["hint"].partition(";")[0] for answer in answers if answer.status_code == 429}
        assert hints == {f"This workspace's tokens, limited by its plan, have sent 50 requests within {span}"}


def test_the_limit_of_a_token_holds_beside_that_of_its_plan(tmp_path: Path) -> None:
    with planned(tmp_path, {"CRMKIT_LIMITS_REQUESTS_PER_MINUTE": "5"}, requests_per_minute=8) as home:
        alice = enter(home, address("alice"))
        workspace = alice.json_of("GET", "/whoami")["workspace"]
        second, third = (working_in(alice, workspace) for _ in range(2))
        assert [limit_of(alice.get("/contacts")) for _ in range(2)] == [(5, 1), (5, 0)]
        assert [alice.get("/contacts").status_code for _ in range(9)] == [429] * 9  # which take nothing from the others
        assert [limit_of(second.get("/contacts")) for _ in range(3)] == [(8, 2), (8, 1), (8, 0)]
        assert error_of(third.get("/contacts", headers=JSON)) == (429, "rate_limited")


def test_another_plan_holds_from_the_next_request(tmp_path: Path) -> None:
    with planned(tmp_path, requests_per_minute=4) as home:
        alice = enter(home, address("alice"))
        workspace = alice.json_of("GET", "/whoami")["workspace"]
        assert [alice.get("/contacts").status_code for _ in range(4)] == [200, 200, 200, 429]
        put_on(home, workspace, "unlimited")
        assert rates(alice) == []
        assert "X-RateLimit-Limit" not in alice.get("/contacts").headers
        put_on(home, workspace, "small")
        assert alice.get("/contacts").status_code == 429


def test_without_a_limit_in_the_plan_whoami_tells_none(tmp_path: Path) -> None:
    with planned(tmp_path, requests_per_minute=0, requests_per_10_minutes=90) as home:
        alice = enter(home, address("alice"))
        assert rates(alice) == ["requests_per_10_minutes: 1 / 90"]
        assert alice.get("/contacts").headers["X-RateLimit-Reset"] in ("599", "600")
