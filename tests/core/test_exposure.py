"""Exposure: what is committed adds up exactly, per scope and window, and rolls on with the clock."""

import contextlib
import json
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from shiftlead.core import exposure
from shiftlead.core.clock import SystemClock
from shiftlead.core.exposure import LONGEST, Spent, Total
from shiftlead.core.migrations import upgrade
from shiftlead.core.money import Money
from shiftlead.core.store import Ledger

AT = datetime(2026, 9, 15, 9, 0, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(hours=24), timedelta(hours=1), timedelta(minutes=1)
SCOPES = ("party:S-1", "worker:poster")
POST = "invoice.post"


def eur(amount):
    return Money.of(amount, "EUR")


def commit(ledger, money, *, scopes=SCOPES, kind=POST, at=None):
    with ledger.transaction() as tx:
        return exposure.commit(tx, scopes, kind, money, at=at)


def give_back(ledger, money, at, *, scopes=SCOPES, kind=POST):
    with ledger.transaction() as tx:
        return exposure.give_back(tx, scopes, kind, money, at=at)


def total(ledger, scope="party:S-1", window=DAY, now=None):
    with ledger.reading() as session:
        return exposure.totals(session, [scope])[scope].within(window, now or ledger.clock.now())


def test_what_was_never_committed_is_nothing(ledger):
    assert total(ledger) == Total()
    assert commit(ledger, eur("1.00"), scopes=()) == {}
    with ledger.reading() as session:
        assert exposure.totals(session, ()) == {}


def test_it_adds_up_by_scope_currency_and_kind(ledger):
    commit(ledger, eur("100.10"))
    commit(ledger, eur("0.20"), scopes=("party:S-1",))
    commit(ledger, Money.of("7.00", "USD"), kind="invoice.short_pay")
    commit(ledger, None, kind="invoice.hold")
    assert total(ledger) == Total(
        money={"EUR": Decimal("100.30"), "USD": Decimal("7.00")},
        count={POST: 2, "invoice.short_pay": 1, "invoice.hold": 1},
    )
    assert total(ledger, "worker:poster").money["EUR"] == Decimal("100.10")


def test_the_answer_is_the_new_total(ledger):
    commit(ledger, eur("100.00"))
    after = commit(ledger, eur("50.00"))
    assert after["party:S-1"].within(DAY, AT) == Total(money={"EUR": Decimal("150.00")}, count={POST: 2})


def test_a_payment_below_zero_counts_at_its_size(ledger):
    commit(ledger, eur("-1000.00"))
    assert total(ledger).money == {"EUR": Decimal("1000.00")}


@pytest.mark.parametrize("span", [MINUTE, 10 * MINUTE, HOUR, 8 * HOUR, DAY])
def test_a_window_is_never_shorter_than_it_says_and_at_most_one_bucket_longer(span):
    bucket = MINUTE if span <= HOUR else HOUR
    odd = AT + timedelta(minutes=37, seconds=41)
    spent = Spent().plus(POST, eur("1.00"), odd)
    assert spent.within(span, odd).count == {POST: 1}
    assert spent.within(span, odd + span).count == {POST: 1}
    assert spent.within(span, odd + span + bucket).count == {}


def test_midnight_is_nothing_special(ledger):
    evening = datetime(2026, 9, 15, 23, 59, 59, tzinfo=UTC)
    ledger.clock.advance(evening - ledger.clock.now())
    commit(ledger, eur("99.00"))
    ledger.clock.advance(timedelta(seconds=2))
    commit(ledger, eur("1.00"))
    assert total(ledger).money == {"EUR": Decimal("100.00")}


def test_what_a_faster_clock_counted_is_seen(ledger):
    commit(ledger, eur("5.00"), at=AT + timedelta(minutes=5))
    assert total(ledger, window=MINUTE).money == {"EUR": Decimal("5.00")}


def test_what_no_window_reaches_is_dropped_on_the_next_write(ledger):
    for _ in range(60):
        commit(ledger, eur("1.00"), scopes=("all",))
        ledger.clock.advance(timedelta(minutes=31))
    with ledger.reading() as session:
        stored = json.loads(session.execute(text("select spent from exposure")).scalar())
    assert len(stored["h"]) <= 26
    assert len(stored["m"]) <= 3


def test_what_did_not_happen_is_taken_out_where_it_was_counted(ledger):
    commit(ledger, eur("100.10"))
    ledger.clock.advance(3 * HOUR)
    commit(ledger, eur("33.33"))
    give_back(ledger, eur("100.10"), AT)
    assert total(ledger) == Total(money={"EUR": Decimal("33.33")}, count={POST: 1})
    assert total(ledger, window=MINUTE).money == {"EUR": Decimal("33.33")}


@pytest.mark.parametrize(
    ("money", "kind", "at"),
    [
        (eur("50.01"), POST, AT),  # more than the bucket holds
        (Money.of("1.00", "USD"), POST, AT),  # another currency
        (eur("1.00"), "invoice.hold", AT),  # another kind
        (eur("50.00"), POST, AT - 2 * HOUR),  # another hour
    ],
)
def test_what_was_not_counted_there_is_not_taken_out(ledger, money, kind, at):
    commit(ledger, eur("50.00"))
    give_back(ledger, money, at, kind=kind)
    found = total(ledger)
    assert (found.money["EUR"], found.count[POST]) == (Decimal("50.00"), 1)


def test_a_transaction_that_fails_commits_nothing(ledger):
    with contextlib.suppress(RuntimeError), ledger.transaction() as tx:
        exposure.commit(tx, SCOPES, POST, eur("1.00"))
        raise RuntimeError
    assert total(ledger) == Total()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(amounts=st.lists(st.decimals("0.01", "99999.99", places=2), max_size=8), number=st.integers(0, 10**9))
def test_it_never_rounds(ledger, amounts, number):
    scope = f"party:{number}-{len(amounts)}"
    with ledger.transaction() as tx:
        for amount in amounts:
            exposure.commit(tx, [scope], POST, Money.of(amount, "JPY"))
        for amount in amounts[1:]:
            exposure.give_back(tx, [scope], POST, Money.of(amount, "JPY"), at=tx.now)
    found = total(ledger, scope)
    assert found.money.get("JPY", Decimal(0)) == (amounts[0] if amounts else 0)
    with ledger.transaction() as tx:
        if amounts:
            exposure.give_back(tx, [scope], POST, Money.of(amounts[0], "JPY"), at=tx.now)


@given(
    st.lists(st.tuples(st.integers(0, 3 * 24 * 60), st.decimals("0.01", "500", places=2), st.booleans()), max_size=40),
    st.sampled_from([HOUR, 8 * HOUR, DAY]),
)
def test_what_a_gate_admits_in_any_window_never_passes_the_cap(deeds, span):
    """Whatever is proposed when, also out of order by some minutes: no window of that length holds more than the cap."""
    cap, spent, admitted = Decimal(1000), Spent(), []
    for minute, amount, late in sorted(deeds, key=lambda one: one[0]):
        at = AT + timedelta(minutes=minute - 7 * late)
        with_it = spent.plus(POST, Money.of(amount, "EUR"), at)
        if with_it.within(span, at).money["EUR"] <= cap:
            spent = with_it.since(at)
            admitted.append((at, amount))
    for end, _ in admitted:
        inside = [amount for at, amount in admitted if end - span < at <= end]
        assert sum(inside, Decimal(0)) <= cap


def test_eight_threads_over_overlapping_scopes_lose_nothing_and_wait_for_no_circle(ledger_url, clock):
    """Every pair of scopes in every order, most of them new: no deadlock, and every amount counted once."""
    ledger = Ledger.create(ledger_url, clock=clock, durable=False)
    names = [f"party:{letter}" for letter in "abcdef"]
    failures: list[BaseException] = []
    start = threading.Barrier(8)

    def play(number: int) -> None:
        start.wait()
        try:
            for turn in range(12):
                first, second, third = (names[(number * 5 + turn * step) % 6] for step in (1, 3, 4))
                commit(ledger, eur("1.00"), scopes=(third, second, first, f"account:{turn}", "all"))
        except BaseException as error:  # noqa: BLE001 - told to the test, which fails with it
            failures.append(error)

    threads = [threading.Thread(target=play, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert total(ledger, "all") == Total(money={"EUR": Decimal(96)}, count={POST: 96})
    assert all(total(ledger, f"account:{turn}").count == {POST: 8} for turn in range(12))
    ledger.close()


def test_a_ledger_of_the_last_release_loses_nothing_that_was_committed_today(ledger_url):
    now = SystemClock().now()
    url = ledger_url.replace("postgresql://", "postgresql+psycopg://")
    engine = create_engine(url)
    upgrade(engine, "0001")
    today, yesterday = now.date(), now.date() - timedelta(days=1)
    rows = [
        ("party:S-1", today, "EUR", "900.10", 3),
        ("party:S-1", today, "USD", "7.00", 1),
        ("party:S-1|invoice.post", today, "EUR", "900.10", 2),
        ("party:S-1|invoice.post", today, "USD", "7.00", 1),
        ("party:S-1|invoice.hold", today, "XXX", "0", 1),
        ("party:S-1", yesterday, "EUR", "50.00", 1),
    ]
    with engine.begin() as connection:
        for scope, day, currency, amount, count in rows:
            values = {"s": scope, "d": day.isoformat(), "c": currency, "a": amount, "n": count}
            connection.execute(text("insert into exposure values (:s, :d, :c, :a, :n)"), values)
    engine.dispose()
    ledger = Ledger.create(ledger_url)
    found = total(ledger, window=LONGEST, now=now)
    midnight = timedelta(hours=now.hour, minutes=now.minute)
    assert found.money["USD"] == Decimal("7.00")
    assert found.money["EUR"] >= Decimal("900.10")
    assert found.count == {POST: 3, "invoice.hold": 1}
    later = total(ledger, window=LONGEST, now=now + LONGEST - midnight)
    assert later.money["EUR"] == Decimal("900.10"), "the end of yesterday lies behind, all of today does not"
    assert total(ledger, window=LONGEST, now=now + LONGEST + HOUR) == Total()
    ledger.close()
