"""Opening a file: what it is by its content, whatever its name says."""

import re
from pathlib import Path

from crmkit.files.table import Table, invalid

_HEAD = 1 << 16
# first bytes -> what the file is, what to do instead
_REFUSED: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF", "a PDF", "Send the table itself, as CSV or XLSX."),
    (
        b"\xd0\xcf\x11\xe0",
        "an old Excel file (.xls) or one with a password",
        "Save it as XLSX or CSV, without a password.",
    ),
    (b"\x1f\x8b", "compressed (gzip)", "Unpack it first."),
    (b"BZh", "compressed (bzip2)", "Unpack it first."),
    (b"\xfd7zXZ", "compressed (xz)", "Unpack it first."),
    (b"\x28\xb5\x2f\xfd", "compressed (zstd)", "Unpack it first."),
    (b"7z\xbc\xaf", "a 7z archive", "Unpack it first."),
    (b"Rar!", "a RAR archive", "Unpack it first."),
    (b"\x89PNG", "a picture", "Send the table itself, as CSV or XLSX."),
    (b"\xff\xd8\xff", "a picture", "Send the table itself, as CSV or XLSX."),
    (b"GIF8", "a picture", "Send the table itself, as CSV or XLSX."),
    (b"PAR1", "a Parquet file", "Export its table as CSV."),
    (b"{\\rtf", "a document (RTF)", "Send the table itself, as CSV or XLSX."),
)
_BLANKS = " \t\r\n\ufeff"
_IS_JSON = re.compile(r'[\[{]\s*(?:[\]}\[{"\d-]|null\b|true\b|false\b|\Z)')


def open_table(path: Path | str, *, name: str = "", content_type: str = "") -> Table:
    """Return the table of a file, which is read once. Raises Problem `invalid_file` for one that is no table.

    `name` and `content_type` are what the sender says: they decide only where the content leaves it open.
    """
    path = Path(path)
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head.strip(b" \t\r\n\0\xef\xbb\xbf\xff\xfe"):
        raise invalid("The file is empty.")
    for magic, what, instead in _REFUSED:
        if head.startswith(magic):
            raise invalid(f"The file is {what}. {instead}")
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        from crmkit.files.xlsx.workbook import open_xlsx  # readers are imported when a file needs them

        return open_xlsx(path)
    return _open_text(path, _start(head), name.lower(), content_type)


def _open_text(path: Path, start: str, name: str, content_type: str) -> Table:
    if start[:11].upper() == "BEGIN:VCARD":
        from crmkit.files.vcard import open_vcard

        return open_vcard(path, content_type)
    if start[:15].upper() == "BEGIN:VCALENDAR":
        raise invalid("The file is a calendar (iCalendar). Send CSV, XLSX, JSON or vCard.")
    if _IS_JSON.match(start) or (_says_json(name, content_type) and start[:1] in "[{"):
        from crmkit.files.items import open_json

        return open_json(path, content_type)
    if re.match(r"<(!doctype|html|\?xml|table|meta|head|body)\b", start, re.IGNORECASE):
        raise invalid("The file is HTML or XML, whatever its name says. Save it as CSV or XLSX.")
    from crmkit.files.delimited import open_csv

    return open_csv(path, content_type)


def _says_json(name: str, content_type: str) -> bool:
    return name.endswith((".json", ".jsonl", ".ndjson")) or "json" in content_type.lower()


def _start(head: bytes) -> str:
    """Return the first characters of a text, as far as they are ASCII in any encoding."""
    for mark, encoding in ((b"\xff\xfe\0\0", "utf-32"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if head.startswith(mark):
            return head.decode(encoding, "replace").lstrip(_BLANKS)
    return head.replace(b"\0", b"").decode("utf-8-sig", "replace").lstrip(_BLANKS)
