"""Mail over SMTP, a fresh connection for each message, encrypted exactly as the URL says.

`smtps://` is TLS from the first octet (RFC 8314); `smtp+starttls://` sends neither password nor mail unless
the server starts TLS (RFC 3207); both verify the certificate. `smtp://` is never encrypted, not even
if the server offers it; the log warns of a password that is sent to another machine that way.
"""

import asyncio
import logging
import re
from contextlib import suppress
from functools import partial
from ssl import SSLContext, create_default_context
from urllib.parse import unquote_to_bytes
from uuid import uuid4

from aiosmtplib import SMTP, SMTPException, SMTPRecipientsRefused, SMTPResponseException

from crmkit.clock import system_clock
from crmkit.mail.message import MailFailed, Message, Sender, written
from crmkit.model import address
from crmkit.settings import is_loopback

_PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}
_URL = re.compile(
    r"(smtp|smtps|smtp\+starttls)://(?:([^:/?#\s]+):([^/?#\s]+)@)?"
    r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::([0-9]{1,5}))?/?"
)
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")  # RFC 3463


class Smtp:
    """A mailer that hands each message to the server that `url` names; `timeout_seconds` is for a whole send.

    `ssl_context` is for other certificate authorities than the system's. Raises ValueError for a URL that
    cannot be read, in one line that repeats nothing of it, since it may hold a password.
    """

    def __init__(
        self, url: str, sender: Sender, *, timeout_seconds: float = 10, ssl_context: SSLContext | None = None
    ) -> None:
        found = _URL.fullmatch(url)
        if not found or not 0 < int(found[6] or 1) < 65536:
            raise ValueError(
                "smtp_url must be smtp://user:password@host:port, smtps://… or smtp+starttls://…, "
                "with / ? # % and spaces of user and password as %2F %3F %23 %25 %20"
            )
        scheme, user, password, ipv6, name, port = found.groups()
        host = ipv6 or name
        tls = None if scheme == "smtp" else ssl_context or create_default_context()
        if tls and not tls.check_hostname:  # which implies CERT_REQUIRED
            raise ValueError("ssl_context must verify the certificate and the name in it")
        if password and not tls and not is_loopback(host):
            logging.getLogger(__name__).warning("smtp_url sends the mail password unencrypted to %s", host)
        self._sender, self._timeout_seconds = sender, timeout_seconds
        self._client = partial(
            SMTP,
            hostname=host,
            port=int(port or _PORTS[scheme]),
            username=unquote_to_bytes(user) if user else None,
            password=unquote_to_bytes(password) if password else None,
            local_hostname=sender.domain,  # else the client asks the DNS who this machine is
            timeout=None,  # aiosmtplib's limit is for each command, ours for all of them
            use_tls=scheme == "smtps",
            start_tls=scheme == "smtp+starttls",  # never None, which would go on without TLS
            tls_context=tls,
        )

    async def send(self, message: Message) -> None:
        """Return once the server has taken the message; raises MailFailed when it has not in time."""
        try:
            recipient = address.email(message.to)
            raw = written(message, self._sender, system_clock(), uuid4().hex)
        except ValueError as error:
            raise MailFailed(f"the message cannot be written: {error}") from None
        # Only an address beyond ASCII makes a raw UTF-8 head, and then both are needed (RFC 6531, 3.6).
        options = [] if raw.isascii() else ["SMTPUTF8", "BODY=8BITMIME"]
        client = self._client()
        try:
            async with asyncio.timeout(self._timeout_seconds) as limit:
                await client.connect()
                await client.sendmail(self._sender.address, recipient, raw, mail_options=options)
            with suppress(Exception):  # the mail is sent: an error of QUIT changes nothing
                async with asyncio.timeout_at(limit.when()):
                    await client.quit()
        except Exception as error:
            raise MailFailed(f"{client.hostname}:{client.port} {_reason(error)}") from None
        finally:
            client.close()


def _reason(error: Exception) -> str:
    """Return what went wrong; of the server's answer only the codes, since its text may quote the login or the mail."""
    if isinstance(error, SMTPRecipientsRefused):
        error = error.recipients[0]
    if isinstance(error, SMTPResponseException):
        status = _STATUS.match(error.message)
        return f"answered {error.code}{f' {status[0]}' if status else ''} ({type(error).__name__})"
    if isinstance(error, TimeoutError):
        return "did not take the message in time"
    known = isinstance(error, OSError | SMTPException)
    return f"failed: {error.__cause__ or error if known else type(error).__name__}"
