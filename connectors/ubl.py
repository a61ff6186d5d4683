"""UBL 2.1 Invoice and CreditNote as e-invoices."""

from collections.abc import Iterator
from decimal import Decimal

from ..core.noun import Noun
from .einvoice_checks import arithmetic, credit_sign
from .einvoice_record import (
    CREDIT_CODES,
    Account,
    Allowance,
    Amounts,
    Draft,
    EInvoice,
    Party,
    TaxGroup,
    Totals,
    distinct,
    in_currency,
    line_number,
)
from .records import InvoiceLine
from .xml_tree import Node

NAMESPACES = frozenset(
    {"urn:oasis:names:specification:ubl:schema:xsd:Invoice-2", "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2"}
)
"""The namespaces of the root element."""

_LINE = "InvoiceLine|CreditNoteLine"
_QUANTITY = "InvoicedQuantity|CreditedQuantity"


class _Money(Noun):
    """Amounts that a document must state."""

    net: Decimal
    gross: Decimal
    payable: Decimal


def read_ubl(root: Node) -> EInvoice:
    """The e-invoice in a UBL document; raises BadInput naming the line and the element."""
    amounts = ubl_amounts(root)
    currency = root.need("DocumentCurrencyCode").currency()
    money = _money(root, currency)
    type_code = root.at("InvoiceTypeCode|CreditNoteTypeCode")
    seller = root.need("AccountingSupplierParty/Party")
    draft = Draft(
        file=root.file,
        syntax="ubl",
        profile=root.at("CustomizationID"),
        type_code=type_code,
        credit=root.name == "CreditNote" or type_code in CREDIT_CODES,
        number=root.required("ID"),
        issue_date=root.need("IssueDate").day(),
        due_date=root.day_at("DueDate") or root.day_at("PaymentMeans/PaymentDueDate"),
        corrects=root.at("BillingReference/InvoiceDocumentReference/ID"),
        note="\n".join(root.texts("Note")),
        currency=currency,
        lines=tuple(_lines(root)),
        amounts=amounts,
        net=money.net,
        gross=money.gross,
        payable=money.payable,
        seller=_party(seller),
        buyer=_party(root.first("AccountingCustomerParty/Party")),
        payee_name=root.at("PayeeParty/PartyName/Name"),
        accounts=tuple(_accounts(root)),
        payment_code=root.at("PaymentMeans/PaymentMeansCode"),
        payment_reference=root.at("PaymentMeans/PaymentID"),
        order_reference=root.at("OrderReference/ID"),
        buyer_reference=root.at("BuyerReference"),
    )
    return draft.einvoice((*arithmetic(amounts), *credit_sign(draft)))


def ubl_amounts(root: Node) -> Amounts:
    """The amounts a document, or a part of one, states; None where it states nothing."""
    return Amounts(
        lines=tuple(net.amount() for net in root.all(f"{_LINE}/LineExtensionAmount")),
        allowances=tuple(_allowances(root, charge=False)),
        charges=tuple(_allowances(root, charge=True)),
        taxes=tuple(_tax_group(group) for group in root.all("TaxTotal/TaxSubtotal")),
        totals=_totals(root),
    )


def _money(root: Node, currency: str) -> _Money:
    total = root.need("LegalMonetaryTotal")
    return _Money(
        net=total.need("TaxExclusiveAmount").amount_in(currency),
        gross=total.need("TaxInclusiveAmount").amount_in(currency),
        payable=total.need("PayableAmount").amount_in(currency),
    )


def _totals(root: Node) -> Totals:
    total = "LegalMonetaryTotal/"
    currency = root.first("DocumentCurrencyCode")
    tax = in_currency(root.all("TaxTotal/TaxAmount"), currency.text if currency else "")
    return Totals(
        currency=currency.currency() if currency else "XXX",
        lines=root.amount_at(total + "LineExtensionAmount"),
        allowances=root.amount_at(total + "AllowanceTotalAmount"),
        charges=root.amount_at(total + "ChargeTotalAmount"),
        net=root.amount_at(total + "TaxExclusiveAmount"),
        tax=tax[0] if tax else None,
        other_taxes=tax[1:],
        gross=root.amount_at(total + "TaxInclusiveAmount"),
        prepaid=root.amount_at(total + "PrepaidAmount"),
        rounding=root.amount_at(total + "PayableRoundingAmount"),
        payable=root.amount_at(total + "PayableAmount"),
    )


def _allowances(root: Node, *, charge: bool) -> Iterator[Allowance]:
    for node in root.all("AllowanceCharge"):
        if (node.at("ChargeIndicator") in ("true", "1")) is charge:
            yield Allowance(
                amount=node.need("Amount").amount(),
                base=node.amount_at("BaseAmount"),
                percent=node.amount_at("MultiplierFactorNumeric"),
                reason=node.at("AllowanceChargeReason"),
                category=node.at("TaxCategory/ID"),
                tax_rate=node.amount_at("TaxCategory/Percent"),
            )


def _tax_group(node: Node) -> TaxGroup:
    return TaxGroup(
        category=node.at("TaxCategory/ID"),
        rate=node.amount_at("TaxCategory/Percent"),
        taxable=node.amount_at("TaxableAmount"),
        tax=node.amount_at("TaxAmount"),
        exemption=node.at("TaxCategory/TaxExemptionReason") or node.at("TaxCategory/TaxExemptionReasonCode"),
    )


def _lines(root: Node) -> Iterator[InvoiceLine]:
    for position, node in enumerate(root.all(_LINE), 1):
        quantity = node.need(_QUANTITY)
        net = node.need("LineExtensionAmount").amount()
        yield InvoiceLine(
            line=line_number(node.at("ID"), position),
            sku=node.at("Item/SellersItemIdentification/ID") or node.at("Item/StandardItemIdentification/ID"),
            description=node.at("Item/Name") or node.at("Item/Description"),
            quantity=quantity.amount(),
            unit=quantity.attributes.get("unitCode", ""),
            price=_price(node),
            tax_rate=node.amount_at("Item/ClassifiedTaxCategory/Percent") or Decimal(0),
            net=net,
        )


def _price(line: Node) -> Decimal:
    price = line.need("Price/PriceAmount").amount()
    base = line.first("Price/BaseQuantity")
    if base is None:
        return price
    if base.amount() == 0:
        raise base.problem("expected a quantity other than zero.", hint="Ask the sender to mend the price.")
    return price / base.amount()


def _party(node: Node | None) -> Party:
    if node is None:
        return Party()
    schemes = list(node.all("PartyTaxScheme"))
    schemes.sort(key=lambda scheme: scheme.at("TaxScheme/ID").upper() != "VAT")
    tax_ids = [scheme.at("CompanyID") for scheme in schemes]
    return Party(
        name=node.at("PartyLegalEntity/RegistrationName") or node.at("PartyName/Name"),
        tax_id=next((tax_id for tax_id in tax_ids if tax_id), ""),
        ids=distinct(
            *node.texts("PartyIdentification/ID"),
            *node.texts("PartyLegalEntity/CompanyID"),
            *node.texts("EndpointID"),
            *tax_ids,
        ),
    )


def _accounts(root: Node) -> Iterator[Account]:
    for node in root.all("PaymentMeans/PayeeFinancialAccount"):
        if number := node.at("ID"):
            yield Account(iban="".join(number.split()), bic=node.at("FinancialInstitutionBranch/ID"), holder=node.at("Name"))
