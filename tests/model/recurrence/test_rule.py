"""Which texts say how something repeats."""

import pytest

from crmkit.model.fields import Invalid, Repeat
from crmkit.model.recurrence.rule import MOST_LETTERS, BadRule, parse

TAKEN = [
    *("daily", "Weekly", "MONTHLY", "yearly"),
    *("FREQ=DAILY", "RRULE:FREQ=DAILY", "freq=weekly;byday=mo,fr", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO;WKST=SU"),
    *("FREQ=MONTHLY;BYDAY=-1FR", "FREQ=MONTHLY;BYMONTHDAY=-1", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29"),
    *("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "FREQ=YEARLY;BYYEARDAY=-1"),
    *("FREQ=DAILY;UNTIL=20261231", "FREQ=DAILY;UNTIL=20261231T090000", "FREQ=DAILY;UNTIL=20261231T090000Z"),
    *("FREQ=HOURLY;BYHOUR=9,17", "FREQ=MINUTELY;INTERVAL=30", "FREQ=SECONDLY"),
]
REFUSED = {
    "fortnightly": "must be daily, weekly, monthly, yearly or a rule",
    "weekley": "did you mean weekly?",
    "FREQ=DAILY;COUNT=3": "has COUNT, which is not kept",
    "DTSTART:20260101T090000Z\nRRULE:FREQ=DAILY": "must be one rule of the parts",
    "RRULE:FREQ=DAILY\nEXDATE:20260101T090000Z": "needs FREQ",
    "EXRULE:FREQ=DAILY": "must be one rule of the parts",
    "FREQ=DAILY;": "must be one rule of the parts",
    "FREQ=DAILY;BYEASTER=0": "must be one rule of the parts",
    "INTERVAL=2": "needs FREQ",
    "FREQ=WEEKLEY": "did you mean WEEKLY?",
    "FREQ=DAILY;FREQ=DAILY": "has FREQ twice",
    "FREQ=DAILY;INTERVAL=0": "has INTERVAL=0, which is no number from 1 to 9,999",
    "FREQ=DAILY;INTERVAL=-1": "has INTERVAL=-1",
    "FREQ=DAILY;INTERVAL=99999999999999999999": "has INTERVAL=99999999999999999999",
    "FREQ=DAILY;INTERVAL=1,2": "has INTERVAL=1,2",
    "FREQ=YEARLY;BYMONTH=13": "has BYMONTH=13, which is no number from 1 to 12",
    "FREQ=YEARLY;BYMONTH=-1": "has BYMONTH=-1",
    "FREQ=MONTHLY;BYMONTHDAY=0": "has BYMONTHDAY=0",
    "FREQ=MONTHLY;BYMONTHDAY=32": "has BYMONTHDAY=32",
    "FREQ=DAILY;BYHOUR=24": "has BYHOUR=24",
    "FREQ=DAILY;BYHOUR=-1": "has BYHOUR=-1",
    "FREQ=DAILY;BYHOUR=": "has BYHOUR=",
    "FREQ=DAILY;BYSECOND=61": "has BYSECOND=61",
    "FREQ=WEEKLY;BYDAY=XX": "has BYDAY=XX, which is no day",
    "FREQ=WEEKLY;BYDAY=2MO": "has BYDAY=2MO, whose number is one of a month or a year",
    "FREQ=YEARLY;BYWEEKNO=3;BYDAY=2MO": "has BYDAY=2MO",
    "FREQ=MONTHLY;BYDAY=0MO": "has BYDAY=0MO",
    "FREQ=MONTHLY;BYDAY=MO,2TU": "has days with and without a number",
    "FREQ=MONTHLY;BYWEEKNO=3": "has BYWEEKNO, which does not go with FREQ=MONTHLY",
    "FREQ=DAILY;BYYEARDAY=3": "has BYYEARDAY",
    "FREQ=WEEKLY;BYMONTHDAY=3": "has BYMONTHDAY",
    "FREQ=MONTHLY;BYSETPOS=1": "has BYSETPOS without another part",
    "FREQ=WEEKLY;WKST=1": "has a WKST",
    "FREQ=DAILY;UNTIL=20260231": "has an UNTIL that is no time",
    "FREQ=DAILY;UNTIL=": "has an UNTIL that is no time",
    "FREQ=DAILY;UNTIL=2026-12-31": "has an UNTIL that is no time",
    "FREQ=DAİLY": "must be daily",
    "FREQ=DAILY;BYHOUR=" + ",".join(["1"] * MOST_LETTERS): f"at most {MOST_LETTERS} fit",
    "FREQ=DAILY;BYHOUR="
    + ",".join(map(str, range(10)))
    + ";BYMINUTE="
    + ",".join(map(str, range(20)))
    + ";BYSECOND="
    + ",".join(map(str, range(10))): "fires more than 1,440 times a day",
}


@pytest.mark.parametrize("text", TAKEN)
def test_a_word_or_a_rule_is_kept_as_it_is_written(text: str) -> None:
    assert Repeat().accept(f" {text} ") == text
    assert Repeat().operand(text) == text.lower()


def test_a_leap_second_counts_as_the_one_before() -> None:
    assert parse("FREQ=DAILY;BYSECOND=60,59") == parse("FREQ=DAILY;BYSECOND=59")
    assert parse("FREQ=DAILY;UNTIL=20261231T235960Z") == parse("FREQ=DAILY;UNTIL=20261231T235959Z")


@pytest.mark.parametrize(("text", "why"), REFUSED.items())
def test_what_is_no_rule_is_refused_with_its_fault(text: str, why: str) -> None:
    with pytest.raises(BadRule, match="^") as caught:
        parse(text)
    assert why in str(caught.value)
    with pytest.raises(Invalid):
        Repeat().accept(text)
