"""Duplicates: was the same supply billed before, plainly or in disguise.

Three comparisons are made with every earlier invoice that still counts (a void or rejected one does not):

* the **numbers** are the same; the same but for formatting (case, spaces, punctuation, leading zeros, look-alike letters and
  digits of another alphabet, a word such as `INV` in front); the same once characters that scanners confuse are taken for one
  (O/0, I/1, L/1, Z/2, S/5, B/8); or one is the other with a suffix (`-DUP`, `/2`);
* the **supplier** is the same record, or an alias: same tax id, same account, or a name that is alike without its legal form;
* the **gross amount** is the same within the totals tolerance, or shifted by no more than the allowed percentage.

Rules, first that holds:

1. Same number in any of those senses, same supplier or alias, same or shifted amount, and the same order or dates within the
   window: duplicate. A suffix alone does not count where the bill has a supply of its own (see below): suppliers number
   instalments that way.
2. Other number, but same order, same supplier or alias, same or shifted amount, and neither receipts nor the order leave
   room for a second bill: duplicate.
3. Exactly the same number, amount and order from another supplier: duplicate.
4. Exactly the same number of one supplier record within the window at another amount: duplicate suspected.

An equal instalment has its own supply (what was received, or on a two-way order what was ordered, covers both bills), so
rule 2 does not hold. A recurring charge has its own order and another number, so no rule holds.

Confidence starts from how the numbers agree and is lowered by each thing that speaks against it; see `_CONFIDENCE`.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from enum import StrEnum

from ..connectors.records import Invoice, Supplier
from ..core.noun import Noun
from .invoice_settings import InvoiceSettings
from .match_quantities import Room


class Agreement(StrEnum):
    """How two values agree."""

    SAME = "same"
    FORMATTED = "formatted"
    """Number: same but for punctuation, leading zeros or a word in front."""
    MISREAD = "misread"
    """Number: same once characters that scanners confuse are taken for one."""
    SUFFIXED = "suffixed"
    """Number: one is the other with something appended."""
    SHIFTED = "shifted"
    """Amount: within the allowed percentage."""
    ALIAS = "alias"
    """Supplier: another record of the same company."""
    DIFFERENT = "different"


class Duplicate(Noun):
    """The earlier invoice that billed the same supply, and how that shows."""

    invoice_id: str
    number: str
    evidence: str
    """One sentence for the approver."""
    confidence: float


_CONFIDENCE = {Agreement.SAME: 0.99, Agreement.FORMATTED: 0.98, Agreement.MISREAD: 0.97, Agreement.SUFFIXED: 0.96}
_SETTLED_OTHERWISE = frozenset({"void", "rejected"})
_TELLING = 4
"""Characters that a number or tax id needs before it says anything without the letters around it."""
_CONFUSED = str.maketrans("OILZSB", "011258")
_LOOKALIKES = str.maketrans("АВЕКМНОРСТУХІЈЅԚԜΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEKMHOPCTYXIJSQWABEZHIKMNOPTYX")


def counted(invoice: Invoice, others: Iterable[Invoice]) -> tuple[Invoice, ...]:
    """Those of `others` that came before `invoice` and still count; of two drafts the one received first is earlier."""
    return tuple(
        other
        for other in others
        if other.id != invoice.id
        and other.kind == "invoice"
        and other.status not in _SETTLED_OTHERWISE
        and (other.status != "draft" or _arrival(other) < _arrival(invoice))
    )


def duplicate(
    invoice: Invoice,
    earlier: Sequence[Invoice],
    suppliers: Sequence[Supplier],
    settings: InvoiceSettings,
    *,
    left: Room,
    order_id: str,
) -> Duplicate | None:
    """The surest duplicate of `invoice` among `earlier`, or None.

    `left` says whether receipts and order leave room for this bill beside all earlier ones on `order_id`.
    """
    found = [_compared(invoice, other, suppliers, settings, left, order_id) for other in counted(invoice, earlier)]
    return max((hit for hit in found if hit), key=lambda hit: hit.confidence, default=None)


def near_miss(invoice: Invoice, earlier: Sequence[Invoice], settings: InvoiceSettings) -> bool:
    """Whether the same supplier billed the same amount a few days away, on another order and with another number."""
    return any(
        other.party_id == invoice.party_id
        and amounts(invoice, other, settings) is Agreement.SAME
        and abs((invoice.issue_date - other.issue_date).days) <= settings.near_miss_days
        for other in counted(invoice, earlier)
    )


def numbers(first: str, second: str, settings: InvoiceSettings) -> Agreement:
    """How two invoice numbers agree."""
    if first.strip().upper() == second.strip().upper():
        return Agreement.SAME
    bare, other = _forms(first, settings), _forms(second, settings)
    if bare & other:
        return Agreement.FORMATTED
    bare, other = {_folded(form) for form in bare}, {_folded(form) for form in other}
    if bare & other:
        return Agreement.MISREAD
    if _suffixed(first, second, settings) or _suffixed(second, first, settings):
        return Agreement.SUFFIXED
    return Agreement.DIFFERENT


def amounts(first: Invoice, second: Invoice, settings: InvoiceSettings) -> Agreement:
    """How the gross amounts of two invoices agree; amounts in different currencies never do."""
    if first.currency != second.currency:
        return Agreement.DIFFERENT
    gap = abs(first.gross - second.gross)
    if gap <= settings.totals_tolerance:
        return Agreement.SAME
    limit = max(abs(first.gross), abs(second.gross)) * settings.amount_shift_percent / 100
    return Agreement.SHIFTED if gap <= limit else Agreement.DIFFERENT


def parties(first: Invoice, second: Invoice, suppliers: Sequence[Supplier], settings: InvoiceSettings) -> Agreement:
    """Whether two invoices come from one supplier, by its record or by an alias."""
    if first.party_id and first.party_id == second.party_id:
        return Agreement.SAME
    one, two = _record(first, suppliers), _record(second, suppliers)
    same_tax = bool(_tax(first, one)) and _tax(first, one) == _tax(second, two)
    same_account = bool(one and two and bare_iban(one.iban) and bare_iban(one.iban) == bare_iban(two.iban))
    known = {*(one.aliases if one else ()), first.party_name}
    same_name = any(names_alike(name, second.party_name, settings) for name in known)
    return Agreement.ALIAS if same_tax or same_account or same_name else Agreement.DIFFERENT


def names_alike(first: str, second: str, settings: InvoiceSettings) -> bool:
    """Whether two company names mean one company, legal forms and punctuation left aside."""
    one, two = _company(first, settings), _company(second, settings)
    if not one or not two:
        return first.strip().casefold() == second.strip().casefold() != ""
    return one == two or SequenceMatcher(None, one, two).ratio() >= settings.name_likeness


def bare_iban(text: str) -> str:
    """An account number without spaces, punctuation and case."""
    return "".join(filter(str.isalnum, text)).upper()


def _compared(
    invoice: Invoice,
    other: Invoice,
    suppliers: Sequence[Supplier],
    settings: InvoiceSettings,
    left: Room,
    order_id: str,
) -> Duplicate | None:
    number, amount = numbers(invoice.number, other.number, settings), amounts(invoice, other, settings)
    party = parties(invoice, other, suppliers, settings)
    same_order = bool(order_id) and other.order_id in (order_id, invoice.order_id)
    close = abs((invoice.issue_date - other.issue_date).days) <= settings.duplicate_window_days
    sure = _confidence(number, amount, party, same_order=same_order, close=close, left=left)
    if sure is None:
        return None
    order = f", order {other.order_id}" if same_order else ""
    return Duplicate(
        invoice_id=other.id,
        number=other.number,
        confidence=round(sure, 2),
        evidence=f"Invoice {other.number} of {other.issue_date} over {other.gross:,} {other.currency}{order}: "
        f"number {number}, amount {amount}, supplier {party}.",
    )


def _confidence(
    number: Agreement, amount: Agreement, party: Agreement, *, same_order: bool, close: bool, left: Room
) -> float | None:
    """How sure the four rules are that it is a duplicate; None where none holds."""
    money, known = amount is not Agreement.DIFFERENT, party is not Agreement.DIFFERENT
    doubts = 0.02 * (amount is Agreement.SHIFTED) + 0.02 * (party is Agreement.ALIAS)
    instalment = number is Agreement.SUFFIXED and same_order and left.received
    if number is not Agreement.DIFFERENT and known and money and (same_order or close) and not instalment:
        # A re-used number is rarer than a second copy, but it happens: supply of its own or another order speak for it.
        return _CONFIDENCE[number] - doubts - 0.02 * (left.received or not same_order)
    if same_order and known and money and not (left.received or left.ordered):
        return 0.9 - doubts
    if number is Agreement.SAME and same_order and money:
        return 0.88
    if number is Agreement.SAME and party is Agreement.SAME and close:
        return 0.7
    return None


def _forms(number: str, settings: InvoiceSettings) -> set[str]:
    """The number without punctuation: whole, without a known word in front, and without letters before any digit."""
    whole = "".join(filter(str.isalnum, _latin(number)))
    forms, rest = {whole}, whole
    while prefix := next((word for word in settings.number_prefixes if rest.startswith(word) and rest != word), None):
        rest = rest.removeprefix(prefix)
        forms.add(rest)
    bare = re.sub(r"[A-Z]+(?=\d)", "", whole)
    if len(bare) >= _TELLING:
        forms.add(bare)
    return {form.lstrip("0") for form in forms} - {""}


def _latin(number: str) -> str:
    """The number in capitals and digits of one alphabet, whatever look-alikes it was written with."""
    seen = unicodedata.normalize("NFKC", number).upper().translate(_LOOKALIKES)
    return "".join(str(unicodedata.digit(one)) if one.isdigit() else one for one in seen)


def _folded(form: str) -> str:
    return form.translate(_CONFUSED).lstrip("0")


def _suffixed(longer: str, shorter: str, settings: InvoiceSettings) -> bool:
    """Whether `longer` is `shorter` and a suffix: behind punctuation, or letters behind the last digit."""
    cut = re.fullmatch(r"(.*\d.*)[\s\-/_.()]+\(?\w{1,9}\)?|(.*\d)[A-Za-z]{1,9}", longer.strip())
    if cut is None:
        return False
    base = cut[1] or cut[2]
    return bool({_folded(form) for form in _forms(base, settings)} & {_folded(form) for form in _forms(shorter, settings)})


def _company(name: str, settings: InvoiceSettings) -> str:
    words = re.sub(r"[^\w\s]", "", name).casefold().split()
    return " ".join(word for word in words if word not in settings.legal_forms)


def _record(invoice: Invoice, suppliers: Sequence[Supplier]) -> Supplier | None:
    return next((supplier for supplier in suppliers if supplier.id == invoice.party_id), None)


def _tax(invoice: Invoice, record: Supplier | None) -> str:
    found = bare_iban(invoice.party_tax_id or (record.tax_id if record else ""))
    return found if sum(map(str.isdigit, found)) > _TELLING else ""


def _arrival(invoice: Invoice) -> tuple[str, str]:
    return (invoice.received_on or invoice.issue_date).isoformat(), invoice.id
