"""Splitting attacks: what one large payment may not, a hundred small ones may not either, however they are spread."""

import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stage import IBAN, LEASE, POLICY, Stage, invoice, ticket

from shiftlead.connectors.base import Pulled
from shiftlead.connectors.faults import Fault, FaultKind
from shiftlead.core import actions
from shiftlead.core.clock import FrozenClock
from shiftlead.core.exposure import LONGEST
from shiftlead.core.store import Ledger
from shiftlead.core.verdict import Lane

POST = "invoice.post"
CAP = Decimal(5000)
RATES = "rates: {EUR: 1, USD: 1.1, GBP: 0.86, CHF: 0.96}\nrates_checked_on: 2026-09-01\n"
IN_FOUR = "{EUR: 5000, USD: 5500, GBP: 4300, CHF: 4800}"
SUPPLIERS = POLICY.replace("per: party, amount: {EUR: 5000}", "per: account, amount: {EUR: 5000}")
CURRENCIES = POLICY.replace("{EUR: 5000}", IN_FOUR) + RATES


def bill(stage, ref, amount, **fields):
    """An invoice and its case, without the search that `Stage.open` does for it."""
    plan = fields.pop("plan", POST)
    stage.connector.put(invoice(ref, amount, fields.pop("party", "S-1"), **fields))
    stage.crew.intake.take("memory.tickets", [Pulled(external_id=ref, item=ticket(ref, plan))], {})


def hundred(stage, **fields):
    for number in range(100):
        bill(stage, f"I-{number}", "99.00", **fields)


def paid(stage):
    return sum((Decimal(entry.arguments["amount"]) for entry in stage.connector.journal), Decimal(0))


def hits(stage):
    """The rules behind every request that waits."""
    return {rule for request in stage.waiting() for rule in request.reason.split(":")[:1]}


def stage_of(tmp_path, clock, policy=POLICY, **settings):
    return Stage.create(tmp_path, clock=clock, policy=policy, **settings)


