"""The kill switch: stopping is easy, a scope that does not exist is refused, resuming takes a reason."""

import pytest

from shiftlead.core import switches
from shiftlead.core.errors import BadInput, Conflict
from shiftlead.core.settings import Operator
from shiftlead.guardrails import killswitch

ANA = Operator(name="ana")


def stopped(ledger):
    with ledger.reading() as session:
        return [(one.scope, one.by, one.reason) for one in switches.thrown(session)]


@pytest.mark.parametrize("scope", ["all", "worker:invoices", "action:invoice.post", "party:C-104", "party:a:b", "party: x"])
def test_stopping_takes_no_reason(ledger, scope):
    killswitch.stop(ledger, scope, operator=ANA)
    assert stopped(ledger) == [(scope, "ana", "no reason given")]
    assert [event.kind for event in ledger.events()] == ["switch.stopped"]


@pytest.mark.parametrize("scope", ["", "ALL", "everything", "worker:", "worker", "action:", "party:", "case:1", " all", "all "])
def test_a_scope_that_would_stop_nothing_is_refused(ledger, scope):
    """A mistyped stop that is taken silently is worse than none."""
    with pytest.raises(BadInput, match="is no scope") as caught:
        killswitch.stop(ledger, scope, operator=ANA)
    with pytest.raises(BadInput):
        killswitch.resume(ledger, scope, operator=ANA, reason="checked")
    assert "worker:NAME" in caught.value.hint
    assert (stopped(ledger), ledger.events()) == ([], [])


def test_stopping_twice_keeps_the_later_reason(ledger):
    killswitch.stop(ledger, "all", operator=ANA, reason="  looks wrong ")
    killswitch.stop(ledger, "all", operator=Operator(name="ben"), reason="still wrong")
    assert stopped(ledger) == [("all", "ben", "still wrong")]


def test_resuming_one_scope_leaves_the_others(ledger):
    killswitch.stop(ledger, "all", operator=ANA)
    killswitch.stop(ledger, "party:S-1", operator=ANA)
    killswitch.resume(ledger, "all", operator=ANA, reason="checked")
    assert [scope for scope, _, _ in stopped(ledger)] == ["party:S-1"]
    with pytest.raises(Conflict):
        killswitch.resume(ledger, "all", operator=ANA, reason="checked")
