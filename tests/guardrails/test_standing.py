"""What a certificate is about, and who is drawn for quality control."""

import pytest

from shiftlead.core.action import Action, Proposal, Target
from shiftlead.core.keys import LEDGER_KEY, Keyring
from shiftlead.guardrails.policy import parse_policy
from shiftlead.guardrails.rules import KnownAction
from shiftlead.guardrails.standing import Standings, slice_of, stand_of

ROUTE = KnownAction(kind="ticket.route", max_error=0.03, quality_share=0.05, slices=("language", "reversibility"))
POLICY = """
name: small
version: 1
owner: tests
actions:
  ticket.route: {max_error: 0.03, quality_share: 0.05}
  ticket.merge: {min_confidence: 0.9}
rules:
  - {id: T-1, lane: allowed, actions: [ticket.route], reason: harmless, owner: t, source: t}
"""


def proposal(**facts):
    target = Target(system="desk", kind="ticket", id="T-1")
    return Proposal(action=Action(kind="ticket.route", target=target), confidence=0.9, rationale="It fits.", facts=facts)


def standings(key: str = "one"):
    return Standings(parse_policy(POLICY, origin="test"), Keyring({LEDGER_KEY: key}))


def test_a_worker_cannot_choose_its_slice():
    told = proposal(language="en", reversibility="reversible")
    context = {"language": "de"}
    assert slice_of(ROUTE, told, context) == "language=de;reversibility=irreversible"


@pytest.mark.parametrize(("one", "other"), [("en;queue=a", "en"), ("?", None), ("a" * 80, "a" * 81), ("", "?")])
def test_values_that_differ_make_slices_that_differ(one, other):
    known = ROUTE.model_copy(update={"slices": ("language",)})
    found = {slice_of(known, proposal(language=value), {}) for value in (one, other)}
    assert len(found) == 2


@pytest.mark.parametrize("context", [{}, {"worker": "triage"}, {"brain": "embedded@1"}, {"worker": "", "brain": "b"}])
def test_who_is_not_known_has_no_stand(context):
    assert stand_of(ROUTE, proposal(), context) is None


def test_the_draw_takes_its_share_and_says_the_same_of_the_same_ticket():
    mine = standings()
    drawn = [mine.drawn("ticket.route", "desk", str(number), "1") for number in range(20_000)]
    assert drawn == [mine.drawn("ticket.route", "desk", str(number), "1") for number in range(20_000)]
    # Four standard deviations of a draw of one in twenty.
    assert abs(sum(drawn) / 20_000 - 0.05) < 4 * (0.05 * 0.95 / 20_000) ** 0.5


def test_another_installation_draws_other_tickets():
    one, other = ([standings(key).drawn("ticket.route", "d", str(n), "1") for n in range(2_000)] for key in ("one", "other"))
    assert one != other


def test_what_needs_no_certificate_is_never_drawn():
    assert not any(standings().drawn("ticket.merge", "desk", str(number), "1") for number in range(500))
