"""The small stage that the scenario tests share with their child processes: one worker, one policy, one outside system in a file.

What the worker proposes is written in the ticket (`plan`), so that a test says in one line what a case is about.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from blank_ledger import blank_ledger
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from shiftlead.agents.brain import EmbeddedBrain
from shiftlead.agents.crew import Crew
from shiftlead.agents.playbook import Playbook, Step
from shiftlead.agents.runner import Runner
from shiftlead.agents.worker import Assessment, Worker
from shiftlead.connectors.base import Pulled
from shiftlead.connectors.faults import Fault
from shiftlead.connectors.records import Invoice
from shiftlead.connectors.testing import MemoryConnector
from shiftlead.core import actions, exposure, inbox, outbox, queue
from shiftlead.core.approval import DecisionKind, Request, RequestState
from shiftlead.core.case import Case, TicketItem
from shiftlead.core.clock import Clock, FrozenClock
from shiftlead.core.keys import LEDGER_KEY, Keyring, Signer
from shiftlead.core.roster import Roster
from shiftlead.core.settings import Operator
from shiftlead.core.store import Ledger
from shiftlead.guardrails import killswitch
from shiftlead.guardrails.approvals import Answer, Approvals, Outcome
from shiftlead.guardrails.policy import Policy, parse_policy
from shiftlead.tools.desk import Desk

AT = datetime(2026, 9, 15, 9, 0, tzinfo=UTC)
LEASE = timedelta(seconds=60)
IBAN = "DE02120300000000202051"

POLICY = """
name: stage
version: 1
owner: tests
actions:
  invoice.post: {min_confidence: 0.5}
  invoice.hold: {min_confidence: 0.5}
  invoice.short_pay: {min_confidence: 0.5, four_eyes: true}
  invoice.credit_memo: {min_confidence: 0.5, four_eyes: true, approvals: 2}
roles:
  operator: {up_to: {EUR: 25000}}
  lead: {}
rules:
  - {id: S-1, lane: allowed, actions: [invoice.post], when: {amount: {at_most: {EUR: 5000}}}, reason: small, owner: t, source: t}
  - {id: S-2, lane: reviewed, actions: [invoice.post], when: {amount: {above: {EUR: 5000}}}, reason: large, owner: t, source: t}
  - {id: S-3, lane: allowed, actions: [invoice.hold], reason: harmless, owner: t, source: t}
  - {id: S-4, lane: reviewed, actions: [invoice.short_pay, invoice.credit_memo], reason: less than billed, owner: t, source: t}
  - {id: S-5, lane: prohibited, actions: [invoice.short_pay], when: {amount: {above: {EUR: 20000}}}, reason: far too much, owner: t, source: t}
limits:
  - {id: L-1, actions: [invoice.post], per: party, amount: {EUR: 5000}, reason: many small ones are a large one, owner: t, source: t}
"""
ONE_PERSON = POLICY + "separation: one_person\n"

ANA = Operator(name="ana", role="operator")
BEN = Operator(name="ben", role="operator")
CYD = Operator(name="cyd", role="lead")
DAN = Operator(name="dan", role="lead")
LEA = Operator(name="lea", role="lead")


@cache
def signer(name: str) -> Signer:
    """Everybody's key, the same in every process."""
    return Signer(name, Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest()))


OPERATORS = {one.name: one.role for one in (ANA, BEN, CYD, DAN, LEA)} | {f"op{number}": "operator" for number in range(32)}
ROSTER = Roster(operators=OPERATORS, keyring=Keyring.of(signer(name) for name in (*OPERATORS, LEDGER_KEY)))


