"""Many requests at once of which one may win, or a cap may let some in: exactly those do, whatever the order."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

from attack import report
from attack.client import Answer, Client
from attack.lab import Lab
from attack.program import PROXIED, Program
from attack.report import Row

CAPPED = 20  # deals of a workspace
OPENED = 3  # workspaces of a person
CONFIG = f"""{PROXIED}
[plans]
default = "capped"
[plans.capped]
deals = {CAPPED}
workspaces = {OPENED}
"""


async def campaign(lab: Lab) -> AsyncGenerator[Row, None]:
    """Yield what won in rounds of each storm."""
    rounds = lab.many(3, 30)
    served = await lab.start(config=CONFIG)
    answers: Counter[int] = Counter()
    for what, size, storm, expected in STORMS:
        found = [await storm(served, number, size, answers) for number in range(rounds)]
        wrong = next((one for one in found if one != expected), expected)
        yield report.exactly(what, f"{rounds} x {size} at once", wrong, expected)
    broken = sum(times for status, times in answers.items() if status >= 500)
    yield report.exactly("answers 5xx", f"{sum(answers.values()):,} requests", broken, 0)
    yield report.exactly("tracebacks", f"{sum(answers.values()):,} requests", served.tracebacks(), 0)


async def one_email(served: Program, number: int, size: int, answers: Counter[int]) -> str:
    """One address in many spellings: one record, whose version counts the posts."""
    alice = await _person(served, f"email{number}")
    name = f"jane{number}.storm@example.com"
    spellings = [_spelled(name, place) for place in range(size)]
    found = await _at_once(
        served,
        alice,
        [
            ("POST", "/contacts", {"name": "Jane", "email": one, "custom": {f"k{at % 90}": at}})
            for at, one in enumerate(spellings)
        ],
        answers,
    )
    held = (await alice.get("/contacts?limit=200")).json()["items"]
    versions = [contact["version"] for contact in held]
    return f"{_told(found)}; records {len(held)}, version {versions[0] if versions else 0}"


async def one_version(served: Program, number: int, size: int, answers: Counter[int]) -> str:
    """One If-Match of many changes: one is made, with one audit row."""
    alice = await _person(served, f"version{number}")
    path = f"/contacts/{(await alice.ask('POST', '/contacts', {'name': 'Jane'})).json()['id']}"
    requests = [("PATCH", path, {"stage": f"s{place}", "version": 1}) for place in range(size)]
    found = await _at_once(served, alice, requests, answers)
    version = (await alice.get(path)).json()["version"]
    rows = (await alice.get(f"/audit?target={path.rpartition('/')[2]}")).json()["items"]
    return f"{_told(found)}; version {version}, audit rows {len(rows)}"


async def one_confirmation(served: Program, number: int, size: int, answers: Counter[int]) -> str:
    """One confirm token, used by many at once: one delete."""
    alice = await _person(served, f"confirm{number}")
    path = f"/contacts/{(await alice.ask('POST', '/contacts', {'name': 'Jane'})).json()['id']}"
    confirm = (await alice.ask("DELETE", path)).json()["confirm"]
    found = await _at_once(served, alice, [("DELETE", f"{path}?confirm={confirm}", None)] * size, answers)
    return f"done {sum(answer.status == 200 for answer in found)}"


async def one_code(served: Program, number: int, size: int, answers: Counter[int]) -> str:
    """One sign-in code, entered by many at once: one token."""
    email, address = f"code{number}@example.com", f"10.3.0.{number}"
    async with served.client(forwarded=address) as someone:
        code = (await someone.ask("POST", "/auth/request", {"email": email})).json()["local_code"]
    entry = {"email": email, "code": code, "token_name": "storm"}
    found = await _at_once(served, served.client(forwarded=address), [("POST", "/auth/verify", entry)] * size, answers)
    return f"tokens {sum('token' in answer.json() for answer in found)}"


async def capped_deals(served: Program, number: int, size: int, answers: Counter[int]) -> str:
    """More deals than the plan has room for: as many as it has."""
    alice = await _person(served, f"deals{number}")
    await _at_once(served, alice, [("POST", "/deals", {"title": f"Deal {place}"}) for place in range(size)], answers)
    return f"deals {(await alice.get('/deals')).json()['total']}"


async def capped_workspaces(served: Program, number: int, size: int, answers: Counter[int]) -> str:
    """More workspaces than the plan has room for: as many as it has."""
    alice = await _person(served, f"opens{number}")
    await _at_once(served, alice, [("POST", "/workspaces", {"name": f"W{place}"}) for place in range(size)], answers)
    return f"workspaces {len((await alice.get('/workspaces')).json()['items'])}"


async def last_admin(served: Program, number: int, size: int, answers: Counter[int]) -> str:
    """Two admins who demote, remove and leave at once: one admin is left."""
    alice = await _person(served, f"first{number}")
    home = (await alice.get("/whoami")).json()["workspace"]
    email = f"second{number}@example.com"
    await alice.ask("POST", f"/workspaces/{home}/invites", {"email": email, "role": "member"})
    bob = await _person(served, f"second{number}")
    users = {one["email"]: one["user_id"] for one in (await alice.get(f"/workspaces/{home}/members")).json()["members"]}
    promotion = f"/workspaces/{home}/members/{users[email]}/role"
    asked = await alice.ask("POST", promotion, {"role": "admin"})
    await alice.ask("POST", f"{promotion}?code={asked.json()['local_code']}", {"role": "admin"})
    bob = served.client((await bob.ask("POST", f"/workspaces/{home}/tokens", {"token_name": "b"})).json()["token"])
    both = list(users.values())
    ways = [(method, f"/workspaces/{home}/members/{user}{end}", body) for user in both for method, end, body in _WAYS]
    requests = [(ways * size)[place] for place in range(size)]
    found = await asyncio.gather(*(_one(served, (alice, bob)[at % 2].token, one) for at, one in enumerate(requests)))
    answers.update(answer.status for answer in found)
    for someone in (alice, bob):
        listed = await someone.get(f"/workspaces/{home}/members")
        if listed.status == 200:
            return f"admins {sum(one['role'] == 'admin' for one in listed.json()['members'])}"
    return "admins 0"


async def linked_company(served: Program, number: int, size: int, answers: Counter[int]) -> str:
    """A company deleted while contacts are linked to it: no link leads nowhere."""
    alice = await _person(served, f"links{number}")
    company = (await alice.ask("POST", "/companies", {"name": "Acme"})).json()["id"]
    confirm = (await alice.ask("DELETE", f"/companies/{company}")).json()["confirm"]
    requests: list[Request] = [
        ("POST", "/contacts", {"name": f"C{at}", "company_id": company}) for at in range(size - 1)
    ]
    requests.insert(size // 2, ("DELETE", f"/companies/{company}?confirm={confirm}", None))
    await _at_once(served, alice, requests, answers)
    held = (await alice.get("/contacts?limit=200")).json()["items"]
    return f"dangling {sum(bool(one['company_id'] or one['company_name']) for one in held)}"


Request = tuple[str, str, object]
_WAYS: tuple[tuple[str, str, object], ...] = (("POST", "/role", {"role": "member"}), ("DELETE", "", None))

Storm = Callable[[Program, int, int, Counter[int]], Awaitable[str]]
STORMS: tuple[tuple[str, int, Storm, str], ...] = (
    ("spellings of one email", 200, one_email, "200: 199, 201: 1; records 1, version 200"),
    ("changes of one version", 64, one_version, "200: 1, 412: 63; version 2, audit rows 2"),
    ("uses of one confirm token", 50, one_confirmation, "done 1"),
    ("entries of one sign-in code", 50, one_code, "tokens 1"),
    ("deals up to a cap", 40, capped_deals, f"deals {CAPPED}"),
    ("workspaces up to a cap", 20, capped_workspaces, f"workspaces {OPENED}"),
    ("the last admin of a workspace", 16, last_admin, "admins 1"),
    ("contacts of a company that is deleted", 40, linked_company, "dangling 0"),
)


async def _person(served: Program, name: str) -> Client:
    return await served.sign_in(f"{name}@example.com", forwarded=f"10.1.{len(name)}.{sum(map(ord, name)) % 250}")


async def _at_once(served: Program, who: Client, requests: Sequence[Request], answers: Counter[int]) -> list[Answer]:
    """Return the answers to requests that were sent at once, each on a connection of its own."""
    found = await asyncio.gather(*(_one(served, who.token, request, who) for request in requests))
    answers.update(answer.status for answer in found)
    return found


async def _one(served: Program, token: str, request: Request, like: Client | None = None) -> Answer:
    async with served.client(token, forwarded=like.forwarded if like else "") as someone:
        return await someone.ask(*request)


def _told(found: list[Answer]) -> str:
    return ", ".join(f"{status}: {times}" for status, times in sorted(Counter(one.status for one in found).items()))


def _spelled(email: str, number: int) -> str:
    """Return one of many ways to write an address, by the bits of a number; blanks around it too."""
    written = "".join(c.upper() if number >> at & 1 else c for at, c in enumerate(email[:8])) + email[8:]
    return f"{' ' * (number % 3)}{written}{' ' * (number % 2)}"
