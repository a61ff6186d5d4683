"""`shiftlead privacy`, and that the demo leaves no personal data where it cannot be erased."""

import json
import sqlite3
import stat

import pytest

from shiftlead.agents.crew import open_crew
from shiftlead.agents.parties import of_records
from shiftlead.agents.prompts import build_prompt
from shiftlead.connectors.company import Company
from shiftlead.connectors.records import Contact, Customer, Supplier
from shiftlead.core import queue
from shiftlead.core.clock import SystemClock
from shiftlead.core.queue import Claim
from shiftlead.core.settings import locate
from shiftlead.guardrails.known_values import KnownValues
from shiftlead.guardrails.personal_data import Kind

CLOSED = "select party from case_ where state = 'closed' and worker = 'invoices' and party not in (select party from case_ where state != 'closed')"


@pytest.fixture
def ledger_file(place):
    return place / "ledger.db"


def column(file, query, *given):
    with sqlite3.connect(file) as connection:
        return [row[0] for row in connection.execute(query, given)]


def dumped(file):
    with sqlite3.connect(file) as connection:
        return "\n".join(connection.iterdump())


@pytest.fixture
def party(ledger_file):
    """A supplier all of whose cases are closed."""
    return column(ledger_file, CLOSED)[0]


@pytest.fixture(scope="module")
def company_values(worked):
    """Everything that identifies a customer, supplier or person of the embedded company."""
    connector = Company.from_settings({"path": str(worked / "company" / "company.db")}, SystemClock())
    kinds = (("customer", Customer), ("supplier", Supplier), ("contact", Contact))
    with sqlite3.connect(worked / "company" / "company.db") as rows:
        ids = {kind: [row[0] for row in rows.execute(f"select id from {kind}")] for kind, _ in kinds}
    records = [
        record
        for kind in ("customer", "supplier")
        for one in ids[kind]
        for record in connector.read(f"{kind}.get", {"id": one})
    ]
    records += [record for one in records for record in connector.read("contact.list", {"party_id": one.id})]
    connector.close()
    assert len(records) >= len(ids["customer"]) + len(ids["supplier"])
    return KnownValues(one for one in of_records(records) if one.kind is not Kind.REFERENCE)


def test_the_demo_itself_is_full_of_what_is_looked_for(worked, company_values):
    payloads = "\n".join(column(worked / "ledger.db", "select payload from case_"))
    assert sum(span.sure for span in company_values.find(payloads)) > 20


def test_nothing_of_anybody_is_in_the_audit_chain(worked, company_values):
    told = column(worked / "ledger.db", "select kind || ' ' || actor || ' ' || coalesce(case_id, '') || ' ' || data from audit")
    assert len(told) > 100
    assert [span.value for span in company_values.find("\n".join(told)) if span.sure] == []


def test_nothing_of_anybody_is_in_the_checkpoints(worked, company_values):
    stored = column(worked / "ledger.db", "select checkpoint from case_ where checkpoint is not null")
    assert stored
    texts = "\n".join(one.decode("utf-8", errors="replace") for one in stored)
    assert [span.value for span in company_values.find(texts) if span.sure] == []


def test_nothing_of_anybody_is_in_what_a_model_would_be_shown(worked, company_values):
    crew = open_crew(locate(worked))
    with crew.ledger.reading() as reading:
        cases = [(one, queue.item_of(reading, one.id)) for one in queue.listed(reading, limit=100)]
    shown = []
    for case, item in cases:
        desk, worker = crew.desk(Claim(case=case, item=item, owner="w", fence=1)), crew.workers[case.worker]
        worker.assess(desk, worker.investigate(desk))
        shown.append(build_prompt(worker.playbook, desk).text())
    crew.close()
    assert len(shown) > 30
    assert all("<NAME_1>" in one or "<EMAIL_1>" in one for one in shown)
    assert [span.value for span in company_values.find("\n".join(shown)) if span.sure] == []


def test_nothing_of_anybody_is_told_beside_the_answer(run, place, company_values):
    told = run("work", "--once", "--as", "lea").stderr
    told += run("case", "show", "case_nobody", code=3).stderr
    assert [span.value for span in company_values.find(told) if span.sure] == []


def test_the_export_is_one_document_of_all_their_cases(told, ledger_file, party):
    found = told("privacy", "export", party, "--as", "lea")
    cases = column(ledger_file, "select id from case_ where party = ?", party)
    assert {one["case"]["id"] for one in found["cases"]} >= set(cases)
    assert all(one["action"] for one in found["cases"] if one["case"]["outcome"] == "done")


def test_the_export_goes_to_a_file_that_only_its_owner_reads(run, tmp_path, party):
    out = tmp_path / "everything.json"
    run("privacy", "export", party, "--out", str(out), "--as", "lea")
    assert json.loads(out.read_text("utf-8"))["subject"]["asked"] == [party]
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert "exists already" in run("privacy", "export", party, "--out", str(out), "--as", "lea", code=2).stderr


def test_erasing_leaves_a_ledger_that_verifies_and_no_word_of_theirs(run, told, ledger_file, party):
    done = told("privacy", "erase", party, "--reason", "asked on 1 September", "--as", "lea")
    assert done["cases"]
    assert done["scrubbed"] is True
    left = dumped(ledger_file)
    assert party not in left
    assert told("audit", "verify")["ok"] is True
    case = done["cases"][0]
    assert "personal data  erased" in run("case", "show", case).stdout
    story = run("case", "explain", case).stdout
    assert "(erased)" in story
    assert "case.erased  by lea" in story
    assert told("case", "show", case)["case"]["subject"] == "(erased)"


def test_the_bundle_of_an_erased_case_still_checks(run, told, tmp_path, party):
    (case, *_) = told("privacy", "erase", party, "--reason", "asked", "--as", "lea")["cases"]
    run("audit", "bundle", case, "--out", str(tmp_path / "bundle.json"), "--as", "lea")
    assert told("audit", "check", str(tmp_path / "bundle.json"))["problems"] == []


def test_a_dry_run_changes_nothing(run, ledger_file, party):
    before = dumped(ledger_file)
    told = run("privacy", "erase", party, "--reason", "asked", "--dry-run", "--as", "lea").stdout
    assert party in told
    assert dumped(ledger_file) == before


@pytest.mark.parametrize("who", ["ana", "ben"])
@pytest.mark.parametrize("words", [("erase", "--reason", "asked"), ("erase", "--reason", "asked", "--dry-run"), ("export",)])
def test_only_the_highest_role_may(run, ledger_file, party, who, words):
    before = dumped(ledger_file)
    refused = run("privacy", words[0], party, *words[1:], "--as", who, code=5)
    assert "may not erase or hand out" in refused.stderr
    assert dumped(ledger_file) == before


def test_an_open_case_of_theirs_is_named(run, ledger_file):
    waits, party = column(ledger_file, "select id from case_ where state = 'waiting' and party != ''")[0], ""
    (party,) = column(ledger_file, "select party from case_ where id = ?", waits)
    refused = run("privacy", "erase", party, "--reason", "asked", "--as", "lea", code=4)
    assert waits in refused.stderr


def test_nobody_and_no_reason_are_refused(run, place, party):
    assert "holds no case" in run("privacy", "erase", "Nobody at all", "--reason", "asked", "--as", "lea", code=3).stderr
    assert "needs a reason" in run("privacy", "erase", party, "--reason", " ", "--as", "lea", code=2).stderr


def test_the_file_is_scrubbed_on_its_own_too(run, place):
    assert "backups" in run("privacy", "scrub").stdout
