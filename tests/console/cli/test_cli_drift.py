"""`brain drift` at the command line: calm, a warning with where to look, or how many texts are missing; it changes nothing."""

from random import Random

import pytest
from sqlalchemy import text

from shiftlead.agents.drifting import LEAST
from shiftlead.agents.triage_corpus import shipped
from shiftlead.core import actions, past
from shiftlead.core.clock import SystemClock
from shiftlead.core.keys import LEDGER_KEY
from shiftlead.core.settings import locate


def texts(label, count):
    return Random(1).sample([one.text for one in shipped() if one.label == label], count)


def lived(place, bodies, language="en"):
    """Puts routed tickets with these texts in the ledger, in place of those that are there."""
    here = locate(place)
    ledger = here.open_ledger(SystemClock())
    with ledger.reading() as session:
        first = next(one.sealed for one in past.all_actions(session) if one.sealed.kind == "ticket.route")
    with ledger.engine.execution_options(write=True).begin() as connection:
        connection.execute(text("delete from action where kind = 'ticket.route'"))
    old = first.envelope
    action = old.proposal.action
    action = action.model_copy(update={"arguments": {**action.arguments, "language": language}})
    with ledger.transaction() as tx:
        for number, body in enumerate(bodies):
            ids = {"case_id": f"case_{number:04}", "action_id": f"act_{number:04}"}
            evidence = tuple(
                one.model_copy(update={"value": body}) if one.name == "ticket text" else one for one in old.evidence
            )
            proposal = old.proposal.model_copy(update={"action": action})
            envelope = old.model_copy(update={**ids, "evidence": evidence, "proposal": proposal})
            given = {"id": ids["action_id"], "case_id": ids["case_id"], "envelope": envelope, "digest": envelope.digest()}
            actions.add(tx, first.model_copy(update=given).signed(here.keys.own(), LEDGER_KEY))
    ledger.close()


def test_the_same_traffic_is_calm(place, run, told):
    lived(place, texts("order_status", 2 * LEAST))
    shown = run("brain", "drift").stdout
    assert f"the newest {LEAST} since 2" in shown
    assert f"against those before ({LEAST})" in shown
    assert "they mean what they meant (MMD p = 0." in shown
    assert "look here" not in shown
    (report,) = told("brain", "drift", "--worker", "triage")
    assert (report["warns"], report["newest"], report["before"], report["missing"]) == (False, LEAST, LEAST, 0)


def test_another_kind_of_ticket_warns_with_exit_code_1(place, run, told):
    old, new = texts("order_status", LEAST), texts("data_protection_request", LEAST)
    lived(place, [*old, *new])
    found = run("brain", "drift", code=1)
    assert "WARNING: they mean something else than before (MMD p = 0.0005)" in found.stdout
    looked = found.stdout.partition("look here")[2]
    assert looked.count("case_00") == 5
    assert "Nothing was changed." in found.stderr
    assert "`brain revoke` closes a lane" in found.stderr
    assert not any(one[:20] in found.stdout for one in [*old, *new])
    (report,) = told("brain", "drift", code=1)
    assert (report["warns"], report["p"], len(report["strange"])) == (True, 0.0005, 5)


def test_too_few_are_refused_with_how_many_are_missing(place, run):
    lived(place, texts("order_status", 2 * LEAST - 3))
    found = run("brain", "drift", code=2)
    assert found.stdout == ""
    assert "3 more are missing" in found.stderr


def test_a_ledger_with_nothing_is_refused(place, run):
    lived(place, [])
    assert f"{2 * LEAST} more are missing" in run("brain", "drift", code=2).stderr


def test_without_the_encoder_it_is_not_called_calm(place, run, monkeypatch):
    lived(place, [*texts("order_status", LEAST), *texts("data_protection_request", LEAST)])
    monkeypatch.setattr("shiftlead.agents.encoder._loaded", [])
    monkeypatch.setattr("shiftlead.agents.encoder.WEIGHTS_PACKAGE", "no_such_package")
    monkeypatch.setattr("shiftlead.agents.triage.shipped_text_brain", _plainer)
    found = run("brain", "drift", code=2)
    assert "what they mean was not compared" in found.stdout
    assert "novelty" in found.stdout
    assert "weights are not installed" in found.stderr


def _plainer(task):
    from shiftlead.agents.brain_shelf import shipped_text_brain

    return shipped_text_brain(task).in_tier("ngrams")


@pytest.mark.parametrize("worker", ["invoices", "nobody"])
def test_a_worker_without_a_text_brain_is_refused(worked, run, worker):
    assert f"No worker {worker!r}" in run("brain", "drift", "--worker", worker, code=2).stderr
