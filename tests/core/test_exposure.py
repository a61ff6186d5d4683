"""Exposure: what is committed adds up exactly, per scope, day and currency."""

from datetime import date
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shiftlead.core import exposure
from shiftlead.core.exposure import COUNT_ONLY, Total
from shiftlead.core.money import Money

DAY = date(2026, 9, 15)
SCOPES = ("party:S-1", "worker:poster")


def commit(ledger, money, *, scopes=SCOPES, day=DAY, sign=1):
    with ledger.transaction() as tx:
        return exposure.commit(tx, scopes, day, money, sign=sign)


def totals(ledger, currency="EUR", day=DAY, scopes=SCOPES):
    with ledger.reading() as session:
        return exposure.totals(session, scopes, day, currency)


def test_what_was_never_committed_is_nothing(ledger):
    assert totals(ledger) == {"party:S-1": Total(), "worker:poster": Total()}
    assert totals(ledger, scopes=()) == {}
    assert commit(ledger, Money.of("1.00", "EUR"), scopes=()) == {}


def test_it_adds_up_by_scope_day_and_currency(ledger):
    commit(ledger, Money.of("100.10", "EUR"))
    commit(ledger, Money.of("0.20", "EUR"), scopes=("party:S-1",))
    commit(ledger, Money.of("7.00", "USD"))
    commit(ledger, Money.of("9.00", "EUR"), day=date(2026, 9, 16))
    commit(ledger, None)
    assert totals(ledger)["party:S-1"] == Total(amount=Decimal("100.30"), count=2)
    assert totals(ledger)["worker:poster"] == Total(amount=Decimal("100.10"), count=1)
    assert totals(ledger, "USD")["party:S-1"] == Total(amount=Decimal("7.00"), count=1)
    assert totals(ledger, COUNT_ONLY)["party:S-1"] == Total(count=1)


def test_the_answer_is_the_new_total(ledger):
    commit(ledger, Money.of("100.00", "EUR"))
    assert commit(ledger, Money.of("50.00", "EUR"))["party:S-1"] == Total(amount=Decimal("150.00"), count=2)


def test_what_did_not_happen_is_taken_out_again(ledger):
    commit(ledger, Money.of("100.10", "EUR"))
    commit(ledger, Money.of("33.33", "EUR"))
    commit(ledger, Money.of("100.10", "EUR"), sign=-1)
    assert totals(ledger)["party:S-1"] == Total(amount=Decimal("33.33"), count=1)


def test_a_transaction_that_fails_commits_nothing(ledger):
    try:
        with ledger.transaction() as tx:
            exposure.commit(tx, SCOPES, DAY, Money.of("1.00", "EUR"))
            raise RuntimeError
    except RuntimeError:
        pass
    assert totals(ledger)["party:S-1"] == Total()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(amounts=st.lists(st.decimals("0.01", "99999.99", places=2), max_size=8), number=st.integers(0, 10**9))
def test_it_never_rounds(ledger, amounts, number):
    scope = f"party:{number}"
    with ledger.transaction() as tx:
        for amount in amounts:
            exposure.commit(tx, [scope], DAY, Money.of(amount, "JPY"))
        for amount in amounts[1:]:
            exposure.commit(tx, [scope], DAY, Money.of(amount, "JPY"), sign=-1)
        after = exposure.commit(tx, [scope], DAY, None)
    found = totals(ledger, "JPY", scopes=(scope,))[scope]
    assert found == Total(amount=amounts[0] if amounts else Decimal(0), count=min(1, len(amounts)))
    assert after[scope].amount == 0
    with ledger.transaction() as tx:
        exposure.commit(tx, [scope], DAY, None, sign=-1)
        if amounts:
            exposure.commit(tx, [scope], DAY, Money.of(amounts[0], "JPY"), sign=-1)
