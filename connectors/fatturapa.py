"""FatturaPA 1.2, the Italian e-invoice, as e-invoices; one file may hold a lot of them."""

from collections.abc import Iterator
from decimal import Decimal

from .einvoice_checks import compare, credit_sign
from .einvoice_record import (
    Account,
    Allowance,
    Amounts,
    Draft,
    EInvoice,
    Finding,
    Party,
    TaxGroup,
    Totals,
    distinct,
    line_number,
)
from .records import InvoiceLine
from .xml_tree import Node

_CREDIT = frozenset({"TD04", "TD08"})
_ZERO = Decimal(0)
_GENERAL = "DatiGenerali/DatiGeneraliDocumento"
_SUMMARY = "DatiBeniServizi/DatiRiepilogo"
_LINE = "DatiBeniServizi/DettaglioLinee"


def read_fatturapa(root: Node) -> EInvoice:
    """The e-invoice in a FatturaPA file, the rest of its lot in `more`; raises BadInput naming the line and the element."""
    header = root.need("FatturaElettronicaHeader")
    root.need("FatturaElettronicaBody")
    first, *rest = [_read_body(root, header, body) for body in root.all("FatturaElettronicaBody")]
    return first.model_copy(update={"more": tuple(rest)})


def _read_body(root: Node, header: Node, body: Node) -> EInvoice:
    general = body.need(_GENERAL)
    amounts = _amounts(body)
    net, tax, gross = _sum(body, "ImponibileImporto"), _sum(body, "Imposta"), amounts.totals.gross
    if gross is None:
        gross = net + tax + (amounts.totals.rounding or _ZERO)
    type_code = general.required("TipoDocumento")
    draft = Draft(
        file=root.file,
        syntax="fatturapa",
        profile=root.attributes.get("versione", "") or header.at("DatiTrasmissione/FormatoTrasmissione"),
        type_code=type_code,
        credit=type_code in _CREDIT,
        number=general.required("Numero"),
        issue_date=general.need("Data").day(),
        due_date=body.day_at("DatiPagamento/DettaglioPagamento/DataScadenzaPagamento"),
        corrects=body.at("DatiGenerali/DatiFattureCollegate/IdDocumento"),
        note="\n".join(general.texts("Causale")),
        currency=general.need("Divisa").currency(),
        lines=tuple(_lines(body)),
        amounts=amounts,
        net=net,
        gross=gross,
        payable=_due(body, gross) if amounts.totals.payable is None else amounts.totals.payable,
        seller=_party(header.need("CedentePrestatore")),
        buyer=_party(header.need("CessionarioCommittente")),
        payee_name=body.at("DatiPagamento/DettaglioPagamento/Beneficiario"),
        accounts=tuple(_accounts(body)),
        payment_code=body.at("DatiPagamento/DettaglioPagamento/ModalitaPagamento"),
        payment_reference=body.at("DatiPagamento/DettaglioPagamento/CodicePagamento"),
        order_reference=body.at("DatiGenerali/DatiOrdineAcquisto/IdDocumento"),
        buyer_reference=header.at("DatiTrasmissione/CodiceDestinatario"),
    )
    return draft.einvoice((*_checks(body, draft), *credit_sign(draft)))


def _amounts(body: Node) -> Amounts:
    general = body.need(_GENERAL)
    return Amounts(
        lines=tuple(net.amount() for net in body.all(f"{_LINE}/PrezzoTotale")),
        allowances=tuple(_allowances(general, "SC")),
        charges=(*_allowances(general, "MG"), *_funds(general)),
        taxes=tuple(_tax_group(node) for node in body.all(_SUMMARY)),
        totals=Totals(
            currency=general.need("Divisa").currency(),
            net=_sum(body, "ImponibileImporto"),
            tax=_sum(body, "Imposta"),
            gross=general.amount_at("ImportoTotaleDocumento"),
            rounding=general.amount_at("Arrotondamento"),
            payable=_stated_payable(body),
        ),
    )


def _sum(body: Node, name: str) -> Decimal:
    """The sum over the tax summary, where the format states net and tax."""
    body.need(_SUMMARY)
    return sum((group.need(name).amount() for group in body.all(_SUMMARY)), _ZERO)


def _stated_payable(body: Node) -> Decimal | None:
    """What the document asks for: its instalments together, or the first of several ways to pay it all."""
    payments = list(body.all("DatiPagamento"))
    if not payments:
        return None
    return sum((_asked(payment) for payment in payments), _ZERO)


def _asked(payment: Node) -> Decimal:
    payment.need("DettaglioPagamento")
    amounts = [detail.need("ImportoPagamento").amount() for detail in payment.all("DettaglioPagamento")]
    whole = payment.at("CondizioniPagamento") == "TP02" and len(set(amounts)) == 1
    return amounts[0] if whole else sum(amounts, _ZERO)


