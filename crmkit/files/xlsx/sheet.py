"""The rows of one sheet, out of its elements as they are parsed."""

import math
import re

from crmkit.files.frame import Record
from crmkit.files.table import MOST_COLUMNS, Cell, invalid
from crmkit.files.xlsx.archive import damaged
from crmkit.files.xlsx.strings import MOST_TEXT, Strings, decoded
from crmkit.files.xlsx.styles import Shown, shown_as

_MOST_ROW = 2 << 20  # characters of all cells of a row
_MOST_ROWS = 1 << 20  # Excel's own
_LETTERS = re.compile(r"[A-Za-z]{1,3}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_DIGITS = "0123456789"
_EXACT = 15  # digits that every number of a spreadsheet keeps


class SheetReader:
    """Takes what a parser tells of elements and their text (`start`, `end`, `text`); whole rows stand in `rows`."""

    def __init__(self, strings: Strings, styles: dict[int, Shown], since_1904: bool) -> None:
        self.rows: list[Record] = []
        self._strings = strings
        self._styles = {str(number): shown for number, shown in styles.items()}
        self._since_1904 = since_1904
        self._columns: dict[str, int] = {}  # by their letters
        self._row = self._column = 0
        self._cells: list[Cell] = []
        self._size = 0
        self._type = self._style = ""
        self._has_formula = False
        self._pieces: list[str] = []
        self._length = 0
        self._takes = False  # whether text is a cell's
        self._spoken = False  # whether it says how the cell is pronounced

    def start(self, tag: str, found: dict[str, str]) -> None:
        if tag == "c":
            place = found.get("r")
            if place is None:
                self._column += 1
            else:
                letters = place.rstrip(_DIGITS)
                self._column = self._columns.get(letters) or self._column_of(letters)
            self._type = found.get("t", "n")
            self._style = found.get("s", "")
            self._has_formula = self._spoken = False
            self._pieces = []
            self._length = 0
        elif tag in ("v", "t"):
            self._takes = not self._spoken
        elif tag == "row":
            row = int(found["r"]) if "r" in found else self._row + 1
            if not self._row < row <= _MOST_ROWS:
                raise damaged()
            self._row = row
            self._column = self._size = 0
            self._cells = []
        elif tag == "f":
            self._has_formula = True
        elif tag == "rPh":
            self._spoken = True

    def text(self, text: str) -> None:
        if self._takes:
            self._pieces.append(text)
            self._length += len(text)
            if self._length > MOST_TEXT:
                raise invalid(f"Row {self._row} has a cell of more than {MOST_TEXT:,} characters.")

    def end(self, tag: str) -> None:
        self._takes = False
        if tag == "c":
            if self._pieces or self._has_formula:
                cell = self._cell("".join(self._pieces))
                if cell is not None:
                    self._put(cell)
        elif tag == "row":
            if self._cells:
                self.rows.append((self._row, self._cells))
                self._cells = []
        elif tag == "rPh":
            self._spoken = False

    def _put(self, cell: Cell) -> None:
        ahead = self._column - 1 - len(self._cells)
        if ahead:
            if self._column > MOST_COLUMNS:
                raise self._too_wide()
            if ahead < 0:
                raise damaged()
            self._cells.extend([None] * ahead)
        self._cells.append(cell)
        self._size += len(cell) if isinstance(cell, str) else 8
        if self._size > _MOST_ROW:
            raise invalid(f"Row {self._row} is longer than {_MOST_ROW:,} characters.")
        if self._column > MOST_COLUMNS:
            raise self._too_wide()

    def _too_wide(self) -> Exception:
        return invalid(f"Row {self._row} has {self._column:,} columns or more; a table has at most {MOST_COLUMNS:,}.")

    def _cell(self, text: str) -> Cell:
        kind = self._type
        if kind == "s" and text:
            return self._strings.at(self._index(text)) or None
        if kind == "n" and text:
            return self._number(text)
        if kind == "b" and text:
            return text.strip() in ("1", "true")
        if text:
            return decoded(text)
        if self._has_formula and kind != "str":  # a formula whose value is an empty text is of type str
            raise invalid(
                f"Row {self._row}, column {self._column} is a formula without a value. Open the file in a spreadsheet "
                "program and save it, or send it as CSV."
            )
        return None

    def _number(self, text: str) -> Cell:
        shown = self._styles.get(self._style) if self._style else None
        if len(text) <= _EXACT and text.isdecimal() and text.isascii() and shown is None:
            return int(text)
        text = text.strip()
        number = float(text) if _NUMBER.fullmatch(text) and len(text) < 400 else math.inf
        if math.isinf(number):
            raise invalid(f"Row {self._row}, column {self._column} has a number that is none, or too large.")
        if shown is not None:
            return shown_as(number, shown, self._since_1904)
        return int(number) if number.is_integer() and abs(number) < 10**_EXACT else number

    def _index(self, text: str) -> int:
        if not text.isascii() or not text.isdecimal() or len(text) > 9:
            raise damaged()
        return int(text)

    def _column_of(self, letters: str) -> int:
        if not _LETTERS.fullmatch(letters):
            raise damaged()
        column = 0
        for letter in letters.upper():
            column = column * 26 + ord(letter) - 64
        self._columns[letters] = column
        return column
