"""Exposure as facts."""

from decimal import Decimal

from shiftlead.core.exposure import Total
from shiftlead.core.money import Money
from shiftlead.guardrails.limits import exposure_facts, scopes


def test_an_action_counts_for_its_party_and_its_worker():
    assert scopes("invoices", "invoice.post", "S-1") == (
        "party:S-1",
        "party:S-1|invoice.post",
        "worker:invoices",
        "worker:invoices|invoice.post",
    )


def test_without_a_party_its_facts_are_missing():
    totals = dict.fromkeys(scopes("triage", "ticket.reply", ""), Total())
    assert exposure_facts(totals, None) == {"actions_worker_today": 1}


def test_this_action_is_counted_on_top_of_what_is_committed():
    totals = {
        "party:S-1": Total(amount=Decimal("900.00"), count=4),
        "party:S-1|invoice.post": Total(amount=Decimal("500.00"), count=2),
        "worker:invoices": Total(amount=Decimal(7000), count=9),
        "worker:invoices|invoice.post": Total(amount=Decimal(7000), count=8),
    }
    assert exposure_facts(totals, Money.of("100.50", "EUR")) == {
        "exposure_party_today": Money.of("1000.50", "EUR"),
        "actions_party_today": 3,
        "exposure_worker_today": Money.of("7100.50", "EUR"),
        "actions_worker_today": 9,
    }


def test_a_party_cannot_pose_as_another_scope():
    assert scopes("", "invoice.post", "S-1|x") == ("party:S-1/x", "party:S-1/x|invoice.post")
