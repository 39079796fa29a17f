"""Limits hold for every route of every face, slide, and are told in the face's own headers and errors."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from crmkit.web.limits.requests import RateLimits
from crmkit.web.route import Route
from crmkit.web.routing.face import Face
from tests.faces.requests import ALL, GUARDED, ON, belongings, face_of, request_of
from tests.house import House, Person
from tests.teams.office import enter, office

OVER = {"klozeo": "rate_limit_exceeded", "konektor": "RATE_LIMITED"}
TEN_MINUTES = 600
MOST = 5


@dataclass
class Limited:
    """A server whose limits go by a clock of the test, and somebody with one of everything."""

    home: House
    seconds: list[float]
    person: Person
    own: dict[str, str]


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Limited]:
    file = tmp_path_factory.mktemp("plans") / "crmkit.toml"
    file.write_text(f'[plans]\ndefault = "free"\n[plans.free]\nrequests_per_10_minutes = {MOST}\n')
    seconds = [0.0]

    def now() -> float:
        return seconds[0]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(RateLimits.__init__, "__defaults__", (now,))
        with office(file.with_name("data"), ON, file=file) as home:
            person = _patient(enter(home, "limited@example.com"), seconds)
            yield Limited(home, seconds, person, belongings(person))


def _patient(person: Person, seconds: list[float]) -> Person:
    """Return somebody whose requests wait by the clock of the limits wherever nothing else is asked."""

    def waits(answer: httpx.Response) -> None:
        if not answer.request.headers.get("X-At-Once") and answer.headers.get("X-RateLimit-Remaining") == "0":
            seconds[0] += TEN_MINUTES

    person.event_hooks["response"].append(waits)
    return person


def tried(limited: Limited, route: Route, is_dry: bool = True) -> httpx.Response:
    method, path, body = request_of(route, limited.own)
    dry = f"{path}{'&' if '?' in path else '?'}dry_run=1" if route.writes and is_dry else path
    return limited.person.send_it(method, dry, body, headers={"X-At-Once": "1"})


@pytest.mark.parametrize("route", GUARDED, ids=lambda route: route.name)
def test_a_route_counts_its_requests_and_is_closed_at_the_limit(limited: Limited, route: Route) -> None:
    name = face_of(route).name
    limited.seconds[0] += TEN_MINUTES
    for left in range(MOST - 1, -1, -1):
        answer = tried(limited, route)
        assert answer.status_code < 300, answer.text
        limit = answer.headers["X-RateLimit-Limit"], answer.headers["X-RateLimit-Remaining"]
        assert limit == (str(MOST), str(left))
        assert "Retry-After" not in answer.headers
        assert ("X-RateLimit-Reset" in answer.headers) is (name == "konektor")
    over = tried(limited, route, is_dry=False)
    assert over.status_code == 429
    assert f'"code":"{OVER[name]}"' in over.text
    assert (over.headers["X-RateLimit-Limit"], over.headers["X-RateLimit-Remaining"]) == (str(MOST), "0")
    assert over.headers["Retry-After"] == str(TEN_MINUTES)


def test_ten_minutes_slide_and_what_is_refused_or_has_no_token_counts_in_none(limited: Limited) -> None:
    route = next(each for each in GUARDED if each.name == "klozeo_list_leads")
    limited.seconds[0] += TEN_MINUTES
    begun = limited.seconds[0]
    for at in (0, 60, 120, 180, 240):
        limited.seconds[0] = begun + at
        assert tried(limited, route).status_code == 200
    with Person(limited.home.url) as nobody:
        assert nobody.get("/api/v1/leads").status_code == 401
    limited.seconds[0] = begun + 300
    for _ in range(3):
        over = tried(limited, route)
        assert (over.status_code, over.headers["Retry-After"]) == (429, "300")
    for at in (600, 660):  # each request leaves the window ten minutes after it came
        limited.seconds[0] = begun + at - 1
        assert tried(limited, route).status_code == 429
        limited.seconds[0] = begun + at
        assert tried(limited, route).headers["X-RateLimit-Remaining"] == "0"
        assert tried(limited, route).headers["Retry-After"] == "60"


@pytest.mark.parametrize("face", ALL, ids=lambda face: face.name)
def test_a_request_that_reaches_no_route_counts_and_tells_the_limit(limited: Limited, face: Face) -> None:
    ways = [("GET", "/nothing"), ("DELETE", "/leads"), ("POST", ""), ("GET", "/leads/a/b/c"), ("PATCH", "/leads")]
    assert len(ways) == MOST
    limited.seconds[0] += TEN_MINUTES
    for left, (method, path) in zip(range(MOST - 1, -1, -1), ways, strict=True):
        answer = limited.person.send_it(method, f"{face.prefix}{path}", headers={"X-At-Once": "1"})
        assert answer.status_code in (404, 405), answer.text
        assert (answer.headers["X-RateLimit-Limit"], answer.headers["X-RateLimit-Remaining"]) == (str(MOST), str(left))
        assert ("X-RateLimit-Reset" in answer.headers) is (face.name == "konektor")
    over = limited.person.get(f"{face.prefix}/nothing", headers={"X-At-Once": "1"})
    assert (over.status_code, over.headers["Retry-After"]) == (429, str(TEN_MINUTES))
    assert f'"code":"{OVER[face.name]}"' in over.text
    for key in ({}, {"X-API-Key": "ck_wrong"}):
        with Person(limited.home.url) as nobody:
            answer = nobody.get(f"{face.prefix}/nothing", headers=key)
        assert answer.status_code == 404
        assert "X-RateLimit-Limit" not in answer.headers
