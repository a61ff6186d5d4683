"""`shiftlead einvoice`: one electronic invoice, read to the cent."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .cli_output import money, pairs
from .cli_session import Session, command, group

if TYPE_CHECKING:
    from ..connectors.einvoice_record import EInvoice

app = group("Electronic invoices: UBL, CII and FatturaPA as XML, Factur-X and ZUGFeRD as PDF.")


@command(app, "read")
def read(
    session: Session,
    file: Annotated[Path, typer.Argument(help="An XML or PDF file.")],
) -> None:
    """Read one electronic invoice: parties, lines, taxes, totals, and what does not add up."""
    from ..connectors.einvoice import read_einvoice
    from ..core.noun import canonical_json

    found = read_einvoice(file)
    if session.out.as_json:
        typer.echo(canonical_json(found))
        return
    for one in (found, *found.more):
        session.out.text(*_told(one))


def _told(found: "EInvoice") -> list[str]:
    document, totals = found.document, found.totals
    currency = document.currency
    lines = pairs(
        {
            "document": f"{document.kind.replace('_', ' ')} {document.number} of {document.issue_date} ({found.syntax})",
            "profile": found.profile,
            "seller": f"{document.party_name} {document.party_tax_id}",
            "buyer": found.buyer_name,
            "order": found.order_reference,
            "due": getattr(document, "due_date", None),
            "net": money(totals.net, currency),
            "tax": money(totals.tax, currency),
            "gross": money(totals.gross, currency),
            "prepaid": money(totals.prepaid, currency),
            "payable": money(totals.payable, currency),
            "account": found.iban and f"{found.iban} (from the document; not to be trusted)",
        }
    )
    rows = [
        f"  line {one.line}: {one.quantity} {one.unit} {one.description} at {one.price}, net {money(one.net, currency)}"
        for one in document.lines
    ]
    wrong = [f"  does not add up, {one.rule}: {one.field} is {one.stated}, computed {one.computed}" for one in found.findings]
    return [*lines, *rows, *wrong]
