"""Cards and pages: what a person reads of a brain, and charts whose words say what they show."""

import re

import pytest

from shiftlead.agents.brain_card import ABOUT, About, card_for, card_of, languages_of, plain_card, save_with
from shiftlead.agents.brain_charts import reliability_chart, risk_coverage_chart
from shiftlead.agents.brain_files import BrainFolder, read_folder, write_folder
from shiftlead.agents.brain_page import page, surety
from shiftlead.agents.brain_purposes import PURPOSES, check_task, purpose_of
from shiftlead.agents.brain_record import Record
from shiftlead.agents.brain_shelf import load_brain, shipped_brain, shipped_content
from shiftlead.core.errors import BadInput

RECORD = Record.of("ten cases", [(0.95, True)] * 8 + [(0.55, False)] * 2)


@pytest.fixture(scope="module")
def reply():
    return card_for(shipped_brain("reply"), shipped_content("reply"), "reply")


def test_the_shipped_reply_card_is_whole(reply):
    assert reply.name == f"reply-{reply.digest[:12]}"
    assert reply.tier == "minilm"
    assert "Apache-2.0" in reply.licences[0]
    assert reply.record.cases == reply.scores["texts"] == reply.examples
    assert reply.record.accuracy == pytest.approx(reply.scores["accuracy"], abs=1e-4)
    assert sum(one.cases for one in reply.calibration) == reply.record.cases
    assert reply.languages["en"] > 0.9


def test_the_shipped_lateness_card_says_that_it_has_no_record():
    card = card_for(shipped_brain("lateness"), shipped_content("lateness"), "lateness")
    assert card.record is None
    assert any("without a record" in one for one in card.limits)
    assert "<svg" not in page(card)


def test_what_training_knew_is_kept_with_the_brain(tmp_path):
    brain = shipped_brain("reply")
    save_with(brain, About(data="x.jsonl", seed=7, languages={"en": 1.0}, record=RECORD), tmp_path / "brain")
    card = card_of(tmp_path / "brain")
    assert (card.data, card.seed, card.record, card.digest) == ("x.jsonl", 7, RECORD, brain.digest)
    assert load_brain(tmp_path / "brain").digest == brain.digest


def test_a_brain_that_was_kept_without_it_has_a_coarse_record(tmp_path):
    brain = shipped_brain("reply")
    brain.save(tmp_path / "brain")
    card = card_of(tmp_path / "brain")
    assert card.record.cases == sum(one.texts for one in brain.meta.reliability)
    assert any("without a record" in one for one in card.limits)


def test_what_training_knew_cannot_be_read(tmp_path):
    content = shipped_content("reply")
    write_folder(tmp_path / "brain", content.card, {**content.files, ABOUT: b"{}1"})
    with pytest.raises(BadInput, match=r"about\.json is not of this version"):
        card_of(tmp_path / "brain")
    write_folder(tmp_path / "strange", {"kind": "poem"}, {})
    with pytest.raises(BadInput, match="no kind of brain"):
        load_brain(tmp_path / "strange")


def test_plain_cards_hold_telling_points_and_no_cases(reply):
    told = plain_card(reply)
    assert told["record"]["cases"] == reply.record.cases
    assert "groups" not in told["record"]
    assert told["record"]["coverage_at_5_percent_error"] > told["record"]["coverage_at_1_percent_error"] > 0


def test_a_page_escapes_what_others_named(reply):
    card = reply.model_copy(update={"data": "<script>alert(1)</script>", "labels": ("<b>", "ok")})
    assert "<script" not in page(card)
    assert "&lt;script&gt;" in page(card)
    assert "&lt;b&gt;" in page(card)


def test_charts_say_in_words_what_they_show():
    drawn = reliability_chart(RECORD.table(), says="confidence", right_means="right")
    assert "says 0.90–1.00, right 100% of 8" in drawn
    curve = risk_coverage_chart(RECORD)
    assert "with at most 5% wrong, 80% of the cases; all cases, 20.0% wrong" in curve
    for chart in (drawn, curve):
        assert 'role="img"' in chart
        named = re.search(r'aria-labelledby="(\S+) (\S+)"', chart)
        assert all(f'id="{one}"' in chart for one in named.groups())


def test_charts_stay_in_their_frame():
    for record in (RECORD, Record.of("none", []), Record.of("all wrong", [(0.9, False)] * 3), Record.of("one", [(1.0, True)])):
        for chart in (reliability_chart(record.table(), says="a", right_means="b"), risk_coverage_chart(record)):
            numbers = [float(one) for one in re.findall(r'(?:cx|cy|x|y|x1|x2|y1|y2)="(-?[\d.]+)"', chart)]
            assert all(0 <= one <= 460 for one in numbers)
            assert "nan" not in chart


def test_a_low_forecast_is_as_sure_as_a_high_one(reply):
    record = Record.of("four", [(0.1, False), (0.1, True), (0.9, True), (0.5, True)])
    card = reply.model_copy(update={"task": "lateness", "record": record})
    told = surety(card)
    assert [(one.confidence, one.right) for one in told.groups] == [(0.9, 1), (0.9, 1), (0.9, 0), (0.5, 1)]


def test_tasks_are_known_by_name():
    assert set(PURPOSES) == {"triage", "reply", "lateness"}
    assert purpose_of("my own").title == "What a text is about (my own)"
    with pytest.raises(BadInput, match="Choose one of triage, reply, lateness"):
        check_task("my own")


def test_languages_of_the_texts():
    told = languages_of(
        ["Where is my order and when will it be delivered?"] * 3 + ["Wo ist meine Bestellung und wann wird sie geliefert?"]
    )
    assert told == {"en": 0.75, "de": 0.25}


def test_size_is_that_of_the_folder(tmp_path):
    brain = shipped_brain("reply")
    brain.save(tmp_path / "brain")
    assert isinstance(read_folder(tmp_path / "brain"), BrainFolder)
    assert card_of(tmp_path / "brain").size_bytes == sum(one.stat().st_size for one in (tmp_path / "brain").iterdir())
