"""E-invoices: every valid file of the shared corpora to the cent, our own small ones, and hostile input."""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import pytest
from defusedxml import ElementTree
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter

from shiftlead.connectors import cii, ubl
from shiftlead.connectors.einvoice import EInvoice, read_einvoice
from shiftlead.connectors.einvoice_checks import arithmetic
from shiftlead.connectors.records import CreditNote, Invoice
from shiftlead.connectors.xml_tree import Node, parse_xml
from shiftlead.core.errors import BadInput
from shiftlead.core.noun import canonical_json

UBL = b"""<?xml version="1.0" encoding="UTF-8"?>
<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
    xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
    xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
  <cbc:CustomizationID>urn:cen.eu:en16931:2017</cbc:CustomizationID>
  <cbc:ID>R-17</cbc:ID>
  <cbc:IssueDate>2026-09-01</cbc:IssueDate>
  <cbc:DueDate>2026-10-01</cbc:DueDate>
  <cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode>
  <cbc:Note>Thank you.</cbc:Note>
  <cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>
  <cac:OrderReference><cbc:ID>PO-9</cbc:ID></cac:OrderReference>
  <cac:AccountingSupplierParty><cac:Party>
    <cac:PartyIdentification><cbc:ID>4012345000009</cbc:ID></cac:PartyIdentification>
    <cac:PartyTaxScheme><cbc:CompanyID>201/113/40209</cbc:CompanyID>
      <cac:TaxScheme><cbc:ID>FC</cbc:ID></cac:TaxScheme></cac:PartyTaxScheme>
    <cac:PartyTaxScheme><cbc:CompanyID>DE123456789</cbc:CompanyID>
      <cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:PartyTaxScheme>
    <cac:PartyLegalEntity><cbc:RegistrationName>Nordlicht GmbH</cbc:RegistrationName></cac:PartyLegalEntity>
  </cac:Party></cac:AccountingSupplierParty>
  <cac:AccountingCustomerParty><cac:Party>
    <cac:PartyLegalEntity><cbc:RegistrationName>Our Company</cbc:RegistrationName></cac:PartyLegalEntity>
  </cac:Party></cac:AccountingCustomerParty>
  <cac:PayeeParty><cac:PartyName><cbc:Name>Factor Bank</cbc:Name></cac:PartyName></cac:PayeeParty>
  <cac:PaymentMeans><cbc:PaymentMeansCode>58</cbc:PaymentMeansCode><cac:PayeeFinancialAccount>
    <cbc:ID>DE02 1203 0000 0000 2020 51</cbc:ID>
    <cac:FinancialInstitutionBranch><cbc:ID>BYLADEM1001</cbc:ID></cac:FinancialInstitutionBranch>
  </cac:PayeeFinancialAccount></cac:PaymentMeans>
  <cac:AllowanceCharge><cbc:ChargeIndicator>true</cbc:ChargeIndicator>
    <cbc:AllowanceChargeReason>Freight</cbc:AllowanceChargeReason><cbc:Amount currencyID="EUR">10.00</cbc:Amount>
    <cac:TaxCategory><cbc:ID>S</cbc:ID><cbc:Percent>19</cbc:Percent></cac:TaxCategory></cac:AllowanceCharge>
  <cac:AllowanceCharge><cbc:ChargeIndicator>false</cbc:ChargeIndicator><cbc:Amount currencyID="EUR">5.00</cbc:Amount>
  </cac:AllowanceCharge>
  <cac:TaxTotal><cbc:TaxAmount currencyID="EUR">39.90</cbc:TaxAmount><cac:TaxSubtotal>
    <cbc:TaxableAmount currencyID="EUR">210.00</cbc:TaxableAmount><cbc:TaxAmount currencyID="EUR">39.90</cbc:TaxAmount>
    <cac:TaxCategory><cbc:ID>S</cbc:ID><cbc:Percent>19</cbc:Percent></cac:TaxCategory></cac:TaxSubtotal></cac:TaxTotal>
  <cac:TaxTotal><cbc:TaxAmount currencyID="SEK">450.00</cbc:TaxAmount></cac:TaxTotal>
  <cac:LegalMonetaryTotal>
    <cbc:LineExtensionAmount currencyID="EUR">205.00</cbc:LineExtensionAmount>
    <cbc:TaxExclusiveAmount currencyID="EUR">210.00</cbc:TaxExclusiveAmount>
    <cbc:TaxInclusiveAmount currencyID="EUR">249.90</cbc:TaxInclusiveAmount>
    <cbc:AllowanceTotalAmount currencyID="EUR">5.00</cbc:AllowanceTotalAmount>
    <cbc:ChargeTotalAmount currencyID="EUR">10.00</cbc:ChargeTotalAmount>
    <cbc:PrepaidAmount currencyID="EUR">49.95</cbc:PrepaidAmount>
    <cbc:PayableRoundingAmount currencyID="EUR">0.05</cbc:PayableRoundingAmount>
    <cbc:PayableAmount currencyID="EUR">200.00</cbc:PayableAmount>
  </cac:LegalMonetaryTotal>
  <cac:InvoiceLine><cbc:ID>1</cbc:ID><cbc:InvoicedQuantity unitCode="C62">50</cbc:InvoicedQuantity>
    <cbc:LineExtensionAmount currencyID="EUR">205.00</cbc:LineExtensionAmount>
    <cac:Item><cbc:Name>Bolts</cbc:Name><cac:SellersItemIdentification><cbc:ID>B-8</cbc:ID></cac:SellersItemIdentification>
      <cac:ClassifiedTaxCategory><cbc:ID>S</cbc:ID><cbc:Percent>19</cbc:Percent></cac:ClassifiedTaxCategory></cac:Item>
    <cac:Price><cbc:PriceAmount currencyID="EUR">410</cbc:PriceAmount><cbc:BaseQuantity>100</cbc:BaseQuantity></cac:Price>
  </cac:InvoiceLine>
</Invoice>
"""

