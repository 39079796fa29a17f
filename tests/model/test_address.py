"""One spelling for each address, and a sentence for whatever is none."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crmkit.model import address

NEVER_AN_ADDRESS = [
    "",
    "   ",
    "jane",
    "@",
    "jane@",
    "@acme.com",
    "jane@acme",
    "jane@@acme.com",
    "jane@acme@com.de",
    "jane@.com",
    "jane@acme.",
    "jane@acme.com.",
    "jane@acme..com",
    "jane@-acme.com",
    "jane@acme-.com",
    "jane@acme_corp.com",
    "jane@127.0.0.1",
    "jane@[127.0.0.1]",
    "jane@acme.com:25",
    "jane@acme.com/path",
    ".jane@acme.com",
    "jane.@acme.com",
    "ja..ne@acme.com",
    "ja ne@acme.com",
    "jane @acme.com",
    "jane@ acme.com",
    "jane@acme. com",
    '"jane doe"@acme.com',
    '"jane"@acme.com',
    "jane(home)@acme.com",
    "jane@(home)acme.com",
    "jane@acme.com(home)",
    "Jane <jane@acme.com>",
    "<jane@acme.com>",
    "jane@acme.com>",
    "jane@acme.com, bob@acme.com",
    "jane@acme.com;bob@acme.com",
    "ja\\ne@acme.com",
    "ja:ne@acme.com",
    "ja[ne@acme.com",
    "jane@xn--a.com",  # no Punycode that stands for anything
    "jane@xn--acme-.com",
    "jane@ac\u00admE.com",  # soft hyphen
    "jane@acme\u3002com",  # ideographic full stop
    "jane@\uff41cme.com",  # full-width a
    "j\uff41ne@acme.com",
    "ja\u00adne@acme.com",
    "jane\u200b@acme.com",  # zero-width space
    "ja\u200dne@acme.com",  # zero-width joiner
    "\u0915\u094d\u200d\u0937@acme.com",  # the same where IDNA would allow it
    "jane\u202e@acme.com",  # right-to-left override
    "jane\u2066@acme.com",
    "jane\ufeff@acme.com",
    "jane\u034f@acme.com",  # combining grapheme joiner
    "jane\ufe0f@acme.com",  # variation selector
    "jane\u3164@acme.com",  # Hangul filler: a letter that cannot be seen
    "\u0301jane@acme.com",  # a mark on nothing
    "jane.\u0301@acme.com",
    "jane+\u0301@acme.com",
    "jane\U0001f600@acme.com",
    "jane\ud800@acme.com",
    "jane@ac\ud800me.com",
]
LINE_BREAKERS = "\r\n\0\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\x1b\x7f"


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("jane@acme.com", "jane@acme.com"),
        ("  Jane.Doe@ACME.Com\n", "jane.doe@acme.com"),
        ("jane+crm@mail.acme.co.uk", "jane+crm@mail.acme.co.uk"),
        ("o'brien_99%x!#$&*/=?^`{|}~-@acme.com", "o'brien_99%x!#$&*/=?^`{|}~-@acme.com"),
        ("root@localhost", "root@localhost"),
        ("a@b.c", "a@b.c"),
        ("jane@r3---sn-4g5e.example.com", "jane@r3---sn-4g5e.example.com"),
        ("jane@3m.com", "jane@3m.com"),
        ("Jane@Bücher.example", "jane@xn--bcher-kva.example"),
        ("jane@bu\u0308cher.example", "jane@xn--bcher-kva.example"),
        ("jane@XN--BCHER-KVA.example", "jane@xn--bcher-kva.example"),
        ("jane@例え.jp", "jane@xn--r8jz45g.jp"),
        ("JÜRGEN@acme.com", "jürgen@acme.com"),
        ("ju\u0308rgen@acme.com", "jürgen@acme.com"),
        ("राम@acme.com", "राम@acme.com"),
        ("用户@例子.广告", "用户@xn--fsqu00a.xn--4rr70v"),
        ("straße@acme.com", "straße@acme.com"),
        ("s\u0303@acme.com", "s\u0303@acme.com"),  # marks that make no letter of their own with the one before
        ("ß\u0303@acme.com", "ß\u0303@acme.com"),
        ("Jas\u0323\u0303@acme.com", "jaṣ\u0303@acme.com"),
    ],
)
def test_an_email_has_one_spelling(written: str, canonical: str) -> None:
    assert address.email(written) == canonical


@pytest.mark.parametrize("text", NEVER_AN_ADDRESS, ids=ascii)
def test_what_is_no_email_is_told_in_one_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="^must be an address like jane@acme.com(; it has [^ ]+( blank)? at .+)?$"):
        address.email(text)


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("jane@acme.com\u200b", "; it has U+200B at the end"),
        ("\ufeffjane@acme.com", "; it has U+FEFF at the start"),
        (" \ufeffjane@acme.com", "; it has U+FEFF at the start"),
        (" jane\u200b@acme.com", "; it has U+200B at position 6"),
        ("jane@ac\u00adme.com", "; it has U+00AD at position 8"),
        ("jane@acme.com\u202c\n", "; it has U+202C at the end"),
        ("jane\ufe0f@acme.com", "; it has U+FE0F at position 5"),
        ("jane\u3164@acme.com", "; it has U+3164 at position 5"),
        ("jane\U0001f600@acme.com", "; it has U+1F600 at position 5"),
        ("j\uff41ne@acme.com", "; it has U+FF41 at position 2"),
        ("Jane <jane@acme.com>", "; it has a blank at position 5"),
        ("jane@acme.com, bob@acme.com", "; it has ',' at position 14"),
        ("jane@acme_corp.com", "; it has '_' at position 10"),
        ("jane@@acme.com", "; it has '@' at position 6"),
        ("ja\ud800ne@acme.com", "; it has U+D800 at position 3"),
        ("jane doe", "; it has a blank at position 5"),
        ("jane+crm", ""),
        ("jane@acme", ""),
        (".jane@acme.com", ""),
        ("u\u0308..x@acme.com", ""),
    ],
    ids=ascii,
)
def test_the_character_that_no_address_has_is_named(written: str, fault: str) -> None:
    with pytest.raises(ValueError, match="must be") as told:
        address.email(written)
    assert str(told.value) == f"must be an address like jane@acme.com{fault}"


@pytest.mark.parametrize("breaker", LINE_BREAKERS, ids=ascii)
@pytest.mark.parametrize("place", ["ja{}ne@acme.com", "jane{}@acme.com", "jane@{}acme.com", "jane@acme{}.com"])
def test_a_control_character_makes_it_no_email(breaker: str, place: str) -> None:
    with pytest.raises(ValueError, match="must be an address"):
        address.email(place.format(breaker))


def test_the_local_part_has_at_most_64_octets() -> None:
    assert address.email("a" * 64 + "@acme.com")
    assert address.email("ü" * 32 + "@acme.com")
    for local in ("a" * 65, "ü" * 33):
        with pytest.raises(ValueError, match="must be an address"):
            address.email(f"{local}@acme.com")


def test_a_label_has_at_most_63_octets() -> None:
    assert address.email(f"jane@{'a' * 63}.com")
    for label in ("a" * 64, "ü" * 60):
        with pytest.raises(ValueError, match="must be an address"):
            address.email(f"jane@{label}.com")


def test_an_email_has_at_most_254_characters_also_once_its_domain_is_in_ascii() -> None:
    longest = "j" * 62 + "@" + ".".join(["a" * 63] * 2 + ["b" * 60, "cc"])
    assert len(longest) == 254
    assert address.email(longest) == longest
    for text in ("j" + longest, "j" * 60 + "@" + ".".join(["ü" + "a" * 55] * 3 + ["de"])):
        with pytest.raises(ValueError, match="^must have at most 254 characters$"):
            address.email(text)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("acme.com", "acme.com"),
        (" ACME.Com ", "acme.com"),
        ("shop.acme.co.uk", "shop.acme.co.uk"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("localhost", "localhost"),
        ("acme.com.", "acme.com"),
        ("acme.com:8080", "acme.com"),
        ("acme.com/", "acme.com"),
        ("acme.com?x=1", "acme.com"),
        ("acme.com#top", "acme.com"),
        ("//acme.com", "acme.com"),
        ("http://acme.com", "acme.com"),
        ("https://www.acme.com/about", "acme.com"),
        (" HTTPS://WWW.ACME.COM.:443/About?us=1#me@x \n", "acme.com"),
        ("https://jane:secret@acme.com/", "acme.com"),
        ("https://acme.com/@jane", "acme.com"),
        ("https://shop.acme.com", "shop.acme.com"),
        ("https://bücher.example/x y", "xn--bcher-kva.example"),
        ("https://www.xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("www.acme.com", "acme.com"),
        ("www.www.acme.com", "acme.com"),
        ("www.com", "www.com"),
        ("www.www.com", "www.com"),
        ("https://www.com/", "www.com"),
        ("www2.acme.com", "www2.acme.com"),
        ("wwwacme.com", "wwwacme.com"),
    ],
)
def test_a_domain_has_one_spelling(written: str, canonical: str) -> None:
    assert address.domain(written) == canonical
    assert address.domain(canonical) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "",
        "acme",
        "https://",
        "https:///about",
        "https:acme.com",
        "ftp://acme.com",
        "mailto:jane@acme.com",
        "javascript:alert(1)//acme.com",
        "acme.com:http",
        "acme.com:123456",
        "acme.com..",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://acme/",
        "https://a@b@acme.com",
        "https://acme.com\\@evil.com",
        "jane:x@acme.com",
        "www.",
        ".acme.com",
        "*.acme.com",
        "jane@acme.com",
        "@acme.com",
        "acme .com",
        "acme.com evil.com",
        "acme.com\nevil.com",
        "10.0.0.1",
        "[::1]",
        "ac\u200bme.com",
    ],
    ids=ascii,
)
def test_what_is_no_domain_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"^must be a domain like acme\.com"):
        address.domain(text)


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("acme.com\u200b", "; it has U+200B at the end"),
        ("https://acme\u200b.com/", "; it has U+200B at position 13"),
        ("acme_corp.com", "; it has '_' at position 5"),
        ("jane@acme.com", "; it has '@' at position 5"),
        ("acme", ""),
    ],
    ids=ascii,
)
def test_the_character_that_no_domain_has_is_named(written: str, fault: str) -> None:
    with pytest.raises(ValueError, match="must be") as told:
        address.domain(written)
    assert str(told.value) == f"must be a domain like acme.com{fault}"


def capitals(text: str) -> str:
    """Return a text with all capitals that stand for one small letter alone: not that of ß, nor Σ, which is σ or ς."""
    return "".join(letter.upper() if letter.upper().lower() == letter != "σ" else letter for letter in text)


letters = st.text(st.sampled_from("aZ09-_.+@ü\u0308ßİıΣKÅé例רـ٣\u200d" + LINE_BREAKERS), max_size=12)


@given(
    st.one_of(
        st.text(max_size=40),
        st.builds("{}@{}.{}".format, letters, letters, letters),
        st.builds("{}@acme.com".format, st.text(min_size=1, max_size=10)),
        st.builds("jane@{}.com".format, st.text(min_size=1, max_size=10)),
        st.emails(),
    )
)
@example("ß\u0303@0.A")
@example("s\u0303@0.A")
@example("+\u0303@0.A")
@example("ΣΑΣ@acme.com")
@example("Ǆ\u0307@acme.com")
def test_an_email_read_again_is_the_same_and_cannot_break_a_line(text: str) -> None:
    try:
        found = address.email(text)
    except ValueError as error:
        assert str(error).startswith("must ")
        return
    assert address.email(found) == found
    assert address.email(f" {capitals(found)} ") == found
    local, _, domain = found.partition("@")
    assert domain.endswith(address.domain(domain))
    assert domain.isascii()
    assert found.splitlines() == [found]
    assert found.isprintable()
    assert not set(found) & set(' "(),:;<>[\\]')
    assert unicodedata.is_normalized("NFC", local)
    assert len(found.encode()) <= 254


@pytest.mark.parametrize("text", ["a" * 100_000, "a." * 50_000, "a@" * 50_000, "ü" * 100_000, "a@" + "b." * 50_000])
def test_a_long_near_miss_is_refused_by_its_length(text: str) -> None:
    for read in (address.email, address.domain):
        with pytest.raises(ValueError, match="^must have at most 25[34] characters$"):
            read(text)
