"""One-time codes sent by mail: issued, kept, entered. Signing in, connecting and step-up share these rules.

The life of a code: `issue` draws it and counts the mail, `send` mails it after the commit, `keep` lets it wait once it
was mailed, `entered` uses it up.

Wrong tries are counted in the database, so a restart forgets none: five end a code, ten a day end all codes of an
address until midnight UTC. After too many on the whole server, codes have eight letters and digits for a while: they
cannot be guessed, and nobody is locked out. A code is compared and used up in one transaction.
"""

import hmac
import re
import secrets
import unicodedata
from collections.abc import Sequence

from msgspec import Struct

from crmkit import ids
from crmkit.clock import after, is_alive
from crmkit.core.call import Call
from crmkit.core.crm import Crm
from crmkit.core.people import budgets
from crmkit.core.people.budgets import DAY, HOUR, Allowance, Budget
from crmkit.errors import Problem
from crmkit.mail import MailFailed, Message
from crmkit.storage.interface.lanes import ANYWHERE, mail_lane
from crmkit.storage.interface.tx import Effect, Tx
from crmkit.storage.people import accounts, attempts, invites, waiting_codes

TRIES_PER_CODE = 5
WRONG_TRIES_PER_DAY = 10
# (days, wrong six-digit tries of all addresses in them): at either, codes are long. SECURITY.md has the arithmetic.
SERVER_TRIES = ((1, 200), (30, 300))
MAX_TYPED = 100  # characters of what is typed as a code
SHORT = 6  # digits of a code
LONG = 8  # letters and digits of a long code: 31**8 (about 8.5e11) differ
MAILS_PER_USER = 100  # an hour, of those that a signed-in user has sent: invites, codes of step-up

WRONG = "The code is wrong, used, outdated or for something else."
_FULL = "This server sends no more mail this hour; wait, or ask the operator."


class Use(Struct, frozen=True):
    """What a mail is for: the names of the counters of its mails and of its wrong codes.

    They count for the address the mail goes to, or for `who`, if that is set. Mails are counted for each use by itself,
    so a stranger who asks for codes to sign in with takes none from the step-up of the address's owner.
    """

    mails: str
    wrong: str
    hint: str = "{most} codes were sent to this address within an hour. Use the newest, or wait {wait} seconds."
    who: str = ""


# a code entered in vain counts alike however it was asked for: guessing has one bound
SIGN_IN = Use("code", "wrong")
CONNECT = Use("connect", "wrong")
STEP_UP = Use(
    "step-up",
    "wrong step-up",
    "{most} codes for acts were sent to this address within an hour; wait {wait} seconds. Sign-in has its own.",
)
INVITE = Use("invite", "wrong", "{most} invites were sent to this address within an hour; wait {wait} seconds.")


class Issued(Struct, frozen=True):
    """A fresh code, which is still to be mailed and kept; what the mail spent, and what is left to the address."""

    code: str
    spent: tuple[Budget, ...]
    allowance: Allowance


def issue(tx: Tx, crm: Crm, email: str, use: Use, sender: str = "") -> Issued:
    """Return a fresh code for this address, `sender` as in `postage`.

    Raises `rate_limited` where the address may enter no more codes today, or a mail is more than may be sent.
    """
    _check_tries(tx, email, use)
    spent = postage(tx, crm, email, use, sender)
    allowance, *_ = budgets.spend(tx, *spent)
    return Issued(_drawn(tx), spent, allowance)


def _drawn(tx: Tx) -> str:
    """Return six random digits; while codes are long, eight letters and digits."""
    if _are_long(tx):
        return ids.random_text(LONG)
    return f"{secrets.randbelow(10**SHORT):0{SHORT}d}"