CII = b"""<rsm:CrossIndustryInvoice xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
    xmlns:ram="urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"
    xmlns:udt="urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100">
  <rsm:ExchangedDocumentContext><ram:GuidelineSpecifiedDocumentContextParameter>
    <ram:ID>urn:factur-x.eu:1p0:minimum</ram:ID></ram:GuidelineSpecifiedDocumentContextParameter></rsm:ExchangedDocumentContext>
  <rsm:ExchangedDocument><ram:ID>G-4</ram:ID><ram:TypeCode>381</ram:TypeCode>
    <ram:IssueDateTime><udt:DateTimeString format="102">20260902</udt:DateTimeString></ram:IssueDateTime></rsm:ExchangedDocument>
  <rsm:SupplyChainTradeTransaction>
    <ram:ApplicableHeaderTradeAgreement>
      <ram:SellerTradeParty><ram:Name>Nordlicht GmbH</ram:Name>
        <ram:SpecifiedTaxRegistration><ram:ID schemeID="VA">DE123456789</ram:ID></ram:SpecifiedTaxRegistration></ram:SellerTradeParty>
      <ram:BuyerTradeParty><ram:Name>Our Company</ram:Name></ram:BuyerTradeParty>
    </ram:ApplicableHeaderTradeAgreement>
    <ram:ApplicableHeaderTradeSettlement><ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode>
      <ram:SpecifiedTradeSettlementHeaderMonetarySummation>
        <ram:TaxBasisTotalAmount>100.00</ram:TaxBasisTotalAmount><ram:TaxTotalAmount currencyID="EUR">19.00</ram:TaxTotalAmount>
        <ram:GrandTotalAmount>119.00</ram:GrandTotalAmount><ram:DuePayableAmount>119.00</ram:DuePayableAmount>
      </ram:SpecifiedTradeSettlementHeaderMonetarySummation>
      <ram:InvoiceReferencedDocument><ram:IssuerAssignedID>R-17</ram:IssuerAssignedID></ram:InvoiceReferencedDocument>
    </ram:ApplicableHeaderTradeSettlement>
  </rsm:SupplyChainTradeTransaction>
</rsm:CrossIndustryInvoice>
"""

