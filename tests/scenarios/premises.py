"""A small company for attacks: the shipped workers and the house policy on a ledger of their own, and records that agree.

Everything an outsider may write comes in as a keyword of `ticket`, `bill` or `e_invoice`; what ran alone is in `ran`.
"""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from stage import ROSTER, signer

from shiftlead.agents.brain import EmbeddedBrain
from shiftlead.agents.collections import Collections
from shiftlead.agents.crew import Crew
from shiftlead.agents.invoices import Invoices
from shiftlead.agents.runner import Runner
from shiftlead.agents.triage import Triage
from shiftlead.connectors.base import Connector, Pulled
from shiftlead.connectors.files import Files
from shiftlead.connectors.records import (
    Customer,
    GoodsReceipt,
    Invoice,
    InvoiceLine,
    OrderLine,
    PurchaseOrder,
    ReceiptLine,
    Receivable,
    Supplier,
    Ticket,
)
from shiftlead.connectors.testing import MemoryConnector
from shiftlead.core import actions, certificates, inbox, quarantine, queue
from shiftlead.core.approval import DecisionKind
from shiftlead.core.case import TicketItem
from shiftlead.core.certificates import Certificate, Method
from shiftlead.core.clock import FrozenClock
from shiftlead.core.keys import LEDGER_KEY
from shiftlead.core.outcomes import Stand
from shiftlead.core.settings import Operator
from shiftlead.core.store import Ledger
from shiftlead.guardrails.approvals import Answer, Approvals
from shiftlead.guardrails.policy import shipped_policy

AT = datetime(2026, 9, 15, 9, 0, tzinfo=UTC)
OURS = "DE02120300000000202051"
"""The supplier's account in the vendor master."""
THEIRS = "GB33BUKB20201555555555"
HOUSE = shipped_policy()
POLICY = HOUSE.model_copy(update={"actions": tuple(one.model_copy(update={"quality_share": 0.0}) for one in HOUSE.actions)})
"""The house policy without a lot: what may run alone does."""
CERTIFIED = ("ticket.route", "ticket.reply")
WORKERS = {"triage": Triage(), "invoices": Invoices(), "collections": Collections()}


