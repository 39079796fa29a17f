"""Phone numbers: the digits of every notation, and which keys a filter or a search means."""

import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from crmkit.model import phones

EXAMPLES = [
    (region, number)
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    for type_ in (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE)
    if (number := phonenumbers.example_number_for_type(region, type_))
]


def test_the_notations_of_numbers_of_all_countries_have_the_same_digits() -> None:
    assert len(EXAMPLES) > 400
    wrong = []
    for region, number in EXAMPLES:
        digits = phonenumbers.format_number(number, PhoneNumberFormat.E164)[1:]
        international = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
        national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
        read = [
            phones.digits(f"+{digits}"),
            phones.digits(international),
            phones.digits(f"00{digits}"),
            phones.digits(national, region),
            phones.digits(f"{international} ext. 12", "US"),
        ]
        if set(read) != {digits}:
            wrong.append((region, digits, read))
        ending = phones.wanted(national, region)[0]
        if not digits.endswith(ending) or phones.wanted(international)[0] != digits:
            wrong.append((region, digits, ending))
    assert not wrong


@pytest.mark.parametrize(
    ("text", "country", "digits"),
    [
        ("030/123 45 67", "", "0301234567"),
        ("+49 (0)30 1234567", "US", "49301234567"),
        ("(212) 555-0100 x12", "US", "12125550100"),
        ("1-800-FLOWERS", "US", "18003569377"),
        ("\u0660\u0663\u0660 \u0661\u0662\u0663\u0664\u0665\u0666\u0667", "DE", "49301234567"),
        ("\u0660\u0663\u0660 \u0661\u0662\u0663\u0664\u0665\u0666\u0667", "", "0301234567"),
        ("112", "", "112"),
        ("12", "", ""),
        ("", "DE", ""),
        ("ext 5, ask for Bob", "DE", ""),
        ("call 5551234 after 6pm", "DE", ""),
        ("Bob", "DE", ""),
        ("+", "", ""),
        ("1" * 200, "DE", ""),
    ],
)
def test_digits_are_read_with_the_country_that_is_known(text: str, country: str, digits: str) -> None:
    assert phones.digits(text, country) == digits
    assert phones.key(text, country) == (digits or text.casefold())


def test_a_search_for_a_number_asks_for_its_end_beside_its_words() -> None:
    ends = (phones.signed("301234567"), phones.signed("0301234567"))
    assert list(phones.sought(["jane", "030", "1234567", "acme"])) == [
        ("jane",),
        ("030", *ends),
        ("1234567", *ends),
        ("acme",),
    ]
    assert list(phones.sought(["jane"])) == [("jane",)]
    for words in ([], ["12"], ["123456"], ["1" * 21]):
        assert list(phones.sought(words)) == [(word, phones.written(word)) for word in words]
