"""An account as collections sees it: a customer's records, what is overdue in each currency, and what may be lost."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from ..connectors.base import Connector
from ..connectors.records import Activity, Contact, Customer, Payment, Receivable, Record
from ..core.errors import NotFound
from ..core.money import Money, round_minor
from ..core.noun import Noun
from .collections_settings import CollectionsSettings
from .lateness import History, LatenessModel, Settled, shipped_model

R = TypeVar("R", bound=Record)
_PAID_STATES = frozenset({"paid", "written_off", "closed", "void"})


class Bucket(StrEnum):
    """How long a receivable is past its due date."""

    NOT_DUE = "not_due"
    TO_30 = "1-30"
    TO_60 = "31-60"
    TO_90 = "61-90"
    OVER_90 = "over_90"


class Read(Protocol):
    """Reads records of one kind; `Desk.read` is one, `reader(connector)` makes another."""

    def __call__(self, operation: str, returns: type[R], /, **arguments: Any) -> list[R]:
        """The records; empty where there are none."""


class Account(Noun):
    """The records of one customer."""

    customer: Customer
    receivables: tuple[Receivable, ...] = ()
    """Unpaid invoices only."""
    payments: tuple[Payment, ...] = ()
    contacts: tuple[Contact, ...] = ()
    activities: tuple[Activity, ...] = ()

    def overdue(self, today: date) -> tuple[Receivable, ...]:
        """Receivables past their due date, the oldest first."""
        late = (one for one in self.receivables if one.due_date < today)
        return tuple(sorted(late, key=lambda one: (one.due_date, one.id)))

    def promised(self, today: date, grace: int) -> tuple[Receivable, ...]:
        """Receivables with a promise whose date plus `grace` days has not passed."""
        return tuple(one for one in self.receivables if one.promised_on and today <= one.promised_on + timedelta(days=grace))

    def broken(self, today: date, grace: int) -> tuple[Receivable, ...]:
        """Receivables that are still unpaid although their promise has run out."""
        return tuple(one for one in self.receivables if one.promised_on and today > one.promised_on + timedelta(days=grace))

    def unallocated(self, today: date, within_days: int) -> tuple[Payment, ...]:
        """Recent payments that name no invoice."""
        since = today - timedelta(days=within_days)
        return tuple(one for one in self.payments if not one.invoice_id and since <= one.date <= today)

    def history(self, today: date) -> History:
        """How the customer paid before: from payments where they carry due dates, else from the customer's own numbers."""
        unpaid = [one.due_date for one in self.receivables]
        settled = [found for one in self.payments if (found := _settled(one)) is not None]
        known = int(self.customer.facts.get("invoices") or 0)
        told = History.from_facts(self.customer.facts, unpaid, today)
        if not settled or len(settled) < known / 2:
            return told
        # Payments do not say whether the invoice was disputed; the customer's own numbers may.
        disputed = round(told.disputed / told.settled * len(settled)) if told.settled else 0
        read = History.as_of(today + timedelta(days=1), settled)
        return read.model_copy(update={"unpaid": told.unpaid, "disputed": disputed})


class Position(Noun):
    """What one customer owes in one currency."""

    currency: str
    receivables: tuple[Receivable, ...]
    """All unpaid ones, the oldest first."""
    overdue: tuple[Receivable, ...]
    overdue_amount: Money
    oldest_days: int
    """Days past due of the oldest; 0 where nothing is overdue."""
    late_probability: float
    """P(late) of the overdue receivables, or of all where none is overdue, weighted by open amount."""
    expected_loss: Money
    """Sum of P(late or unpaid) x open amount."""
    because: tuple[str, ...] = ()
    """What moved P(late), in words."""

    @property
    def open_amount(self) -> Money:
        """All that is unpaid, overdue or not."""
        return Money(amount=sum((one.open_amount for one in self.receivables), Decimal(0)), currency=self.currency)


def days_overdue(receivable: Receivable, today: date) -> int:
    """Days past the due date; negative where it is not due yet."""
    return (today - receivable.due_date).days


