"""Mail on the terminal can be read, and cannot be more than text."""

import asyncio
import io

import pytest

from crmkit.mail import MailFailed, Message
from crmkit.mail.console import Console


def printed(message: Message) -> str:
    stream = io.StringIO()
    asyncio.run(Console(stream).send(message))
    return stream.getvalue()


def test_a_message_is_printed_to_be_read() -> None:
    assert printed(Message("jane@acme.com", "Grüße", "Your code:\n\n  123456\n")) == (
        "mail | To: jane@acme.com\nmail | Subject: Grüße\nmail |\nmail | Your code:\nmail |\nmail |   123456\n"
    )


def test_without_a_stream_mail_goes_to_the_standard_output_of_that_moment(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asyncio.run(Console().send(Message("jane@acme.com", "Hello", "Hi")))
    assert "mail | Hi\n" in capsys.readouterr().out


@pytest.mark.parametrize("breaker", "\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029", ids=ascii)
def test_no_value_can_print_a_line_that_is_not_marked(breaker: str) -> None:
    text = f"a{breaker}INFO forged"
    lines = printed(Message(text, text, text)).splitlines()
    assert all(line.startswith("mail |") for line in lines)


def test_escape_sequences_and_bidi_marks_are_written_out() -> None:
    shown = printed(Message("jane@acme.com", "\x1b[2J\x07", "a\u202eb\x9bc\ud800"))
    assert "Subject: \\x1b[2J\\x07\n" in shown
    assert "mail | a\\u202eb\\x9bc\\ud800\n" in shown


def test_characters_that_a_terminal_lacks_are_printed_as_escapes() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    asyncio.run(Console(stream).send(Message("jane@acme.com", "Grüße", "€")))
    stream.seek(0)
    assert stream.read().endswith("mail | Subject: Gr\\xfc\\xdfe\nmail |\nmail | \\u20ac\n")


def test_a_terminal_that_is_gone_fails_the_mail_without_telling_what_it_said() -> None:
    stream = io.StringIO()
    stream.close()
    with pytest.raises(MailFailed, match="^cannot print on the terminal: ValueError$"):
        asyncio.run(Console(stream).send(Message("jane@acme.com", "Code 123456", "123456")))
