"""Messages to debtors: approved templates, filled from records only, and read back against the records."""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import ROUND_DOWN, Decimal

from ..connectors.records import Receivable
from ..core.errors import BadInput
from ..core.money import Currency, Exact, Money, round_minor
from ..core.noun import Noun
from ..core.settings import House
from .dunning_templates import DISCLOSURES, shipped_templates, slots_of
from .wording import LANGUAGES, amount_text, amounts_in, date_text, dates_in, spoken, without_figures

MOST_INVOICES = 60
"""Invoices that one message can list."""


class Instalment(Noun):
    """One part of a payment plan."""

    due: date
    amount: Exact


class Draft(Noun):
    """A filled message, with what it needs to be read back."""

    subject: str
    body: str
    template: str
    language: str
    currency: Currency
    pay_by: date | None = None
    plan: tuple[Instalment, ...] = ()
    names: tuple[str, ...] = ()
    """Names and addresses in the text, whose digits are no amounts."""


def draft(
    template: str,
    receivables: Sequence[Receivable],
    *,
    name: str,
    language: str,
    house: House,
    pay_by: date | None = None,
    plan: Sequence[Instalment] = (),
) -> Draft:
    """The message `template` about `receivables`, which share one currency; raises BadInput where a slot stays empty."""
    known = shipped_templates()
    chosen = known.template(template)
    tongue = spoken(language)
    currency = _one_currency(receivables, template)
    clean = " ".join(name.split())[:80]
    slots = _house_slots(house) | {"name": clean, "house": house.name}
    slots |= _record_slots(receivables, currency, tongue)
    slots |= _step_slots(currency, tongue, pay_by, plan)
    slots |= {part: known.disclosures[part][tongue].format_map(slots) for part in DISCLOSURES}
    text = chosen.texts[tongue]
    empty = sorted(slot for slot in slots_of(text) if not slots.get(slot))
    if empty:
        raise BadInput(f"Template {template!r} needs {empty[0]!r}, which the records do not give.", hint="Choose another step.")
    return Draft(
        subject=text.subject.format_map(slots), body=text.body.format_map(slots), template=template, language=tongue,
        currency=currency, pay_by=pay_by, plan=tuple(plan), names=(clean, house.name, house.email, house.phone),
    )  # fmt: skip


def instalments(total: Money, count: int, first_due: date) -> tuple[Instalment, ...]:
    """`total` in `count` monthly parts that add up to it; the last one carries the remainder."""
    unit = round_minor(Decimal(1), total.currency)
    part = (total.amount / count).quantize(unit, rounding=ROUND_DOWN)
    parts = [part] * (count - 1) + [total.amount - part * (count - 1)]
    return tuple(Instalment(due=_months_later(first_due, number), amount=amount) for number, amount in enumerate(parts))


def amounts_match_records(message: Draft, receivables: Sequence[Receivable]) -> bool:
    """Whether every amount, date and invoice number in the text is one of the records, and none of theirs is missing.

    The text is read anew, so an edited message is judged by what it says and not by what it was filled with. A digit that
    belongs to no amount, date, invoice number or name makes it False.
    """
    if not receivables or any(one.currency != message.currency for one in receivables):
        return False
    if message.plan and sum(one.amount for one in message.plan) != _total(receivables):
        return False
    text = _without_names(f"{message.subject}\n{message.body}", message.names)
    if any(symbol in text for symbol in "€$£¥"):
        return False
    figures = _Figures(message, receivables)
    return figures.every_invoice_is_told(text) and figures.nothing_else_is_told(text)


