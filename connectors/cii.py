"""UN/CEFACT Cross Industry Invoice (D16B, as in Factur-X, ZUGFeRD 2 and XRechnung; and ZUGFeRD 1.0) as e-invoices."""

from collections.abc import Iterator
from decimal import Decimal

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
    {"urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100", "urn:ferd:CrossIndustryDocument:invoice:1p0"}
)
"""The namespaces of the root element: D16B, and ZUGFeRD 1.0."""

# Each path names the D16B element first and the one of ZUGFeRD 1.0 after the bar.
_CONTEXT = "ExchangedDocumentContext|SpecifiedExchangedDocumentContext"
_HEAD = "ExchangedDocument|HeaderExchangedDocument"
_TRADE = "SupplyChainTradeTransaction|SpecifiedSupplyChainTradeTransaction"
_AGREEMENT = f"{_TRADE}/ApplicableHeaderTradeAgreement|ApplicableSupplyChainTradeAgreement"
_SETTLEMENT = f"{_TRADE}/ApplicableHeaderTradeSettlement|ApplicableSupplyChainTradeSettlement"
_SUMMATION = "SpecifiedTradeSettlementHeaderMonetarySummation|SpecifiedTradeSettlementMonetarySummation"
_LINE = f"{_TRADE}/IncludedSupplyChainTradeLineItem"
_LINE_SETTLEMENT = "SpecifiedLineTradeSettlement|SpecifiedSupplyChainTradeSettlement"
_LINE_TOTAL = f"{_LINE_SETTLEMENT}/SpecifiedTradeSettlementLineMonetarySummation|SpecifiedTradeSettlementMonetarySummation/LineTotalAmount"
_QUANTITY = "SpecifiedLineTradeDelivery|SpecifiedSupplyChainTradeDelivery/BilledQuantity"
_PRICE = "SpecifiedLineTradeAgreement|SpecifiedSupplyChainTradeAgreement/NetPriceProductTradePrice"
_RATE = "RateApplicablePercent|ApplicablePercent"
_REFERENCE = "IssuerAssignedID|ID"
_DATE = "DateTimeString|DateTime"


def read_cii(root: Node) -> EInvoice:
    """The e-invoice in a CII document; raises BadInput naming the line and the element."""
    head = root.need(_HEAD)
    agreement, settlement = root.need(_AGREEMENT), root.need(_SETTLEMENT)
    summation = settlement.need(_SUMMATION)
    currency = settlement.need("InvoiceCurrencyCode").currency()
    amounts = cii_amounts(root)
    type_code = head.at("TypeCode")
    draft = Draft(
        file=root.file,
        syntax="cii",
        profile=root.at(f"{_CONTEXT}/GuidelineSpecifiedDocumentContextParameter/ID"),
        type_code=type_code,
        credit=type_code in CREDIT_CODES,
        number=head.required("ID"),
        issue_date=head.need(f"IssueDateTime/{_DATE}").day(),
        due_date=settlement.day_at(f"SpecifiedTradePaymentTerms/DueDateDateTime/{_DATE}"),
        corrects=settlement.at(f"InvoiceReferencedDocument/{_REFERENCE}"),
        note="\n".join(head.texts("IncludedNote/Content")),
        currency=currency,
        lines=tuple(_lines(root)),
        amounts=amounts,
        net=summation.need("TaxBasisTotalAmount").amount_in(currency),
        gross=summation.need("GrandTotalAmount").amount_in(currency),
        payable=_payable(summation, currency),
        seller=_party(agreement.need("SellerTradeParty")),
        buyer=_party(agreement.first("BuyerTradeParty")),
        payee_name=settlement.at("PayeeTradeParty/Name"),
        accounts=tuple(_accounts(settlement)),
        payment_code=settlement.at("SpecifiedTradeSettlementPaymentMeans/TypeCode"),
        payment_reference=settlement.at("PaymentReference"),
        order_reference=agreement.at(f"BuyerOrderReferencedDocument/{_REFERENCE}"),
        buyer_reference=agreement.at("BuyerReference"),
    )
    return draft.einvoice((*arithmetic(amounts), *credit_sign(draft)))


def cii_amounts(root: Node) -> Amounts:
    """The amounts a document, or a part of one, states; None where it states nothing."""
    settlement = root.first(_SETTLEMENT)
    lines = tuple(net.amount() for line in _billed(root) for net in line.all(_LINE_TOTAL))
    if settlement is None:
        return Amounts(lines=lines)
    return Amounts(
        lines=lines,
        allowances=tuple(_allowances(settlement, charge=False)),
        charges=(*_allowances(settlement, charge=True), *_logistics(settlement)),
        taxes=tuple(_tax_group(group) for group in settlement.all("ApplicableTradeTax")),
        totals=_totals(settlement),
    )


def _payable(summation: Node, currency: str) -> Decimal:
    """What is due; ZUGFeRD 1.0 may leave it out where nothing is prepaid."""
    due = summation.first("DuePayableAmount")
    if due is None and summation.name == "SpecifiedTradeSettlementMonetarySummation":
        return summation.need("GrandTotalAmount").amount() - (summation.amount_at("TotalPrepaidAmount") or Decimal(0))
    return (due or summation.need("DuePayableAmount")).amount_in(currency)


