"""The next step on an account: what to do about it, chosen from records by the playbook's ladder, limits and thresholds.

Pure reasoning over one account: the worker turns the steps into proposals, and `shiftlead collections rank` into words.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from ..connectors.records import Receivable
from ..core.clock import as_utc
from .account import Account, Position, days_overdue
from .collections_settings import CollectionsSettings, Rung
from .contact_rules import ContactState, contact_state, mail_address, may_call, next_moment, not_now
from .dunning import MOST_INVOICES
from .holds import DISPUTED, PROMISED, held_without_payment
from .next_step import CONTACTS, Chosen, NextStep
from .wording import days_text

_PLAN_AGAIN = timedelta(days=14)


def choose(
    account: Account, positions: Sequence[Position], settings: CollectionsSettings, now: datetime, *, wish: str = ""
) -> Chosen:
    """The next steps on an account; `wish` is what the customer wrote about, `already_paid` or `payment_plan_request`."""
    return _Chooser(account, positions, settings, now, wish).chosen()


class _Chooser:
    """One choice; its methods are asked from the gravest circumstance to the most ordinary."""

    def __init__(
        self, account: Account, positions: Sequence[Position], settings: CollectionsSettings, now: datetime, wish: str
    ) -> None:
        self.account = account
        self.positions = [one for one in positions if one.overdue]
        self.settings = settings
        self.now = as_utc(now)
        self.today = self.now.date()
        self.wish = wish
        self.state: ContactState = contact_state(account, self.now, settings)
        self.overdue = account.overdue(self.today)
        self.promised = {one.id for one in account.promised(self.today, settings.promise_grace_days)}
        self.broken = {one.id for one in account.broken(self.today, settings.promise_grace_days)}
        self.waits: list[str] = []

    def chosen(self) -> Chosen:
        if not self.overdue:
            return Chosen(summary=f"{self.account.customer.name} owes nothing that is overdue.")
        barred = self._barred()
        since = self._escalated_on()
        if barred is not None and since is None:
            return self._with(barred)
        holds = [] if barred else list(self._holds())
        if since is not None:
            self.waits.append(f"The account was handed to somebody with more authority on {since}.")
            return self._with(*holds)
        paid = self.wish == "already_paid" or self.account.unallocated(self.today, self.settings.unallocated_days)
        contacts = [] if paid else list(self._contacts())
        # The worker itself never duns what is disputed or promised, so the hold need not come before the message.
        return self._with(*contacts, *holds)

    def _escalated_on(self) -> date | None:
        """The day of the last escalation, where it is recent enough to leave the account to whoever has it."""
        rest = timedelta(days=self.settings.escalation_rest_days)
        return next(
            (
                as_utc(one.at).date()
                for one in self.account.activities
                if one.type == "task"
                and "escalated" in one.subject.lower()
                and timedelta(0) <= self.now - as_utc(one.at) < rest
            ),
            None,
        )

    def _with(self, *steps: NextStep) -> Chosen:
        name = self.account.customer.name
        why = " ".join(dict.fromkeys(self.waits)) or "What is overdue is on hold or promised."
        if steps:
            return Chosen(steps=steps, why=why, summary=f"{name}: {'; '.join(one.words for one in steps)}. {steps[0].reason}")
        again = next_moment(self.state, self.settings, self.now)
        return Chosen(outcome="not_now", why=why, summary=f"{name}: not now. {why}", again_at=again)

    def _barred(self) -> NextStep | None:
        """Whoever must not be contacted goes to a person with the authority for it."""
        customer, state = self.account.customer, self.state
        if customer.insolvent:
            return self._escalated("legal", "The customer is insolvent, so all dunning stops.", "insolvent", 2)
        if state.stop_flag:
            flag = state.stop_flag.replace("_", " ")
            return self._escalated("legal", f"The customer's record is marked: {flag}.", state.stop_flag, 2)
        if state.counsel:
            return self._escalated("legal", "Counsel represents the customer, so only counsel is contacted.", "represented", 2)
        if state.opted_out:
            return self._escalated("credit_manager", "The customer must not be contacted.", "do_not_contact", 3)
        return None

    def _escalated(self, role: str, reason: str, label: str, step: int) -> NextStep:
        return NextStep(
            operation="account.escalate", sure="escalate", sop=(1, step), reason=reason, label=label, to_role=role,
            receivables=self.overdue, position=self.positions[0],
        )  # fmt: skip

    def _holds(self) -> Iterator[NextStep]:
        """Dunning stops on what is disputed, promised or perhaps paid, unless it has stopped already."""
        settings = self.settings
        disputed = [one for one in self.overdue if one.disputed and not one.on_hold]
        if disputed:
            reasons = sorted({one.dispute_reason for one in disputed if one.dispute_reason})
            told = f": {'; '.join(reasons)[:120]}" if reasons else ""
            until = self.today + timedelta(days=settings.dispute_hold_days)
            yield self._hold(disputed, f"{DISPUTED} {_numbers(disputed)}{told}.", "disputed", 4, until)
        promised = [one for one in self._undisputed() if one.id in self.promised and not one.on_hold]
        if promised:
            last = max(one.promised_on for one in promised if one.promised_on)
            until = last + timedelta(days=settings.promise_grace_days)
            yield self._hold(promised, f"{PROMISED} {last}: {_numbers(promised)}.", "promise_open", 5, until)
        rest = self._eligible()
        unallocated = self.account.unallocated(self.today, settings.unallocated_days)
        if rest and (unallocated or self.wish == "already_paid"):
            why = "The customer says it is paid." if not unallocated else (
                f"{unallocated[0].amount:,} {unallocated[0].currency} arrived on {unallocated[0].date} without an invoice number."
            )  # fmt: skip
            yield from self._paid_perhaps(rest, why)

    def _paid_perhaps(self, rest: list[Receivable], why: str) -> Iterator[NextStep]:
        """One hold in which the payment may be found; the next time, without a payment since, a person looks for it."""
        held = held_without_payment(self.account, self.today)
        if held is None:
            until = self.today + timedelta(days=self.settings.unallocated_hold_days)
            yield self._hold(rest, f"{why} It may pay what is open.", "unallocated", 6, until)
        elif self._escalated_on() is None:
            reason = f"{why} Dunning was held for that on {held}, and no payment has come since."
            yield self._manager(self._position_of(rest[0].currency), rest, reason, sop=6, label="unallocated_again")

    def _hold(self, receivables: Sequence[Receivable], reason: str, why: str, step: int, until: date) -> NextStep:
        sure = {"disputed": "hold_dispute", "promise_open": "hold_promise"}.get(why, "hold_unallocated")
        return NextStep(
            operation="dunning.hold", sure=sure, sop=(1, step), reason=reason, label=why, until=until,
            receivables=tuple(receivables), position=self._position_of(receivables[0].currency),
        )  # fmt: skip

    def _undisputed(self) -> list[Receivable]:
        return [one for one in self.overdue if not one.disputed]

    def _eligible(self, currency: str | None = None) -> list[Receivable]:
        """What may be dunned at all: overdue, undisputed, without a hold and without an open promise."""
        return [
            one
            for one in self._undisputed()
            if not one.on_hold and one.id not in self.promised and currency in (None, one.currency)
        ]

    def _position_of(self, currency: str) -> Position:
        return next(one for one in self.positions if one.currency == currency)

    def _contacts(self) -> Iterator[NextStep]:
        """At most one step per currency, and never more contacts than the limits leave."""
        planned = 0
        for position in self.positions:
            step = self._step(position)
            if step is None:
                continue
            if step.operation in CONTACTS:
                wait = not_now(self.state, self.settings, more=planned)
                if wait:
                    self.waits.append(wait)
                    continue
                planned += 1
            yield step
            if step.operation in {"account.escalate", "task.call"}:
                return

    def _step(self, position: Position) -> NextStep | None:
        due = self._eligible(position.currency)[:MOST_INVOICES]
        if not due:
            return None
        days, level = days_overdue(due[0], self.today), max(one.reminder_level for one in due)
        amount = sum((one.open_amount for one in due), Decimal(0))
        last_resort = self._last_resort(position, due, days, level, amount)
        if last_resort is not None:
            return last_resort
        if self.account.customer.vulnerable or self.wish == "payment_plan_request":
            return self._eased(position, due, amount)
        if any(one.id in self.broken for one in due):
            return self._after_broken_promise(position, due, level)
        if days >= self.settings.escalate_from_days and level >= len(self.settings.ladder):
            return self._manager(position, due, f"{level} reminders and {days_text(days)} past due without payment.")
        if level >= 1 and self._worth_a_call(position) and self._may_call():
            return self._call(position, due, f"{position.expected_loss} may be lost and reminder {level} went unanswered.")
        return self._reminder(position, due, days, level)

    def _last_resort(
        self, position: Position, due: list[Receivable], days: int, level: int, amount: Decimal
    ) -> NextStep | None:
        """Write-off of a small old remainder, or the agency; both only after every reminder."""
        rules, customer = self.settings, self.account.customer
        if level < len(rules.ladder) or customer.vulnerable or customer.key_account or self.wish:
            return None
        spare = {"receivables": tuple(due), "position": position, "sop": (1, 8, 14)}
        if days >= rules.write_off.from_days and amount <= rules.write_off.up_to:
            reason = f"{days_text(days)} past due after {level} reminders; following it up costs more than it brings."
            return NextStep(operation="receivable.write_off", sure="write_off", reason=reason, label="small_remainder", **spare)
        if days >= rules.agency.from_days and amount >= rules.agency.from_amount and any(one.id in self.broken for one in due):
            reason = f"{days_text(days)} past due, {level} reminders and a broken promise."
            return NextStep(operation="receivable.agency", sure="agency", reason=reason, label="long_overdue", **spare)
        return None

    def _eased(self, position: Position, due: list[Receivable], amount: Decimal) -> NextStep | None:
        """Instalments for those in need; a small amount is a person's to settle."""
        why = "The customer asks for time." if self.wish else "The customer is marked as vulnerable."
        offered = any(
            one.type == "plan" and timedelta(0) <= self.now - as_utc(one.at) < _PLAN_AGAIN for one in self.account.activities
        )
        if offered:
            self.waits.append("Instalments were offered in the last 14 days.")
            return None
        if amount < self.settings.plan_from or not mail_address(self.account, self.settings)[0]:
            return self._manager(position, due, why, sop=11, label="hardship")
        return NextStep(
            operation="plan.offer", sure="plan_offer", sop=(1, 7, 9, 11), template="plan_offer", label="hardship",
            reason=f"{why} {position.currency} {amount:,} can be split into {self.settings.plan_instalments} instalments.",
            receivables=tuple(due), position=position,
        )  # fmt: skip

    def _after_broken_promise(self, position: Position, due: list[Receivable], level: int) -> NextStep | None:
        promise = max(one.promised_on for one in due if one.id in self.broken and one.promised_on)
        reason = f"Payment was promised by {promise} and has not come."
        if self._may_call():
            return self._call(position, due, reason, sop=5, label="promise_broken")
        if level < len(self.settings.ladder):
            return self._mail(position, due, self.settings.ladder[level], reason, sop=5, label="promise_broken")
        return self._manager(position, due, reason, sop=5, label="promise_broken")

    def _worth_a_call(self, position: Position) -> bool:
        return self.account.customer.key_account or position.expected_loss.amount >= self.settings.call_from

    def _may_call(self) -> bool:
        return may_call(self.account, self.state, self.settings, self.now)

    def _reminder(self, position: Position, due: list[Receivable], days: int, level: int) -> NextStep | None:
        ladder = self.settings.ladder
        if level >= len(ladder):
            if self._may_call():
                return self._call(position, due, f"{level} reminders went unanswered.")
            self.waits.append(
                f"After {level} reminders the account goes on at {days_text(self.settings.escalate_from_days)} past due."
            )
            return None
        rung = ladder[level]
        reliable = level == 0 and position.late_probability < self.settings.reliable_below
        from_days = rung.from_days + (self.settings.wait_for_reliable_days if reliable else 0)
        if days < from_days:
            habit = ", as it hardly ever pays late" if reliable else ""
            self.waits.append(f"Reminder {rung.level} is due {days_text(from_days)} past due{habit}; it is {days}.")
            return None
        reason = f"{days_text(days)} past due, {level or 'no'} reminder{'s' if level > 1 else ''} so far; {_habit(position)}."
        return self._mail(position, due, rung, reason)

    def _mail(
        self, position: Position, due: list[Receivable], rung: Rung, reason: str, *, sop: int = 8, label: str = "overdue"
    ) -> NextStep | None:
        if not mail_address(self.account, self.settings)[0]:
            why = f"{reason} There is no mail address on file."
            if self._may_call():
                return self._call(position, due, why, label="no_address")
            return self._manager(position, due, why, label="no_address")
        return NextStep(
            operation="reminder.send", sure=rung.template, sop=tuple(sorted({1, sop, 7, 8, 9})), reason=reason, label=label,
            receivables=tuple(due), position=position, template=rung.template, level=rung.level,
        )  # fmt: skip

    def _call(
        self, position: Position, due: list[Receivable], reason: str, *, sop: int = 10, label: str = "overdue"
    ) -> NextStep:
        return NextStep(
            operation="task.call", sure="call", sop=tuple(sorted({1, 7, 8, 10, sop})), reason=reason, label=label,
            receivables=tuple(due), position=position,
        )  # fmt: skip

    def _manager(
        self, position: Position, due: list[Receivable], reason: str, *, sop: int = 13, label: str = "long_overdue"
    ) -> NextStep:
        return NextStep(
            operation="account.escalate", sure="escalate", sop=(1, 8, sop), reason=reason, label=label,
            to_role="credit_manager", receivables=tuple(due), position=position,
        )  # fmt: skip


def _numbers(receivables: Sequence[Receivable]) -> str:
    names = [one.invoice_number for one in receivables]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _habit(position: Position) -> str:
    told = position.because[0] if position.because else "no history"
    return f"{told}, P(late) {position.late_probability:.0%}"
