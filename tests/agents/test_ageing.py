from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftlead.agents.account import Account, Bucket, bucket_of, expected_loss, positions
from shiftlead.agents.ageing import ageing, rank
from shiftlead.agents.collections_settings import CollectionsSettings
from shiftlead.agents.playbook import shipped_playbook
from shiftlead.connectors.records import Customer, Payment, Receivable
from shiftlead.core.money import Money

NOW = datetime(2026, 9, 15, 9, 0, tzinfo=UTC)
TODAY = NOW.date()
SETTINGS = CollectionsSettings.of(shipped_playbook("collections"))
PROMPT = {"late_share": 0.02, "mean_days_late": 2, "invoices": 40}
LATE = {"late_share": 0.95, "mean_days_late": 25, "invoices": 40}


def owed(amount: str, days: int, currency: str = "EUR", number: str = "", **more: object) -> Receivable:
    due = TODAY - timedelta(days=days)
    number = number or f"INV-{days}-{amount}"
    return Receivable(
        id=f"R-{number}", customer_id="C-1", invoice_number=number, issue_date=due - timedelta(days=30), due_date=due,
        amount=Decimal(amount), open_amount=Decimal(amount), currency=currency, **more,
    )  # fmt: skip


def account(name: str, *receivables: Receivable, facts: dict | None = None, **customer: object) -> Account:
    who = Customer(id=f"C-{name}", name=name, email=f"{name}@example.com", phone="+49 30 1", facts=facts or {}, **customer)
    return Account(customer=who, receivables=receivables)


@pytest.mark.parametrize(
    ("days", "bucket"),
    [
        (-5, "not_due"),
        (0, "not_due"),
        (1, "1-30"),
        (30, "1-30"),
        (31, "31-60"),
        (60, "31-60"),
        (61, "61-90"),
        (90, "61-90"),
        (91, "over_90"),
    ],
)
def test_buckets_begin_and_end_where_they_say(days: int, bucket: str) -> None:
    assert bucket_of(days) == bucket


def test_currencies_never_mix() -> None:
    accounts = [
        account("A", owed("100.00", 5), owed("40.50", -3), owed("7.00", 95, "USD")),
        account("B", owed("1.25", 30), owed("2.00", 31)),
    ]
    eur, usd = ageing(accounts, TODAY)
    assert {bucket.value: str(money.amount) for bucket, money in eur.buckets.items()} == {
        "not_due": "40.50", "1-30": "101.25", "31-60": "2.00", "61-90": "0", "over_90": "0",
    }  # fmt: skip
    assert (eur.overdue_amount, eur.open_amount, eur.oldest_days, eur.receivables) == (
        Money.of("103.25", "EUR"), Money.of("143.75", "EUR"), 31, 4,
    )  # fmt: skip
    assert (usd.currency, usd.overdue_amount, usd.buckets[Bucket.OVER_90]) == (
        "USD",
        Money.of("7.00", "USD"),
        Money.of("7.00", "USD"),
    )


@given(late=st.floats(0, 1), days=st.integers(-40, 400), amount=st.decimals("0.01", "1000000", places=2))
def test_expected_loss_is_between_late_share_and_all_and_grows_with_age(late: float, days: int, amount: Decimal) -> None:
    one = owed(str(amount), days)
    lost = expected_loss(one, late, TODAY, SETTINGS)
    assert Decimal(str(round(late, 6))) * amount - Decimal("1.01") <= lost.amount <= amount
    older = one.model_copy(update={"due_date": one.due_date - timedelta(days=31)})
    assert expected_loss(older, late, TODAY, SETTINGS).amount >= lost.amount


def test_expected_loss_to_the_cent() -> None:
    assert expected_loss(owed("200.00", 45), 0.5, TODAY, SETTINGS) == Money.of("108.00", "EUR")  # 1 - 0.5 x 0.92


def test_the_list_is_led_by_what_may_be_lost_not_by_what_is_owed() -> None:
    ranked = rank(
        [
            account("prompt", owed("900.00", 6), facts=PROMPT),
            account("late", owed("800.00", 6), facts=LATE),
            account("current", owed("5000.00", -6), facts=LATE),
        ],
        NOW,
    )
    assert [one.name for one in ranked] == ["late", "prompt"]
    assert ranked[0].late_probability > 0.8 > 0.3 > ranked[1].late_probability
    assert ranked[0].next_step == "send reminder 1"
    assert "paid 38 of the last 40 invoices late" in ranked[0].reason


def test_a_customer_with_two_currencies_has_two_lines() -> None:
    ranked = rank([account("A", owed("10.00", 20), owed("99.00", 40, "USD"), facts=LATE)], NOW)
    assert [(one.expected_loss.currency, one.overdue_amount.amount, one.oldest_days) for one in ranked] == [
        ("EUR", Decimal("10.00"), 20), ("USD", Decimal("99.00"), 40),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("customer", "receivable", "step", "reason"),
    [
        ({"insolvent": True}, {}, "hand to the legal", "insolvent"),
        ({"do_not_contact": True}, {}, "hand to the credit manager", "must not be contacted"),
        ({}, {"disputed": True}, "hold dunning until 2026-10-15", "Disputed: INV-9"),
        ({}, {"on_hold": True}, "not now", "on hold"),
        ({"timezone": "Asia/Tokyo"}, {}, "send reminder 1", "20 days past due"),
        ({"timezone": "America/Los_Angeles"}, {}, "not now", "It is 02:00 where the customer is"),
    ],
)
def test_the_next_step_and_its_reason_are_told(customer: dict, receivable: dict, step: str, reason: str) -> None:
    (line,) = rank([account("A", owed("500.00", 20, number="INV-9", **receivable), facts=LATE, **customer)], NOW)
    assert line.next_step == step
    assert reason in line.reason
    assert not line.reason.startswith("not now")


def test_the_history_comes_from_payments_where_they_carry_due_dates() -> None:
    paid = [
        Payment(id=f"P-{n}", party_id="C-1", invoice_id=f"AR-{n}", date=date(2026, n, 28), amount=Decimal(90), currency="EUR",
                extra={"due_date": f"2026-{n:02}-08"})
        for n in range(1, 9)
    ]  # fmt: skip
    one = account("A", owed("100.00", 3), facts=PROMPT | {"invoices": 9, "disputed_share": 0.5})
    history = one.model_copy(update={"payments": tuple(paid)}).history(TODAY)
    assert (history.settled, history.late, history.mean_delay, history.disputed, history.unpaid) == (8, 8, 20.0, 4, (3,))
    assert one.history(TODAY).late == 0
    late, prompt = (positions(a, TODAY, SETTINGS)[0] for a in (one.model_copy(update={"payments": tuple(paid)}), one))
    assert late.late_probability > prompt.late_probability
