"""Amounts and dates in the words of a debtor's language, and back again."""

import re
from datetime import date
from decimal import Decimal, InvalidOperation

from ..core.money import round_minor

LANGUAGES = ("en", "de", "fr")
"""The languages that messages are approved in; others are written to in the first."""

_MONTHS = {
    "en": ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
           "December"),
    "de": ("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November",
           "Dezember"),
    "fr": ("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
           "décembre"),
}  # fmt: skip
_MARKS = {"en": (",", "."), "de": (".", ","), "fr": ("\u202f", ",")}
_AMOUNT = re.compile(r"(?<![\w.,])(\d(?:[\d.,\u202f]*\d)?)[ \u00a0\u202f]([A-Z]{3})(?!\w)")
_ORDINALS = {"en": "", "de": "[.]", "fr": "(?:er)?"}
_DATES = {
    language: re.compile(rf"(?<!\w)(\d{{1,2}}){_ORDINALS[language]} ({'|'.join(months)}) (\d{{4}})(?!\w)")
    for language, months in _MONTHS.items()
}


def spoken(language: str) -> str:
    """The language a message is written in: `language` where it is approved, else the first approved one."""
    code = language[:2].lower()
    return code if code in LANGUAGES else LANGUAGES[0]


def amount_text(amount: Decimal, currency: str, language: str) -> str:
    """`1,234.50 EUR`, `1.234,50 EUR` or `1 234,50 EUR`; never rounded."""
    minor = round_minor(amount, currency)
    thousands, point = _MARKS[language]
    text = f"{minor if minor == amount else amount:,f}"
    return text.replace(",", "\0").replace(".", point).replace("\0", thousands) + "\u00a0" + currency


def date_text(day: date, language: str) -> str:
    """`3 August 2026`, `3. August 2026` or `3 août 2026`."""
    mark = "." if language == "de" else "er" if language == "fr" and day.day == 1 else ""
    return f"{day.day}{mark} {_MONTHS[language][day.month - 1]} {day.year}"


def days_text(count: float) -> str:
    """`1 day`, `12 days`."""
    return f"{count:.0f} day{'' if f'{count:.0f}' == '1' else 's'}"


def amounts_in(text: str, language: str) -> list[tuple[Decimal, str]]:
    """Every amount with its currency; one that is not written as `amount_text` writes it comes back as NaN."""
    return [(_number(found, language), currency) for found, currency in _AMOUNT.findall(text)]


def dates_in(text: str, language: str) -> list[date | None]:
    """Every date; None for one that no calendar has."""
    found: list[date | None] = []
    for day, month, year in _DATES[language].findall(text):
        try:
            found.append(date(int(year), _MONTHS[language].index(month) + 1, int(day)))
        except ValueError:
            found.append(None)
    return found


def without_figures(text: str, language: str) -> str:
    """`text` without its dates and amounts."""
    return _AMOUNT.sub(" ", _DATES[language].sub(" ", text))


def _number(text: str, language: str) -> Decimal:
    thousands, point = _MARKS[language]
    plain = text.replace(thousands, "").replace(point, "!")
    try:
        value = Decimal(plain.replace("!", ".")) if plain.replace("!", "").isdigit() else Decimal("NaN")
    except InvalidOperation:
        return Decimal("NaN")
    again = f"{value:,f}".replace(",", "\0").replace(".", point).replace("\0", thousands)
    return value if value.is_finite() and again == text else Decimal("NaN")
