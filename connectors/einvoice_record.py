"""What an e-invoice says: the canonical record, and what only the document knows."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Literal

from ..core.money import Currency, Exact
from ..core.noun import Noun
from .records import CreditNote, Invoice, InvoiceLine
from .xml_tree import Node

Syntax = Literal["ubl", "cii", "fatturapa"]
"""The languages that are read."""

CREDIT_CODES = frozenset({"81", "83", "261", "262", "296", "308", "381", "396", "420", "458", "502", "503", "532"})
"""UNTDID 1001 codes of documents that take back, with positive amounts."""


class Allowance(Noun):
    """An allowance or a charge on the whole document."""

    amount: Exact
    base: Exact | None = None
    percent: Exact | None = None
    reason: str = ""
    category: str = ""
    """VAT category: `S`, `Z`, `E`, `AE`, …"""
    tax_rate: Exact | None = None


class TaxGroup(Noun):
    """One line of the tax breakdown."""

    category: str = ""
    rate: Exact | None = None
    """In percent."""
    taxable: Exact | None = None
    tax: Exact | None = None
    exemption: str = ""
    """Why no tax is due, where the document says so."""


class Account(Noun):
    """A bank account that the document asks to be paid to; never trusted."""

    iban: str = ""
    """IBAN or national account number, without spaces."""
    bic: str = ""
    holder: str = ""


class Totals(Noun):
    """The totals as the document states them; None where it does not."""

    currency: Currency = "XXX"
    lines: Exact | None = None
    allowances: Exact | None = None
    charges: Exact | None = None
    net: Exact | None = None
    tax: Exact | None = None
    other_taxes: tuple[Exact, ...] = ()
    """Further tax totals in the same currency, which no valid document has."""
    gross: Exact | None = None
    prepaid: Exact | None = None
    rounding: Exact | None = None
    payable: Exact | None = None


class Amounts(Noun):
    """Everything the arithmetic is about."""

    lines: tuple[Exact, ...] = ()
    """Net amount of each line."""
    allowances: tuple[Allowance, ...] = ()
    charges: tuple[Allowance, ...] = ()
    taxes: tuple[TaxGroup, ...] = ()
    totals: Totals = Totals()


class Finding(Noun):
    """One rule of arithmetic that the document breaks."""

    rule: str
    """`BR-CO-10` of EN 16931, `SdI-00422` of the Italian exchange, or ours: `total`, `credit-sign`."""
    field: str
    """The total that is wrong: `net`, `taxes[2].tax`."""
    stated: Exact | None
    """None where the document states nothing."""
    computed: Exact


class EInvoice(Noun):
    """One electronic invoice: the canonical record, and what only the document says."""

    file: str
    syntax: Syntax
    profile: str = ""
    """The customization or guideline id: `urn:cen.eu:en16931:2017`."""
    type_code: str = ""
    """UNTDID 1001 code (`380`, `381`) or the Italian one (`TD01`)."""
    document: Invoice | CreditNote
    allowances: tuple[Allowance, ...] = ()
    charges: tuple[Allowance, ...] = ()
    taxes: tuple[TaxGroup, ...] = ()
    totals: Totals
    prepaid: Exact = Decimal(0)
    rounding: Exact = Decimal(0)
    payment_code: str = ""
    """UNTDID 4461 means of payment (`58`: SEPA credit transfer) or the Italian one (`MP05`)."""
    payment_reference: str = ""
    iban: str = ""
    bic: str = ""
    accounts: tuple[Account, ...] = ()
    """Every account named; the first is `iban` and `bic`."""
    payee_name: str = ""
    """Who is to be paid, where that is not the seller."""
    buyer_name: str = ""
    buyer_ids: tuple[str, ...] = ()
    buyer_reference: str = ""
    seller_ids: tuple[str, ...] = ()
    order_reference: str = ""
    findings: tuple[Finding, ...] = ()
    more: tuple["EInvoice", ...] = ()
    """Further invoices of the same file: an Italian lot may hold many."""


class Party(Noun):
    """The seller, the buyer or the payee, as the document names them."""

    name: str = ""
    tax_id: str = ""
    ids: tuple[str, ...] = ()
    """Every identifier given: registrations, electronic addresses, tax numbers."""


class Draft(Noun):
    """What a reader found, before it becomes an `EInvoice`; all three languages meet here."""

    file: str
    syntax: Syntax
    profile: str = ""
    type_code: str = ""
    credit: bool
    number: str
    issue_date: date
    due_date: date | None = None
    corrects: str = ""
    """The number of the invoice that this one follows."""
    note: str = ""
    currency: Currency
    lines: tuple[InvoiceLine, ...]
    amounts: Amounts
    net: Exact
    gross: Exact
    payable: Exact
    seller: Party
    buyer: Party
    payee_name: str = ""
    accounts: tuple[Account, ...] = ()
    payment_code: str = ""
    payment_reference: str = ""
    order_reference: str = ""
    buyer_reference: str = ""

    def einvoice(self, findings: tuple[Finding, ...]) -> EInvoice:
        """The finished e-invoice."""
        account = self.accounts[0] if self.accounts else Account()
        totals = self.amounts.totals
        return EInvoice(
            file=self.file,
            syntax=self.syntax,
            profile=self.profile,
            type_code=self.type_code,
            document=self._document(account.iban),
            allowances=self.amounts.allowances,
            charges=self.amounts.charges,
            taxes=self.amounts.taxes,
            totals=totals,
            prepaid=totals.prepaid or Decimal(0),
            rounding=totals.rounding or Decimal(0),
            payment_code=self.payment_code,
            payment_reference=self.payment_reference,
            iban=account.iban,
            bic=account.bic,
            accounts=self.accounts,
            payee_name=self.payee_name,
            buyer_name=self.buyer.name,
            buyer_ids=self.buyer.ids,
            buyer_reference=self.buyer_reference,
            seller_ids=self.seller.ids,
            order_reference=self.order_reference,
            findings=findings,
        )

    def _document(self, iban: str) -> Invoice | CreditNote:
        tax = self.amounts.totals.tax
        fields = {
            "id": self.number,
            "number": self.number,
            "native": self.type_code,
            "party_name": self.seller.name,
            "party_tax_id": self.seller.tax_id,
            "order_id": self.order_reference,
            "issue_date": self.issue_date,
            "due_date": self.due_date,
            "currency": self.currency,
            "lines": self.lines,
            "net": self.net,
            "tax": self.gross - self.net if tax is None else tax,
            "gross": self.gross,
            "payable": self.payable,
            "iban": iban,
            "note": self.note,
        }
        if self.credit:
            return CreditNote(**fields, corrects=self.corrects)
        return Invoice(**fields, extra={"follows": self.corrects} if self.corrects else {})


def distinct(*values: str) -> tuple[str, ...]:
    """The values that are not empty, each once, in their order."""
    return tuple(dict.fromkeys(value for value in values if value))


def in_currency(nodes: Iterable[Node], currency: str) -> tuple[Decimal, ...]:
    """The amounts in `currency` or in none stated; the tax of the tax accounts may stand beside in another one."""
    return tuple(node.amount() for node in nodes if not currency or node.attributes.get("currencyID", currency) == currency)


def line_number(text: str, position: int) -> int:
    """The number of a line; its position where the document's own id is not a plain number."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else position
