"""The headers that every answer has, and those of some."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from crmkit.render import parse
from tests.house import ALICE, BOB, House, Person, house
from tests.teams.rights.matrix import unknown
from tests.web.connecting import rpc


@pytest.fixture(scope="module")
def alice(town: House) -> Iterator[Person]:
    with town.sign_in(ALICE) as person:
        yield person


def every_status(person: Person) -> list[httpx.Response]:
    """Return answers of every kind, good and bad."""
    made = person.post("/contacts", json={"name": "Jane"}, headers={"Accept": "application/json"})
    one = f"/contacts/{made.json()['id']}"
    return [
        made,
        person.get("/contacts"),
        person.head("/contacts"),
        person.get("/"),
        person.get("/openapi.json"),
        person.get("/healthz"),
        person.get(one),
        person.post("/contacts", content="{"),
        person.get("/contacts?format=xml"),
        person.get("/whoami", headers={"Authorization": ""}),
        person.get("/nowhere"),
        person.get("/contacts/c_2"),
        person.put("/contacts"),
        person.options("/contacts"),
        person.delete(one),
        person.patch(one, json={"version": 7}),
        person.post("/contacts", content=b" " * (1024 * 1024 + 1)),
        person.post("/auth/verify", json={"email": ALICE, "code": "zzzzzzzz"}),
    ]


def test_every_answer_has_an_id_and_is_kept_in_no_cache(town: House, alice: Person) -> None:
    answers = every_status(alice)
    assert {answer.status_code for answer in answers} == {200, 201, 400, 401, 404, 405, 409, 412, 413}
    ids = [answer.headers["X-Request-Id"] for answer in answers]
    assert len(set(ids)) == len(ids)
    logged = [_fields(line)["request"] for line in town.logged().splitlines()]
    for answer, id in zip(answers, ids, strict=True):
        assert answer.headers.get_list("Cache-Control") == ["no-store"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert logged.count(id) == 1


def test_a_harmless_request_id_of_a_proxy_is_kept_and_any_other_is_replaced(town: House) -> None:
    with town.stranger() as someone:
        for kept in ("a", "0123456789-abcdef-ABCDEF", "x" * 64):
            assert someone.get("/healthz", headers={"X-Request-Id": kept}).headers["X-Request-Id"] == kept
            assert someone.get("/no", headers={"X-Request-Id": kept, "Accept": "application/json"}).json()[
                "request_id"
            ] == (kept)
        for replaced in ("", "x" * 65, "a b", "a\tb", "a;b", "é".encode(), b"\xff", "<script>", "a=b", "../x"):
            answer = someone.get("/healthz", headers={"X-Request-Id": replaced})
            assert len(answer.headers.get_list("X-Request-Id")) == 1
            assert answer.headers["X-Request-Id"].isalnum()
            assert len(answer.headers["X-Request-Id"]) == 16


def test_a_record_carries_its_version_as_etag(alice: Person) -> None:
    made = alice.post("/contacts", json={"name": "Tom", "email": "tom@acme.com"})
    assert made.headers["ETag"] == '"1"'
    one = f"/contacts/{made.text.split('  ')[0]}"
    assert alice.get(one).headers["ETag"] == '"1"'
    assert alice.head(one).headers["ETag"] == '"1"'
    assert alice.patch(one, json={"stage": "lead"}).headers["ETag"] == '"2"'
    assert alice.patch(one, json={"stage": "lead"}).headers["ETag"] == '"2"'  # nothing changed
    assert alice.post("/contacts", json={"email": "tom@acme.com", "stage": "won"}).headers["ETag"] == '"3"'
    assert alice.get(f"{one}?fields=name").headers["ETag"] == '"3"'
    assert "ETag" not in alice.get("/contacts").headers


def test_if_match_in_any_spelling_makes_a_change_conditional(alice: Person) -> None:
    one = f"/contacts/{alice.json_of('POST', '/contacts', {'name': 'If'})['id']}"
    for version, spelling in enumerate(('"1"', "2", 'W/"3"', "W/4", "*", ""), start=1):
        answer = alice.patch(one, json={"stage": spelling + "."}, headers={"If-Match": spelling})
        assert (answer.status_code, answer.headers["ETag"]) == (200, f'"{version + 1}"')
    for stale in ('"6"', "8", 'W/"1"'):
        assert alice.patch(one, json={"stage": "x"}, headers={"If-Match": stale}).status_code == 412
    for wrong in ('"x"', "-1", "0", '"7", "8"', "7.0", "９"):
        answer = alice.patch(one, json={"stage": "x"}, headers={"If-Match": wrong.encode()})
        assert (answer.status_code, answer.text.split("\n")[0]) == (400, "ERROR invalid_value")
    assert alice.patch(one, json={"stage": "x", "version": 6}, headers={"If-Match": "7"}).status_code == 412
    assert alice.json_of("GET", one)["version"] == 7


def test_each_token_is_told_how_many_requests_it_has_left_this_minute(tmp_path: Path) -> None:
    with ExitStack() as stack:
        home = stack.enter_context(house(tmp_path / "data", {"CRMKIT_LIMITS_REQUESTS_PER_MINUTE": "3"}))
        alice, other = (stack.enter_context(home.sign_in(ALICE)) for _ in range(2))
        for path, left in (("/whoami", 2), ("/contacts/c_2", 1), ("/contacts?sort=nothing", 0)):
            headers = alice.get(path).headers
            assert (headers["X-RateLimit-Limit"], headers["X-RateLimit-Remaining"]) == ("3", str(left))
            assert 1 <= int(headers["X-RateLimit-Reset"]) <= 60
        for method in ("GET", "POST", "DELETE"):
            answer = alice.request(method, "/contacts" if method != "DELETE" else "/contacts/c_2")
            assert answer.status_code == 429
            assert answer.headers.get_list("X-RateLimit-Remaining") == ["0"]
            assert answer.headers["Retry-After"] == answer.headers["X-RateLimit-Reset"]
            assert 1 <= int(answer.headers["Retry-After"]) <= 60
        assert other.get("/whoami").headers["X-RateLimit-Remaining"] == "2"
        for _ in range(5):  # what needs no token is not counted
            answer = alice.get("/help")
            assert answer.status_code == 200
            assert "X-RateLimit-Limit" not in answer.headers


def test_the_requests_of_all_tokens_of_a_user_count_together(tmp_path: Path) -> None:
    limits = {"CRMKIT_LIMITS_REQUESTS_PER_MINUTE": "3", "CRMKIT_LIMITS_REQUESTS_PER_MINUTE_USER": "5"}
    with ExitStack() as stack:
        home = stack.enter_context(house(tmp_path / "data", limits))
        one, two, three, bob = (stack.enter_context(home.sign_in(email)) for email in (ALICE, ALICE, ALICE, BOB))
        told = [("3", "2"), ("3", "1"), ("3", "0")]
        for person, limit in ((one, told[0]), (one, told[1]), (one, told[2]), (two, ("5", "1"))):
            assert limit_of(person.get("/whoami")) == limit
        for _ in range(3):  # what is refused to a token is not taken from the others
            refused = one.get("/whoami")
            assert refused.status_code == 429
            assert "This token has sent 3 requests" in refused.text
        call = rpc("tools/call", {"name": "read", "arguments": {"path": "/whoami"}})
        answer = two.post("/mcp", json=call)
        assert (limit_of(answer), answer.json()["result"]["isError"]) == (("5", "0"), False)
        assert "This user's tokens together have sent 5 requests" in two.post("/mcp", json=call).text
        for method, path in (("GET", "/whoami"), ("POST", "/contacts")):
            refused = three.request(method, path)
            assert (refused.status_code, limit_of(refused)) == (429, ("5", "0"))
            assert refused.headers["Retry-After"] == refused.headers["X-RateLimit-Reset"]
            assert "This user's tokens together have sent 5 requests within a minute; wait " in refused.text
        assert limit_of(bob.get("/whoami")) == ("3", "2")


@pytest.mark.slow
def test_the_limit_of_a_user_holds_without_that_of_a_token(tmp_path: Path) -> None:
    limits = {"CRMKIT_LIMITS_REQUESTS_PER_MINUTE": "0", "CRMKIT_LIMITS_REQUESTS_PER_MINUTE_USER": "1"}
    with house(tmp_path / "data", limits) as home, home.sign_in(ALICE) as alice:
        assert [(limit_of(answer), answer.status_code) for answer in (alice.get("/whoami"), alice.get("/whoami"))] == [
            (("1", "0"), 200),
            (("1", "0"), 429),
        ]


def limit_of(answer: httpx.Response) -> tuple[str, str]:
    """Return the limit that an answer tells, and how many are left of it."""
    return answer.headers["X-RateLimit-Limit"], answer.headers["X-RateLimit-Remaining"]


@pytest.mark.slow
@pytest.mark.parametrize(("most", "told"), [("600", ("10", "9")), ("12", ("10", "9")), ("11", ("11", "8"))])
def test_an_answer_tells_only_the_limit_with_the_fewest_left(tmp_path: Path, most: str, told: tuple[str, str]) -> None:
    limits = {"CRMKIT_LIMITS_REQUESTS_PER_MINUTE": most}
    with house(tmp_path / "limited", limits) as limited, limited.sign_in(ALICE) as alice:
        place = f"/workspaces/{alice.json_of('GET', '/whoami')['workspace']}"
        assert alice.delete(place).status_code == 403
        wrong = alice.delete(f"{place}?code=000000")
        assert wrong.status_code == 403
        assert wrong.headers.get_list("X-RateLimit-Limit") == [told[0]]
        assert wrong.headers.get_list("X-RateLimit-Remaining") == [told[1]]
        assert len(wrong.headers.get_list("X-RateLimit-Reset")) == 1


def test_without_a_limit_no_answer_has_a_header_of_one(alice: Person) -> None:
    for answer in every_status(alice)[:-1]:  # but signing in is always limited
        assert not [name for name in answer.headers if name.startswith("x-ratelimit")]


def test_head_answers_like_get_without_the_body(town: House, alice: Person) -> None:
    id = alice.json_of("POST", "/contacts", {"name": "Jane"})["id"]
    paths = [path for path, has in alice.get("/openapi.json").json()["paths"].items() if "get" in has]
    assert len(paths) >= 12
    for path in [*map(unknown, paths), f"/contacts/{id}", "/contacts/c_2", "/contacts?sort=nothing"]:
        for accept in ("text/plain", "application/json"):
            got, head = (alice.request(method, path, headers={"Accept": accept}) for method in ("GET", "HEAD"))
            assert head.content == b""
            assert head.status_code == got.status_code
            fresh = {"date", "x-request-id"}
            assert {n: v for n, v in head.headers.items() if n not in fresh} == {
                n: v for n, v in got.headers.items() if n not in fresh
            }
        with town.stranger() as someone:
            assert someone.head(path).status_code in (200, 401)


def _fields(line: str) -> dict[str, str]:
    return {path[0]: raw for path, raw in parse.split(f"log  {line}")[1]}
