"""Switches: which scopes stop an action, and what is told of it."""

import pytest

from shiftlead.core import bodies, switches
from shiftlead.core.errors import Stopped
from shiftlead.core.words import with_words

SCOPES = ("all", "worker:invoices", "action:invoice.post", "party:S-1")


def throw(ledger, scope, *, stopped=True, by="ana", reason="looks wrong"):
    with ledger.transaction() as tx:
        switches.throw(tx, scope, stopped=stopped, by=by, reason=reason)


def check(ledger, scopes=SCOPES):
    with ledger.reading() as session:
        switches.check(session, scopes)


def test_every_scope_of_an_action():
    assert switches.scopes_of(worker="invoices", kind="invoice.post", party="S-1") == SCOPES
    assert switches.scopes_of(worker="invoices", kind="invoice.post", party="") == SCOPES[:3]


@pytest.mark.parametrize("scope", SCOPES)
def test_each_of_them_stops_it_and_says_who_and_why(ledger, scope):
    throw(ledger, scope)
    with pytest.raises(Stopped, match=f"{scope!r} was stopped by ana at 2026-09-15 09:00 UTC: looks wrong") as caught:
        check(ledger)
    assert scope in caught.value.hint


@pytest.mark.parametrize("scope", ["worker:triage", "action:invoice.hold", "party:S-10", "party:", "ALL"])
def test_another_scope_does_not(ledger, scope):
    throw(ledger, scope)
    check(ledger)


def test_a_resumed_scope_runs_and_both_are_in_the_chain(ledger):
    throw(ledger, "all")
    throw(ledger, "all", stopped=False, by="ben", reason="checked")
    check(ledger)
    with ledger.reading() as session:
        words = bodies.of_case(session, "")
    told = [(event.kind, event.actor, with_words(event.data, words)["reason"]) for event in ledger.events()]
    assert told == [("switch.stopped", "ana", "looks wrong"), ("switch.resumed", "ben", "checked")]
    assert "looks wrong" not in str(ledger.events())


def test_what_is_thrown_is_listed(ledger):
    throw(ledger, "party:S-1")
    throw(ledger, "all")
    throw(ledger, "worker:triage")
    throw(ledger, "worker:triage", stopped=False)
    with ledger.reading() as session:
        assert [one.scope for one in switches.thrown(session)] == ["all", "party:S-1"]
