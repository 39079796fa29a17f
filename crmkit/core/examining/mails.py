"""Whether people who use a server by its public URL can get mail from it."""

from collections.abc import Iterator

from crmkit.settings import Settings
from crmkit.storage.interface.database import Finding


def missing(settings: Settings) -> str:
    """Return what to say of a server that others use and that sends no mail, an empty text of any other."""
    if settings.mail.smtp_url or not settings.base_url.startswith("https://"):
        return ""
    return (
        f"nobody gets mail from {settings.base_url}: sign-in codes and invites are printed on the server's terminal "
        "until [mail] smtp_url names a mail server"
    )


def examine(settings: Settings) -> Iterator[Finding]:
    """Yield that mail is missing, where it is; whether some leaves is not tried."""
    if told := missing(settings):
        yield Finding("mail", False, told)