ZUGFERD_1 = b"""<rsm:CrossIndustryDocument xmlns:rsm="urn:ferd:CrossIndustryDocument:invoice:1p0"
    xmlns:ram="urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:12"
    xmlns:udt="urn:un:unece:uncefact:data:standard:UnqualifiedDataType:15">
  <rsm:SpecifiedExchangedDocumentContext><ram:GuidelineSpecifiedDocumentContextParameter>
    <ram:ID>urn:ferd:CrossIndustryDocument:invoice:1p0:basic</ram:ID></ram:GuidelineSpecifiedDocumentContextParameter>
  </rsm:SpecifiedExchangedDocumentContext>
  <rsm:HeaderExchangedDocument><ram:ID>Z-1</ram:ID><ram:TypeCode>380</ram:TypeCode>
    <ram:IssueDateTime><udt:DateTimeString format="102">20150302</udt:DateTimeString></ram:IssueDateTime></rsm:HeaderExchangedDocument>
  <rsm:SpecifiedSupplyChainTradeTransaction>
    <ram:ApplicableSupplyChainTradeAgreement><ram:SellerTradeParty><ram:Name>Alt AG</ram:Name></ram:SellerTradeParty>
    </ram:ApplicableSupplyChainTradeAgreement>
    <ram:ApplicableSupplyChainTradeSettlement><ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode>
      <ram:ApplicableTradeTax><ram:CalculatedAmount currencyID="EUR">19.00</ram:CalculatedAmount>
        <ram:BasisAmount currencyID="EUR">100.00</ram:BasisAmount><ram:ApplicablePercent>19.00</ram:ApplicablePercent></ram:ApplicableTradeTax>
      <ram:SpecifiedTradeSettlementMonetarySummation><ram:LineTotalAmount currencyID="EUR">100.00</ram:LineTotalAmount>
        <ram:TaxBasisTotalAmount currencyID="EUR">100.00</ram:TaxBasisTotalAmount>
        <ram:TaxTotalAmount currencyID="EUR">19.00</ram:TaxTotalAmount>
        <ram:GrandTotalAmount currencyID="EUR">119.00</ram:GrandTotalAmount></ram:SpecifiedTradeSettlementMonetarySummation>
    </ram:ApplicableSupplyChainTradeSettlement>
    <ram:IncludedSupplyChainTradeLineItem>
      <ram:SpecifiedSupplyChainTradeDelivery><ram:BilledQuantity unitCode="C62">4</ram:BilledQuantity></ram:SpecifiedSupplyChainTradeDelivery>
      <ram:SpecifiedSupplyChainTradeSettlement><ram:SpecifiedTradeSettlementMonetarySummation>
        <ram:LineTotalAmount currencyID="EUR">100.00</ram:LineTotalAmount></ram:SpecifiedTradeSettlementMonetarySummation>
      </ram:SpecifiedSupplyChainTradeSettlement>
    </ram:IncludedSupplyChainTradeLineItem>
  </rsm:SpecifiedSupplyChainTradeTransaction>
</rsm:CrossIndustryDocument>
"""

BODY = b"""<FatturaElettronicaBody><DatiGenerali><DatiGeneraliDocumento><TipoDocumento>TD01</TipoDocumento><Divisa>EUR</Divisa>
    <DatiRitenuta><ImportoRitenuta>20.00</ImportoRitenuta></DatiRitenuta><Data>2026-09-03</Data><Numero>7</Numero>
    <DatiCassaPrevidenziale><TipoCassa>TC01</TipoCassa><ImportoContributoCassa>4.00</ImportoContributoCassa></DatiCassaPrevidenziale>
  </DatiGeneraliDocumento></DatiGenerali>
  <DatiBeniServizi><DettaglioLinee><NumeroLinea>1</NumeroLinea><Descrizione>Consulenza</Descrizione>
    <PrezzoUnitario>100.00</PrezzoUnitario><PrezzoTotale>100.00</PrezzoTotale><AliquotaIVA>22.00</AliquotaIVA></DettaglioLinee>
    <DatiRiepilogo><AliquotaIVA>22.00</AliquotaIVA><ImponibileImporto>104.00</ImponibileImporto><Imposta>22.88</Imposta></DatiRiepilogo>
  </DatiBeniServizi></FatturaElettronicaBody>"""
FATTURA = (
    b"""<p:FatturaElettronica versione="FPR12" xmlns:p="http://ivaservizi.agenziaentrate.gov.it/docs/xsd/fatture/v1.2">
  <FatturaElettronicaHeader>
    <CedentePrestatore><DatiAnagrafici><IdFiscaleIVA><IdPaese>IT</IdPaese><IdCodice>01234567890</IdCodice></IdFiscaleIVA>
      <Anagrafica><Nome>Ada</Nome><Cognome>Rossi</Cognome></Anagrafica></DatiAnagrafici></CedentePrestatore>
    <CessionarioCommittente><DatiAnagrafici><CodiceFiscale>09876543210</CodiceFiscale>
      <Anagrafica><Denominazione>Our Company</Denominazione></Anagrafica></DatiAnagrafici></CessionarioCommittente>
  </FatturaElettronicaHeader>"""
    + BODY
    + BODY.replace(b"<Numero>7<", b"<Numero>8<")
    + b"</p:FatturaElettronica>"
)