class Poster(Worker):
    """Reads an invoice and proposes what the ticket's plan says, in that order."""

    name: ClassVar[str] = "poster"
    takes: ClassVar[frozenset[str]] = frozenset({"supplier_invoice"})

    @classmethod
    def default_playbook(cls) -> Playbook:
        return Playbook(
            name="poster",
            version=1,
            title="Poster",
            purpose="Does what the ticket says.",
            owner="tests",
            steps=(Step(number=1, text="Do it."),),
            operations=("invoice.get", "invoice.post", "invoice.hold", "invoice.short_pay", "invoice.credit_memo"),
        )

    def investigate(self, desk: Desk) -> object:
        invoice = desk.one("invoice.get", Invoice, id=str(desk.item.payload["ref"]))
        assert invoice is not None
        desk.cite("amount", invoice.payable, of=invoice)
        desk.cite("iban", invoice.iban, of=invoice)
        desk.cite("number", invoice.number, of=invoice)
        return invoice

    def assess(self, desk: Desk, findings: object) -> Assessment:
        assert isinstance(findings, Invoice)
        proposals = tuple(self._proposal(desk, findings, kind) for kind in str(desk.item.payload["plan"]).split())
        return Assessment(proposals=proposals, summary="It agrees.", question=str(desk.item.payload.get("question", "")))

    def _proposal(self, desk: Desk, invoice: Invoice, kind: str) -> Any:
        arguments: dict[str, Any] = {"invoice_id": invoice.id}
        if kind == "invoice.hold":
            arguments["reason"] = "goods not here"
        else:
            arguments |= {"amount": invoice.payable, "currency": invoice.currency}
        if kind in ("invoice.post", "invoice.short_pay"):
            arguments["iban"] = invoice.iban
        if kind in ("invoice.short_pay", "invoice.credit_memo"):
            arguments["reason"] = "ten are missing"
        return desk.propose(kind, invoice, arguments, confidence=0.99, rationale="It agrees.")


def invoice(ref: str, amount: str, party: str = "", **fields: Any) -> Invoice:
    money = Decimal(amount)
    given = {
        "number": f"R-{ref}", "party_id": party or f"S-{ref}", "issue_date": date(2026, 9, 1), "currency": "EUR",
        "net": money, "tax": Decimal(0), "gross": money, "payable": money, "iban": IBAN,
    }  # fmt: skip
    return Invoice(id=ref, **(given | fields))


def ticket(ref: str, plan: str = "invoice.post", **payload: Any) -> TicketItem:
    return TicketItem(
        source="memory.tickets",
        external_id=ref,
        kind="supplier_invoice",
        subject=f"Invoice {ref}",
        received_at=AT,
        payload={"ref": ref, "plan": plan, **payload},
    )


