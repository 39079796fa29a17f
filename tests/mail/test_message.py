"""What people typed stays one value of one header, whatever it holds."""

import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.mail.message import Message, Sender, written
from crmkit.model import address

CRMKIT = Sender("crmkit", "crm@example.com")
NOON = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)
HEADERS = [
    "Date",
    "Message-ID",
    "From",
    "To",
    "Subject",
    "Auto-Submitted",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
]
LINE_BREAKERS = "\r\n\0\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"


def sent(to: str = "jane@acme.com", subject: str = "Hello", body: str = "Hi\n", sender: Sender = CRMKIT) -> bytes:
    return written(Message(to, subject, body), sender, NOON, "u1")


def parsed(raw: bytes) -> EmailMessage:
    found = message_from_bytes(raw, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def header_names(raw: bytes) -> list[str]:
    """Return the header names a reader sees who takes any control character for the end of a line."""
    head = raw.split(b"\r\n\r\n", 1)[0].decode().replace("\r\n ", " ")
    return [line.split(":")[0] for line in re.split(f"\r\n|[{LINE_BREAKERS}]", head)]


def test_a_message_is_exactly_these_bytes() -> None:
    assert sent(subject="Your code is 123456", body="Code: 123456\n.\nGrüße") == (
        b"Date: Wed, 10 Jun 2026 12:00:00 +0000\r\n"
        b"Message-ID: <u1@example.com>\r\n"
        b"From: crmkit <crm@example.com>\r\n"
        b"To: jane@acme.com\r\n"
        b"Subject: Your code is 123456\r\n"
        b"Auto-Submitted: auto-generated\r\n"
        b"MIME-Version: 1.0\r\n"
        b'Content-Type: text/plain; charset="utf-8"\r\n'
        b"Content-Transfer-Encoding: quoted-printable\r\n"
        b"\r\n"
        b"Code: 123456\r\n=2E\r\nGr=C3=BC=C3=9Fe\r\n"
    )


nasty = st.lists(
    st.sampled_from([*LINE_BREAKERS, "\r\n", "\n ", "\t", "Bcc: eve@evil.com", "=?utf-8?q?=0d=0a?=", "?=", "\r\n\r\n"])
    | st.text(max_size=8)
).map("".join)
to_values = st.one_of(nasty, nasty.map("{}@acme.com".format), nasty.map("jane@acme.com{}".format), st.emails())
from_values = st.one_of(
    nasty, nasty.map("{} <crm@example.com>".format), nasty.map('"{}" <crm@example.com>'.format), to_values
)


@given(to=to_values, subject=nasty, from_=from_values)
def test_no_value_can_add_a_header(to: str, subject: str, from_: str) -> None:
    for attempt in (
        (to, "Hello", "crm@example.com"),
        ("jane@acme.com", subject, from_),
        (to, subject, from_),
    ):
        try:
            raw = sent(attempt[0], attempt[1], sender=Sender.parse(attempt[2]))
        except ValueError:
            continue
        message = parsed(raw)
        assert message.keys() == HEADERS
        assert header_names(raw) == HEADERS
        assert not message.defects
        assert message.get_content() == "Hi\r\n"


@pytest.mark.parametrize("breaker", [*LINE_BREAKERS, "\x1b", "\x7f", "\x9b", "\ud800"], ids=ascii)
def test_a_control_character_in_any_value_is_refused(breaker: str) -> None:
    for text in (f"a{breaker}Bcc: eve@evil.com", f"{breaker}a", f"a{breaker}"):
        with pytest.raises(ValueError, match="Subject holds the control character"):
            sent(subject=text)
        with pytest.raises(ValueError, match="From holds the control character"):
            sent(sender=Sender(text, "crm@example.com"))
        with pytest.raises(ValueError, match="^from must be like"):
            Sender.parse(f"x{text} <crm@example.com>")
    with pytest.raises(ValueError, match="must be an address"):
        sent(to=f"jane{breaker}@acme.com")


one_line = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]))


@given(subject=one_line, name=one_line)
def test_one_line_of_any_script_arrives_as_it_was_written(subject: str, name: str) -> None:
    raw = sent(subject=subject, sender=Sender(name, "crm@example.com"))
    message = parsed(raw)
    assert message["Subject"] == subject
    assert [mailbox.addr_spec for mailbox in message["From"].addresses] == ["crm@example.com"]
    decoded = str(make_header(decode_header(message_from_bytes(raw)["From"])))
    assert decoded.removesuffix("<crm@example.com>").rstrip(" ") == name.rstrip(" ")
    assert raw.isascii()
    assert all(len(line) <= 76 for line in raw.split(b"\r\n"))


@pytest.mark.parametrize("subject", ["=?utf-8?q?=0aBcc?=", "a =?utf-8?b?YQ==?= b", " two  spaces ", ""])
def test_a_subject_that_looks_encoded_or_has_spaces_at_its_ends_is_shown_as_written(subject: str) -> None:
    assert parsed(sent(subject=subject))["Subject"] == subject


@given(st.text())
def test_a_body_of_any_text_arrives_line_by_line(body: str) -> None:
    raw = sent(body=body)
    assert parsed(raw).get_content().split("\r\n")[:-1] == body.splitlines()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")


def test_half_a_surrogate_pair_in_a_body_becomes_a_question_mark() -> None:
    assert parsed(sent(body="a\ud800b")).get_content() == "a?b\r\n"


def test_only_an_address_beyond_ascii_needs_utf8() -> None:
    raw = sent(to="Jürgen@Bücher.example")
    assert "\r\nTo: jürgen@xn--bcher-kva.example\r\n".encode() in raw
    assert sent(to="jane@bücher.example", subject="Grüße", body="ü").isascii()


@given(st.emails())
def test_every_mail_goes_to_the_canonical_address(to: str) -> None:
    try:
        canonical = address.email(to)
    except ValueError:
        return
    assert f"\r\nTo: {canonical}\r\n".encode() in sent(to=to)


@pytest.mark.parametrize(
    ("setting", "name", "mailbox"),
    [
        ("crmkit <crm@example.com>", "crmkit", "crm@example.com"),
        ("crm@example.com", "", "crm@example.com"),
        ("<crm@example.com>", "", "crm@example.com"),
        (' "Acme, Inc." <CRM@Example.com> ', "Acme, Inc.", "crm@example.com"),
        ("Bücher & Söhne <crm@bücher.example>", "Bücher & Söhne", "crm@xn--bcher-kva.example"),
        ("crmkit <crmkit@localhost>", "crmkit", "crmkit@localhost"),
    ],
)
def test_the_sender_is_a_name_and_an_address_or_an_address(setting: str, name: str, mailbox: str) -> None:
    assert Sender.parse(setting) == Sender(name, mailbox)


@pytest.mark.parametrize(
    "setting",
    [
        "",
        "crmkit",
        "crmkit <>",
        "crmkit <crm>",
        "a <b@c.de> <d@e.fr>",
        "a@b.de, c@d.fr",
        "x <a@b.de>, y",
        'a"b <c@d.e>',
    ],
)
def test_a_sender_that_cannot_be_read_is_told_in_one_line(setting: str) -> None:
    with pytest.raises(ValueError, match=r"^from must be like crm@example.com or crmkit <crm@example.com>$"):
        Sender.parse(setting)


def test_the_repr_of_a_message_keeps_the_code_to_itself() -> None:
    assert repr(Message("jane@acme.com", "Code 123456", "123456")) == "Message(to='jane@acme.com')"
