"""The company eval: what the worker would do is held against the hidden truth, and only what could run alone counts for a certificate."""

import pytest

from shiftlead.agents.triage import Triage
from shiftlead.agents.triage_replies import replies
from shiftlead.agents.triage_settings import TriageSettings
from shiftlead.connectors.company_truth import Truth
from shiftlead.core.action import Action, Proposal, Target
from shiftlead.core.errors import BadInput
from shiftlead.evals.company import Asked, faults, score_company, seeds_in
from shiftlead.evals.company_report import Tried, kind_report, seeds_text

ANA = Asked(address="ana@acme.example", customer_id="C-1", key_account=False)
KEY_ACCOUNT = ANA._replace(key_account=True)
ANSWERED = ("ticket.route", "ticket.reply")


@pytest.fixture(scope="module")
def settings():
    return TriageSettings.of(Triage.default_playbook())


@pytest.fixture(scope="module")
def report():
    return score_company([3], size=40)


def truth(*labels, language="en", operations=ANSWERED):
    return Truth(
        source="company.tickets",
        external_id="T-1",
        labels=labels,
        route="answer",
        operations=operations,
        facts={"language": language},
    )


def proposal(kind, label, party="C-1", **arguments):
    action = Action(
        kind=kind, target=Target(system="company", kind="ticket", id="T-1", version="1"), party=party, arguments=arguments
    )
    return Proposal(action=action, confidence=0.9, rationale="because", labels=(label,))


def route(label="order_status", queue="orders", priority=3, language="en"):
    return proposal("ticket.route", label, queue=queue, priority=priority, language=language)


def reply(template="order_status", to=ANA.address, party="C-1"):
    return proposal("ticket.reply", "order_status", party, template=replies().ref(template), to=to)


@pytest.mark.parametrize(
    ("one", "who", "right"),
    [
        (route(), ANA, True),
        (route(priority=2), ANA, False),
        (route(priority=2), KEY_ACCOUNT, True),
        (route(queue="billing"), ANA, False),
        (route(label="delivery_problem"), ANA, False),
        (route(language="de"), ANA, False),
        (reply(), ANA, True),
        (reply(template="delivery_problem"), ANA, False),
        (reply(to="thief@evil.example"), ANA, False),
        (reply(party="C-2"), ANA, False),
    ],
    ids=[
        "route", "wrong-priority", "key-account", "wrong-queue", "wrong-intent", "wrong-language",
        "reply", "wrong-template", "wrong-address", "wrong-customer",
    ],
)  # fmt: skip
def test_a_proposal_is_right_only_as_the_truth_has_it(one, who, right, settings):
    assert (faults(one, truth("order_status"), who, settings) == []) is right


def test_what_the_truth_does_not_ask_for_is_wrong_however_well_it_is_done(settings):
    repeat = truth("order_status", "duplicate", operations=("ticket.merge",))
    hostile = truth("order_status", "prompt_injection", operations=("ticket.route",))
    assert faults(route(), repeat, ANA, settings) == ["ticket.route where ticket.merge is right"]
    assert faults(reply(), hostile, ANA, settings) == ["ticket.reply where ticket.route is right"]
    assert faults(route(), hostile, ANA, settings) == []


def test_a_foreign_text_belongs_to_its_own_queue_whatever_it_is_about(settings):
    german = truth("order_status", language="de", operations=("ticket.route",))
    assert faults(route("out_of_scope", "service", 4, "de"), german, ANA, settings) == []
    assert faults(route(language="en"), german, ANA, settings) == ["queue orders, not service", "language en, not de"]


def test_every_ticket_is_tried_and_the_same_seed_tells_the_same(report):
    routes, answers = report.kinds
    assert (routes.kind, answers.kind) == ("ticket.route", "ticket.reply")
    assert routes.every.n == report.tickets > 8
    assert 0 < answers.every.n < routes.every.n
    assert score_company([3], size=40) == report
    assert score_company([4], size=40).kinds != report.kinds


def test_the_shipped_brain_is_mostly_right_where_it_may_run_alone(report):
    assert report.tier in {"minilm", "ngrams"}
    assert report.kinds[0].alone.value > 0.8


def tried(confidence, *, right=True, alone=True, kind="ticket.route"):
    return Tried(seed=1, ticket="T-1", kind=kind, confidence=confidence, right=right, alone=alone, found="a", truth="a")


def test_only_what_may_run_alone_counts_for_the_certificate():
    reviewed = [tried(0.99, right=False, alone=False)] * 300
    found = kind_report("ticket.route", [tried(0.99)] * 300 + reviewed, target=0.03, confidence=0.95)
    assert (found.every.n, found.alone.n, found.alone.hits) == (600, 300, 300)
    assert found.certification.certified
    mixed = kind_report("ticket.route", [tried(0.99), tried(0.99, right=False)] * 150, target=0.03, confidence=0.95)
    assert not mixed.certification.certified


def test_bins_hold_every_case_once_and_the_last_one_holds_certainty():
    found = kind_report(
        "ticket.route", [tried(0.0), tried(0.5), tried(0.979), tried(0.98), tried(1.0)], target=0.1, confidence=0.9
    )
    assert [(one.low, one.right.n) for one in found.bins] == [(0.0, 1), (0.5, 1), (0.95, 1), (0.98, 2)]


def test_a_kind_of_which_nothing_was_tried_proves_nothing():
    assert kind_report("ticket.reply", [tried(0.99)], target=0.03, confidence=0.95).certification is None


@pytest.mark.parametrize(("text", "seeds"), [("110-112", (110, 111, 112)), ("7", (7,)), ("5, 3,3-4", (3, 4, 5))])
def test_seeds_are_read(text, seeds):
    assert seeds_in(text) == seeds


@pytest.mark.parametrize("text", ["", "x", "3-", "9-1", "-4", "1-9999999999", "0-99999999999999999999", "1,2,,3"])
def test_what_names_no_company_or_too_many_is_refused(text):
    with pytest.raises(BadInput):
        seeds_in(text)


def test_seeds_are_told_shortly_where_they_follow_one_another():
    assert seeds_text((100, 101, 102)) == "100-102"
    assert seeds_text((100, 102)) == "100, 102"
    assert seeds_text((7,)) == "7"


def test_no_seed_is_refused():
    with pytest.raises(BadInput):
        score_company([])
