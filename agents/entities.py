"""What a ticket's text mentions: document numbers, amounts, dates, IBANs and addresses, each with its span.

All of it is somebody else's words: look the record up and take recipients and amounts from there, never from here.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from enum import StrEnum

from ..core.iban import LENGTHS, valid_iban
from ..core.money import Money
from ..core.noun import Noun
from .dates import mentioned_dates

_MAX_CHARACTERS = 20_000


class EntityKind(StrEnum):
    """What a text can mention."""

    EMAIL = "email"
    IBAN = "iban"
    INVOICE = "invoice"
    ORDER = "order"
    AMOUNT = "amount"
    DATE = "date"


class Entity(Noun):
    """One thing that a text mentions; untrusted by definition."""

    kind: EntityKind
    text: str
    """As written."""
    start: int
    end: int
    """Where it stands: `text[start:end]`."""
    value: str
    """Its plain form: `INV-2026-00123`, `1234.56 EUR`, `2026-11-24`."""
    money: Money | None = None
    """Of an amount."""
    day: date | None = None
    """Of a date."""
    certain: bool = True
    """False where another reading is as good: 3/4/2026, or a day of "next week"."""


def entities_of(text: str, *, reference: date) -> tuple[Entity, ...]:
    """What the first 20,000 characters of `text` mention, in order, without overlaps; "Friday" is reckoned from `reference`."""
    seen = text[:_MAX_CHARACTERS]
    kept: list[Entity] = []
    # The order decides who gets a span that two readers claim: the stricter pattern first.
    for read in (_emails, _ibans, _invoices, _orders, _amounts, _dates(reference)):
        kept += [
            found for found in read(seen) if not any(found.start < other.end and other.start < found.end for other in kept)
        ]
    return tuple(sorted(kept, key=lambda found: found.start))


_EMAIL = re.compile(r"(?<![\w.+-])[A-Za-z0-9][\w.+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w-])", re.ASCII)
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}[0-9]{2}(?:[ \u00a0]?[A-Za-z0-9]){11,30}", re.ASCII)
_NUMBERED = r"(?:[ ]?(?:no\.?|nr\.?|number|num\.?|id|n°|nº|nummer)?[ ]?[:#]?[ ]?)"
_CODE = r"((?=[A-Z0-9/_-]{0,20}[0-9])[A-Z0-9]{1,12}(?:[-_/][A-Z0-9]{1,12}){0,4})(?![\w@]|[.,:][0-9])"
_END = r"(?![\w@]|[.,][0-9])"
_INVOICE_CODE = re.compile(
    r"(?<![\w-])(?:(?:INV|SI|RG|RE|RN|CI|FA|FC|FV|BILL|RECHNUNG|AR|NW)[-_/ ]?|R-|F-)(?=[A-Z0-9/_-]{0,20}[0-9]{2})"
    r"[A-Z0-9]{2,12}(?:[-_/][A-Z0-9]{1,12}){0,3}" + _END
)
_INVOICE_WORD = re.compile(
    r"\b(?:invoices?|inv\.?|bill|rechnung(?:snummer|s-nr\.?)?|facture|factura|fattura|factuur)"
    + _NUMBERED
    + r"(?-i:"
    + _CODE
    + ")",
    re.IGNORECASE,
)
_ORDER_CODE = re.compile(
    r"(?<![\w-])(?:SO|PO|ORD|AB|BE|BST)[-_/ ]?(?=[A-Z0-9/_-]{0,20}[0-9]{2})[A-Z0-9]{2,12}(?:[-_/][A-Z0-9]{1,12}){0,3}" + _END
)
_ORDER_WORD = re.compile(
    r"\b(?:(?:purchase|sales)[ ])?(?:order|bestellung|bestellnummer|auftrag|commande|pedido|ordine|bestelling)"
    + _NUMBERED
    + r"(?-i:"
    + _CODE
    + ")",
    re.IGNORECASE,
)
_SYMBOLS = {"€": "EUR", "$": "USD", "£": "GBP", "us$": "USD", "euro": "EUR", "euros": "EUR", "dollar": "USD", "dollars": "USD",
            "pound": "GBP", "pounds": "GBP"}  # fmt: skip
_CODES = (
    "EUR|USD|GBP|CHF|SEK|NOK|DKK|PLN|CZK|HUF|RON|BGN|JPY|CNY|CAD|AUD|NZD|INR|TRY|BRL|MXN|ZAR|SGD|HKD|AED"
    "|eur|usd|gbp|chf|Eur|Usd|Gbp|Chf"
)
_QUANTITY = (
    r"(?:[0-9]{1,3}(?:[., \u00a0\u202f'’][0-9]{3}){1,4}(?:[.,][0-9]{1,2})?|[0-9]{1,12}(?:[.,][0-9]{1,2})?)(?![0-9]|[.,][0-9])"
)
_AMOUNT = re.compile(
    rf"(?<![\w.,-])(?:(?P<before>[Uu][Ss]\$|[€$£]|(?:{_CODES})(?![A-Za-z]))[ \u00a0]?(?P<first>{_QUANTITY})"
    rf"|(?P<last>{_QUANTITY})(?:,-|,–)?[ \u00a0]?(?P<after>[€$£]|(?:{_CODES}|[Ee]uros?|[Dd]ollars?|[Pp]ounds?)(?![A-Za-z])))"
)


def _emails(text: str) -> Iterator[Entity]:
    for match in _EMAIL.finditer(text):
        yield _entity(EntityKind.EMAIL, match, match.group().lower())


def _ibans(text: str) -> Iterator[Entity]:
    place = 0
    while match := _IBAN.search(text, place):
        start, written = match.start(), _leading_iban(match.group())
        if written:
            compact = re.sub(r"\s", "", written).upper()
            yield Entity(kind=EntityKind.IBAN, text=written, start=start, end=start + len(written), value=compact)
        place = start + max(len(written), 4)


def _leading_iban(written: str) -> str:
    """The IBAN that `written` begins with: the words after it look like more of it, so the country's length cuts."""
    left = LENGTHS.get(written[:2].upper(), 0)
    for end, letter in enumerate(written, start=1):
        left -= not letter.isspace()
        if left == 0:
            return written[:end] if valid_iban(written[:end]) and not written[end : end + 1].isalnum() else ""
    return ""


