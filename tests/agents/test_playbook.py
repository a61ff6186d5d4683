"""The shipped playbooks ask for nothing that does not exist."""

import pytest

from shiftlead.agents.playbook import shipped_playbook
from shiftlead.connectors.operations import CANONICAL
from shiftlead.core.kpis import board
from shiftlead.core.store import Ledger

SHIPPED = ("triage", "invoices", "collections")


@pytest.mark.parametrize("name", SHIPPED)
def test_every_target_is_a_kpi_that_is_computed(ledger: Ledger, name: str) -> None:
    computed = {kpi.name for kpi in board(ledger, now=ledger.clock.now(), worker=name)}
    targets = {target.name for target in shipped_playbook(name).kpis}
    assert targets
    assert targets <= computed


@pytest.mark.parametrize("name", SHIPPED)
def test_every_operation_is_one_that_connectors_offer(name: str) -> None:
    assert set(shipped_playbook(name).operations) <= set(CANONICAL)
