"""Email addresses and domains: one spelling for each, or a sentence that says what to send.

The grammar is stricter than RFC 5322: no quotes, comments, display names or literals, so that an address can
be a key, an SMTP argument and a header without ever being parsed again.
"""

import re
import unicodedata
from functools import lru_cache

import idna

LOCAL_OCTETS, DOMAIN_OCTETS, EMAIL_OCTETS = 64, 253, 254  # RFC 5321, 4.5.3.1; erratum 1690 of RFC 3696

_ATOM = r"[a-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]+"  # RFC 5322 atext, RFC 6531 beyond ASCII
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")
_PART = re.compile(r"[a-z0-9-]*")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")  # RFC 1123, 2.1


def email(text: str) -> str:
    """Return the canonical form of an email address: trimmed, lower-case, the domain in ASCII.

    Raises ValueError with a sentence that fits after the field's name.
    """
    local, _, host = _normalized(text, EMAIL_OCTETS).partition("@")
    try:
        canonical = f"{_local(local)}@{_host(host)}"
    except ValueError:
        raise ValueError("must be an address like jane@acme.com") from None
    if len(canonical.encode()) > EMAIL_OCTETS:
        raise ValueError(f"must have at most {EMAIL_OCTETS} characters")
    return canonical


def domain(text: str) -> str:
    """Return the canonical form of a domain: trimmed, lower-case, in ASCII.

    Raises ValueError with a sentence that fits after the field's name.
    """
    name = _normalized(text, DOMAIN_OCTETS)
    try:
        return _host(name)
    except ValueError:
        raise ValueError("must be a domain alone: send only acme.com, without https://, path or port") from None


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
    return local + at + part_of_domain(host)


def part_of_domain(text: str) -> str:
    """Return part of a domain as domains are stored; raises ValueError for what no domain can hold.

    A label that is not ASCII must be whole, since it is stored in another spelling.
    """
    try:
        return domain(text)
    except ValueError:
        pass
    labels = _normalized(text, DOMAIN_OCTETS).split(".")
    try:
        return ".".join(label if _PART.fullmatch(label) else _label(label) for label in labels)
    except ValueError:
        raise ValueError("must be part of a domain like acme.com") from None


def _normalized(text: str, longest: int) -> str:
    text = text.strip()
    if len(text) > longest:
        raise ValueError(f"must have at most {longest} characters")
    return unicodedata.normalize("NFC", text.lower())


def _local(text: str) -> str:
    """Return a dot-atom whose characters beyond ASCII IDNA 2008 allows: letters, digits and their marks."""
    if len(text.encode()) > LOCAL_OCTETS or not _LOCAL.fullmatch(text):
        raise ValueError
    for run in _BEYOND_ASCII.findall(text):
        if not run.isprintable():  # invisible joiners, which IDNA allows between some letters
            raise ValueError
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
        text = idna.alabel(text).decode()
    if not _LABEL.fullmatch(text):
        raise ValueError
    return text
