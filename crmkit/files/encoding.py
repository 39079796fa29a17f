"""Which encoding a text file is in: by its byte order mark, by what the sender says, by its content."""

import codecs
import re
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

from crmkit.files import text
from crmkit.files.table import invalid

# longest first: the mark of UTF-32 begins with that of UTF-16
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 1 << 15  # bytes of lines that are not ASCII
_LATIN_1 = ("iso8859-1", "ascii")  # as which clients announce what is the larger cp1252 (WHATWG Encoding, 4.2)
_NO_CHARSETS = ("idna", "punycode", "unicode-escape", "raw-unicode-escape", "unicode_escape", "raw_unicode_escape")

# Letters by which a language is known where one byte is a letter in several encodings; of other scripts than Latin the
# frequent ones. Where two encodings read a text alike well, the first of this list is taken.
_LETTERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "cp1252",
        ("àâæçéèêëîïôœùûüÿ", "äöüß", "áéíñóúü", "áâãàçéêíóôõú", "àèéìíòóùú", "åäöæøé", "ëïéèöüáó", "áðéíóúýþæö"),
    ),
    ("cp1250", ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "čćđšž", "ăâîşţșț")),
    ("cp1254", ("çğıöşüâîûi\u0307",)),
    ("cp1257", ("ąčęėįšųūž", "āčēģīķļņšūž", "äõöüšž")),
    ("iso8859_2", ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "čćđšž")),
    ("cp1251", ("оеаинтсрвлкмдя", "оанівертлкисїє")),
    ("koi8_r", ("оеаинтсрвлкмдя",)),
    ("cp866", ("оеаинтсрвлкмдя",)),
    ("mac_cyrillic", ("оеаинтсрвлкмдя",)),
    ("cp1253", ("αοιετσνηυρςίόάέ",)),
    ("cp1255", ("יוהלארתבשמנ",)),
    ("cp1256", ("اليمونرتبةعدسف",)),
    ("cp874", ("านรอกเงมยลวดทสตะปบค่้ีิ์ัุู",)),
    ("cp932", ()),
    ("euc_jp", ()),
    ("gb18030", ()),
    ("big5", ()),
    ("cp949", ()),
    ("mac_roman", ("àâæçéèêëîïôœùûüÿ", "äöüß", "áéíñóúü", "áâãàçéêíóôõú")),
    ("cp850", ("àâæçéèêëîïôùûüÿ", "äöüß", "áéíñóúü", "áâãàçéêíóôõú")),
)
_SIGNS = frozenset("’‘“”„«»–—…€£°·•®™©§\xa0")  # stand in texts of all languages
_LEADS = 0.04  # how much messier than the best reading one may be and still be judged by its letters


def declared(content_type: str) -> str:
    """Return the encoding that a Content-Type names, "" where it names none that we know."""
    found = re.search(r"charset\s*=\s*[\"']?([\w.:-]+)", content_type, re.IGNORECASE)
    return encoding_named(found[1]) if found else ""


def encoding_named(charset: str) -> str:
    """Return the encoding that a charset is, "" for one that we do not know."""
    try:
        codec = codecs.lookup(charset)
        if codec.name in _NO_CHARSETS:
            return ""
        "a".encode(codec.name)
    except (LookupError, ValueError):  # unknown, or no encoding of text
        return ""
    return "cp1252" if codec.name in _LATIN_1 else codec.name


def encoding_of(path: Path, content_type: str = "") -> str:
    """Return the encoding of a text file, of which every byte is text in it. Raises Problem where there is none."""
    with path.open("rb") as file:
        head = file.read(4096)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            if text.decodes(path, encoding):
                return encoding
            if encoding == "utf-8-sig":
                raise text.undecodable(path, "utf-8")
            raise invalid(f"The file begins with the mark of {encoding.upper()} and is not. Save it as UTF-8.")
    if b"\0" in head and (wide := _wide(head)) and text.decodes(path, wide):
        return wide
    told = declared(content_type)
    # what is said to be western and can be UTF-8 is UTF-8
    for encoding in ("utf-8", told) if told == "cp1252" else (told, "utf-8"):
        if encoding and text.decodes(path, encoding):
            return encoding
    sample = _sample(text.chunks(path))
    if _is_almost_utf_8(sample):
        raise text.undecodable(path, "utf-8")
    for encoding in _by_content(sample):
        if text.decodes(path, encoding):
            return encoding
    raise invalid("The file's encoding is not known. Save it as UTF-8.")


def _wide(head: bytes) -> str:
    """Return UTF-16 in the order whose high bytes are nought, as those of western texts are; "" if they are not."""
    high_first, low_first = head[::2].count(0), head[1::2].count(0)
    if min(high_first, low_first) or max(high_first, low_first) < len(head) // 8:
        return ""
    return "utf-16-be" if high_first else "utf-16-le"


def _sample(chunks: Iterable[bytes]) -> bytes:
    """Return lines that are not ASCII, whole ones, since a part may end within a character."""
    found: list[bytes] = []
    size = 0
    rest = b""  # of a line that goes on in the next chunk
    for chunk in chain(chunks, (b"\n",)):
        if chunk.isascii() and rest.isascii():
            continue
        lines = (rest + chunk).splitlines(keepends=True)
        rest = b"" if lines[-1].endswith((b"\r", b"\n")) else lines.pop()[: text.CHUNK]
        for line in lines:
            if not line.isascii():
                found.append(_cut(line))
                size += len(found[-1])
                if size >= _SAMPLE:
                    return b"".join(found)
    return b"".join(found)


def _cut(line: bytes) -> bytes:
    """Return the line as far as a sample goes, up to a delimiter."""
    if len(line) <= _SAMPLE:
        return line
    start = line[:_SAMPLE]
    return start[: max(start.rfind(sign) for sign in (b",", b";", b"\t", b" ")) + 1] or start


def _is_almost_utf_8(sample: bytes) -> bool:
    """Tell whether few bytes alone are wrong, as where somebody put lines of another encoding into the file."""
    read = sample.decode("utf-8", "replace")
    wrong = read.count("\ufffd")
    return sum(not sign.isascii() for sign in read) - wrong > 10 * wrong


def _by_content(sample: bytes) -> list[str]:
    """Return encodings that the sample may be in, the likeliest first."""
    from charset_normalizer import from_bytes  # imported late: few files need it

    order = [encoding for encoding, _ in _LETTERS]
    matches = from_bytes(sample, cp_isolation=order, enable_fallback=False, preemptive_behaviour=False)
    least = min((match.chaos for match in matches), default=0.0)
    # encodings in which the sample reads alike are one match
    read = {name: match for match in matches for name in match.could_be_from_charset if name in order}
    ranked = sorted(
        read,
        key=lambda name: (
            read[name].chaos > least + _LEADS,
            -_known(name, str(read[name])),
            -round(read[name].coherence, 1),
            order.index(name),
        ),
    )
    return list(dict.fromkeys((*ranked, "cp1252")))


def _known(encoding: str, found: str) -> float:
    """Return the share of characters beyond ASCII that one language of this encoding has; 1 where it knows none."""
    letters = [letter for letter in found.lower() if not letter.isascii() and letter not in _SIGNS]
    if not letters:
        return 0.0
    languages = dict(_LETTERS)[encoding]
    if languages:
        known = max(sum(letter in language for letter in letters) for language in languages)
    else:  # of narrow katakana alone is rather a text in an encoding of one byte
        known = sum(not "\uff61" <= letter <= "\uff9f" for letter in letters)
    return round(known / len(letters), 2)