EXAMPLES = {"ubl": UBL, "cii": CII, "zugferd1": ZUGFERD_1, "fatturapa": FATTURA}


def pdf_with(*attachments: tuple[str, bytes], password: str = "") -> bytes:
    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    for name, data in attachments:
        writer.add_attachment(name, data)
    if password:
        writer.encrypt(password, algorithm="RC4-128")
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def refusal(data: bytes, name: str = "bad.xml") -> str:
    with pytest.raises(BadInput) as caught:
        read_einvoice(data, name=name)
    assert caught.value.hint, "every refusal says what to do"
    assert name in caught.value.message
    return str(caught.value)


def attempt(source: bytes | Path, name: str = "") -> EInvoice | BadInput:
    try:
        return read_einvoice(source, name=name)
    except BadInput as error:
        return error


def parts(found: EInvoice) -> tuple[EInvoice, ...]:
    return (found, *found.more)


# Our own small files: every field.


def test_ubl_gives_the_record_and_what_only_the_document_knows():
    found = read_einvoice(UBL, name="r17.xml")
    record = found.document
    assert type(record) is Invoice
    assert (record.number, record.issue_date, record.due_date) == ("R-17", date(2026, 9, 1), date(2026, 10, 1))
    assert (record.net, record.tax, record.gross, record.payable) == tuple(map(Decimal, ("210", "39.90", "249.90", "200")))
    assert (record.party_name, record.party_tax_id, record.order_id) == ("Nordlicht GmbH", "DE123456789", "PO-9")
    assert (record.iban, found.bic, record.note) == ("DE02120300000000202051", "BYLADEM1001", "Thank you.")
    assert (found.syntax, found.profile, found.type_code, found.file) == ("ubl", "urn:cen.eu:en16931:2017", "380", "r17.xml")
    assert (found.prepaid, found.rounding, found.payment_code) == (Decimal("49.95"), Decimal("0.05"), "58")
    assert [(part.amount, part.reason) for part in found.charges] == [(Decimal(10), "Freight")]
    assert [part.amount for part in found.allowances] == [Decimal(5)]
    assert [(group.category, group.rate, group.taxable, group.tax) for group in found.taxes] == [
        ("S", Decimal(19), Decimal(210), Decimal("39.90"))
    ]
    assert (found.buyer_name, found.payee_name, found.order_reference) == ("Our Company", "Factor Bank", "PO-9")
    assert found.seller_ids == ("4012345000009", "DE123456789", "201/113/40209")
    assert found.findings == ()


def test_a_price_for_a_hundred_becomes_the_price_of_one():
    (line,) = read_einvoice(UBL).document.lines
    assert (line.price, line.quantity, line.net, line.unit, line.sku) == (
        Decimal("4.1"),
        Decimal(50),
        Decimal(205),
        "C62",
        "B-8",
    )


def test_the_tax_in_the_document_currency_counts_whatever_the_order():
    swapped = UBL.replace(b'"EUR">39.90</cbc:TaxAmount><cac:TaxSubtotal>', b'"SEK">450</cbc:TaxAmount><cac:TaxSubtotal>')
    swapped = swapped.replace(b'"SEK">450.00<', b'"EUR">39.90<')
    assert read_einvoice(swapped).document.tax == Decimal("39.90")


def test_cii_without_lines_is_a_credit_note():
    found = read_einvoice(CII)
    assert type(found.document) is CreditNote
    assert (found.document.corrects, found.document.gross, found.document.tax) == ("R-17", Decimal(119), Decimal(19))
    assert found.document.lines == ()
    assert found.findings == ()


def test_zugferd_1_is_read_with_its_own_element_names():
    found = read_einvoice(ZUGFERD_1)
    assert (found.syntax, found.document.payable, found.document.party_name) == ("cii", Decimal(119), "Alt AG")
    assert [(line.quantity, line.price) for line in found.document.lines] == [(Decimal(4), Decimal(25))]
    assert found.findings == ()