def bucket_of(days: int) -> Bucket:
    """The bucket of something so many days past due."""
    if days <= 0:
        return Bucket.NOT_DUE
    for limit, bucket in ((30, Bucket.TO_30), (60, Bucket.TO_60), (90, Bucket.TO_90)):
        if days <= limit:
            return bucket
    return Bucket.OVER_90


def expected_loss(receivable: Receivable, late: float, today: date, settings: CollectionsSettings) -> Money:
    """P(late or unpaid) x open amount: late by the history, unpaid by the provision for its age."""
    lost = settings.provision.get(bucket_of(days_overdue(receivable, today)), 0.0)
    share = Decimal(str(round(1 - (1 - late) * (1 - lost), 6)))
    return Money(amount=round_minor(receivable.open_amount * share, receivable.currency), currency=receivable.currency)


def positions(
    account: Account, today: date, settings: CollectionsSettings, model: LatenessModel | None = None
) -> tuple[Position, ...]:
    """What the customer owes, currency by currency, the largest expected loss first."""
    history = account.history(today)
    currencies = sorted({one.currency for one in account.receivables})
    found = [_position(account, currency, history, today, settings, model or shipped_model()) for currency in currencies]
    return tuple(sorted(found, key=lambda one: (-one.expected_loss.amount, one.currency)))


def _position(
    account: Account, currency: str, history: History, today: date, settings: CollectionsSettings, model: LatenessModel
) -> Position:
    mine = sorted((one for one in account.receivables if one.currency == currency), key=lambda one: (one.due_date, one.id))
    overdue = tuple(one for one in mine if one.due_date < today)
    # A receivable that is not due may still be disputed; one that is past due and undisputed has had its chance.
    outlooks = {
        one.id: model.outlook(
            history,
            amount=float(one.amount),
            disputed=True if one.disputed else False if one.due_date < today else None,
        )
        for one in mine
    }
    counted = overdue or tuple(mine)
    weight = sum((one.open_amount for one in counted), Decimal(0))
    late = sum(outlooks[one.id].late * float(one.open_amount) for one in counted) / float(weight) if weight else 0.0
    losses = (expected_loss(one, outlooks[one.id].late, today, settings).amount for one in mine)
    return Position(
        currency=currency,
        receivables=tuple(mine),
        overdue=overdue,
        overdue_amount=Money(amount=sum((one.open_amount for one in overdue), Decimal(0)), currency=currency),
        oldest_days=days_overdue(overdue[0], today) if overdue else 0,
        late_probability=min(max(late, 0.0), 1.0),
        expected_loss=Money(amount=sum(losses, Decimal(0)), currency=currency),
        because=outlooks[counted[0].id].because if counted else (),
    )


def read_account(read: Read, customer_id: str) -> Account | None:
    """The account of one customer; None where nobody knows the id."""
    customer = next(iter(read("customer.get", Customer, id=customer_id)), None)
    if customer is None:
        return None
    receivables = read("receivable.list", Receivable, customer_id=customer_id)
    return Account(
        customer=customer,
        receivables=tuple(one for one in receivables if one.open_amount > 0 and one.status not in _PAID_STATES),
        payments=tuple(read("payment.list", Payment, party_id=customer_id)),
        contacts=tuple(read("contact.list", Contact, party_id=customer_id)),
        activities=tuple(read("activity.list", Activity, party_id=customer_id)),
    )


def reader(connector: Connector) -> Read:
    """Reads from `connector` without a desk, for reports that lay no evidence."""

    def read(operation: str, returns: type[R], /, **arguments: Any) -> list[R]:
        try:
            found: Sequence[Record] = connector.read(operation, arguments)
        except NotFound:
            return []
        return [record for record in found if isinstance(record, returns)]

    return read


def _settled(payment: Payment) -> Settled | None:
    raw = payment.extra.get("due_date")
    if not raw:
        return None
    try:
        due = raw if isinstance(raw, date) else date.fromisoformat(str(raw)[:10])
    except ValueError:
        return None
    return Settled(due=due, paid=payment.date, amount=float(payment.amount))