class _Figures:
    """What a message may and must say."""

    def __init__(self, message: Draft, receivables: Sequence[Receivable]) -> None:
        self.message = message
        self.receivables = receivables
        self.total = _total(receivables)
        self.amounts = {self.total, *(one.amount for one in message.plan)}
        self.dates: set[date | None] = {one.due for one in message.plan}
        self.dates |= {message.pay_by} if message.pay_by else set()
        self.counts = {str(len(message.plan))} if message.plan else set()

    def every_invoice_is_told(self, text: str) -> bool:
        """Each invoice stands on a line with its own open amount and due date, and the demand names the total."""
        lines = text.splitlines()
        for one in self.receivables:
            about = [line for line in lines if _number_pattern(one.invoice_number).search(line)]
            if not about or not all(self._tells(line, one) for line in about):
                return False
        demands = self.message.pay_by is not None or bool(self.message.plan)
        return not demands or self.total in {amount for amount, _ in self._amounts(text)}

    def nothing_else_is_told(self, text: str) -> bool:
        """Outside those lines only totals, agreed dates and the number of instalments."""
        numbers = [_number_pattern(one.invoice_number) for one in self.receivables]
        rest = "\n".join(line for line in text.splitlines() if not any(number.search(line) for number in numbers))
        if any(currency != self.message.currency or amount not in self.amounts for amount, currency in self._amounts(rest)):
            return False
        if any(day not in self.dates for day in dates_in(rest, self.message.language)):
            return False
        left = re.findall(r"\w*\d[\w.,/-]*", without_figures(rest, self.message.language))
        return all(token.rstrip(".,") in self.counts for token in left)

    def _tells(self, line: str, one: Receivable) -> bool:
        rest = _number_pattern(one.invoice_number).sub(" ", line)
        figures = self._amounts(rest)
        leftover = without_figures(rest, self.message.language)
        return (
            figures == [(one.open_amount, self.message.currency)]
            and dates_in(rest, self.message.language) == [one.due_date]
            and not re.search(r"\d", leftover)
        )

    def _amounts(self, text: str) -> list[tuple[Decimal, str]]:
        return amounts_in(text, self.message.language)


def _one_currency(receivables: Sequence[Receivable], template: str) -> str:
    currencies = sorted({one.currency for one in receivables})
    if len(currencies) != 1:
        raise BadInput(f"Template {template!r} needs one currency; found {', '.join(currencies) or 'no receivables'}.",
                       hint="Write one message per currency.")  # fmt: skip
    if len(receivables) > MOST_INVOICES:
        raise BadInput(f"{len(receivables)} invoices are too many for one message.", hint=f"Send at most {MOST_INVOICES}.")
    return currencies[0]


def _house_slots(house: House) -> dict[str, str]:
    return {"house_email": house.email, "house_phone": house.phone, "house": house.name}


_DUE = {"en": "due", "de": "fällig am", "fr": "échue le"}


def _record_slots(receivables: Sequence[Receivable], currency: str, language: str) -> dict[str, str]:
    lines = (
        f"  {one.invoice_number}: {amount_text(one.open_amount, currency, language)}, "
        f"{_DUE[language]} {date_text(one.due_date, language)}"
        for one in receivables
    )
    return {"invoices": "\n".join(lines), "total": amount_text(_total(receivables), currency, language)}


def _step_slots(currency: str, language: str, pay_by: date | None, plan: Sequence[Instalment]) -> dict[str, str]:
    parts = (f"  {date_text(one.due, language)}: {amount_text(one.amount, currency, language)}" for one in plan)
    return {
        "pay_by": date_text(pay_by, language) if pay_by else "",
        "instalments": str(len(plan)) if plan else "",
        "schedule": "\n".join(parts),
    }


def _total(receivables: Sequence[Receivable]) -> Decimal:
    return sum((one.open_amount for one in receivables), Decimal(0))


def _number_pattern(number: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w/-]){re.escape(number)}(?![\w/-])")


def _without_names(text: str, names: Iterable[str]) -> str:
    for name in sorted(filter(None, names), key=len, reverse=True):
        # A name that reads as a figure is not taken out, so that it cannot hide one.
        if any(sign.isalpha() for sign in name) and not any(amounts_in(name, language) for language in LANGUAGES):
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", " ", text)
        elif name.startswith("+"):
            text = text.replace(name, " ")
    return text


def _months_later(day: date, months: int) -> date:
    month = day.month - 1 + months
    year, month = day.year + month // 12, month % 12 + 1
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month, last)
        except ValueError:
            continue
    return date(year, month, 28)