def _totals(settlement: Node) -> Totals:
    currency = settlement.first("InvoiceCurrencyCode")
    summation = settlement.first(_SUMMATION)
    code = currency.currency() if currency else "XXX"
    if summation is None:
        return Totals(currency=code)
    tax = in_currency(summation.all("TaxTotalAmount"), currency.text if currency else "")
    return Totals(
        currency=code,
        lines=summation.amount_at("LineTotalAmount"),
        allowances=summation.amount_at("AllowanceTotalAmount"),
        charges=summation.amount_at("ChargeTotalAmount"),
        net=summation.amount_at("TaxBasisTotalAmount"),
        tax=tax[0] if tax else None,
        other_taxes=tax[1:],
        gross=summation.amount_at("GrandTotalAmount"),
        prepaid=summation.amount_at("TotalPrepaidAmount"),
        rounding=summation.amount_at("RoundingAmount"),
        payable=summation.amount_at("DuePayableAmount"),
    )


def _allowances(settlement: Node, *, charge: bool) -> Iterator[Allowance]:
    for node in settlement.all("SpecifiedTradeAllowanceCharge"):
        if (node.at("ChargeIndicator/Indicator") in ("true", "1")) is charge:
            yield Allowance(
                amount=node.need("ActualAmount").amount(),
                base=node.amount_at("BasisAmount"),
                percent=node.amount_at("CalculationPercent"),
                reason=node.at("Reason"),
                category=node.at("CategoryTradeTax/CategoryCode"),
                tax_rate=node.amount_at(f"CategoryTradeTax/{_RATE}"),
            )


def _logistics(settlement: Node) -> Iterator[Allowance]:
    for node in settlement.all("SpecifiedLogisticsServiceCharge"):
        yield Allowance(
            amount=node.need("AppliedAmount").amount(),
            reason=node.at("Description"),
            category=node.at("AppliedTradeTax/CategoryCode"),
            tax_rate=node.amount_at(f"AppliedTradeTax/{_RATE}"),
        )


def _tax_group(node: Node) -> TaxGroup:
    return TaxGroup(
        category=node.at("CategoryCode"),
        rate=node.amount_at(_RATE),
        taxable=node.amount_at("BasisAmount"),
        tax=node.amount_at("CalculatedAmount"),
        exemption=node.at("ExemptionReason") or node.at("ExemptionReasonCode"),
    )


def _billed(root: Node) -> Iterator[Node]:
    """The lines that count: not the headings of groups, and not mere text."""
    for line in root.all(_LINE):
        heading = line.at("AssociatedDocumentLineDocument/LineStatusReasonCode") in ("GROUP", "INFORMATION")
        if not heading and (line.first(_LINE_TOTAL) or line.first(_QUANTITY) or line.first(_PRICE)):
            yield line


def _lines(root: Node) -> Iterator[InvoiceLine]:
    for position, node in enumerate(_billed(root), 1):
        quantity = node.need(_QUANTITY)
        net = node.need(_LINE_TOTAL).amount()
        yield InvoiceLine(
            line=line_number(node.at("AssociatedDocumentLineDocument/LineID"), position),
            sku=node.at("SpecifiedTradeProduct/SellerAssignedID") or node.at("SpecifiedTradeProduct/GlobalID"),
            description=node.at("SpecifiedTradeProduct/Name") or node.at("SpecifiedTradeProduct/Description"),
            quantity=quantity.amount(),
            unit=quantity.attributes.get("unitCode", ""),
            price=_price(node, quantity.amount(), net),
            tax_rate=node.amount_at(f"{_LINE_SETTLEMENT}/ApplicableTradeTax/{_RATE}") or Decimal(0),
            net=net,
        )


def _price(line: Node, quantity: Decimal, net: Decimal) -> Decimal:
    """The net price of one unit; ZUGFeRD 1.0 Basic states only the line's total."""
    price = line.amount_at(f"{_PRICE}/ChargeAmount")
    if price is None:
        if quantity == 0:
            line.need(f"{_PRICE}/ChargeAmount")
        return net / quantity
    base = line.first(f"{_PRICE}/BasisQuantity")
    if base is None:
        return price
    if base.amount() == 0:
        raise base.problem("expected a quantity other than zero.", hint="Ask the sender to mend the price.")
    return price / base.amount()


def _party(node: Node | None) -> Party:
    if node is None:
        return Party()
    registrations = list(node.all("SpecifiedTaxRegistration/ID"))
    registrations.sort(key=lambda entry: entry.attributes.get("schemeID") != "VA")
    tax_ids = [entry.text for entry in registrations]
    return Party(
        name=node.at("Name") or node.at("SpecifiedLegalOrganization/TradingBusinessName"),
        tax_id=next((tax_id for tax_id in tax_ids if tax_id), ""),
        ids=distinct(
            *node.texts("ID"),
            *node.texts("GlobalID"),
            *node.texts("SpecifiedLegalOrganization/ID"),
            *node.texts("URIUniversalCommunication/URIID"),
            *tax_ids,
        ),
    )


def _accounts(settlement: Node) -> Iterator[Account]:
    for means in settlement.all("SpecifiedTradeSettlementPaymentMeans"):
        bic = means.at("PayeeSpecifiedCreditorFinancialInstitution/BICID")
        for node in means.all("PayeePartyCreditorFinancialAccount"):
            if number := node.at("IBANID") or node.at("ProprietaryID"):
                yield Account(iban="".join(number.split()), bic=bic, holder=node.at("AccountName"))
