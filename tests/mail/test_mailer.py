"""Two settings choose how mail leaves."""

import pytest

from crmkit.mail import mailer
from crmkit.mail.console import Console
from crmkit.mail.smtp import Smtp


def test_without_a_url_mail_is_printed() -> None:
    assert isinstance(mailer("", "crmkit <crmkit@localhost>"), Console)


@pytest.mark.parametrize("scheme", ["smtp", "smtps", "smtp+starttls"])
def test_with_a_url_mail_is_sent(scheme: str) -> None:
    assert isinstance(mailer(f"{scheme}://127.0.0.1", "crm@example.com"), Smtp)


@pytest.mark.parametrize("url", ["", "smtp://127.0.0.1"])
def test_a_bad_sender_stops_the_start_whatever_the_url(url: str) -> None:
    with pytest.raises(ValueError, match="^from must be like"):
        mailer(url, "nobody")