def _due(body: Node, gross: Decimal) -> Decimal:
    """What is left to pay the seller: without withheld tax, and without tax that the buyer pays to the state."""
    split = [group for group in body.all(_SUMMARY) if group.at("EsigibilitaIVA") == "S"]
    withheld = [node.amount() for node in body.all(f"{_GENERAL}/DatiRitenuta/ImportoRitenuta")]
    return gross - sum((group.need("Imposta").amount() for group in split), _ZERO) - sum(withheld, _ZERO)


def _allowances(general: Node, kind: str) -> Iterator[Allowance]:
    for node in general.all("ScontoMaggiorazione"):
        amount = node.amount_at("Importo")
        if node.at("Tipo") == kind and amount is not None:
            yield Allowance(amount=amount, percent=node.amount_at("Percentuale"))


def _funds(general: Node) -> Iterator[Allowance]:
    """Contributions to a professional's pension fund: a charge on the document."""
    for node in general.all("DatiCassaPrevidenziale"):
        yield Allowance(
            amount=node.need("ImportoContributoCassa").amount(),
            base=node.amount_at("ImponibileCassa"),
            percent=node.amount_at("AlCassa"),
            reason=node.at("TipoCassa"),
            category=node.at("Natura"),
            tax_rate=node.amount_at("AliquotaIVA"),
        )


def _tax_group(node: Node) -> TaxGroup:
    return TaxGroup(
        category=node.at("Natura"),
        rate=node.amount_at("AliquotaIVA"),
        taxable=node.amount_at("ImponibileImporto"),
        tax=node.amount_at("Imposta"),
        exemption=node.at("RiferimentoNormativo"),
    )


def _lines(body: Node) -> Iterator[InvoiceLine]:
    for position, node in enumerate(body.all(_LINE), 1):
        yield InvoiceLine(
            line=line_number(node.at("NumeroLinea"), position),
            sku=node.at("CodiceArticolo/CodiceValore"),
            description=node.at("Descrizione"),
            quantity=Decimal(1) if (quantity := node.amount_at("Quantita")) is None else quantity,
            unit=node.at("UnitaMisura"),
            price=node.need("PrezzoUnitario").amount(),
            tax_rate=node.amount_at("AliquotaIVA") or _ZERO,
            net=node.need("PrezzoTotale").amount(),
        )


def _party(node: Node) -> Party:
    country, code = node.at("DatiAnagrafici/IdFiscaleIVA/IdPaese"), node.at("DatiAnagrafici/IdFiscaleIVA/IdCodice")
    person = f"{node.at('DatiAnagrafici/Anagrafica/Nome')} {node.at('DatiAnagrafici/Anagrafica/Cognome')}".strip()
    fiscal = node.at("DatiAnagrafici/CodiceFiscale")
    return Party(
        name=node.at("DatiAnagrafici/Anagrafica/Denominazione") or person,
        tax_id=f"{country}{code}" if code else fiscal,
        ids=distinct(f"{country}{code}", fiscal, node.at("IscrizioneREA/NumeroREA")),
    )


def _accounts(body: Node) -> Iterator[Account]:
    for node in body.all("DatiPagamento/DettaglioPagamento"):
        if number := node.at("IBAN"):
            yield Account(iban="".join(number.split()), bic=node.at("BIC"), holder=node.at("Beneficiario"))


def _checks(body: Node, draft: Draft) -> Iterator[Finding]:
    """What the Italian exchange checks itself, with its tolerances, and the totals where they are stated."""
    totals = draft.amounts.totals
    extra = [node.amount() for node in body.all(f"{_SUMMARY}/SpeseAccessorie|Arrotondamento")]
    funds = [charge.amount for charge in draft.amounts.charges if charge.reason.startswith("TC")]
    parts = sum((*draft.amounts.lines, *extra, *funds), _ZERO)
    if draft.amounts.lines:
        yield from compare("SdI-00422", "net", draft.net, parts, within=Decimal(1))
    for number, group in enumerate(draft.amounts.taxes, 1):
        computed = (group.taxable or _ZERO) * (group.rate or _ZERO) / 100
        yield from compare("SdI-00421", f"taxes[{number}].tax", group.tax, computed, within=Decimal(1))
    yield from _total_checks(body, totals)


def _total_checks(body: Node, totals: Totals) -> Iterator[Finding]:
    gross = (totals.net or _ZERO) + (totals.tax or _ZERO) + (totals.rounding or _ZERO)
    adjustments = _adjustments(body)
    if totals.gross is not None and totals.gross - gross not in adjustments:
        yield from compare("total", "gross", totals.gross, gross)
    due = _due(body, gross if totals.gross is None else totals.gross)
    if totals.payable is not None and totals.payable - due not in adjustments:
        yield from compare("total", "payable", totals.payable, due)


def _adjustments(body: Node) -> set[Decimal]:
    """What may be added to the total beside net and tax: nothing, stamp duty, or an allowance on the whole document."""
    general = body.need(_GENERAL)
    stamp = general.amount_at("DatiBollo/ImportoBollo") or _ZERO
    whole = [part.amount for part in _allowances(general, "MG")] + [-part.amount for part in _allowances(general, "SC")]
    return {_ZERO, stamp, sum(whole, _ZERO), sum(whole, _ZERO) + stamp}