def _invoices(text: str) -> Iterator[Entity]:
    yield from _codes(EntityKind.INVOICE, _INVOICE_CODE, _INVOICE_WORD, text)


def _orders(text: str) -> Iterator[Entity]:
    yield from _codes(EntityKind.ORDER, _ORDER_CODE, _ORDER_WORD, text)


def _codes(kind: EntityKind, code: re.Pattern[str], word: re.Pattern[str], text: str) -> Iterator[Entity]:
    taken: list[tuple[int, int]] = []
    for match in code.finditer(text):
        taken.append(match.span())
        yield _entity(kind, match, re.sub(r"\s+", " ", match.group()))
    for match in word.finditer(text):
        start, end = match.span(1)
        if not any(start < stop and begin < end for begin, stop in taken) and not _is_amount(text, start):
            yield Entity(kind=kind, text=match.group(1), start=start, end=end, value=match.group(1))


def _is_amount(text: str, start: int) -> bool:
    found = _AMOUNT.match(text, start)
    return found is not None and bool(found["after"])


def _amounts(text: str) -> Iterator[Entity]:
    for match in _AMOUNT.finditer(text):
        mark = match["before"] or match["after"]
        currency = _SYMBOLS.get(mark.lower(), mark.upper())
        amount = _decimal(match["first"] or match["last"])
        yield _entity(EntityKind.AMOUNT, match, f"{amount:f} {currency}", money=Money(amount=amount, currency=currency))


def _decimal(written: str) -> Decimal:
    plain = re.sub(r"[ \u00a0\u202f'’]", "", written)
    cents = re.search(r"[.,]([0-9]{1,2})$", plain)
    whole = re.sub(r"[.,]", "", plain[: cents.start()] if cents else plain)
    return Decimal(f"{whole}.{cents[1]}" if cents else whole)


def _dates(reference: date) -> Callable[[str], Iterator[Entity]]:
    def read(text: str) -> Iterator[Entity]:
        for found in mentioned_dates(text, reference):
            yield Entity(
                kind=EntityKind.DATE,
                text=text[found.start : found.end],
                start=found.start,
                end=found.end,
                value=found.day.isoformat(),
                day=found.day,
                certain=found.certain,
            )

    return read


def _entity(kind: EntityKind, match: re.Match[str], value: str, money: Money | None = None) -> Entity:
    return Entity(kind=kind, text=match.group(), start=match.start(), end=match.end(), value=value, money=money)
