"""Verdicts: records that are stored like nouns."""

import json
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from shiftlead.core.noun import Noun, canonical_json, digest, plain
from shiftlead.core.verdict import Lane, RuleHit, Verdict, strictest

HIT = RuleHit(rule="R-014", lane=Lane.REVIEWED, reason="large", field="amount", actual="12.00 EUR", limit="9.00 EUR")
VERDICT = Verdict(
    lane=Lane.REVIEWED,
    hits=(HIT,),
    passed=("R-001",),
    policy="house@7",
    policy_digest="0" * 64,
    judged_at=datetime(2026, 9, 15, 9, 0, tzinfo=UTC),
    approvals=2,
)


class Sealed(Noun):
    name: str
    verdict: Verdict | None = None


def test_it_is_stored_as_an_object_by_field():
    stored = json.loads(canonical_json(VERDICT))
    assert stored == {
        "lane": "reviewed", "policy": "house@7", "policy_digest": "0" * 64, "judged_at": "2026-09-15T09:00:00+00:00",
        "passed": ["R-001"], "missing": [], "approvals": 2, "four_eyes": False,
        "hits": [{"rule": "R-014", "lane": "reviewed", "reason": "large", "field": "amount", "actual": "12.00 EUR",
                  "limit": "9.00 EUR", "distance": "", "owner": "", "source": ""}],
    }  # fmt: skip
    assert digest(VERDICT) == digest(Verdict.model_validate_json(canonical_json(VERDICT)))


@pytest.mark.parametrize("text", [canonical_json(VERDICT), VERDICT.model_dump_json()])
def test_it_is_read_back_as_it_was(text):
    again = Verdict.model_validate_json(text)
    assert again == VERDICT
    assert isinstance(again, Verdict)
    assert isinstance(again.hits[0], RuleHit)
    assert again.lane is Lane.REVIEWED


def test_as_a_field_of_a_noun_it_goes_in_and_out_whole():
    sealed = Sealed(name="a", verdict=VERDICT)
    assert sealed.verdict is VERDICT
    assert Sealed.model_validate_json(sealed.model_dump_json()) == sealed
    assert Sealed.model_validate(sealed.model_dump()) == sealed
    assert Sealed.model_validate(plain(sealed)) == sealed
    assert sealed.model_dump(mode="json")["verdict"]["hits"][0]["rule"] == "R-014"
    assert set(Sealed.model_json_schema()["properties"]) == {"name", "verdict"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"lane": "free"},
        {"policy": None},
        {"judged_at": "yesterday"},
        {"more": 1},
        {"hits": [{"rule": "R-1", "lane": "reviewed"}]},
        {"hits": [["R-1", "reviewed", "why"]]},
    ],
)
def test_what_comes_from_outside_is_checked(wrong):
    with pytest.raises(ValidationError):
        Verdict.model_validate_json(json.dumps(json.loads(canonical_json(VERDICT)) | wrong))
    with pytest.raises(ValidationError):
        Sealed(name="a", verdict=plain(VERDICT) | wrong)


def test_it_never_changes_but_may_be_copied():
    with pytest.raises(AttributeError):
        VERDICT.lane = Lane.ALLOWED
    with pytest.raises(AttributeError):
        VERDICT.note = "x"
    freer = VERDICT.model_copy(update={"lane": Lane.PROHIBITED})
    assert (freer.lane, freer.hits, VERDICT.lane) == (Lane.PROHIBITED, (HIT,), Lane.REVIEWED)
    with pytest.raises(TypeError):
        VERDICT.model_copy(update={"lanes": 1})


def test_the_deciding_rules_in_one_line():
    allowed = RuleHit(rule="R-001", lane=Lane.ALLOWED, reason="small")
    assert VERDICT.model_copy(update={"hits": (HIT, allowed)}).because() == "R-014: large"
    assert VERDICT.model_copy(update={"hits": (allowed,)}).because() == "R-001: small"


def test_the_strictest_lane():
    assert strictest([]) is Lane.ALLOWED
    assert strictest([Lane.REVIEWED, Lane.PROHIBITED, Lane.ALLOWED]) is Lane.PROHIBITED
    assert [lane.tightened() for lane in Lane] == [Lane.REVIEWED, Lane.PROHIBITED, Lane.PROHIBITED]
