"""Numbers and amounts of money as programs write them: `1,234.50`, `1.234,50`, `1'234`, `€ 1 234,50`, `(5.00)`."""

import re
from decimal import Decimal

from crmkit.model.iso_codes import CURRENCIES
from crmkit.model.sheets.patterns import LatePattern

LONGEST = 80  # characters of what may be a number
MOST_DIGITS = 24

_GROUPED = LatePattern(
    r"[0-9]{1,3}(?:([.,' ])[0-9]{3})(?:\1[0-9]{3})*(?:([.,])[0-9]*)?|[0-9]+(?:([.,])[0-9]*)?|([.,])[0-9]+"
)
_BLANKS = LatePattern(r"[\s\u00a0\u2009\u202f]+")
_PLAIN = LatePattern(r"[+-]?[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_MONEY = LatePattern(r"([^0-9.,+-]*)([+-]?)([^0-9.,+-]*)([0-9.,].*?)([^0-9.,]*)", re.DOTALL)
_CODE_BESIDE = LatePattern(r"([A-Z]{3})\s*[-–—:(].*|[^()]*\(([A-Z]{3})\)")

# signs and names that stand for one currency; of several, it is the one that is preferred
_SIGNS = {
    "€": "EUR", "£": "GBP", "₹": "INR", "₽": "RUB", "₺": "TRY", "₩": "KRW", "₪": "ILS", "₴": "UAH", "₫": "VND",
    "฿": "THB", "₱": "PHP", "₦": "NGN", "zł": "PLN", "kč": "CZK", "ft": "HUF", "r$": "BRL", "us$": "USD", "a$": "AUD",
    "au$": "AUD", "c$": "CAD", "ca$": "CAD", "nz$": "NZD", "hk$": "HKD", "s$": "SGD", "mx$": "MXN", "nt$": "TWD",
    "$": "USD AUD CAD NZD HKD SGD MXN CLP COP ARS TWD", "¥": "JPY CNY", "￥": "JPY CNY", "円": "JPY", "元": "CNY",
    "euro": "EUR", "euros": "EUR", "us dollar": "USD", "us dollars": "USD", "u.s. dollar": "USD",
    "united states dollar": "USD", "pound sterling": "GBP", "british pound": "GBP", "pounds sterling": "GBP",
    "swiss franc": "CHF", "swiss francs": "CHF", "schweizer franken": "CHF", "franken": "CHF", "yen": "JPY",
    "japanese yen": "JPY", "canadian dollar": "CAD", "australian dollar": "AUD", "indian rupee": "INR",
    "fr.": "CHF", "sfr.": "CHF", "kr": "SEK NOK DKK ISK", "kr.": "DKK SEK NOK ISK", "лв": "BGN", "lei": "RON",
}  # fmt: skip
# currencies whose amounts have another number of decimals than two (ISO 4217)
_DECIMALS = {
    code: decimals
    for decimals, codes in (
        (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"),
        (3, "BHD IQD JOD KWD LYD OMR TND"),
    )
    for code in codes.split()
}


def decimal_sign(text: str) -> str:
    """Return the sign that must be the one before a fraction in a number, "" where the text does not tell."""
    signs = [each for each in text if each in ".,"]
    if not signs:
        return ""
    if len(set(signs)) == 2:
        return signs[-1]
    if len(signs) > 1:
        return "," if signs[0] == "." else "."
    before, _, after = text.partition(signs[0])
    fraction, whole = re.match("[0-9]*", after), re.search("[0-9]*$", before)
    is_group = fraction is not None and len(fraction[0]) == 3 and whole is not None and 1 <= len(whole[0]) <= 3
    return "" if is_group and whole is not None and whole[0] != "0" else signs[0]


def number(text: str, decimal: str) -> Decimal | None:
    """Return the number in a text, whose fraction stands behind the sign `decimal`; None for what is none."""
    text = _BLANKS.sub(" ", text[: LONGEST + 1]).strip().replace("\u2212", "-").replace("\u2019", "'")
    if len(text) > LONGEST:
        return None
    is_negative = text.startswith("(") and text.endswith(")")
    text = text[1:-1].strip() if is_negative else text
    if decimal == "." and _PLAIN.fullmatch(text):
        value = -Decimal(text) if is_negative else Decimal(text)
        return value if abs(value.adjusted()) < MOST_DIGITS else None
    sign, text = (text[0], text[1:].strip()) if text[:1] in ("+", "-") else ("", text)
    found = _GROUPED.fullmatch(text)
    if found is None or found[1] == decimal:
        return None
    mark = found[2] or found[3] or found[4]
    if mark and mark != decimal:
        return None
    value = Decimal(re.sub("[.,' ]", lambda each: "." if each[0] == decimal else "", text).rstrip(".") or "0")
    value = -value if is_negative or sign == "-" else value
    return value if abs(value.adjusted()) < MOST_DIGITS else None


def is_like_grouped(value: Decimal) -> bool:
    """Tell whether a number is written like a whole one in groups of three digits: 2.000 in a column that has no other.

    A text like that may be two thousand; it is no fraction unless it is one of a thousandth.
    """
    return value.as_tuple().exponent == -3 and 1 <= abs(value) < 1000


def money(text: str, decimal: str) -> tuple[Decimal, str] | None:
    """Return an amount and the sign or code of its currency, "" where it has none; None for what is no amount."""
    text = _BLANKS.sub(" ", text[: LONGEST + 1]).strip().replace("\u2212", "-")
    if len(text) > LONGEST:
        return None
    is_negative = text.startswith("(") and text.endswith(")")
    found = _MONEY.fullmatch(text[1:-1] if is_negative else text)
    if found is None:
        return None
    before, sign, between, digits, after = (part.strip() for part in found.groups())
    words = [word for word in (before, between, after) if word not in ("", "'")]
    value = number(f"{sign}{digits}", decimal)
    if value is None or len(words) > 1:
        return None
    return -value if is_negative else value, words[0] if words else ""


def currency(word: str, preferred: str) -> str | None:
    """Return the code that a sign, a code or a name of a currency stands for, of several the preferred one.

    A dollar is one of the United States unless another is preferred. `EUR - Euro` and `Euro (EUR)` are of the code in
    them. None if unknown.
    """
    beside = _CODE_BESIDE.fullmatch(word.strip())
    found = currencies((beside[1] or beside[2]) if beside else word)
    return preferred if preferred in found else found[0] if len(found) == 1 or word.strip() == "$" else None


def sign_behind(title: str) -> tuple[str, str]:
    """Return the title of a column without the sign or code of a currency at its end, and that: `Amount (EUR)`."""
    rest, _, sign = title.strip().rstrip(")]").replace("(", " ").replace("[", " ").rpartition(" ")
    is_sign = currencies(sign) and (sign.upper() == sign or not sign.isalpha())
    return (rest.strip().removesuffix(" in"), sign) if rest and is_sign else (title, "")


def currencies(word: str) -> tuple[str, ...]:
    """Return the codes that a sign or a code of a currency may stand for."""
    code = word.strip().upper()
    return (code,) if code in CURRENCIES else tuple(_SIGNS.get(word.strip().lower(), "").split())


def cents(amount: Decimal, currency: str) -> int | None:
    """Return hundredths of a currency; None for an amount of more decimals than it has, as 2.000 euros may be."""
    decimals = decimals_of(currency)
    found = amount * 100
    if amount * 10**decimals % 1 or found % 1 or (decimals < 3 and is_like_grouped(amount)):
        return None
    return int(found)


def decimals_of(currency: str) -> int:
    """Return how many decimals a currency has."""
    return _DECIMALS.get(currency, 2)
