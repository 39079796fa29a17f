"""Step-up: an act that gives power away or cannot be undone needs a code, mailed for this caller, act and target.

A connected app needs one for more acts (web/route.py): `Actor.must_confirm` tells it of a request.
A dry run is answered as if confirmed, and looks at no code: else it would tell which code is right.
"""

from collections.abc import Callable
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from crmkit.core.call import Call
from crmkit.core.crm import Crm
from crmkit.core.people import codes
from crmkit.core.people.budgets import Allowance
from crmkit.errors import Problem
from crmkit.mail import Message
from crmkit.model.names import spoken_address
from crmkit.storage.interface.lanes import Lanes, mail_lane
from crmkit.storage.interface.tx import Tx

T = TypeVar("T")


class Act(Struct, frozen=True):
    """What a code is for: `purpose` binds it to action, workspace and target, `says` tells a person the same.

    With `always` false, only a connected app needs a code (see Actor.must_confirm). `to_app` is what an app is told
    where it may not know all that the mail says.
    """

    purpose: str
    says: str
    always: bool = True
    to_app: str = ""


async def confirmed(
    call: Call,
    check: Callable[[Tx], Act | None],
    do: Callable[[Tx], T | Problem],
    lanes: Lanes = (),
) -> T:
    """Return what `do` returned, if the act needs no code or `call.code` is the one that was mailed for it.

    `check` runs first in the same transaction: it raises what forbids the act, and returns the Act, or None for one
    that needs no code from anybody. Both run in these `lanes` and in that of the actor's address. Without the code one
    is mailed, and `escalation_required` raised. Raises `invalid_code` (403) for a wrong one, `rate_limited` after too
    many codes or wrong tries, `mail_failed` when the mail does not leave.
    """
    crm, actor = call.crm, call.actor
    code = codes.code_in(call.code) if call.code else ""
    # an app has codes and counters of its own: what it does in vain takes nothing from its user
    app = f"{actor.token_id} " if actor.must_confirm else ""
    use = replace(codes.STEP_UP, who=app.strip())

    def unit(tx: Tx) -> T | Problem:
        act = check(tx)
        if act is None or tx.is_dry or not (act.always or actor.must_confirm):
            return do(tx)
        purpose, email = f"{app}{act.purpose}", tx.by.email
        if code:
            wrong = codes.entered(tx, crm, email, use, purpose, code)
            return _wrong(wrong, codes.tries_left(tx, email, use)) if wrong else do(tx)
        issued = codes.issue(tx, crm, email, use, sender=tx.by.user_id)
        codes.send(tx, crm, _letter(crm, email, act, issued.code), issued.spent)
        codes.keep(tx, crm, email, purpose, issued.code)
        says = (actor.must_confirm and act.to_app) or act.says
        return _code_needed(crm, email, says, issued.code)

    return await call.write(unit, lanes=[*lanes, mail_lane(actor.email)], asks_code=True)


def _wrong(what: str, tries: Allowance) -> Problem:
    return Problem(
        "invalid_code", f"{what} Repeat the request without a code to get one.", status=403, headers=tries.headers
    )


def _code_needed(crm: Crm, email: str, says: str, code: str) -> Problem:
    asks = (
        f"A code was mailed to {spoken_address(email, 'the user')} for this one act: {says}. Ask the user for it, "
        "then repeat the same request with ?code=CODE"
    )
    return Problem(
        "escalation_required",
        f"{asks} (or the header X-Escalation-Code).",
        for_tools=f"{asks} added to its path.",
        facts={"local_code": code} if crm.settings.auth.local else {},
        comments=[f"local mode: code={code}"] if crm.settings.auth.local else [],
    )


def _letter(crm: Crm, email: str, act: Act, code: str) -> Message:
    return Message(
        email,
        f"{code} confirms an act in crmkit",
        f"Your assistant at {crm.settings.base_url} asks to: {act.says}.\n\n"
        f"If you want that, the code is:\n\n    {code}\n\n"
        f"It works once, for this act alone, within {crm.settings.auth.code_minutes} minutes.\n"
        "If you do not want it, ignore this mail; nothing happens without the code.\n",
    )
