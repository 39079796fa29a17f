"""Guessed sign-in codes and mail for strangers: both are bounded, across restarts, and lock nobody else out."""

import re
from collections.abc import AsyncGenerator, AsyncIterator

from attack import report
from attack.client import Answer
from attack.lab import Lab
from attack.program import PROXIED, Program
from attack.report import Row

A_DAY = 10  # wrong tries of one address
OF_ALL = 200  # wrong tries of all addresses in a day, before codes become long
TRIES_PER_CODE, CODES_PER_HOUR = 5, 5
LONG = re.compile(r"[a-z0-9]{8}")
MAILS_PER_CLIENT, MAILS_PER_HOUR = 20, 60


async def campaign(lab: Lab) -> AsyncGenerator[Row, None]:
    """Yield how often could be guessed, and how much mail strangers could have sent."""
    for part in (one_address, all_addresses, mails, mails_that_fail):
        async for row in part(lab):
            yield row


async def one_address(lab: Lab) -> AsyncIterator[Row]:
    """One address from ever other clients, with a kill -9 in the middle."""
    served = await lab.start("one", lifted=(), config=PROXIED)
    judged, last = 0, ""
    for number in range(CODES_PER_HOUR):
        last = await _code(served, "alice@example.com", f"10.0.0.{number}") or last
        for at in range(TRIES_PER_CODE):
            judged += await _is_judged(served, "alice@example.com", _wrong(last, at), f"10.0.{at}.{number}")
        if number == 1:
            await served.kill()
            served = await lab.start("one", lifted=(), config=PROXIED)
    tries = f"{CODES_PER_HOUR * TRIES_PER_CODE} tries, 1 restart"
    yield report.at_most("wrong codes judged for one address", tries, judged, A_DAY)
    right = await _enter(served, "alice@example.com", last, "10.0.9.9")
    yield report.exactly("the right code after those", "1", right.status, 429)


async def all_addresses(lab: Lab) -> AsyncIterator[Row]:
    """Many addresses, each within its own bound."""
    served = await lab.start("all", lifted=(), config=PROXIED)
    before = await _code(served, "early@example.com", "10.1.9.9")
    addresses = OF_ALL // A_DAY + 10
    judged = 0
    for number in range(addresses):
        email, client = f"victim{number}@example.com", f"10.1.0.{number}"
        for _ in range(A_DAY // TRIES_PER_CODE):
            code = await _code(served, email, client)
            if not code.isdigit():
                break  # a long one is not guessed
            for at in range(TRIES_PER_CODE):
                judged += await _is_judged(served, email, _wrong(code, at), client)
    size = f"{addresses} addresses"
    yield report.at_most("wrong six-digit codes judged for all addresses", size, judged, OF_ALL)
    await served.kill()
    served = await lab.start("all", lifted=(), config=PROXIED)
    late = await _code(served, "late@example.com", "10.1.9.8")
    told = "eight letters and digits" if LONG.fullmatch(late.lower()) and not late.isdigit() else "six digits"
    yield report.exactly("a code mailed after that, and a restart", "1", told, "eight letters and digits")
    entered = (await _enter(served, "late@example.com", late, "10.1.9.8")).status
    yield report.exactly("signing in with it", "1", entered, 200)
    early = (await _enter(served, "early@example.com", before, "10.1.9.9")).status
    yield report.exactly("a six-digit code from before is taken", "1", early == 200, False)


async def mails(lab: Lab) -> AsyncIterator[Row]:
    """Mail that strangers ask for: one client, then many."""
    config = f"{PROXIED}[limits]\nmails_per_hour = {MAILS_PER_HOUR}\n"
    served = await lab.start("mails", lifted=(), config=config)
    known = await _code(served, "known@example.com", "10.2.9.1")
    await _enter(served, "known@example.com", known, "10.2.9.1")
    sent = 0
    for number in range(MAILS_PER_HOUR - 1):
        sent += bool(await _code(served, f"invented{number}@example.com", "10.2.0.1"))
    yield report.at_most("mails of one client in an hour", f"{MAILS_PER_HOUR - 1} asked for", sent, MAILS_PER_CLIENT)
    await served.kill()
    served = await lab.start("mails", lifted=(), config=config)
    again = bool(await _code(served, "invented@example.com", "10.2.0.1"))
    yield report.exactly("one more for it after a restart", "1", again, False)
    others = bool(await _code(served, "other@example.com", "10.2.0.2"))
    yield report.exactly("a code for somebody new of another client", "1", others, True)
    for number in range(MAILS_PER_HOUR):
        await _code(served, f"stranger{number}@example.com", f"10.2.1.{number}")
    still = bool(await _code(served, "known@example.com", "10.2.9.2"))
    size = f"{MAILS_PER_HOUR} an hour for all"
    yield report.exactly("a code for a known address after many strangers", size, still, True)


async def mails_that_fail(lab: Lab) -> AsyncIterator[Row]:
    """Mails that never leave, more than an hour has: they use up nothing."""
    config = f'{PROXIED}[limits]\nmails_per_hour = 3\n[mail]\nsmtp_url = "smtp://127.0.0.1:1"\n'
    served = await lab.start("away", lifted=(), config=config)
    statuses = set()
    for number in range(6):
        async with served.client(forwarded=f"10.3.0.{number}") as someone:
            statuses.add((await someone.ask("POST", "/auth/request", {"email": f"a{number}@example.com"})).status)
    yield report.exactly("answers while no mail leaves", "6, 3 an hour for all", sorted(statuses), [503])


async def _code(served: Program, email: str, client: str) -> str:
    """Return the code that an address is sent, empty when it is refused one."""
    async with served.client(forwarded=client) as someone:
        answer = await someone.ask("POST", "/auth/request", {"email": email})
    return str(answer.json().get("local_code", ""))


async def _enter(served: Program, email: str, code: str, client: str) -> Answer:
    async with served.client(forwarded=client) as someone:
        return await someone.ask("POST", "/auth/verify", {"email": email, "code": code, "token_name": "guess"})


async def _is_judged(served: Program, email: str, code: str, client: str) -> bool:
    """Tell whether a wrong code was compared with the right one."""
    return (await _enter(served, email, code, client)).error == "invalid_code"


def _wrong(code: str, number: int) -> str:
    """Return a code of six digits that is not this one."""
    return f"{(int(code) + 1 + number) % 10**6:06d}" if code.isdigit() else f"{number:06d}"