@pytest.mark.parametrize("threads", [1, 4])
def test_a_hundred_small_payments_stop_at_the_cap(shared_stage, threads):
    hundred(shared_stage)
    workers = [threading.Thread(target=shared_stage.work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    shared_stage.work()
    assert paid(shared_stage) == Decimal("4950.00"), "50 of them fit under 5,000.00, one more does not"
    assert shared_stage.committed("party:S-1") == (Decimal("4950.00"), 50)
    assert len(shared_stage.waiting()) == 50
    assert hits(shared_stage) == {"L-1"}
    assert shared_stage.ledger.verify() == []


@pytest.mark.slow
def test_a_hundred_small_payments_stop_at_the_cap_in_four_processes(shared_stage, troupe):
    hundred(shared_stage)
    assert sum(one["failed"] for one in troupe("work", 4)) == 0
    assert paid(shared_stage) == Decimal("4950.00")
    assert shared_stage.committed("party:S-1") == (Decimal("4950.00"), 50)


def test_every_hit_tells_the_amount_the_limit_and_the_distance(stage):
    for number in range(51):
        bill(stage, f"I-{number}", "99.00")
    stage.work()
    (request,) = stage.waiting()
    with stage.ledger.reading() as session:
        verdict = actions.get(session, request.action_id).verdict
    (hit,) = [one for one in verdict.hits if one.rule == "L-1"]
    assert (hit.field, hit.actual, hit.limit) == ("exposure_party_24h", "5,049.00 EUR", "5,000.00 EUR")
    assert hit.distance == "49.00 EUR over"


def test_midnight_opens_no_second_day(make_stage):
    stage = make_stage(clock=FrozenClock(datetime(2026, 9, 15, 23, 58, tzinfo=UTC)))
    for number in range(100):
        bill(stage, f"I-{number}", "99.00")
        stage.work()
        stage.clock.advance(timedelta(seconds=3))
    assert stage.clock.now().day == 16
    assert paid(stage) == Decimal("4950.00")


def test_no_window_of_a_day_holds_more_than_the_cap_over_three_days(make_stage):
    """Three an hour, for three days: as many as fit, but never more than the cap within any 24 hours."""
    stage = make_stage()
    sent = []
    for hour in range(72):
        for number in range(3):
            bill(stage, f"I-{hour}-{number}", "499.00")
        stage.work()
        sent += [stage.clock.now()] * (len(stage.connector.journal) - len(sent))
        stage.clock.advance(timedelta(hours=1))
    assert len(sent) >= 20, "what is behind 24 hours makes room again"
    for end in sent:
        assert sum(end - LONGEST < at <= end for at in sent) * Decimal(499) <= CAP


def test_three_supplier_records_with_one_account_are_one_payee(tmp_path, clock):
    stage = stage_of(tmp_path, clock, SUPPLIERS)
    spelled = (IBAN, "DE02 1203 0000 0000 2020 51", "de02120300000000202051")
    for number in range(100):
        bill(stage, f"I-{number}", "99.00", party=f"S-{number % 3}", iban=spelled[number % 3])
    stage.work()
    assert paid(stage) == Decimal("4950.00")
    assert hits(stage) == {"L-1"}
    stage.close()


def test_without_an_account_a_limit_per_account_asks_a_person(tmp_path, clock):
    stage = stage_of(tmp_path, clock, SUPPLIERS)
    bill(stage, "I-1", "99.00", iban="")
    stage.work()
    assert paid(stage) == 0
    assert "exposure_account_24h" in stage.waiting()[0].reason
    stage.close()


def test_four_currencies_are_one_sum(tmp_path, clock):
    stage = stage_of(tmp_path, clock, CURRENCIES)
    worth = {"EUR": "100.00", "USD": "110.00", "GBP": "86.00", "CHF": "96.00"}
    for number in range(100):
        currency = sorted(worth)[number % 4]
        bill(stage, f"I-{number}", worth[currency], currency=currency)
    stage.work()
    assert len(stage.connector.journal) == 50, "50 times the worth of 100.00 EUR"
    assert hits(stage) == {"L-1"}
    stage.close()


def test_a_currency_without_a_rate_asks_a_person(tmp_path, clock):
    stage = stage_of(tmp_path, clock, POLICY.replace("{EUR: 5000}", "{EUR: 5000, JPY: 800000}") + RATES)
    bill(stage, "I-1", "9900", currency="JPY")
    bill(stage, "I-2", "99.00")
    stage.work()
    assert len(stage.connector.journal) == 1, "each alone is fine, and nobody can tell what both are worth"
    assert "exposure_party_24h" in stage.waiting()[0].reason
    stage.close()


def test_several_kinds_of_action_are_one_sum(tmp_path, clock):
    """Short-paid without asking, as some other policy may have it: the money counts all the same."""
    free = POLICY.replace(
        "invoice.short_pay: {min_confidence: 0.5, four_eyes: true}", "invoice.short_pay: {min_confidence: 0.5}"
    )
    free = free.replace(
        "lane: reviewed, actions: [invoice.short_pay, invoice.credit_memo]", "lane: allowed, actions: [invoice.short_pay]"
    )
    stage = stage_of(tmp_path, clock, free.replace("actions: [invoice.post], per: party", "actions: ['invoice.*'], per: party"))
    for number in range(100):
        bill(stage, f"I-{number}", "99.00", plan=(POST, "invoice.short_pay")[number % 2])
    stage.work()
    assert {entry.operation for entry in stage.connector.journal} == {POST, "invoice.short_pay"}
    assert paid(stage) == Decimal("4950.00")
    stage.close()


@pytest.mark.parametrize("kind", [FaultKind.REFUSE, FaultKind.UNREACHABLE, FaultKind.LOST_REQUEST])
def test_what_did_not_happen_gives_its_room_back(make_stage, kind):
    stage = make_stage(faults=[Fault(kind=kind, operation=POST)])
    bill(stage, "I-0", "4000.00")
    stage.work()
    if kind is not FaultKind.REFUSE:
        assert stage.committed("party:S-1") == (0, 0)
        stage.clock.advance(timedelta(hours=1))
        stage.work()
        assert (paid(stage), stage.committed("party:S-1")) == (4000, (4000, 1))
        return
    bill(stage, "I-1", "4000.00")
    stage.work()
    assert (paid(stage), stage.committed("party:S-1")) == (4000, (4000, 1))


def test_nobody_knows_whether_it_happened_so_it_counts(make_stage):
    stage = make_stage(faults=[Fault(kind=FaultKind.LOST_ANSWER, operation=POST), Fault(kind=FaultKind.NO_LOOKUP)])
    bill(stage, "I-0", "4000.00")
    stage.work()
    bill(stage, "I-1", "4000.00")
    stage.work()
    assert stage.committed("party:S-1") == (4000, 1)
    assert len(stage.connector.journal) == 1


KILLED = f"""
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
from stage import Stage
die = lambda name: os.kill(os.getpid(), signal.SIGKILL) if name == "execute.claimed" else None
Stage(Path(sys.argv[1]), observer=die, owner="victim").work()
"""


def test_a_sender_that_is_killed_after_the_claim_is_counted_until_it_is_looked_up(make_stage, tmp_path):
    """Kill -9 between the claim and the send: nobody else finds room, until a successor has asked; then it is sent once."""
    make_stage().close()
    bill(make_stage(), "I-1", "4000.00")
    ran = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert ran.returncode == -signal.SIGKILL
    stage = make_stage(owner="w2")
    assert stage.committed("party:S-1") == (4000, 1)
    bill(stage, "I-2", "4000.00")
    stage.work()
    assert (paid(stage), stage.committed("party:S-1")) == (0, (4000, 1))
    for _ in range(2):
        stage.clock.advance(LEASE * 2)
        stage.work()
    assert (paid(stage), stage.committed("party:S-1")) == (4000, (4000, 1))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    plan=st.lists(
        st.tuples(
            st.sampled_from(("50.00", "990.00", "2400.00", "4999.00")),
            st.sampled_from(("EUR", "USD", "GBP")),
            st.sampled_from((0, 1, 59, 60 * 5, 60 * 13)),
            st.sampled_from((None, None, FaultKind.REFUSE, FaultKind.UNREACHABLE)),
        ),
        min_size=1,
        max_size=14,
    )
)
def test_in_any_interleaving_no_day_holds_more_than_the_cap(tmp_path_factory, plan):
    """Amounts, currencies, pauses and failures as they come: whatever ran alone within 24 hours stays under the cap."""
    rates = {"EUR": Decimal(1), "USD": Decimal("1.1"), "GBP": Decimal("0.86")}
    stage = Stage.create(
        tmp_path_factory.mktemp("any"), clock=FrozenClock(datetime(2026, 9, 15, 20, 41, tzinfo=UTC)), policy=CURRENCIES
    )
    sent = []
    for number, (amount, currency, pause, fault) in enumerate(plan):
        if fault:
            stage.connector.faults.add(Fault(kind=fault, operation=POST))
        bill(stage, f"I-{number}", amount, currency=currency)
        stage.work()
        for entry in stage.connector.journal[len(sent) :]:
            sent.append((stage.clock.now(), Decimal(entry.arguments["amount"]) / rates[entry.arguments["currency"]]))
        stage.clock.advance(timedelta(minutes=pause))
    stage.close()
    for end, _ in sent:
        assert sum((worth for at, worth in sent if end - LONGEST < at <= end), Decimal(0)) <= CAP


def test_a_rate_per_connector_is_one_for_everybody(tmp_path, clock):
    rate = POLICY.replace(
        "limits:\n",
        "limits:\n  - {id: L-2, actions: ['*'], per: connector, within: 1m, count: 7, reason: too fast, owner: t, source: t}\n",
    )
    stage = stage_of(tmp_path, clock, rate)
    for number in range(10):
        bill(stage, f"I-{number}", "9.00", party=f"S-{number}", plan=(POST, "invoice.hold")[number % 2])
    stage.work()
    assert len(stage.connector.journal) == 7
    assert hits(stage) == {"L-2"}
    stage.clock.advance(timedelta(minutes=2))
    bill(stage, "I-99", "9.00", party="S-99")
    stage.work()
    assert len(stage.connector.journal) == 8, "two minutes later there is room again"
    stage.close()


def test_four_threads_over_overlapping_scopes_neither_wait_for_each_other_nor_pass_a_limit(tmp_path, ledger_url, clock):
    """Suppliers and accounts crossed over each other, each with its own limit, by four workers on one ledger."""
    both = (
        POLICY
        + "  - {id: L-3, actions: [invoice.post], per: account, amount: {EUR: 300}, reason: one payee, owner: t, source: t}\n"
    )
    Ledger.create(ledger_url, clock=clock, durable=False).close()
    stage = Stage.create(tmp_path, url=ledger_url, clock=clock, policy=both)
    for number in range(60):
        account = f"DE{10 + number % 4}120300000000202051"
        bill(stage, f"I-{number}", "99.00", party=f"S-{number % 5}", iban=account)
    workers = [threading.Thread(target=stage.work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    by_account: dict[str, Decimal] = {}
    for entry in stage.connector.journal:
        by_account[entry.arguments["iban"]] = by_account.get(entry.arguments["iban"], Decimal(0)) + Decimal(
            entry.arguments["amount"]
        )
    assert by_account == {f"DE{10 + one}120300000000202051": Decimal("297.00") for one in range(4)}
    assert stage.rows("select count(*) from case_ where attempts > 0") == [(0,)], "nobody was thrown out of a deadlock"
    with stage.ledger.reading() as session:
        lanes = {actions.of_case(session, stage.case(f"I-{number}").id)[-1].lane for number in range(60)}
    assert lanes == {Lane.ALLOWED, Lane.REVIEWED}
    stage.close()