class Stage:
    """A ledger, an outside system and a crew over the files of one folder; any number of processes may open it."""

    def __init__(
        self,
        folder: Path,
        *,
        url: str = "",
        ledger: Ledger | None = None,
        clock: Clock | None = None,
        policy: str | Policy = POLICY,
        observer: Callable[[str], None] = lambda _: None,
        faults: Iterable[Fault] = (),
        owner: str = "w1",
        lease: timedelta = LEASE,
    ) -> None:
        self.clock = clock or (ledger.clock if ledger else FrozenClock(AT))
        self._own = ledger is None
        self.ledger = ledger or Ledger.open(url or f"sqlite:///{folder / 'ledger.db'}", clock=self.clock, durable=False)
        self.connector = MemoryConnector(path=folder / "outside.db", clock=self.clock, faults=faults)
        self.policy = parse_policy(policy, origin="stage policy") if isinstance(policy, str) else policy
        self.crew = Crew(
            self.ledger,
            connectors={"memory": self.connector},
            workers={"poster": Poster()},
            policy=self.policy,
            brain=EmbeddedBrain(),
            roster=ROSTER,
            sealing=signer,
            observer=observer,
        )
        self.approvals = Approvals(self.ledger, self.policy, signer=signer, roster=ROSTER, sealing=signer)
        self.owner, self.lease = owner, lease

    @classmethod
    def create(cls, folder: Path, **settings: Any) -> "Stage":
        """A new stage with its operations registered."""
        if "ledger" not in settings:
            if url := settings.get("url"):
                Ledger.create(url, clock=settings.get("clock"), durable=False).close()
            else:
                blank_ledger(folder / "ledger.db")
        stage = cls(folder, **settings)
        stage.crew.register_operations()
        return stage

    @property
    def runner(self) -> Runner:
        """A fresh runner, as a new process would have."""
        return Runner(self.crew, owner=self.owner, lease=self.lease)

    def work(self) -> Any:
        """Work until nothing is ready."""
        return self.runner.until_idle()

    def open(
        self, ref: str = "I-1", amount: str = "120.00", *, plan: str = "invoice.post", party: str = "", **payload: Any
    ) -> str:
        """Put an invoice into the outside system and open the case about it."""
        self.connector.put(invoice(ref, amount, party))
        item = ticket(ref, plan, **payload)
        self.crew.intake.take(item.source, [Pulled(external_id=ref, item=item)], {})
        return self.case(ref).id

    def case(self, ref: str = "I-1") -> Case:
        with self.ledger.reading() as session:
            return next(one for one in queue.listed(session, limit=10_000) if one.external_id == ref)

    def actions(self, case_id: str = "") -> list[actions.SealedAction]:
        with self.ledger.reading() as session:
            return actions.of_case(session, case_id or self.case().id)

    def effects(self, case_id: str = "") -> list[Any]:
        with self.ledger.reading() as session:
            return outbox.of_case(session, case_id or self.case().id)

    def requests(self, case_id: str = "", *states: RequestState) -> list[Request]:
        with self.ledger.reading() as session:
            found = inbox.of_case(session, case_id or self.case().id)
        return [one for one in found if not states or one.state in states]

    def pending(self, case_id: str = "") -> Request:
        (request,) = self.requests(case_id, RequestState.PENDING)
        return request

    def waiting(self) -> list[Request]:
        """What the inbox shows now."""
        with self.ledger.reading() as session:
            return inbox.many(session, inbox.waiting_ids(session, now=self.clock.now()))

    def decide(self, kind: DecisionKind, operator: Operator = ANA, request: Request | None = None, **fields: Any) -> Outcome:
        asked = request or self.pending()
        return self.approvals.decide(Answer(request_id=asked.id, digest=asked.digest, kind=kind, **fields), operator)

    def approve(self, operator: Operator = ANA, request: Request | None = None) -> Outcome:
        return self.decide(DecisionKind.APPROVE, operator, request)

    def stop(self, scope: str = "all", operator: Operator = ANA, reason: str = "") -> None:
        killswitch.stop(self.ledger, scope, operator=operator, reason=reason)

    def resume(self, scope: str = "all", *operators: Operator, reason: str = "checked") -> killswitch.Resumed:
        """Let a scope run again, by these people in turn; by two of them where none is named."""
        told = [
            killswitch.resume(self.ledger, scope, operator=one, policy=self.policy, signer=signer, reason=reason)
            for one in operators or (BEN, CYD)
        ]
        return told[-1]

    def journal(self) -> list[str]:
        return [entry.operation for entry in self.connector.journal]

    def events(self, *kinds: str) -> list[Any]:
        return [event for event in self.ledger.events() if not kinds or event.kind in kinds]

    def committed(self, scope: str = "all") -> tuple[Decimal, int]:
        """Money, all currencies alike, and actions that count in `scope` over the last day."""
        with self.ledger.reading() as session:
            total = exposure.totals(session, [scope])[scope].within(exposure.LONGEST, self.clock.now())
        return sum(total.money.values(), Decimal(0)), sum(total.count.values())

    def sql(self, statement: str, **values: Any) -> int:
        """Meddle with the ledger behind everybody's back."""
        with self.ledger.engine.execution_options(write=True).begin() as connection:
            return connection.execute(text(statement), values).rowcount

    def rows(self, statement: str, **values: Any) -> list[Any]:
        with self.ledger.engine.connect() as connection:
            return list(connection.execute(text(statement), values))

    def close(self) -> None:
        self.connector.close()
        if self._own:
            self.ledger.close()


def copied(template: Path, folder: Path) -> Path:
    """A copy of a closed stage."""
    shutil.copytree(template, folder)
    return folder
