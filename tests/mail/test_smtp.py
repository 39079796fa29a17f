"""Mail over real SMTP servers: what arrives, encrypted or not, and the URL that says where to."""

import asyncio
import logging
import ssl
from email import message_from_bytes

import pytest
import trustme
from aiosmtpd.smtp import LoginPassword
from aiosmtplib.email import parse_address
from hypothesis import given
from hypothesis import strategies as st

from crmkit.mail import Message
from crmkit.mail.smtp import Smtp
from crmkit.model import address
from tests.mail.posting import FROM, HOST, PASSWORD, USER_AND_PASSWORD, Certified, Door, Inbox, Serve, failure, send

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")

# What arrives


def test_a_message_arrives(serve: Serve) -> None:
    inbox = Inbox()
    send(f"smtp://{HOST}:{serve(inbox).port}")
    [envelope], [session] = inbox.envelopes, inbox.sessions
    assert (envelope.mail_from, envelope.rcpt_tos) == ("crm@example.com", ["jane@acme.com"])
    assert not envelope.smtp_utf8
    assert session.host_name == "example.com"
    message = message_from_bytes(envelope.original_content or b"")
    assert (message["To"], message["Subject"]) == ("jane@acme.com", "Your code")
    assert message.get_payload() == "Your code is 123456.\r\n"


def test_a_line_with_one_dot_does_not_end_the_message(serve: Serve) -> None:
    inbox = Inbox()
    send(
        f"smtp://{HOST}:{serve(inbox).port}",
        Message("jane@acme.com", "Dots", "a\n.\n..\nMAIL FROM:<x@y.z>\n"),
    )
    [envelope] = inbox.envelopes
    body = message_from_bytes(envelope.original_content or b"").get_payload(decode=True)
    assert body == b"a\r\n.\r\n..\r\nMAIL FROM:<x@y.z>\r\n"


def test_messages_sent_at_once_all_arrive_under_ids_of_their_own(serve: Serve) -> None:
    inbox = Inbox()
    smtp = Smtp(f"smtp://{HOST}:{serve(inbox).port}", FROM)

    async def storm() -> None:
        await asyncio.gather(*(smtp.send(Message(f"jane{n}@acme.com", "Hi", "Hi")) for n in range(20)))

    asyncio.run(storm())
    assert {envelope.rcpt_tos[0] for envelope in inbox.envelopes} == {f"jane{n}@acme.com" for n in range(20)}
    ids = {message_from_bytes(envelope.original_content or b"")["Message-ID"] for envelope in inbox.envelopes}
    assert len(ids) == 20


def test_an_address_beyond_ascii_goes_to_servers_that_know_smtputf8(serve: Serve) -> None:
    inbox = Inbox()
    send(f"smtp://{HOST}:{serve(inbox).port}", Message("Jürgen@acme.com", "Hi", "Hi"))
    [envelope] = inbox.envelopes
    assert envelope.rcpt_tos == ["jürgen@acme.com"]
    assert envelope.smtp_utf8
    assert "\r\nTo: jürgen@acme.com\r\n".encode() in (envelope.original_content or b"")


def test_an_address_beyond_ascii_fails_where_smtputf8_is_unknown(serve: Serve) -> None:
    inbox = Inbox()
    port = serve(inbox, enable_SMTPUTF8=False).port
    reason = failure(f"smtp://{HOST}:{port}", Message("Jürgen@acme.com", "Hi", "Hi"))
    assert reason == f"{HOST}:{port} failed: SMTPUTF8 is not supported by this server"
    assert not inbox.envelopes


@given(st.emails() | st.text(max_size=12).map("{}@acme.com".format))
def test_the_client_library_takes_every_canonical_address_as_it_is(text: str) -> None:
    try:
        canonical = address.email(text)
    except ValueError:
        return
    assert parse_address(canonical) == canonical


@pytest.mark.parametrize("message", [Message("no address", "Hi", ""), Message("jane@acme.com", "a\nBcc: b@c.de", "")])
def test_a_message_that_cannot_be_written_reaches_no_server(serve: Serve, message: Message) -> None:
    inbox = Inbox()
    reason = failure(f"smtp://{HOST}:{serve(inbox).port}", message)
    assert reason.startswith("the message cannot be written: ")
    assert not inbox.envelopes


# Encryption and passwords


def test_plain_smtp_stays_plain_even_where_starttls_is_offered(serve: Serve, certified: Certified) -> None:
    inbox = Inbox()
    send(f"smtp://{HOST}:{serve(inbox, tls_context=certified(HOST)).port}")
    assert [session.ssl for session in inbox.sessions] == [None]


def test_starttls_encrypts_before_the_mail(serve: Serve, certified: Certified, trusting: ssl.SSLContext) -> None:
    inbox = Inbox()
    port = serve(inbox, tls_context=certified(HOST), require_starttls=True).port
    send(f"smtp+starttls://{HOST}:{port}", ssl_context=trusting)
    assert inbox.sessions[0].ssl


def test_smtps_is_tls_from_the_start(serve: Serve, certified: Certified, trusting: ssl.SSLContext) -> None:
    inbox = Inbox()
    port = serve(inbox, ssl_context=certified("localhost")).port
    send(f"smtps://localhost:{port}", ssl_context=trusting)
    assert len(inbox.envelopes) == 1


def test_user_and_password_arrive_octet_for_octet(serve: Serve) -> None:
    inbox, door = Inbox(), Door()
    port = serve(inbox, authenticator=door, auth_required=True, auth_require_tls=False).port
    send(f"smtp://{USER_AND_PASSWORD}@{HOST}:{port}")
    assert door.tried == [LoginPassword(b"crm@example.com", PASSWORD.encode())]
    assert len(inbox.envelopes) == 1


