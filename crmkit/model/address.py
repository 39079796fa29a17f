"""Email addresses and domains: one spelling for each, or a sentence that says what to send.

The grammar is stricter than RFC 5322: no quotes, comments, display names or literals, so that an address can
be a key, an SMTP argument and a header without ever being parsed again.
"""

import re
import unicodedata
from functools import lru_cache

from crmkit.model.names import is_unseen

LOCAL_OCTETS, DOMAIN_OCTETS, EMAIL_OCTETS = 64, 253, 254  # RFC 5321, 4.5.3.1; erratum 1690 of RFC 3696

# RFC 5322 atext, RFC 6531 beyond ASCII: all but these, since a set that has the rest takes milliseconds to compile
_ATOM = r'[^\x00-\x20"(),.:;<>@A-Z\[\\\]\x7f]+'
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")
_PART = re.compile(r"[a-z0-9-]*")
_LOCAL_LETTER, _HOST_LETTER = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~.-]"), re.compile(r"[a-z0-9.-]")
# scheme and user, host, port, path; a user stands only after //, since jane@acme.com is no page
_PAGE = re.compile(
    r"\s*(?:(?:https?:)?//(?:[^/?#\\@\s]*@)?)?([^/?#\\@:\s]+?)\.?(?::[0-9]{0,5})?(?:[/?#].*)?\s*",
    re.IGNORECASE | re.DOTALL,
)
_WWW = re.compile(r"\A(?:www\.)+")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")  # RFC 1123, 2.1


def email(text: str) -> str:
    """Return the canonical form of an email address: trimmed, lower-case, the domain in ASCII.

    Raises ValueError with a sentence that fits after the field's name.
    """
    local, _, host = _normalized(text, EMAIL_OCTETS).partition("@")
    try:
        canonical = f"{_local(local)}@{_host(host)}"
    except ValueError:
        raise ValueError(f"must be an address like jane@acme.com{_fault(text, local=text.partition('@')[0])}") from None
    if len(canonical.encode()) > EMAIL_OCTETS:
        raise ValueError(f"must have at most {EMAIL_OCTETS} characters")
    return canonical


def untagged(email: str) -> str:
    """Return a canonical address without the tag behind a plus: jane+news@acme.com is read by jane@acme.com."""
    if "+" not in email:
        return email
    local, _, host = email.partition("@")
    return f"{local.partition('+')[0] or local}@{host}"


def tagged(untagged: str) -> tuple[str, str]:
    """Return from where to where, the end left out, addresses lie in order that are an untagged one with a tag."""
    local = untagged.partition("@")[0]
    return f"{local}+", f"{local},"


def domain(text: str) -> str:
    """Return the canonical form of a domain, or of that of a page's address: lower-case, in ASCII, without `www.`.

    Raises ValueError with a sentence that fits after the field's name.
    """
    page = _PAGE.fullmatch(text)
    name = _normalized(page[1] if page else text, DOMAIN_OCTETS)
    try:
        name = _host(name)
    except ValueError:
        raise ValueError(f"must be a domain like acme.com{_fault(text, page.span(1) if page else None)}") from None
    while name.startswith("www.") and name.count(".") > 1:  # www.com is a domain of its own
        name = name.removeprefix("www.")
    return name


def part_of_email(text: str) -> str:
    """Return part of an address as addresses are stored; raises ValueError for what no address can hold."""
    try:
        return email(text)
    except ValueError:
        pass
    local, at, host = _normalized(text, EMAIL_OCTETS).rpartition("@")
    if not at:
        local, host = host, ""
    if not re.fullmatch(rf"(?:{_ATOM}|[.])*", local):
        raise ValueError("must be part of an address like jane@acme.com")
    return local + at + _part_of_host(host)


def part_of_domain(text: str) -> str:
    """Return part of a domain as domains are stored, without `www.`; raises ValueError for what no domain can hold.

    A label that is not ASCII must be whole, since it is stored in another spelling.
    """
    try:
        part = domain(text)
    except ValueError:
        part = _part_of_host(_normalized(text, DOMAIN_OCTETS))
    bare = _WWW.sub("", part)
    if part and not bare:
        raise ValueError("has nothing but www., without which domains are kept")
    return bare


def _part_of_host(text: str) -> str:
    try:
        return _host(text)
    except ValueError:
        pass
    try:
        return ".".join(label if _PART.fullmatch(label) else _label(label) for label in text.split("."))
    except ValueError:
        raise ValueError("must be part of a domain like acme.com") from None


def _normalized(text: str, longest: int) -> str:
    text = text.strip()
    if len(text) > longest:
        raise ValueError(f"must have at most {longest} characters")
    return text.lower() if text.isascii() else unicodedata.normalize("NFC", text.lower())


def _local(text: str) -> str:
    """Return a dot-atom whose characters beyond ASCII IDNA 2008 allows: letters, digits and their marks."""
    if len(text.encode()) > LOCAL_OCTETS or not _LOCAL.fullmatch(text):
        raise ValueError
    if text.isascii():
        return text
    import idna  # imported late: it takes 10 ms, and most addresses are ASCII

    for found in _BEYOND_ASCII.finditer(text):
        run, start = found.group(), found.start()
        if not run.isprintable():  # invisible joiners, which IDNA allows between some letters
            raise ValueError
        if start and unicodedata.category(run[0])[0] == "M":  # a mark belongs to the letter before it
            run = text[start - 1] + run
        idna.check_label(run)
    return text


@lru_cache(1024)  # most addresses of a workspace have one of a few domains
def _host(text: str) -> str:
    """Return a domain name with at least one dot, or localhost; an IP address is none."""
    labels = [_label(label) for label in text.split(".")]
    name = ".".join(labels)
    if len(name) > DOMAIN_OCTETS or labels[-1].isdigit() or (len(labels) == 1 and name != "localhost"):
        raise ValueError
    return name


def _label(text: str) -> str:
    if not text.isascii() or text.startswith("xn--"):  # RFC 5891, 5.4: no A-label is believed unchecked
        import idna  # imported late, as above

        text = idna.alabel(text).decode()
    if not _LABEL.fullmatch(text):
        raise ValueError
    return text


def _fault(text: str, part: tuple[int, int] | None = None, local: str = "") -> str:
    """Return `; it has …` with the first character that no address has there, nothing if all are in some address.

    `part` is where the address stands in the text, if that holds more; `local` is what stands before the @.
    """
    known = unicodedata.normalize("NFC", text.lower())
    first, end = len(text) - len(text.lstrip()), len(text.rstrip())
    for at in range(*part or (first, end)):
        letter = unicodedata.normalize("NFC", text[at].lower())
        is_sign = at == len(local) and letter == "@"
        if not is_sign and letter in known and not _is_allowed(letter, at < len(local)):
            where = "at the start" if at == first else "at the end" if at == end - 1 else f"at position {at + 1}"
            return f"; it has {_named(text[at])} {where}"
    return ""


def _is_allowed(letter: str, in_local: bool) -> bool:
    if letter.isascii():
        return bool((_LOCAL_LETTER if in_local else _HOST_LETTER).fullmatch(letter))
    if any(map(is_unseen, letter)):
        return False
    import idna  # imported late, as above

    try:
        idna.check_label(f"a{letter}")  # a mark needs a letter before it
    except (idna.InvalidCodepoint, idna.InvalidCodepointContext):
        return False
    except idna.IDNAError:  # not beside a Latin letter
        return True
    return True


def _named(character: str) -> str:
    if character == " ":
        return "a blank"
    return f"'{character}'" if character.isascii() and character.isprintable() else f"U+{ord(character):04X}"
