"""The text of a file, line by line, in whatever encoding it is, with few of its bytes in memory."""

import codecs
import io
from collections.abc import Generator, Iterator
from pathlib import Path

from crmkit.errors import Problem
from crmkit.files.table import invalid

CHUNK = 1 << 18  # bytes
MOST_LINE = 1 << 20  # characters


def chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def decodes(path: Path, encoding: str) -> bool:
    """Tell whether all of the file is text in this encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for chunk in chunks(path):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except (UnicodeError, ValueError):
        return False
    return True


def undecodable(path: Path, encoding: str) -> Problem:
    """Return the Problem of a file that is not in this encoding, which names the first line where it is not."""
    decoder = codecs.getincrementaldecoder(encoding)()
    number = 1
    for chunk in chunks(path):
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError as error:
            number += error.object[: error.start].count(b"\n")
            break
        number += chunk.count(b"\n")
    return invalid(f"Line {number} is not {encoding.upper()}, though the rest seems to be. Save the file as UTF-8.")


def opened(path: Path, encoding: str) -> io.TextIOWrapper:
    """Return the file as text whose line ends are as they are; a line may end with CR, LF or both."""
    return path.open(encoding=encoding, newline="")


def only_line(path: Path, encoding: str) -> str:
    """Return the file's text, as far as a line may go, if no line end is in all of it; else an empty one."""
    with opened(path, encoding) as file:
        start = piece = file.read(MOST_LINE)
        while piece:
            if "\n" in piece or "\r" in piece:
                return ""
            piece = file.read(MOST_LINE)
    return start


def without_line_ends() -> Problem:
    return invalid(
        "The file is one line without a line end. curl's -d takes line ends out: send it with --data-binary @FILE."
    )


def lines(path: Path, encoding: str, most: int = MOST_LINE) -> Generator[str]:
    """Yield each line with its line end.

    Raises Problem for a line of more than `most` characters, one that is not in this encoding, and one with a NUL.
    """
    number = 0
    with opened(path, encoding) as file:
        try:
            while line := file.readline(most + 1):
                number += 1
                if len(line) > most:
                    raise invalid(f"Line {number} is longer than {most:,} characters.")
                if "\0" in line:
                    raise invalid(f"Line {number} has a NUL byte, which no text has. Save the file again as text.")
                yield line
        except UnicodeError:
            raise undecodable(path, encoding) from None
