"""What a page says of a Problem: first what the person can do, then why. Most hints are written for assistants."""

from msgspec import Struct

from crmkit.errors import Problem

_LABELS = {  # what the pages call the fields
    "email": "The address",
    "name": "The name",
    "code": "The code",
    "access": "The access",
}
_TRY_LATER = "Try again in a moment."
_DO = {  # by the code of the Problem; of others the person can only try again
    "invalid_value": "Go back to the app that sent you here and start again.",
    "not_found": "Start again.",
    "not_a_member": "Choose one of your workspaces.",
    "plan_limit_reached": "Choose one of your workspaces.",
    "mail_failed": "Try again in a minute.",
}


class PageError(Struct, frozen=True):
    """The sentence for the person, and the reason, which may be empty."""

    do: str
    why: str = ""


def page_error(problem: Problem) -> PageError:
    if problem.fields:
        return PageError("; ".join(f"{_LABELS.get(name, name)} {what}" for name, what in problem.fields.items()))
    match problem.code:
        case "invalid_code":
            return PageError(_about_code(problem.facts["tries_left"]), problem.hint)
        case "rate_limited":
            wait = _spelled(int(problem.headers["Retry-After"]))
            return PageError(f"Wait {wait}, then try again.", problem.hint)
        case "plan_limit_reached":
            why = "The plan {plan} allows {cap} {resource}, and {used} are used.".format_map(problem.facts)
            return PageError(_DO[problem.code], why)
    return PageError(_DO.get(problem.code, _TRY_LATER), problem.hint)


def _about_code(tries_left: int) -> str:
    match tries_left:
        case 0:
            return "Get a new code: the link below leads there."
        case 1:
            return "Check the code and enter it again. One try is left."
    return f"Check the code and enter it again. {tries_left} tries are left."


def _spelled(seconds: int) -> str:
    """Return a time in the largest unit of which it has two, rounded up."""
    for unit, size in (("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{-(-seconds // size)} {unit}"
    return f"{seconds} seconds"