def test_with_starttls_the_password_waits_for_tls(serve: Serve, certified: Certified, trusting: ssl.SSLContext) -> None:
    inbox, door = Inbox(), Door()
    port = serve(inbox, authenticator=door, auth_required=True, tls_context=certified(HOST)).port
    send(f"smtp+starttls://{USER_AND_PASSWORD}@{HOST}:{port}", ssl_context=trusting)
    assert inbox.sessions[0].ssl
    assert inbox.sessions[0].authenticated


def test_a_server_that_does_not_offer_starttls_gets_neither_password_nor_mail(serve: Serve) -> None:
    inbox, door = Inbox(), Door()
    port = serve(inbox, authenticator=door, auth_require_tls=False).port
    reason = failure(f"smtp+starttls://{USER_AND_PASSWORD}@{HOST}:{port}")
    assert reason == f"{HOST}:{port} failed: SMTP STARTTLS extension not supported by server."
    assert not door.tried
    assert not inbox.envelopes


def test_a_wrong_password_is_reported_by_its_smtp_code_only(serve: Serve) -> None:
    inbox, door = Inbox(), Door()
    port = serve(inbox, authenticator=door, auth_required=True, auth_require_tls=False).port
    reason = failure(f"smtp://crm:wrong-one@{HOST}:{port}")
    assert reason == f"{HOST}:{port} answered 535 5.7.8 (SMTPAuthenticationError)"
    assert not inbox.envelopes


def test_a_server_without_auth_is_told_no_password(serve: Serve) -> None:
    inbox = Inbox()
    assert "AUTH extension is not supported" in failure(f"smtp://{USER_AND_PASSWORD}@{HOST}:{serve(inbox).port}")
    assert not inbox.envelopes


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
@pytest.mark.parametrize("fault", ["unknown authority", "other name"])
def test_a_wrong_certificate_gets_neither_password_nor_mail(
    serve: Serve, certified: Certified, trusting: ssl.SSLContext, scheme: str, fault: str
) -> None:
    inbox, door = Inbox(), Door()
    certificate = certified("mail.example" if fault == "other name" else HOST)
    tls = {"ssl_context" if scheme == "smtps" else "tls_context": certificate}
    port = serve(inbox, authenticator=door, **tls).port
    trusted = trusting if fault == "other name" else None
    reason = failure(f"{scheme}://{USER_AND_PASSWORD}@{HOST}:{port}", ssl_context=trusted)
    assert "certificate verify failed" in reason
    assert not door.tried
    assert not inbox.envelopes


def test_a_context_that_does_not_verify_is_refused(authority: trustme.CA) -> None:
    careless = ssl.create_default_context()
    authority.configure_trust(careless)
    careless.check_hostname = False
    with pytest.raises(ValueError, match="ssl_context must verify"):
        Smtp(f"smtps://{HOST}", FROM, ssl_context=careless)


@pytest.mark.parametrize(
    ("url", "warnings"),
    [
        ("smtp://crm:s3cret@mail.example", 1),
        ("smtp://mail.example", 0),
        ("smtp://crm:s3cret@127.0.0.1", 0),
        ("smtp://crm:s3cret@localhost", 0),
        ("smtp://crm:s3cret@[::1]", 0),
        ("smtps://crm:s3cret@mail.example", 0),
        ("smtp+starttls://crm:s3cret@mail.example", 0),
    ],
)
def test_a_password_that_leaves_the_machine_in_the_clear_is_warned_of(
    caplog: pytest.LogCaptureFixture, url: str, warnings: int
) -> None:
    Smtp(url, FROM)
    assert len([record for record in caplog.records if record.levelno == logging.WARNING]) == warnings
    assert "s3cret" not in caplog.text


# The URL


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("smtp://nowhere.invalid", "nowhere.invalid:25 "),
        ("smtps://nowhere.invalid", "nowhere.invalid:465 "),
        ("smtp+starttls://nowhere.invalid", "nowhere.invalid:587 "),
        ("smtp+starttls://crm@example.com:p@ss@nowhere.invalid:2525/", "nowhere.invalid:2525 "),
    ],
)
def test_each_scheme_has_the_port_of_its_standard(url: str, place: str) -> None:
    assert failure(url, timeout_seconds=0.5).startswith(place)


@pytest.mark.parametrize(
    "url",
    [
        "s3cret",
        "http://crm:s3cret@mail.example",
        "SMTPS//crm:s3cret@mail.example",
        "smtp://",
        "smtp://crm:s3cret@",
        "smtp://crm:s3cret@:25",
        "smtp://crm:s3cret@mail.example:",
        "smtp://crm:s3cret@mail.example:0",
        "smtp://crm:s3cret@mail.example:65536",
        "smtp://crm:s3cret@mail.example:smtp",
        "smtp://crm:s3cret@mail.example/inbox",
        "smtp://crm:s3cret@mail.example?tls=no",
        "smtp://crm:s3/cret@mail.example",
        "smtp://crm:s3#cret@mail.example",
        "smtp://crm:s3 cret@mail.example",
        "smtp://s3cret@mail.example",
        "smtp://crm:s3cret@mail.example\r\nRCPT",
        "smtp://crm:s3cret@mail example",
        "smtp://crm:s3cret@bücher.example",
        " smtp://crm:s3cret@mail.example",
    ],
)
def test_a_url_that_cannot_be_read_is_told_in_one_line_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match="^smtp_url must be smtp://user:password@host:port") as caught:
        Smtp(url, FROM)
    assert len(str(caught.value).splitlines()) == 1
    assert "s3" not in str(caught.value)
    assert caught.value.__context__ is None
