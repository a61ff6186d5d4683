"""The collections worker: overdue accounts and promises to pay."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from ..connectors.records import Customer, Receivable
from ..core.action import Proposal
from ..core.clock import today
from ..core.evidence import Trust
from ..core.money import Money
from ..core.noun import Noun, plain
from ..tools.desk import Desk
from .account import Account, Position, days_overdue, positions, read_account
from .collections_settings import CollectionsSettings
from .contact_rules import asks_to_stop, call_number, contact_facts, contact_state, mail_address
from .debtor_facts import account_facts, debtor_facts, recipient_facts
from .dunning import Draft, amounts_match_records, draft, instalments
from .dunning_recheck import facts_now
from .dunning_steps import choose
from .dunning_wording import text_facts
from .last_reply import Heard, heard
from .next_step import CONTACTS, NextStep
from .playbook import Playbook
from .promises import Promise, read_promise
from .wording import days_text
from .worker import Assessment, Worker

_WISHES = frozenset({"already_paid", "payment_plan_request"})


class Findings(Noun):
    """What `investigate` found."""

    account: Account | None
    positions: tuple[Position, ...] = ()
    heard: Heard | None = None
    """What the customer's last mail says, where nobody has answered it."""
    missing: str = ""
    """What is wrong with the ticket, where the account could not be read."""


class Collections(Worker):
    """Chooses the next step on an overdue account, and notes promises to pay."""

    name: ClassVar[str] = "collections"
    takes: ClassVar[frozenset[str]] = frozenset({"overdue_account", "promise_to_pay"})

    def __init__(self, playbook: Playbook | None = None) -> None:
        super().__init__(playbook)
        self.settings = CollectionsSettings.of(self.playbook)

    def investigate(self, desk: Desk) -> Findings:
        """Read customer, receivables, payments, contacts and history; cite what the conclusion will rest on."""
        body = str(desk.item.payload.get("body") or "")
        if body:
            desk.quote("What the customer wrote", body)
        customer_id = str(desk.item.payload.get("ref") or "")
        account = read_account(desk.read, customer_id) if customer_id else None
        if account is None:
            return Findings(account=None, missing=f"No customer {customer_id!r} is on record. Whose account is it?")
        found = positions(account, today(desk.clock), self.settings)
        _cite_customer(desk, account.customer)
        _cite_receivables(desk, account)
        _cite_history(desk, account, self.settings)
        for position in found:
            _conclude(desk, position)
        return Findings(account=account, positions=found, heard=heard(desk, account.activities))

    def assess(self, desk: Desk, findings: object) -> Assessment:
        """The next step by the playbook: a proposal, a question, or nothing with the reason."""
        assert isinstance(findings, Findings)
        if findings.account is None:
            return Assessment(question=findings.missing, summary=findings.missing)
        work = _Work(desk, findings.account, findings.positions, self.settings)
        if desk.item.kind == "promise_to_pay" and _wish(desk) == "":
            return work.promise()
        return work.steps(findings.heard)

    def recheck(self, desk: Desk, proposal: Proposal) -> Mapping[str, Any]:
        """What records and text say now: a reminder may be approved at night, after a payment, or with another text."""
        account = read_account(desk.read, proposal.action.party)
        return facts_now(account, proposal, desk.clock.now(), self.settings) if account is not None else {}


