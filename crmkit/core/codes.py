"""One-time codes sent by mail: issued, limited, used up. Signing in and step-up share these rules.

Guessing is bounded by the database, not by memory: five wrong tries end a code, ten a day end all codes of an address
until midnight UTC. Compare and consume are one transaction.
"""

import hmac
import secrets
from dataclasses import dataclass

from crmkit.clock import after, moment
from crmkit.core.crm import Crm
from crmkit.errors import Problem
from crmkit.mail import MailFailed, Message
from crmkit.storage import codes
from crmkit.storage.tx import Tx

TRIES_PER_CODE = 5
WRONG_TRIES_PER_DAY = 10


@dataclass(frozen=True)
class Allowance:
    """What is left of a limit; `reset` is in seconds from now."""

    limit: int
    remaining: int
    reset: int

    @property
    def headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset),
        }


def limit_reached(hint: str, limit: int, wait: int) -> Problem:
    """Return the 429 of a limit that frees up in `wait` seconds."""
    headers = {"Retry-After": str(wait), **Allowance(limit, 0, wait).headers}
    return Problem("rate_limited", hint, headers=headers)


def fresh() -> str:
    """Return six random digits."""
    return f"{secrets.randbelow(10**6):06d}"


def count_mail(tx: Tx, crm: Crm, email: str) -> Allowance:
    """Count a mail that is about to go to this address; raises `rate_limited` past the limits of an hour."""
    per_hour = crm.settings.limits.signin_per_hour
    sent, first = codes.counted(tx, "code", email, after(tx.now, hours=-1))
    reset = seconds(tx.now, after(first or tx.now, hours=1)) + 1
    if sent >= per_hour:
        raise limit_reached(
            f"{per_hour} codes were sent to this address within an hour. Use the newest, or wait {reset} seconds.",
            per_hour,
            reset,
        )
    most = crm.settings.limits.mails_per_hour
    if most:
        mails, first = codes.counted(tx, "mail", "all", after(tx.now, hours=-1))
        if mails >= most:
            wait = seconds(tx.now, after(first, hours=1)) + 1
            raise limit_reached("This server sends no more mail this hour; wait, or ask the operator.", most, wait)
        codes.count(tx, "mail", "all")
    codes.count(tx, "code", email)
    return Allowance(per_hour, per_hour - sent - 1, reset)


def keep(tx: Tx, crm: Crm, email: str, purpose: str, code: str, place: str = "") -> None:
    """Keep a fresh code until it is entered or outdated; an earlier one for the same purpose no longer works.

    `place` is a secret of the one place where it can be entered, where there is such a place.
    """
    expires_at = after(tx.now, minutes=crm.settings.auth.code_minutes)
    codes.put(tx, email, purpose, codes.keyed_hash(crm.key, email, purpose + place, code), expires_at)


async def send(crm: Crm, message: Message) -> None:
    """Send a mail that `count_mail` counted; raises `mail_failed`, and that one is not counted."""
    try:
        await crm.mailer.send(message)
    except MailFailed as error:
        await crm.database.write(lambda tx: codes.take_back(tx, "code", message.to))
        raise Problem(
            "mail_failed",
            "The mail could not be sent. Try again in a minute; if it stays so, tell the operator to check [mail] "
            "smtp_url.",
        ) from error


def entered(tx: Tx, crm: Crm, email: str, purpose: str, code: str, place: str = "") -> bool:
    """Use up the code that waits for this purpose and tell whether `code` was right; wrong tries are counted."""
    given = codes.keyed_hash(crm.key, email, purpose + place, code.strip())
    waiting = codes.find(tx, email, purpose)
    if waiting is None or waiting.expires_at <= tx.now or waiting.wrong_tries >= TRIES_PER_CODE:
        return False
    if not hmac.compare_digest(waiting.hash, given):
        codes.count_wrong(tx, email, purpose)
        codes.count(tx, "wrong", email)
        return False
    codes.remove(tx, email, purpose)
    return True


def tries_left(tx: Tx, email: str) -> Allowance:
    """Return how many wrong codes the address may still enter today."""
    midnight = f"{tx.now[:10]}T00:00:00Z"
    wrong, _ = codes.counted(tx, "wrong", email, midnight)
    wait = seconds(tx.now, after(midnight, days=1))
    return Allowance(WRONG_TRIES_PER_DAY, max(0, WRONG_TRIES_PER_DAY - wrong), wait)


def check_tries(tx: Tx, email: str) -> Allowance:
    """Return `tries_left`; raises `rate_limited` when none is."""
    tries = tries_left(tx, email)
    if tries.remaining == 0:
        raise limit_reached(
            f"{WRONG_TRIES_PER_DAY} wrong codes were entered for this address today, so it can enter codes again after "
            f"midnight UTC, in {tries.reset} seconds. Tokens in use keep working.",
            WRONG_TRIES_PER_DAY,
            tries.reset,
        )
    return tries


def seconds(start: str, end: str) -> int:
    """Return the whole seconds between two stamps, 0 when the second is earlier."""
    return max(0, int((moment(end) - moment(start)).total_seconds()))