def postage(tx: Tx, crm: Crm, email: str, use: Use, sender: str = "") -> tuple[Budget, ...]:
    """Return what a mail to this address spends, its own budget first; `sender` is the user who has it sent, if any.

    Half of the mails of an hour are kept for addresses that the server knows.
    """
    limits = crm.settings.limits
    # counted for both, so that both take the same time
    share = ("known", 0) if is_known(tx, email) else ("strangers", (limits.mails_per_hour + 1) // 2)
    spent = [
        Budget(use.mails, use.who or email, limits.signin_per_hour, HOUR, use.hint),
        Budget("mail", "all", limits.mails_per_hour, HOUR, _FULL),
        Budget("mail", *share, HOUR, _FULL),
    ]
    if sender:
        too_many = "{most} mails were sent for you within an hour; wait {wait} seconds."
        spent.append(Budget("user mail", sender, MAILS_PER_USER, HOUR, too_many))
    return tuple(spent)


def is_known(tx: Tx, email: str) -> bool:
    """Tell whether somebody with this address has an account or is invited."""
    return accounts.find_user(tx.connection, email) is not None or bool(invites.of_address(tx.connection, email))


def keep(tx: Tx, crm: Crm, email: str, purpose: str, code: str, page_secret: str = "") -> None:
    """Have a code kept until it is entered or outdated, after the effects left before: once `send` has mailed it.

    An earlier one for the same purpose works until then. `page_secret` is that of the one page on which it can be
    entered, if there is one.
    """
    hash = waiting_codes.keyed_hash(crm.key, email, purpose + page_secret, code)

    def unit(tx: Tx) -> None:
        waiting_codes.put(tx, email, purpose, hash, after(tx.now, minutes=crm.settings.auth.code_minutes))

    async def effect() -> None:
        await Call(crm).write(unit, lanes=[mail_lane(email)])

    tx.after(effect)


def send(tx: Tx, crm: Crm, message: Message, spent: Sequence[Budget], failed: Effect | None = None) -> None:
    """Have a mail sent, after the commit, for which these budgets were spent.

    Where it does not leave, they are given back, `failed` is done, and `mail_failed` raised.
    """

    async def effect() -> None:
        try:
            await crm.mailer.send(message)
        except MailFailed as error:
            crm.tally.mails_failed += 1
            await Call(crm).write(lambda tx: budgets.give_back(tx, *spent), lanes=ANYWHERE)
            if failed is not None:
                await failed()
            raise Problem(
                "mail_failed",
                "The mail could not be sent. Try again in a minute; if it stays so, tell the operator to check [mail] "
                "smtp_url.",
            ) from error
        crm.tally.mails_sent += 1

    tx.after(effect)


def entered(tx: Tx, crm: Crm, email: str, use: Use, purpose: str, typed: str | Problem, page_secret: str = "") -> str:
    """Use up the code that waits for this purpose if it is what was typed; else return what is wrong, as a sentence.

    `typed` is what `code_in` returned before the transaction. Wrong tries are counted. Raises `rate_limited` after too
    many of them, and `invalid_value`, which counts nothing, for what cannot be a code.
    """
    _check_tries(tx, email, use)
    if isinstance(typed, Problem):
        raise typed
    is_short = len(typed) == SHORT
    if is_short and _are_long(tx):
        return "Codes of six digits are not taken for a while, because too many wrong ones were entered here."
    waiting = waiting_codes.find(tx, email, purpose)
    if waiting is None or waiting.wrong_tries >= TRIES_PER_CODE:
        return WRONG
    if not is_alive(waiting.expires_at, tx.now, minutes=crm.settings.auth.code_minutes):
        return WRONG
    if not hmac.compare_digest(waiting.hash, waiting_codes.keyed_hash(crm.key, email, purpose + page_secret, typed)):
        waiting_codes.count_wrong(tx, email, purpose)
        attempts.count(tx, use.wrong, use.who or email)
        if is_short:
            attempts.count(tx, attempts.GUESS, attempts.SERVER)
        return WRONG
    waiting_codes.remove(tx, email, purpose)
    return ""


def code_in(typed: str) -> str | Problem:
    """Return the code in what somebody typed or copied: `123 456`, `123-456`, `Code: 123456`, in digits of any script.

    Six digits, or the letters and digits of a long code in lower case. If there is none, or more than one, it is the
    Problem `invalid_value`.
    """
    text = unicodedata.normalize("NFKC", typed[: MAX_TYPED + 1]).lower()
    if len(text) > MAX_TYPED or len(typed) > MAX_TYPED:  # one character may become eighteen
        return _no_code()
    text = "".join(str(unicodedata.decimal(character, character)) for character in text)
    parts = [part for part in re.split(r"[\W_]+", text) if part]
    numbers = [part for part in parts if re.fullmatch(r"[0-9]+", part)]
    joined = ["".join(parts[first:last]) for first in range(len(parts)) for last in range(first + 1, first + LONG + 1)]
    found = (
        [number for number in numbers if len(number) == SHORT],
        _of_six(numbers),
        [part for part in joined if len(part) == LONG and set(part) <= set(ids.ALPHABET)],
        _of_six(re.findall(r"[0-9]", text)),
    )
    codes = next(filter(None, found), [])
    return codes[0] if len(set(codes)) == 1 else _no_code()


def _no_code() -> Problem:
    says = f"must be {SHORT} digits, or {LONG} letters and digits, as in the mail"
    return Problem("invalid_value", "Send the code as it stands in the mail.", fields={"code": says})


def _of_six(digits: Sequence[str]) -> list[str]:
    """Return the code that these digits make together, if they are six."""
    return ["".join(digits)] if sum(map(len, digits)) == SHORT else []


def tries_left(tx: Tx, email: str, use: Use) -> Allowance:
    """Return how many wrong codes the address may still enter today."""
    midnight = f"{tx.now[:10]}T00:00:00Z"
    wrong, _ = attempts.counted(tx, use.wrong, use.who or email, midnight)
    wait = budgets.seconds(tx.now, after(midnight, seconds=DAY))
    return Allowance(WRONG_TRIES_PER_DAY, max(0, WRONG_TRIES_PER_DAY - wrong), wait)


def tries_for(tx: Tx, email: str, use: Use, purpose: str) -> int:
    """Return how often the code that waits for this purpose may still be entered; 0 if none waits."""
    waiting = waiting_codes.find(tx, email, purpose)
    if waiting is None:
        return 0
    return max(0, min(TRIES_PER_CODE - waiting.wrong_tries, tries_left(tx, email, use).remaining))


def _check_tries(tx: Tx, email: str, use: Use) -> None:
    """Raise `rate_limited` when the address may enter no more codes today."""
    tries = tries_left(tx, email, use)
    if tries.remaining == 0:
        raise budgets.limit_reached(
            f"{WRONG_TRIES_PER_DAY} wrong codes were entered for this address today, so it can enter codes again after "
            f"midnight UTC, in {tries.reset} seconds. Tokens in use keep working.",
            WRONG_TRIES_PER_DAY,
            tries.reset,
        )


def _are_long(tx: Tx) -> bool:
    """Tell whether so many wrong codes were entered on this server that six digits do not do."""
    return any(
        attempts.counted(tx, attempts.GUESS, attempts.SERVER, after(tx.now, seconds=1 - days * DAY))[0] >= most
        for days, most in SERVER_TRIES
    )
