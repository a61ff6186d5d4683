"""The examples are run as their pages say: two plugins found by entry point, and an office as a folder of exports."""

import shutil
import sqlite3
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from shiftlead.agents.crew import open_crew
from shiftlead.agents.runner import Runner
from shiftlead.connectors.base import Connector
from shiftlead.connectors.registry import load_connector
from shiftlead.core import inbox, outbox, quarantine, queue
from shiftlead.core.action import Target
from shiftlead.core.case import CaseState
from shiftlead.core.errors import NotFound, SettingsError, StaleRecord
from shiftlead.core.receipt import EffectState
from shiftlead.core.settings import ConnectorSettings, House, Workspace, locate, write_workspace
from shiftlead.core.store import Ledger
from shiftlead.guardrails import review
from shiftlead.guardrails.policy import load_policy

EXAMPLES = Path(__file__).parents[2] / "examples"
ENTRY_POINTS = """
[shiftlead.connectors]
expenses = expense_connector:Expenses

[shiftlead.workers]
expenses = expense_worker:Expenses
"""
IBAN = "DE89370400440532013000"


@pytest.fixture
def plugins(tmp_path, monkeypatch):
    """The two example files, installed as a distribution would be."""
    metadata = tmp_path / "site" / "expenses_example-1.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: expenses-example\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text(ENTRY_POINTS)
    for name in ("expense_connector.py", "expense_worker.py"):
        shutil.copy(EXAMPLES / name, tmp_path / "site" / name)
    monkeypatch.syspath_prepend(tmp_path / "site")
    yield
    for name in ("expense_connector", "expense_worker"):
        sys.modules.pop(name, None)


@pytest.fixture
def expenses(plugins, tmp_path, clock):
    return load_connector("expenses").from_settings({"path": str(tmp_path / "expenses.db")}, clock)


def hand_in(connector, claim_id, amount, *, receipt=True):
    connector.add(
        id=claim_id,
        employee="Mia",
        iban=IBAN,
        purpose="train",
        amount=amount,
        currency="EUR",
        has_receipt=receipt,
        handed_in="2026-09-14T08:00:00+00:00",
    )


def paid(path):
    database = sqlite3.connect(path)
    try:
        return [row[0] for row in database.execute("SELECT claim_id FROM payment ORDER BY claim_id")]
    finally:
        database.close()


def test_small_claims_are_paid_alone_and_the_others_wait_for_a_person(expenses, tmp_path, clock):
    hand_in(expenses, "E-1", "80.00")
    hand_in(expenses, "E-2", "450.00")
    hand_in(expenses, "E-3", "12.00", receipt=False)
    shutil.copy(EXAMPLES / "expense_policy.yaml", tmp_path / "policy.yaml")
    settings = {"expenses": ConnectorSettings(settings={"path": "expenses.db"})}
    write_workspace(
        tmp_path, Workspace(policy="policy.yaml", connectors=settings, workers=("expenses",), operators={"ana": "lead"})
    )
    place = locate(tmp_path)
    Ledger.create(place.ledger_url(), clock=clock).close()
    crew = open_crew(place, clock=clock)
    for connector in crew.connectors.values():
        assert sum(taken.opened for taken in crew.intake.pull(connector)) == 3
    Runner(crew).until_idle()
    with crew.ledger.reading() as session:
        waiting = {
            queue.get(session, one.case_id).external_id: one.question.value
            for one in inbox.many(session, inbox.waiting_ids(session, now=clock.now()))
        }
        done = outbox.in_state(session, (EffectState.DONE,))
    crew.close()
    assert waiting == {"E-2": "approve", "E-3": "handle"}
    assert len(done) == 1
    assert paid(tmp_path / "expenses.db") == ["E-1"]


def test_the_connector_keeps_its_contract(expenses, clock):
    hand_in(expenses, "E-1", "80.00")
    arguments = {"claim_id": "E-1", "amount": "80.00", "currency": "EUR", "iban": IBAN}
    target = Target(system="expenses", kind="expense_claim", id="E-1", version="1")
    assert isinstance(expenses, Connector)
    assert expenses.lookup("k-1") is None
    first = expenses.execute("expense.pay", arguments, key="k-1", target=target)
    clock.advance(timedelta(hours=1))
    assert expenses.execute("expense.pay", arguments, key="k-1", target=target) == first == expenses.lookup("k-1")
    with pytest.raises(StaleRecord, match="at version 2, read at 1"):
        expenses.execute("expense.pay", arguments, key="k-2", target=target)
    assert list(expenses.sources()["claims"].pull()) == []
    assert expenses.health().detail == "0 open claims"
    with pytest.raises(NotFound, match="'E-9'"):
        expenses.read("expense.get", {"id": "E-9"})
    with pytest.raises(SettingsError, match="Give `path`"):
        type(expenses).from_settings({}, clock)


def test_the_example_policy_holds_its_examples():
    report = review.check(load_policy(EXAMPLES / "expense_policy.yaml"))
    assert report.ok
    assert not report.remarks


def test_the_office_is_worked_on_and_its_two_broken_rows_are_kept(tmp_path, clock):
    shutil.copytree(EXAMPLES / "office", tmp_path / "office")
    settings = {"files": ConnectorSettings(settings={"folder": str(tmp_path / "office")})}
    house = House(name="Office Supplies Ltd", email="accounts@office.example", phone="+44 20 7946 0100")
    write_workspace(tmp_path, Workspace(connectors=settings, house=house, operators={"ana": "lead"}))
    place = locate(tmp_path)
    Ledger.create(place.ledger_url(), clock=clock).close()
    crew = open_crew(place, clock=clock)
    for connector in crew.connectors.values():
        list(crew.intake.pull(connector))
    Runner(crew).until_idle()
    with crew.ledger.reading() as session:
        found = {case.external_id: case for case in queue.listed(session, limit=50)}
        broken = {one.external_id for one in quarantine.listed(session)}
    crew.close()
    assert {"T-1", "T-2", "I-1", "I-2", "BW-0778.xml", "C-1", "C-2"} <= set(found)
    assert broken == {"invoices.csv:4", "tickets.jsonl:3"}
    assert not [case.error for case in found.values() if case.attempts]
    assert found["I-1"].state is CaseState.CLOSED
    assert found["I-1"].outcome == "done"
    assert found["BW-0778.xml"].state is CaseState.WAITING
    assert '"invoice.post"' in (tmp_path / "office" / "outbox.jsonl").read_text(encoding="utf-8")
