"""What `crmkit serve` prints at the start: where everything is, how the first account is made, and what to look at."""

import shlex

from crmkit import __version__
from crmkit.core.examining import mails
from crmkit.settings import Settings, is_every_address

YOU = "you@example.com"


def announcement(settings: Settings, is_empty: bool, token_command: str) -> str:
    """Return the lines of the start, or one line where the log is JSON, so that all that follow it are.

    `is_empty` says that nobody has an account yet; `token_command` is how the operator gets a token.
    """
    mode = " (local mode)" if settings.auth.local else ""
    lines = [
        f"crmkit {__version__} serves {settings.base_url}{mode}",
        f"manual: {settings.base_url}/help",
        f"MCP: {settings.base_url}/mcp",
        f"data: {_place(settings)}",
    ]
    if is_empty:
        lines += _first_account(settings, token_command)
    return ", ".join(lines) if settings.server.log == "json" else "\n".join(lines)


def _place(settings: Settings) -> str:
    return settings.server.shown if settings.server.is_remote else str(settings.server.folder.absolute())


def _first_account(settings: Settings, token_command: str) -> list[str]:
    """Return how somebody gets the first account, which is the admin of its workspace."""
    by_token = f"to get a token without a code: {token_command}"
    if settings.auth.signup == "invited":  # nobody is there who could invite
        return ["nobody has an account yet, and signing up is by invitation: a token makes the first admin", by_token]
    code = "in the answer" if settings.auth.local else "mailed" if settings.mail.smtp_url else "printed here"
    body = shlex.quote(f'{{"email":"{YOU}"}}')
    return [
        "nobody has an account yet: whoever signs in becomes admin of a workspace of their own",
        f"to sign in (the code is {code}): curl {settings.base_url}/auth/request -d {body}",
        by_token,
    ]


def warnings(settings: Settings) -> list[str]:
    """Return a line for each setting of a server that others are to use and cannot, as it stands."""
    told = []
    if is_every_address(settings.server.host) and not settings.server.base_url:
        told.append(
            f"this server listens on every address of the machine and tells clients to use {settings.base_url}, which "
            "works on this machine alone: set [server] base_url to the address that they use"
        )
    if missing := mails.missing(settings):
        told.append(missing)
    return told