def test_a_lot_of_fatturapa_loses_no_invoice():
    found = read_einvoice(FATTURA)
    assert [part.document.number for part in parts(found)] == ["7", "8"]
    record = found.document
    assert (record.net, record.tax, record.gross) == (Decimal("104.00"), Decimal("22.88"), Decimal("126.88"))
    assert record.payable == Decimal("106.88"), "withheld tax is not paid to the seller"
    assert (record.party_name, record.party_tax_id) == ("Ada Rossi", "IT01234567890")
    assert found.findings == ()


def test_split_payment_leaves_the_tax_to_the_state():
    split = FATTURA.replace(b"</Imposta>", b"</Imposta><EsigibilitaIVA>S</EsigibilitaIVA>")
    assert read_einvoice(split).document.payable == Decimal("84.00")


def test_a_path_and_its_bytes_give_the_same(tmp_path: Path):
    path = tmp_path / "r17.xml"
    path.write_bytes(UBL)
    assert read_einvoice(path) == read_einvoice(str(path)) == read_einvoice(UBL, name="r17.xml")


def test_utf_16_and_a_byte_order_mark_are_read():
    text = UBL.decode().replace('encoding="UTF-8"', 'encoding="UTF-16"').replace("Nordlicht", "Nördlicht")
    assert read_einvoice(text.encode("utf-16")).document.party_name == "Nördlicht GmbH"
    assert read_einvoice(b"\xef\xbb\xbf" + UBL).document.number == "R-17"


def test_what_is_read_can_be_printed_as_json_without_losing_a_cent():
    found = read_einvoice(FATTURA)
    assert EInvoice.model_validate_json(found.model_dump_json()).model_dump() == found.model_dump()
    assert json.loads(canonical_json(found))["document"]["gross"] == "126.88"


@pytest.mark.parametrize(
    "name", ["factur-x.xml", "zugferd-invoice.xml", "ZUGFeRD-invoice.xml", "xrechnung.xml", "something-else.XML"]
)
def test_the_attachment_of_a_pdf_is_read(name: str):
    assert read_einvoice(pdf_with((name, CII), ("photo.jpg", b"\xff\xd8"))).document.number == "G-4"


def test_the_standard_name_wins_over_another_xml_attachment():
    assert read_einvoice(pdf_with(("a.xml", b"<a/>"), ("Factur-X.xml", UBL))).document.number == "R-17"


# Arithmetic.


@pytest.mark.parametrize(
    ("old", "new", "rule", "field"),
    [
        (b">205.00</cbc:LineExtensionAmount>\n    <cac:Item>", b">204.99</cbc:LineExtensionAmount><cac:Item>", "BR-CO-10", "lines"),
        (b"AllowanceTotalAmount currencyID=\"EUR\">5.00", b"AllowanceTotalAmount currencyID=\"EUR\">5.01", "BR-CO-11", "allowances"),
        (b"ChargeTotalAmount currencyID=\"EUR\">10.00", b"ChargeTotalAmount currencyID=\"EUR\">10.01", "BR-CO-12", "charges"),
        (b"TaxExclusiveAmount currencyID=\"EUR\">210.00", b"TaxExclusiveAmount currencyID=\"EUR\">210.01", "BR-CO-13", "net"),
        (b"39.90</cbc:TaxAmount>\n    <cac:TaxCat", b"39.89</cbc:TaxAmount><cac:TaxCat", "BR-CO-14", "tax"),
        (b"TaxInclusiveAmount currencyID=\"EUR\">249.90", b"TaxInclusiveAmount currencyID=\"EUR\">249.91", "BR-CO-15", "gross"),
        (b"PayableAmount currencyID=\"EUR\">200.00", b"PayableAmount currencyID=\"EUR\">2000.00", "BR-CO-16", "payable"),
        (b"TaxableAmount currencyID=\"EUR\">210.00", b"TaxableAmount currencyID=\"EUR\">250.00", "BR-CO-17", "taxes[1].tax"),
    ],
)  # fmt: skip
def test_each_rule_of_arithmetic_finds_its_own_fault(old: bytes, new: bytes, rule: str, field: str):
    assert UBL.count(old) == 1
    findings = read_einvoice(UBL.replace(old, new)).findings
    assert (rule, field) in {(finding.rule, finding.field) for finding in findings}


