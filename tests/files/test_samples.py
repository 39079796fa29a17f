"""Files of other programs, as they stand in tests/samples: every cell of them is read or told as left out."""

import csv
import io
import re

import pytest

from crmkit.errors import Problem
from crmkit.files.opening import open_table
from tests.files.made import SAMPLES, dicts, numbers

# file -> its encoding, its delimiter, columns, rows, the number of its first row
READ = [
    ("excel-sep-line.csv", "utf-8", ";", 4, 12, 3),
    ("google.csv", "utf-8-sig", ",", 40, 13, 2),
    ("header-only.csv", "utf-8", ",", 3, 0, 0),
    ("hubspot.csv", "utf-8", ",", 17, 13, 2),
    ("linkedin.csv", "utf-8", ",", 7, 13, 5),
    ("mailchimp.csv", "utf-8", ",", 23, 12, 2),
    ("mixed-line-ends.csv", "utf-8", ",", 4, 12, 2),
    ("old-mac-cr.csv", "utf-8", ",", 4, 12, 2),
    ("outlook.csv", "utf-8-sig", ",", 45, 12, 2),
    ("pipedrive.csv", "utf-8", ",", 16, 12, 2),
    ("salesforce.csv", "cp1252", ",", 15, 12, 2),
]


def test_every_sample_is_known_here() -> None:
    assert {path.name for path in SAMPLES.iterdir()} == {
        *(name for name, *_ in READ),
        "README.md",
        "apple.vcf",
        "empty.csv",
    }


@pytest.mark.parametrize(("name", "encoding", "delimiter", "columns", "rows", "first"), READ)
def test_nothing_is_lost_and_nothing_invented(
    name: str, encoding: str, delimiter: str, columns: int, rows: int, first: int
) -> None:
    table = open_table(SAMPLES / name)
    assert (len(table.titles), table.count, next(iter(numbers(table)), 0)) == (columns, rows, first)
    text = (SAMPLES / name).read_bytes().decode(encoding)
    held = [
        cell for record in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) for cell in record if cell
    ]
    read = [cell for row in table.rows() for cell in row.cells if cell]
    titles = [title for title in table.titles if not re.fullmatch(r"column \d+", title)]
    told = [left.text for left in table.left_out]
    named = ["sep=", "", ""][:1] if text.startswith("sep=") else []
    assert sorted([*read, *titles, *told, *named]) == sorted(cell for cell in held if cell != ";")
    dicts(table)


def test_an_empty_file_is_told() -> None:
    with pytest.raises(Problem, match="empty"):
        open_table(SAMPLES / "empty.csv")