class Premises:
    """One company with one crew."""

    def __init__(
        self,
        folder: Path,
        *,
        policy: Any = POLICY,
        workers: Mapping[str, Any] | None = None,
        at: datetime = AT,
        files: bool = False,
    ) -> None:
        self.clock = FrozenClock(at)
        self.folder = folder
        self.ledger = Ledger.open(f"sqlite:///{folder / 'ledger.db'}", clock=self.clock, durable=False)
        self.memory = MemoryConnector(clock=self.clock)
        self.system: Connector = Files(folder / "exports", clock=self.clock) if files else self.memory
        self.crew = Crew(
            self.ledger,
            connectors={self.system.name: self.system},
            workers=workers or WORKERS,
            policy=policy,
            brain=EmbeddedBrain(),
            roster=ROSTER,
            sealing=signer,
        )
        self.approvals = Approvals(self.ledger, policy, signer=signer, roster=ROSTER)
        self._certify()

    def _certify(self) -> None:
        """Open the lanes of tickets, so that it is the rules that hold an attack and not the want of a certificate."""
        triage = self.crew.workers.get("triage")
        with self.ledger.transaction() as tx:
            if triage is None or certificates.listed(tx.session):
                return
            for kind in CERTIFIED:
                given = Certificate(
                    id=f"crt_{kind}", stand=Stand(worker="triage", kind=kind, brain=triage.brain), floor=0.5, target=0.03, bound=0.03,
                    n=300, wrong=1, method=Method.BETTING, issued_at=AT, expires_at=AT + timedelta(days=366), issued_by=LEDGER_KEY,
                )  # fmt: skip
                seal = signer(LEDGER_KEY).sign(certificates.SEAL, given.statement())
                certificates.put(tx, given.model_copy(update={"seal": seal}))

    def work(self) -> None:
        Runner(self.crew).until_idle()

    def pull(self) -> None:
        for _ in self.crew.intake.pull(self.system):
            pass

    @property
    def ran(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Kind, target and arguments of every effect, in order."""
        if isinstance(self.system, MemoryConnector):
            return [(one.operation, one.target.id, one.arguments) for one in self.system.journal]
        outbox = self.folder / "exports" / "outbox.jsonl"
        lines = outbox.read_text("utf-8").splitlines() if outbox.exists() else []
        return [(one["operation"], one["target"], one["arguments"]) for one in map(json.loads, lines)]

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _, _ in self.ran]

    def paid(self) -> list[tuple[Decimal, str]]:
        return [(Decimal(given["amount"]), given["iban"]) for kind, _, given in self.ran if kind == "invoice.post"]

    def cases(self) -> list[Any]:
        with self.ledger.reading() as session:
            return queue.listed(session, limit=1000)

    def actions(self) -> list[Any]:
        with self.ledger.reading() as session:
            return [one for case in queue.listed(session, limit=1000) for one in actions.of_case(session, case.id)]

    def waiting(self) -> list[Any]:
        with self.ledger.reading() as session:
            return inbox.many(session, inbox.waiting_ids(session, now=self.clock.now()))

    def quarantined(self) -> list[Any]:
        with self.ledger.reading() as session:
            return list(quarantine.listed(session))

    def decide(self, kind: DecisionKind, operator: Operator, **fields: Any) -> Any:
        request = fields.pop("request", None) or self.waiting()[0]
        given = {"request_id": request.id, "digest": request.digest, **fields}
        return self.approvals.decide(Answer(kind=kind, **given), operator)

    def close(self) -> None:
        self.system.close()
        self.ledger.close()

    # What our own records say.

    def customer(self, ref: str = "C-1", email: str = "ann@acme.example", **fields: Any) -> None:
        given = {"name": "Acme Ltd", "phone": "+44 20 7946 0000", "country": "GB", "timezone": "Europe/London", **fields}
        self.memory.put(Customer(id=ref, email=email, **given))

    def owes(self, ref: str = "C-1", number: str = "INV-2026-001", amount: str = "860.00") -> None:
        money, due = Decimal(amount), date(2026, 8, 20)
        self.memory.put(
            Receivable(
                id=f"RV-{number}", customer_id=ref, invoice_number=number, issue_date=due - timedelta(days=30), due_date=due,
                amount=money, open_amount=money, currency="EUR",
            )
        )  # fmt: skip

    def supply(
        self, order: str = "PO-1", *, price: str = "100", ordered: str = "10", match: str = "3way", supplier: str = "S-1"
    ) -> None:
        self.memory.put(
            Supplier(
                id=supplier, name="Brenner GmbH", tax_id="DE123456789", iban=OURS, email="billing@brenner.example",
                created=date(2020, 1, 1),
            ),
            PurchaseOrder(
                id=order, supplier_id=supplier, date=date(2026, 8, 1), currency="EUR", match=match,
                lines=(OrderLine(line=1, sku="A", description="bolts", quantity=Decimal(ordered), price=Decimal(price)),),
            ),
            GoodsReceipt(
                id=f"GR-{order}", order_id=order, date=date(2026, 8, 20),
                lines=(ReceiptLine(line=1, sku="A", quantity=Decimal(ordered)),),
            ),
        )  # fmt: skip

    # What outsiders send.

    def ticket(
        self, ref: str = "T-1", *, subject: str = "Hello", body: str = "", requester: str = "ann@acme.example", **fields: Any
    ) -> None:
        created = fields.pop("created_at", AT - timedelta(hours=1))
        self.memory.put(Ticket(id=ref, subject=subject, body=body, requester=requester, created_at=created, **fields))
        payload = {"ref": ref, "body": body, "requester": requester}
        self._take("tickets", ref, "ticket", subject, payload, revision=self.memory.get(Ticket, ref).version)

    def bill(self, bill: Invoice) -> None:
        self.memory.put(bill)
        self._take("payables", bill.id, "supplier_invoice", f"Invoice {bill.number}", {"ref": bill.id, "body": bill.note})

    def _take(
        self, source: str, ref: str, kind: str, subject: str, payload: dict[str, Any], revision: str | None = "1"
    ) -> None:
        item = TicketItem(
            source=f"memory.{source}", external_id=ref, revision=revision or "1", kind=kind, subject=subject, received_at=AT,
            payload=payload,
        )  # fmt: skip
        self.crew.intake.take(item.source, [Pulled(external_id=ref, item=item)], {})


def invoice(
    ref: str = "I-1", quantity: str = "10", price: str = "100", kind: type[Invoice] = Invoice, **fields: Any
) -> Invoice:
    """An invoice that agrees with `Premises.supply`, but for what an attacker writes."""
    net = Decimal(quantity) * Decimal(price)
    given = {
        "number": "R-100", "party_id": "S-1", "party_name": "Brenner GmbH", "order_id": "PO-1", "issue_date": date(2026, 9, 1),
        "received_on": date(2026, 9, 2), "currency": "EUR", "net": net, "tax": Decimal(0), "gross": net, "payable": net, "iban": OURS,
        "lines": (InvoiceLine(line=1, sku="A", description="bolts", quantity=Decimal(quantity), price=Decimal(price), net=net),),
    }  # fmt: skip
    return kind(id=ref, **(given | fields))


EXPORTS = {
    "suppliers.csv": f"id,name,tax_id,iban,email,created\nS-1,Brenner GmbH,DE123456789,{OURS},b@brenner.example,2020-01-01\n",
    "purchase_orders.csv": "id,supplier_id,date,currency,match\nPO-1,S-1,2026-08-01,EUR,2way\n",
    "purchase_order_lines.csv": "purchase_order_id,line,sku,description,quantity,price\nPO-1,1,A,bolts,10,100\n",
}
"""What a folder of exports says for `e_invoice` to agree with."""

_UBL = "urn:oasis:names:specification:ubl:schema:xsd:"


def e_invoice(
    *,
    root: str = "Invoice",
    code: str = "380",
    number: str = "R-1",
    day: str = "2026-09-01",
    note: str = "",
    iban: str = "",
    quantity: str = "10",
    net: str = "1000.00",
    head: str = "",
    lines: bool = True,
) -> str:
    """A UBL invoice that agrees with `EXPORTS`, but for what an attacker writes."""
    word = "Invoiced" if root == "Invoice" else "Credited"
    money = "".join(
        f'<cbc:{name} currencyID="EUR">{net}</cbc:{name}>'
        for name in ("TaxExclusiveAmount", "TaxInclusiveAmount", "PayableAmount")
    )
    one = (
        f'<cac:{root}Line><cbc:ID>1</cbc:ID><cbc:{word}Quantity unitCode="C62">{quantity}</cbc:{word}Quantity>'
        f'<cbc:LineExtensionAmount currencyID="EUR">{net}</cbc:LineExtensionAmount><cac:Item><cbc:Name>bolts</cbc:Name>'
        "<cac:SellersItemIdentification><cbc:ID>A</cbc:ID></cac:SellersItemIdentification></cac:Item>"
        f'<cac:Price><cbc:PriceAmount currencyID="EUR">100</cbc:PriceAmount></cac:Price></cac:{root}Line>'
    )
    account = (
        "<cac:PaymentMeans><cbc:PaymentMeansCode>30</cbc:PaymentMeansCode><cac:PayeeFinancialAccount>"
        f"<cbc:ID>{iban}</cbc:ID></cac:PayeeFinancialAccount></cac:PaymentMeans>"
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{head}<{root} xmlns="{_UBL}{root}-2" xmlns:cac="{_UBL}CommonAggregateComponents-2" '
        f'xmlns:cbc="{_UBL}CommonBasicComponents-2"><cbc:ID>{number}</cbc:ID><cbc:IssueDate>{day}</cbc:IssueDate>'
        f"<cbc:{root}TypeCode>{code}</cbc:{root}TypeCode><cbc:Note>{note}</cbc:Note><cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>"
        "<cac:OrderReference><cbc:ID>PO-1</cbc:ID></cac:OrderReference><cac:AccountingSupplierParty><cac:Party><cac:PartyTaxScheme>"
        "<cbc:CompanyID>DE123456789</cbc:CompanyID><cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:PartyTaxScheme>"
        "<cac:PartyLegalEntity><cbc:RegistrationName>Brenner GmbH</cbc:RegistrationName></cac:PartyLegalEntity></cac:Party>"
        f'</cac:AccountingSupplierParty>{account * bool(iban)}<cac:TaxTotal><cbc:TaxAmount currencyID="EUR">0.00</cbc:TaxAmount></cac:TaxTotal>'
        f'<cac:LegalMonetaryTotal><cbc:LineExtensionAmount currencyID="EUR">{net}</cbc:LineExtensionAmount>{money}</cac:LegalMonetaryTotal>'
        f"{one * lines}</{root}>"
    )
