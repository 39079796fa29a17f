"""How long something took is read in the spellings of other programs."""

import pytest

from crmkit.model.sheets.spans import minutes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(("45", 45), ("0:30", 30), ("00:30", 30), ("1:05", 65), ("00:30:00", 30), ("01:15:29", 75), ("0:00:30", 1)),
        *(("45 min", 45), ("1 h 15 min", 75), ("1h15m", 75), ("1.5 hours", 90), ("1,5 Std", 90), ("90 sec", 2)),
        *(("20 Minuten", 20), ("0", 0), ("2.5", 3)),
        *((text, None) for text in ("", "soon", "1:75", "-5", "1:2", "10:30 AM", "5 days", "9" * 50)),
    ],
)
def test_a_text_tells_minutes_or_nothing(text: str, expected: int | None) -> None:
    assert minutes(text) == expected