def test_a_finding_says_what_is_stated_and_what_it_should_be():
    (finding,) = read_einvoice(UBL.replace(b">200.00</cbc:PayableAmount>", b">2000.00</cbc:PayableAmount>")).findings
    assert (finding.stated, finding.computed) == (Decimal(2000), Decimal(200))


def test_a_credit_note_with_a_negative_total_is_pointed_out():
    negative = CII.replace(b">100.00<", b">-100.00<").replace(b">19.00<", b">-19.00<").replace(b">119.00<", b">-119.00<")
    found = read_einvoice(negative)
    assert found.document.gross == Decimal(-119), "the file's own figure stays"
    assert [finding.rule for finding in found.findings] == ["credit-sign"]


# Bad input: one clear message each.


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "it is empty"),
        (b" \n\t ", "it is empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "neither XML nor PDF"),
        (b"Dear Sir, our invoice is attached.", "neither XML nor PDF"),
        (b"0\x82\x10\x00" + bytes(100), "signed envelope (p7m)"),
        (UBL[: len(UBL) // 2], "not well-formed XML"),
        (UBL.replace(b"</cbc:Note>", b"</cbc:Nope>"), "line 10: it is not well-formed XML (mismatched tag) inside /Invoice/Note"),
        (UBL.replace(b"UTF-8", b"klingon"), "its text cannot be decoded: unknown encoding: klingon"),
        (UBL.replace(b"Nordlicht", b"N\xf6rdlicht"), "not well-formed"),
        (b"<html><body>Not found</body></html>", "line 1, /html: the document is a html, not an invoice"),
        (UBL.replace(b":Invoice-2", b":Order-2"), "not an invoice that can be read"),
        (UBL.replace(b">2026-09-01<", b">01.09.2026<"), "line 7, /Invoice/IssueDate: expected a date such as 2026-01-31, found '01.09.2026'"),
        (UBL.replace(b">2026-09-01<", b">2026-02-30<"), "expected a date"),
        (UBL.replace(b">200.00<", b">200,00<"), "/Invoice/LegalMonetaryTotal/PayableAmount: expected a number such as 1234.56, found '200,00'"),
        (UBL.replace(b">200.00<", b">NaN<"), "found 'NaN'"),
        (UBL.replace(b">200.00<", b">1E9<"), "found '1E9'"),
        (UBL.replace(b">200.00<", b">" + b"9" * 5000 + b"<"), "expected a number"),
        (UBL.replace(b'"EUR">200.00<', b'"USD">200.00<'), "expected an amount in EUR, the document's currency, found 'USD'"),
        (UBL.replace(b">EUR<", b">euro<"), "expected a currency code such as EUR, found 'euro'"),
        (UBL.replace(b"<cbc:ID>R-17</cbc:ID>", b"<cbc:ID> </cbc:ID>"), "/Invoice/ID: it is empty"),
        (UBL.replace(b"<cbc:IssueDate>2026-09-01</cbc:IssueDate>", b""), "line 2, /Invoice: IssueDate is missing"),
        (UBL.replace(b"<cbc:BaseQuantity>100<", b"<cbc:BaseQuantity>0<"), "expected a quantity other than zero"),
        (FATTURA.replace(b"<Imposta>22.88</Imposta>", b""), "/FatturaElettronica/FatturaElettronicaBody[1]/DatiBeniServizi/DatiRiepilogo"),
        (b"<a>" * 5000 + b"</a>" * 5000, "levels, which no invoice has"),
    ],
)  # fmt: skip
def test_bad_xml_gets_one_clear_message(data: bytes, expected: str):
    assert expected in refusal(data)


LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><Invoice>&c;</Invoice>"""


@pytest.mark.parametrize(
    "data",
    [
        LAUGHS,
        b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><Invoice>&e;</Invoice>',
        b'<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x.dtd"> %p;]><Invoice/>',
        b'<!DOCTYPE Invoice SYSTEM "http://127.0.0.1:1/invoice.dtd"><Invoice/>',
        UBL.replace(b"<Invoice ", b"<!DOCTYPE Invoice><Invoice ", 1),
    ],
)
def test_entities_and_document_types_are_refused(data: bytes):
    assert "DOCTYPE" in refusal(data)


def test_a_hostile_xml_inside_a_pdf_is_refused_too():
    assert "DOCTYPE" in refusal(pdf_with(("factur-x.xml", LAUGHS)), "bad.pdf")


def test_pdf_without_an_attachment_names_what_it_found():
    assert "holds no invoice XML (attachments: none)" in refusal(pdf_with(), "plain.pdf")
    assert "(attachments: terms.txt)" in refusal(pdf_with(("terms.txt", b"x")), "plain.pdf")


def test_an_encrypted_pdf_says_so():
    assert "the PDF is encrypted" in refusal(pdf_with(("factur-x.xml", CII), password="s"), "locked.pdf")


def test_a_cut_off_pdf_says_so():
    whole = pdf_with(("factur-x.xml", CII))
    assert "cannot be read as a PDF" in refusal(whole[:60], "cut.pdf")


def test_a_file_that_is_not_there_or_is_a_folder(tmp_path: Path):
    for path in (tmp_path / "none.xml", tmp_path):
        with pytest.raises(BadInput, match="cannot be read"):
            read_einvoice(path)


def test_a_message_shows_little_of_a_hostile_value():
    data = UBL.replace(b">2026-09-01<", b">" + b"x" * 100_000 + b"<")
    assert len(refusal(data)) < 300


# Fuzz: whatever the bytes, only BadInput.


@st.composite
def mutations(draw: st.DrawFn, seeds: tuple[bytes, ...]) -> bytes:
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 8))):
        at = draw(st.integers(0, len(data) - 1))
        length = draw(st.integers(0, 12))
        data[at : at + length] = draw(
            st.binary(max_size=12) | st.sampled_from([b"<", b">", b"&", b"-", b"9" * 30, b"0", b"]]>"])
        )
        data = data or bytearray(b" ")
    return bytes(data)


@settings(max_examples=400, deadline=None)
@given(data=mutations(tuple(EXAMPLES.values())))
def test_mutated_xml_never_raises_anything_else(data: bytes):
    found = attempt(data, "fuzz")
    if isinstance(found, BadInput):
        assert found.message
    else:
        assert all(isinstance(part.document.gross, Decimal) for part in parts(found))


@settings(max_examples=60, deadline=None)
@given(data=mutations((pdf_with(("factur-x.xml", CII)),)))
def test_mutated_pdf_never_raises_anything_else(data: bytes):
    found = attempt(data, "fuzz")
    assert isinstance(found, EInvoice) or found.message


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=200))
def test_random_bytes_never_raise_anything_else(data: bytes):
    with pytest.raises(BadInput):
        read_einvoice(data)


# The shared corpora. The totals are taken out a second time, by another way, and compared to the cent.


def stated_totals(data: bytes) -> Iterator[dict[str, Decimal]]:
    root = ElementTree.fromstring(data)
    name = root.tag.rpartition("}")[2]
    if name == "FatturaElettronica":
        for body in root.findall("{*}FatturaElettronicaBody"):
            groups = body.findall(".//{*}DatiRiepilogo")
            total = {
                "net": sum(Decimal(group.findtext("{*}ImponibileImporto")) for group in groups),
                "tax": sum(Decimal(group.findtext("{*}Imposta")) for group in groups),
                "payable": sum(Decimal(node.text) for node in body.findall(".//{*}ImportoPagamento")),
            }
            if gross := body.findtext(".//{*}ImportoTotaleDocumento"):
                total["gross"] = Decimal(gross)
            yield total
        return
    invoice_ubl = name in ("Invoice", "CreditNote")
    path = "{*}LegalMonetaryTotal" if invoice_ubl else ".//{*}SpecifiedTradeSettlementHeaderMonetarySummation"
    fields = (
        {"net": "TaxExclusiveAmount", "gross": "TaxInclusiveAmount", "payable": "PayableAmount"}
        if invoice_ubl
        else {"net": "TaxBasisTotalAmount", "gross": "GrandTotalAmount", "payable": "DuePayableAmount"}
    )
    summation = root.find(path)
    total = {field: Decimal(summation.findtext("{*}" + tag)) for field, tag in fields.items()}
    currency = root.findtext("{*}DocumentCurrencyCode") if invoice_ubl else root.findtext(".//{*}InvoiceCurrencyCode")
    taxes = root.findall("{*}TaxTotal/{*}TaxAmount") if invoice_ubl else summation.findall("{*}TaxTotalAmount")
    own = [node.text for node in taxes if node.get("currencyID", currency) == currency]
    yield {**total, "tax": Decimal(own[0] if own else 0)}


def files_of(folder: Path, *suffixes: str) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes)


def is_rule_test(path: Path) -> bool:
    return "-unit-" in path.parent.name or (path.parent.name == "cii" and path.parent.parent.name == "test")


@pytest.mark.parametrize(("corpus", "count"), [("en16931", 45), ("xrechnung", 35), ("zugferd_corpus", 41)])
def test_every_valid_file_reads_with_the_totals_it_states(shared_data: Path, corpus: str, count: int):
    paths = [
        path
        for path in files_of(shared_data / "invoices" / corpus, ".xml")
        if "fail" not in path.parts and not is_rule_test(path) and not path.name.startswith("not_validating")
    ]
    assert len(paths) == count
    for path in paths:
        found = parts(read_einvoice(path))
        expected = list(stated_totals(path.read_bytes()))
        assert len(found) == len(expected), path.name
        for part, stated in zip(found, expected, strict=True):
            got = {field: getattr(part.document, field) for field in stated}
            assert got == stated, path.name
            if part.syntax != "fatturapa":
                assert part.findings == (), path.name


def test_files_that_are_meant_to_be_invalid_read_or_say_why(shared_data: Path):
    paths = [path for path in files_of(shared_data / "invoices" / "zugferd_corpus", ".xml", ".pdf") if "fail" in path.parts]
    assert len(paths) == 16
    read = 0
    for path in paths:
        found = attempt(path)
        if isinstance(found, BadInput):
            assert path.name in found.message
            assert found.hint
            continue
        read += 1
        data = path.read_bytes()
        if path.suffix == ".pdf":
            data = next(iter(PdfReader(path).attachments.values()))[0]
        (stated,) = stated_totals(data)
        assert {field: getattr(found.document, field) for field in stated} == stated, path.name
    assert read == 15


def test_rule_test_containers_are_refused_and_their_fragments_never_break(shared_data: Path):
    paths = [path for path in files_of(shared_data / "invoices" / "en16931", ".xml") if is_rule_test(path)]
    assert len(paths) == 182
    for path in paths:
        data = path.read_bytes()
        with pytest.raises(BadInput, match="the document is a testSet"):
            read_einvoice(data, name=path.name)
        for test in ElementTree.fromstring(data).findall("{*}test"):
            found = attempt(ElementTree.tostring(test[-1]), path.name)
            assert isinstance(found, EInvoice) or path.name in found.message


CLAIMED = {f"BR-CO-{number}" for number in (10, 11, 12, 13, 14, 15, 16, 17)}


def assertions(container: Node) -> Iterator[tuple[str, bool, set[str]]]:
    for test in container.all("test"):
        document = test.children[-1]
        verdicts = [node for node in test.need("assert").children if node.text in CLAIMED and node.name in ("success", "error")]
        if verdicts:
            read = cii.cii_amounts if document.name == "CrossIndustryInvoice" else ubl.ubl_amounts
            broken = {finding.rule for finding in arithmetic(read(document))}
            for node in verdicts:
                yield node.text, node.name == "error", broken


def test_every_assertion_of_the_standard_about_a_rule_we_claim_is_right(shared_data: Path):
    checked = 0
    for path in files_of(shared_data / "invoices" / "en16931" / "test", ".xml"):
        if is_rule_test(path):
            for rule, must_break, broken in assertions(parse_xml(path.read_bytes(), file=path.name)):
                assert (rule in broken) is must_break, f"{path.name}: {rule}"
                checked += 1
    assert checked >= 80


def test_the_invoices_of_the_three_way_set_are_the_ones_in_its_cases(shared_data: Path):
    folder = shared_data / "invoices" / "three_way_match"
    lines = (folder / "cases.jsonl").read_text(encoding="utf-8").splitlines()
    for case in (json.loads(line, parse_float=Decimal) for line in lines):
        stated = case["invoice"]
        record = read_einvoice(folder / "ubl" / f"{case['id']}.xml").document
        assert (record.number, record.issue_date.isoformat(), record.iban) == (
            stated["number"],
            stated["issue_date"],
            stated["iban"].replace(" ", ""),
        )
        assert (record.net, record.tax, record.gross, record.payable) == tuple(
            stated[key] for key in ("net", "tax", "gross", "payable")
        )
        assert [line.net for line in record.lines] == [line["net"] for line in stated["lines"]]
