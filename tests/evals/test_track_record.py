"""Track records: a new made-up company gets certificates for what the very brain did in others, and nothing gets any otherwise."""

from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from shiftlead.agents.triage import Triage
from shiftlead.core import certificates
from shiftlead.core.certificates import Method
from shiftlead.core.clock import FrozenClock
from shiftlead.core.errors import BadInput
from shiftlead.core.keys import LEDGER_KEY, Keyring, Signer
from shiftlead.core.store import Ledger
from shiftlead.evals.company import SEEDS
from shiftlead.evals.company_report import CompanyReport, Tried, kind_report
from shiftlead.evals.track_record import (
    BEST_TIER,
    COMMAND,
    SCOPE,
    certificates_from,
    issue,
    load_record,
    record_of,
    write_record,
)
from shiftlead.guardrails.policy import parse_policy, shipped_policy

AT = datetime(2026, 9, 15, 9, 0, tzinfo=UTC)
POLICY = """
name: house
version: 1
owner: tests
actions:
  ticket.route: {max_error: 0.03}
  ticket.reply: {max_error: 0.03}
  ticket.merge: {min_confidence: 0.9}
rules:
  - {id: R-1, lane: allowed, actions: [ticket.route, ticket.reply, ticket.merge], reason: all, owner: t, source: t}
certificate_days: 30
"""


@pytest.fixture(scope="module")
def worker():
    return Triage()


@pytest.fixture(scope="module")
def policy():
    return parse_policy(POLICY, origin="a test")


def tried(kind, count, wrong=0):
    one = {"seed": 1, "ticket": "T-1", "kind": kind, "confidence": 0.99, "alone": True, "found": "a", "truth": "a"}
    return [Tried(right=number >= wrong, **one) for number in range(count)]


def report(worker, policy, /, *, replies=400, wrong=0, **changes):
    """A report of 400 right routes and so many replies."""
    known = [*tried("ticket.route", 400), *tried("ticket.reply", replies, wrong)]
    kinds = tuple(kind_report(kind, known, target=0.03, confidence=0.95) for kind in ("ticket.route", "ticket.reply"))
    terms = {
        "brain": worker.brain, "tier": BEST_TIER, "worker": worker.name, "playbook": worker.playbook.ref, "policy": policy.ref,
        "seeds": (100, 101), "size": 340, "tickets": 400, "kinds": kinds,
    }  # fmt: skip
    return CompanyReport(**(terms | changes))


@pytest.fixture
def record(worker, policy):
    return record_of(report(worker, policy))


def kinds(issued):
    return [one.stand.kind for one in issued.certificates]


def test_a_record_is_read_as_it_was_written_and_not_after_a_change(record, tmp_path):
    path = tmp_path / "record.json"
    write_record(record, path)
    assert load_record(path) == record
    written = path.read_text(encoding="utf-8")
    for before, after in (
        ('"wrong": 0', '"wrong": 1'),
        (record.brain, "embedded@1+triage-0"),
        ('"version": 1', '"version": 2'),
    ):
        path.write_text(written.replace(before, after), encoding="utf-8")
        with pytest.raises(BadInput) as told:
            load_record(path)
        assert COMMAND in told.value.hint
    with pytest.raises(BadInput):
        load_record(tmp_path / "nowhere.json")


def test_certificates_say_whose_evidence_they_rest_on(record, policy, worker):
    issued = certificates_from(record, policy, worker, seed=7, now=AT)
    assert kinds(issued) == ["ticket.route", "ticket.reply"]
    first = issued.certificates[0]
    assert (first.method, first.scope, first.issued_by) == (Method.RECORD, SCOPE, LEDGER_KEY)
    assert (first.stand.worker, first.stand.slice, first.stand.brain) == ("triage", "", worker.brain)
    assert first.bound <= 0.03
    assert first.expires_at == AT + timedelta(days=30)
    assert "100-101" in issued.told


@pytest.mark.parametrize(
    ("changes", "seed", "said"),
    [
        ({"brain": "embedded@1+triage-000000000000"}, 7, "embedded@1+triage-000000000000"),
        ({"playbook": "triage@99"}, 7, "triage@99"),
        ({"policy": "house@99"}, 7, "house@99"),
        ({}, 101, "seed 101"),
    ],
    ids=["brain", "playbook", "policy", "the-company-itself"],
)
def test_a_record_about_something_else_issues_nothing_and_says_so(changes, seed, said, worker, policy):
    record = record_of(report(worker, policy, **changes))
    issued = certificates_from(record, policy, worker, seed=seed, now=AT)
    assert issued.certificates == ()
    assert said in issued.told
    assert "A person decides" in issued.told


def test_a_lower_tier_gets_no_certificate_and_makes_no_record(record, worker, policy):
    lower = worker.with_brain(worker.model.in_tier("ngrams"))
    issued = certificates_from(record, policy, lower, seed=7, now=AT)
    assert issued.certificates == ()
    with pytest.raises(BadInput, match="ngrams"):
        record_of(report(worker, policy, tier="ngrams"))


def test_a_kind_that_is_not_proven_gets_none_and_the_other_keeps_its_own(worker, policy):
    for weak in (report(worker, policy, replies=20), report(worker, policy, wrong=80), report(worker, policy, replies=0)):
        assert kinds(certificates_from(record_of(weak), policy, worker, seed=7, now=AT)) == ["ticket.route"]


@pytest.mark.parametrize("asked", ["max_error: 0.02", "min_confidence: 0.9", "max_error: 0.03, slices: [language]"])
def test_a_policy_that_asks_for_something_else_gets_none(asked, record, worker):
    stricter = parse_policy(POLICY.replace("max_error: 0.03", asked), origin="a test")
    assert certificates_from(record, stricter, worker, seed=7, now=AT).certificates == ()


def test_what_is_issued_is_sealed_by_the_ledger_and_in_its_audit_trail(ledger, record, policy, worker):
    signer = Signer.fresh(LEDGER_KEY)
    ring = Keyring.of([signer])
    issue(ledger, policy, seed=7, keyring=ring, sealing=signer, record=record, worker=worker)
    with ledger.reading() as session:
        found = certificates.listed(session, worker="triage")
    assert {one.stand.kind for one in found} == {"ticket.route", "ticket.reply"}
    assert all(one.genuine(ring) for one in found)
    assert not any(one.genuine(Keyring.of([Signer.fresh(LEDGER_KEY)])) for one in found)


def test_the_shipped_record_is_about_the_shipped_brain(worker):
    if worker.model.tier != BEST_TIER:
        pytest.skip(f"only the tier {worker.model.tier} of the shipped brain runs here")
    record = load_record()
    assert record.brain == worker.brain, f"The shipped brain is another one now: run `{COMMAND}` in the project's folder."
    assert record.seeds == SEEDS


def test_a_demo_company_starts_with_open_lanes(worker, tmp_path):
    """The shipped policy, brain and record belong together."""
    if worker.model.tier != BEST_TIER:
        pytest.skip(f"only the tier {worker.model.tier} of the shipped brain runs here")
    signer = Signer.fresh(LEDGER_KEY)
    with closing(Ledger.create(f"sqlite:///{tmp_path / 'ledger.db'}", clock=FrozenClock(AT))) as ledger:
        told = issue(ledger, shipped_policy(), seed=7, keyring=Keyring.of([signer]), sealing=signer)
        with ledger.reading() as session:
            found = certificates.listed(session)
    assert {one.stand.kind for one in found} == {"ticket.route", "ticket.reply"}, told
