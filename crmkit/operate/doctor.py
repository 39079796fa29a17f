"""What the operator asks when something seems wrong: the installation and its data, looked at without changing them."""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from urllib.parse import urlsplit

from crmkit import __version__
from crmkit.announcement import YOU
from crmkit.clock import stamp, system_clock
from crmkit.core.examining import kept, mails, plans, standing, urls
from crmkit.core.operating import backups
from crmkit.core.sealing import verify
from crmkit.mail import MailFailed, Message, mailer
from crmkit.model import address
from crmkit.model.record import Kinds
from crmkit.settings import Settings
from crmkit.storage import secret
from crmkit.storage.data_folder import usable
from crmkit.storage.interface.brand import Brand, ReadNext
from crmkit.storage.interface.database import Finding

MOST_TOLD = 3  # faults of the audit log
# where one of these is bad, what the data holds is not looked at
UNREADABLE = {"server", "database", "integrity", "content"}

TRY = f"`crmkit doctor --mail {YOU}` sends a test mail"

# what stands in the reason of a failure -> what to do; the first that fits
CURES = (
    ("answered 53", "the server wants another user or password in [mail] smtp_url"),
    ("answered 55", "the server refuses this recipient, or the sender in [mail] from"),
    ("answered 4", "the server takes no mail at the moment: try again in some minutes"),
    ("answered", "whoever runs the mail server knows what that answer means"),
    ("CERTIFICATE", "the host in [mail] smtp_url must be a name in the server's certificate"),
    ("STARTTLS", "the server starts no TLS on this port: use smtps:// with port 465, or another port"),
    ("", "check host and port in [mail] smtp_url (587 for smtp+starttls, 465 for smtps), and the firewall"),
)


def examine(settings: Settings, brand: Brand, kinds: Kinds, mail_to: str | None = None) -> Iterator[Finding]:
    """Yield what was found, good and bad; a test mail is sent to the address `mail_to` if there is one.

    Raises ValueError for a `mail_to` that is no address.
    """
    recipient = None if mail_to is None else _recipient(mail_to)
    yield Finding("crmkit", True, f"{__version__} on Python {sys.version.split()[0]}")
    folder, good, bad = settings.server.folder, set[str](), set[str]()
    for finding in brand.examine(folder):
        (good if finding.good else bad).add(finding.name)
        yield finding
    if "schema" in good and not bad & UNREADABLE:
        now, is_served = stamp(system_clock()), brand.is_served(folder)
        with brand.reads(folder) as read:
            yield from kept.examine(read, kinds)
            if why := secret.fault(folder):
                if not {"key", secret.FILE} & bad:
                    yield Finding("key", False, why)
            elif secret.FILE not in bad:  # or that of the database is another
                yield _log(read, secret.read(folder), late=verify.late(read, now) if is_served else [])
            yield from read(lambda connection: [*standing.examine(connection, now, is_served)])
            yield read(lambda connection: plans.examine(connection, settings.plans))
    yield from backups.examine(settings, system_clock(), partial(brand.is_backup_of, folder), beside=True)
    yield urls.examine(settings)
    yield _mail(settings, recipient)


def repair(settings: Settings, brand: Brand, kinds: Kinds) -> kept.Repaired:
    """Put right what is kept beside records, and return what was wrong; raises InUse beside a server."""
    folder = settings.server.folder
    with usable(folder), brand.alone(folder) as run:
        return kept.repair(run, kinds, stamp(system_clock()))


def _log(read: ReadNext, key: bytes, late: Sequence[str]) -> Finding:
    """Return whether the audit log is as it was sealed; `late` are the faults of what waits to be."""
    verdict = verify.verify(read, key, unsealed=late)
    if not verdict.all_faults:
        return Finding("audit", True, verdict.line)
    told = "; ".join(verdict.faults[:MOST_TOLD])
    return Finding("audit", False, f"{told}; `crmkit audit verify` tells all {verdict.all_faults:,}; compare a backup")


def _recipient(text: str) -> str:
    try:
        return address.email(text)
    except ValueError as error:
        raise ValueError(f"--mail {error}") from None


def _mail(settings: Settings, recipient: str | None) -> Finding:
    """Return how mail leaves, after sending one to the recipient if there is one."""
    try:
        sends = mailer(settings.mail.smtp_url, settings.mail.sender)
    except ValueError as error:
        return Finding("mail", False, f"[mail] {error}")
    if told := mails.missing(settings):
        return Finding("mail", False, f"{told}, then {TRY}")
    if not settings.mail.smtp_url:
        codes = "stand in the answer" if settings.auth.local else "are printed on the terminal of the server"
        advice = f"set [mail] smtp_url to a mail server, then {TRY}"
        return Finding("mail", recipient is None, f"none can be sent, sign-in codes {codes}; {advice}")
    host = urlsplit(settings.mail.smtp_url).hostname
    if recipient is None:
        return Finding("mail", True, f"goes to {host}, which was not tried; {TRY}")
    try:
        asyncio.run(sends.send(_test_mail(settings, recipient)))
    except MailFailed as error:
        cure = next(cure for sign, cure in CURES if sign in str(error))
        return Finding("mail", False, f"not sent: {error}; {cure}")
    return Finding("mail", True, f"{host} took one to {recipient}; look whether it arrived, and not as spam")


def _test_mail(settings: Settings, recipient: str) -> Message:
    return Message(
        recipient,
        "Test mail from crmkit",
        f"The crmkit at {settings.base_url} can send mail: its operator sent this with `crmkit doctor --mail`.\n",
    )
