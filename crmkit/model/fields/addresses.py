"""Addresses: of mail, of a company's domain, of a page."""

from typing import Any

from crmkit.model import address
from crmkit.model.actor import Asker
from crmkit.model.fields.base import FieldType, Invalid, Span, checked
from crmkit.model.fields.text import Text
from crmkit.model.fold import fold
from crmkit.model.names import trimmed
from crmkit.model.operators.rows import Taken
from crmkit.model.sheets import lists
from crmkit.model.sheets.habits import Habits, Read

_X500 = ("/o=", "x500:")  # with which names begin that an Exchange server has for its own users


class Email(FieldType, frozen=True):
    """An address. With `takes_me` it is one of a person who works with the CRM, and `me` stands for the caller's."""

    takes_me: bool = False

    names = True
    taken = Taken.TEXT

    @property
    def says(self) -> str:
        return "an address like jane@acme.com" + (", or me" if self.takes_me else "")

    @property
    def brief(self) -> str:
        return "email or me" if self.takes_me else "email"

    @property
    def legend(self) -> str:
        return "email: like jane@acme.com; me, where it is allowed, is your own"

    def meant(self, raw: Any, asker: Asker) -> Any:
        is_me = self.takes_me and isinstance(raw, str) and raw.strip().lower() == "me"
        return (asker.address or raw) if is_me else raw

    def from_cell(self, text: str, habits: Habits) -> Read:
        """Return an address, and what stands beside it. A name alone tells nobody's address."""
        if lists.is_one_mail(text):
            return text, ""
        name, mail = lists.named(text)
        if self.takes_me:
            return (mail or text, "") if "@" in text or text.lower() == "me" else (None, text)
        if mail:
            return mail, name
        if text.lower().startswith(_X500):
            return None, text
        first, *rest = lists.mails(text) or [text]
        return first, ", ".join(rest)

    def cleaned(self, value: str) -> str | None:
        return checked(address.email, value) if trimmed(value) else None

    def operand(self, text: str) -> str | None:
        return self.cleaned(_with_plus(text))

    def gist(self, value: str | None, country: str) -> str | None:
        return address.untagged(value) if value else None

    def near(self, gist: str) -> Span | None:
        return address.tagged(gist)

    def part(self, text: str) -> str:
        return checked(address.part_of_email, _with_plus(text))


class Domain(FieldType, frozen=True):
    """The domain of a company, in ASCII and lower case, without `www.`."""

    names = True
    taken = Taken.TEXT

    @property
    def says(self) -> str:
        return "a domain like acme.com, or the address of a page there"

    def cleaned(self, value: str) -> str | None:
        return checked(address.domain, value) if trimmed(value) else None

    def part(self, text: str) -> str:
        return checked(address.part_of_domain, text)


class Website(Text, frozen=True):
    """The address of a page or a domain, as it was written; compared without case."""

    most: int = 2_000

    @property
    def says(self) -> str:
        return f"a domain or the address of a page (http or https), {self.most:,} characters at most"

    @property
    def brief(self) -> str:
        return self.says

    @property
    def legend(self) -> str:
        return ""

    def cleaned(self, value: str) -> str | None:
        text = super().cleaned(value)
        if text is None:
            return None
        try:
            host = address.domain(text)
        except ValueError:
            raise Invalid(f"must be {self.says}") from None
        is_page = text.lower().startswith(("http://", "https://"))
        if text.startswith("//") or ("." not in host and not is_page):
            raise Invalid(f"must be {self.says}")
        if " " in text or not text.isprintable():
            raise Invalid(f"must be {self.says}, without blanks")
        return text

    def part(self, text: str) -> str:
        return fold(text)


def _with_plus(text: str) -> str:
    """Return part of an address, trimmed; a blank in it is the plus that an unescaped query string meant."""
    return text.strip().replace(" ", "+")
