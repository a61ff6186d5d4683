"""A ledger with requests of every kind, built through the stores that the workers use."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from blank_ledger import blank_ledger
from stage import signer

from shiftlead.connectors.operations import CANONICAL
from shiftlead.console.app import ConsoleApp
from shiftlead.console.decision import DecisionPane
from shiftlead.console.guide import Guides
from shiftlead.core import actions, inbox, operations, queue
from shiftlead.core.action import Action, Change, Envelope, Proposal, Reversibility, Target
from shiftlead.core.actions import ActionState, SealedAction
from shiftlead.core.approval import Question, Request, RequestState
from shiftlead.core.case import CaseState, TicketItem
from shiftlead.core.clock import FrozenClock
from shiftlead.core.evidence import Evidence, Trust
from shiftlead.core.keys import Keyring
from shiftlead.core.money import Money
from shiftlead.core.operations import OperationSpec
from shiftlead.core.roster import Roster
from shiftlead.core.settings import Operator
from shiftlead.core.store import Ledger
from shiftlead.core.verdict import Lane, RuleHit, Verdict
from shiftlead.guardrails.approvals import Approvals
from shiftlead.guardrails.policy import Policy, shipped_policy

Console = Callable[..., ConsoleApp]


PEOPLE = {"ana": "controller", "ben": "controller", "cyd": "lead"}


def _approvals(ledger: Ledger, policy: Policy, people: Mapping[str, str] = PEOPLE) -> Approvals:
    """The approvals of people with these roles."""
    roster = Roster(operators=people, keyring=Keyring.of(signer(name) for name in people))
    return Approvals(ledger, policy, signer=signer, roster=roster)


class Builder:
    """Makes cases that wait for a person."""

    def __init__(self, ledger: Ledger, clock: FrozenClock) -> None:
        self.ledger, self.clock = ledger, clock

    def request(
        self,
        ref: str = "INV-20418",
        *,
        amount: str | None = "1284.50",
        kind: str = "invoice.short_pay",
        question: Question = Question.APPROVE,
        lane: Lane = Lane.REVIEWED,
        due: timedelta | None = timedelta(hours=2),
        party: str = "Nordwind GmbH",
        worker: str = "invoices",
        makers: tuple[str, ...] = ("worker:invoices",),
        four_eyes: bool = True,
        approvals: int = 1,
        role: str = "operator",
        confidence: float | None = 0.87,
        note: str = "ten pallets missing",
    ) -> Request:
        now = self.clock.now()
        money = Money.of(amount, "EUR") if amount else None
        item = TicketItem(
            source="company.invoices",
            external_id=ref,
            kind="supplier_invoice",
            subject="short delivery",
            party=party,
            amount=Decimal(amount) if amount else None,
            currency="EUR" if amount else None,
            received_at=now - timedelta(hours=1),
            payload={"body": note},
        )
        with self.ledger.transaction() as tx:
            case = queue.open_case(tx, item, worker=worker)
        assert case is not None
        (held,) = queue.claim(self.ledger, owner="w1", workers=[worker], lease=timedelta(minutes=5))
        sealed = self._sealed(case.id, ref, kind, money, lane, makers, approvals, four_eyes, confidence, note)
        with self.ledger.transaction() as tx:
            actions.add(tx, sealed)
            request = Request(
                id=f"req_{ref.lower()}",
                case_id=case.id,
                action_id=sealed.id,
                question=question,
                state=RequestState.PENDING,
                digest=sealed.digest,
                action_kind=kind,
                summary=sealed.summary(),
                reason=sealed.verdict.because(),
                amount=amount,
                currency="EUR" if amount else None,
                confidence=confidence,
                approvals_needed=approvals,
                four_eyes=four_eyes,
                makers=makers,
                role=role,
                created_at=now,
                due_at=now + due if due is not None else None,
                expires_at=now + timedelta(hours=72),
            )
            inbox.put(tx, request)
            tx.audit("action.judged", actor="worker:invoices", case_id=case.id, lane=lane.value, rules="R-014 R-031")
            queue.release(tx, held, CaseState.WAITING)
        return request

    def _sealed(
        self,
        case_id: str,
        ref: str,
        kind: str,
        money: Money | None,
        lane: Lane,
        makers: tuple[str, ...],
        approvals: int,
        four_eyes: bool,
        confidence: float | None,
        note: str,
    ) -> SealedAction:
        now = self.clock.now()
        arguments: dict[str, Any] = {"invoice_id": ref, "reason": "10 of 100 units never arrived"}
        if money:
            arguments |= {"amount": format(money.amount, "f"), "currency": money.currency, "iban": "DE02120300000000202051"}
        proposal = Proposal(
            action=Action(
                kind=kind,
                target=Target(system="company", kind="invoice", id=ref, version="7"),
                party="S-104",
                arguments=arguments,
                amount=money,
                reversibility=Reversibility.COMPENSABLE,
            ),
            confidence=confidence,
            rationale="10 of 100 units never arrived, so the invoice is paid for the 90 that did.",
            labels=("quantity_over_received",),
            steps=(3, 5),
            changes=(
                Change(record=f"invoice {ref}", field="status", before="received", after="posted"),
                Change(record=f"invoice {ref}", field="open_amount", before="12,845.00 EUR", after="11,560.50 EUR"),
                Change(record="supplier S-104", field="note", before="", after="Short delivery, receipt GR-5000123"),
            ),
        )
        envelope = Envelope(
            tenant="main",
            case_id=case_id,
            action_id=f"act_{ref.lower()}",
            worker="invoices",
            playbook="invoices@3",
            brain="embedded@1",
            proposal=proposal,
            evidence=(
                Evidence(name="goods receipt GR-5000123", value="90 of 100", source="company:goods_receipt/GR-5000123",
                         trust=Trust.RECORD, read_at=now - timedelta(minutes=3)),
                Evidence(name="supplier e-mail", value=note, source="company:ticket/TKT-88102", trust=Trust.UNTRUSTED,
                         read_at=now - timedelta(minutes=3), note="asks for the full amount"),
                Evidence(name="PO 45-7781 line 1 price", value="128.45 EUR", source="company:purchase_order/45-7781",
                         trust=Trust.RECORD, read_at=now - timedelta(minutes=3)),
            ),
        )  # fmt: skip
        verdict = Verdict(
            lane=lane,
            hits=(
                RuleHit(rule="R-014", lane=lane, reason="A person looks at larger amounts", field="amount",
                        actual="1,284.50 EUR", limit="1,000 EUR", distance="284.50 EUR over"),
                RuleHit(rule="R-031", lane=Lane.REVIEWED, reason="The brain is not sure enough", field="confidence",
                        actual="0.87", limit="0.90", distance="0.03 short"),
            ),
            passed=("R-003", "R-021", "R-022"),
            missing=("days_since_bank_change",),
            policy="house@7",
            policy_digest="0" * 64,
            judged_at=now,
            approvals=approvals,
            four_eyes=four_eyes,
        )  # fmt: skip
        state = ActionState.WAITING
        return SealedAction(
            id=envelope.action_id, case_id=case_id, seq=1, state=state, envelope=envelope, digest=envelope.digest(),
            verdict=verdict, makers=makers,
        )  # fmt: skip

    def operations(self) -> None:
        """Register what the editable operations take."""
        with self.ledger.transaction() as tx:
            for name in ("invoice.short_pay", "ticket.reply", "reminder.send"):
                known = CANONICAL[name]
                operations.register(
                    tx,
                    OperationSpec(
                        connector="company", name=name, summary=known.summary,
                        parameters=known.arguments.model_json_schema(), authority=known.authority,
                        editable=known.editable, money=known.money, reversibility=known.reversibility,
                    ),
                )  # fmt: skip


@pytest.fixture
def ledger(tmp_path: Path, clock: FrozenClock) -> Iterator[Ledger]:
    made = Ledger.open(blank_ledger(tmp_path / "ledger.db"), clock=clock, durable=False)
    yield made
    made.close()


@pytest.fixture
def build(ledger: Ledger, clock: FrozenClock) -> Builder:
    return Builder(ledger, clock)


@pytest.fixture
def policy() -> Policy:
    return shipped_policy()


@pytest.fixture
def approvals(ledger: Ledger, policy: Policy) -> Approvals:
    """How somebody else decides meanwhile."""
    return _approvals(ledger, policy)


@pytest.fixture
def console(ledger: Ledger, policy: Policy) -> Console:
    def make(*, name: str = "ana", role: str = "controller", guides: Guides | None = None) -> ConsoleApp:
        approvals = _approvals(ledger, policy, {**PEOPLE, name: role})
        operator = Operator(name=name, role=role)
        return ConsoleApp(ledger, policy, operator=operator, approvals=approvals, title="prod", guides=guides)

    return make


class Screen:
    """A running console: keys in, text out, and nothing in flight in between."""

    def __init__(self, app: ConsoleApp, pilot: Any) -> None:
        self.app, self.pilot = app, pilot

    async def idle(self) -> None:
        """Until every thread has handed over what it read or wrote, and it is painted."""
        while pending := [one for one in self.app.workers if not one.is_finished]:
            await self.app.workers.wait_for_complete(pending)
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            await self.idle()

    async def type(self, words: str) -> None:
        await self.press(*("space" if one == " " else one for one in words))

    @property
    def lines(self) -> list[str]:
        return [strip.text for strip in self.app.screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def painted(self) -> str | None:
        """The id of the request in the decision pane."""
        story = self.app.screen_stack[0].query_one(DecisionPane).story
        return story.request.id if story else None


@pytest.fixture
def opened() -> Callable[..., Any]:
    @asynccontextmanager
    async def open_it(app: ConsoleApp, size: tuple[int, int] = (120, 36)) -> AsyncIterator[Screen]:
        async with app.run_test(size=size) as pilot:
            screen = Screen(app, pilot)
            await screen.idle()
            yield screen

    return open_it