class _Work:
    """One assessment: turns steps and promises into proposals."""

    def __init__(self, desk: Desk, account: Account, found: tuple[Position, ...], settings: CollectionsSettings) -> None:
        self.desk = desk
        self.account = account
        self.positions = found
        self.settings = settings
        self.now = desk.clock.now()
        self.today = today(desk.clock)
        self.state = contact_state(account, self.now, settings)
        self.contacts = 0

    def steps(self, last: Heard | None) -> Assessment:
        chosen = choose(self.account, self.positions, self.settings, self.now, wish=_wish(self.desk))
        if last is not None and last.stops and any(step.operation in CONTACTS for step in chosen.steps):
            question = last.question(self.account.customer.name)
            return Assessment(question=question, summary=question)
        proposals = tuple(self._proposal(step) for step in chosen.steps)
        return Assessment(proposals=proposals, summary=chosen.summary, outcome=chosen.outcome, again_at=chosen.again_at)

    def promise(self) -> Assessment:
        horizon = self.settings.promise_horizon_days
        promise = read_promise(self.desk.item.payload, self.account, self.today, horizon)
        name = self.account.customer.name
        if isinstance(promise, str):
            return Assessment(question=promise, summary=f"{name}: {promise}")
        if self.account.customer.insolvent:
            question = "The customer is insolvent, so legal decides whether a promise may be accepted. Hand it over?"
            return Assessment(question=question, summary=f"{name}: {question}")
        money = Money(amount=promise.amount, currency=promise.currency)
        summary = f"{name} promises {money} by {promise.promised_on}."
        return Assessment(proposals=(self._promise_proposal(promise, summary),), summary=summary)

    def _promise_proposal(self, promise: Promise, summary: str) -> Proposal:
        sure = "promise_partial" if promise.partial else "promise"
        position = self._position(promise.currency)
        named = ", ".join(one.invoice_number for one in promise.receivables[:5])
        facts = self._facts(position, promise.receivables) | {"amounts_match_records": not promise.partial}
        return self.desk.propose(
            "promise.log",
            self.account.customer,
            {
                "customer_id": self.account.customer.id,
                "receivable_ids": tuple(one.id for one in promise.receivables),
                "promised_on": promise.promised_on,
                "amount": promise.amount,
                "currency": promise.currency,
            },
            confidence=self.settings.sure(sure),
            rationale=f"{summary} It is for {named}{', in part' if promise.partial else ', which it pays in full'}.",
            labels=("promise_to_pay", *(("partial_promise",) if promise.partial else ())),
            steps=(1, 12),
            facts=facts,
        )

    def _proposal(self, step: NextStep) -> Proposal:
        position = step.position or self.positions[0]
        facts = self._facts(position, step.receivables)
        arguments, more = self._arguments(step)
        if step.operation in CONTACTS:
            self.contacts += 1
        return self.desk.propose(
            step.operation,
            self.account.customer,
            {"customer_id": self.account.customer.id, **arguments},
            confidence=self.settings.sure(step.sure),
            rationale=step.reason,
            labels=(step.label,),
            steps=step.sop,
            facts=facts | more,
        )

    def _arguments(self, step: NextStep) -> tuple[dict[str, Any], dict[str, Any]]:
        """What the operation is called with, and the facts that only this step has."""
        ids = tuple(one.id for one in step.receivables)
        if step.operation in {"reminder.send", "plan.offer"}:
            return self._mailed(step, ids)
        if step.operation == "task.call":
            number, record = call_number(self.account, self.settings)
            self.desk.cite("Phone number on file", number, of=record)
            about = f"receivable/{ids[0]}"
            facts = {"channel": "phone"} | recipient_facts(number, record, self.account)
            return {"phone": number, "note": _call_note(step), "due": self.today, "about": about}, facts
        if step.operation == "dunning.hold":
            return {"receivable_ids": ids, "reason": step.reason, "until": step.until}, {}
        if step.operation == "account.escalate":
            return {"reason": step.reason, "to_role": step.to_role}, {}
        given = {"receivable_ids": ids, **self._amount(step), "reason": step.reason}
        if step.operation == "receivable.agency":
            self.desk.conclude("Agency", self.settings.agency.name, "named in the playbook")
            given["agency"] = self.settings.agency.name
        return given, {}

    def _mailed(self, step: NextStep, ids: tuple[str, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
        address, record = mail_address(self.account, self.settings)
        self.desk.cite("Recipient address", address, of=record)
        amount = self._amount(step)
        message = self._draft(step, Money.of(amount["amount"], amount["currency"]), record.name)
        given = {
            "receivable_ids": ids,
            "to": address,
            "subject": message.subject,
            "body": message.body,
            "template": step.template,
            **amount,
        }
        facts: dict[str, Any] = {
            "channel": "email",
            "template": step.template,
            "language": message.language,
            "amounts_match_records": amounts_match_records(message, step.receivables),
            **recipient_facts(address, record, self.account),
            **text_facts(
                message.subject, message.body, written_in=message.language, language=self.account.customer.language,
                names=message.names,
            ),
        }  # fmt: skip
        if step.operation == "reminder.send":
            return given | {"level": step.level}, facts | {"reminder_level": step.level}
        plan = {"instalments": len(message.plan), "first_due": message.plan[0].due}
        adds_up = sum((one.amount for one in message.plan), 0 * amount["amount"]) == amount["amount"]
        return given | plan, facts | {"instalments": len(message.plan), "instalments_sum_matches": adds_up}

    def _draft(self, step: NextStep, total: Money, name: str) -> Draft:
        pay_by = self.today + timedelta(days=self.settings.pay_within_days)
        plan = instalments(total, self.settings.plan_instalments, pay_by) if step.operation == "plan.offer" else ()
        return draft(
            step.template, step.receivables, name=name, language=self.account.customer.language, house=self.settings.house,
            pay_by=None if plan else pay_by, plan=plan,
        )  # fmt: skip

    def _amount(self, step: NextStep) -> dict[str, Any]:
        position = step.position or self.positions[0]
        amount = sum((one.open_amount for one in step.receivables), 0 * step.receivables[0].open_amount)
        self.desk.conclude(f"Amount of the {step.words} in {position.currency}", amount, "sum of the open amounts it covers")
        return {"amount": amount, "currency": position.currency}

    def _facts(self, position: Position | None, receivables: tuple[Receivable, ...]) -> dict[str, Any]:
        facts = {
            **contact_facts(self.account, self.state, more=self.contacts),
            **debtor_facts(self.account.customer, self.account.contacts),
            **account_facts(self.account, receivables, self.today, self.settings),
        }
        if position is not None:
            facts["overdue_amount"] = plain(position.overdue_amount)
            facts["owed_amount"] = plain(position.open_amount)
            facts["late_probability"] = round(position.late_probability, 4)
        return facts

    def _position(self, currency: str) -> Position | None:
        return next((one for one in self.positions if one.currency == currency), None)


def _wish(desk: Desk) -> str:
    wish = str(desk.item.payload.get("intent") or "")
    return wish if wish in _WISHES else ""


def _call_note(step: NextStep) -> str:
    named = ", ".join(one.invoice_number for one in step.receivables[:8])
    more = f" and {len(step.receivables) - 8} more" if len(step.receivables) > 8 else ""
    owed = step.position.overdue_amount if step.position else ""
    return f"{step.reason} Open: {named}{more}; overdue in all {owed}. Ask when it will be paid, and note the answer."


def _cite_customer(desk: Desk, customer: Customer) -> None:
    desk.cite("Customer", customer.name, of=customer)
    desk.cite("Time zone", customer.timezone, of=customer)
    for name in ("do_not_contact", "insolvent", "vulnerable", "key_account"):
        if getattr(customer, name):
            desk.cite(name.replace("_", " ").capitalize(), True, of=customer)


def _cite_receivables(desk: Desk, account: Account) -> None:
    day = today(desk.clock)
    for one in sorted(account.receivables, key=lambda one: (one.due_date, one.id)):
        state = [
            f"due {one.due_date}",
            f"{days_text(days_overdue(one, day))} past due" if one.due_date < day else "not due yet",
        ]
        state += [f"reminder level {one.reminder_level}"] if one.reminder_level else []
        state += [f"disputed: {one.dispute_reason or 'no reason given'}"] if one.disputed else []
        state += [f"promised by {one.promised_on}"] if one.promised_on else []
        state += ["on hold"] if one.on_hold else []
        desk.cite(f"Invoice {one.invoice_number} open {one.currency}", one.open_amount, of=one, note=", ".join(state))


def _cite_history(desk: Desk, account: Account, settings: CollectionsSettings) -> None:
    state = contact_state(account, desk.clock.now(), settings)
    local = f"{state.local:%A %H:%M}" if state.local else "unknown"
    desk.conclude("Local time of the customer", local, f"by time zone {account.customer.timezone}")
    desk.conclude("Contacts in the last 7 days", state.contacts_last_7_days, "calls, mails and letters in the contact history")
    for one in account.activities:
        if asks_to_stop(one):
            desk.cite("Asked to stop", f"{one.subject} {one.body}".strip()[:200], of=one, trust=Trust.UNTRUSTED)
    for payment in account.unallocated(today(desk.clock), settings.unallocated_days):
        desk.cite("Payment without an invoice number", f"{payment.amount} {payment.currency}", of=payment)


def _conclude(desk: Desk, position: Position) -> None:
    if position.overdue:
        desk.conclude(
            f"Overdue in {position.currency}", position.overdue_amount.amount, f"oldest {days_text(position.oldest_days)}"
        )
    because = "; ".join(position.because)
    desk.conclude(f"P(late) in {position.currency}", round(position.late_probability, 3), because)
    desk.conclude(f"Expected loss in {position.currency}", position.expected_loss.amount, "P(late or unpaid) x open amount")
