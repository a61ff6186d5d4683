"""What a brain says of labelled texts is counted as the lane would look at it, and what is out of scope never counts for it."""

import json

import pytest
from help_desk import LABELS, Clerk, brain, corpus

from shiftlead.agents.examining import NEVER_ALONE, Alone, Answer, InHands, examine, read_paper
from shiftlead.agents.text_data import Example
from shiftlead.core.errors import BadInput


class Oracle:
    """Says what it is told to."""

    def __init__(self, *answers):
        self.given = [Answer(*one) for one in answers]

    def answers(self, texts):
        assert len(texts) == len(self.given)
        return self.given


def examples(*labels):
    return [Example(text=f"text {number}", label=label) for number, label in enumerate(labels)]


def found(labels, answers, **how):
    terms = {"labels": ["a", "b"], "target": 0.05, "confidence": 0.95} | how
    return examine(Oracle(*answers), examples(*labels), **terms)


def test_right_answers_are_certified_and_wrong_ones_are_not():
    good = found(["a", "b"] * 200, [("a", 0.9), ("b", 0.9)] * 200)
    assert (good.certified, good.wrong) == (True, 0)
    assert not found(["a", "b"] * 200, [("a", 0.9), ("a", 0.9)] * 200).certified


def test_too_few_are_told_with_how_many_are_missing():
    few = found(["a"] * 10, [("a", 0.9)] * 10)
    assert not few.certified
    assert few.missing > 20


def test_a_stranger_that_is_taken_for_one_of_ours_is_wrong():
    labels, answers = ["a"] * 300 + ["oos"] * 100, [("a", 0.9)] * 400
    assert not found(labels, answers).certified


def test_a_stranger_that_is_recognised_is_right_in_either_spelling():
    labels, answers = ["a"] * 300 + ["oos"] * 100, [("a", 0.9)] * 300 + [("out_of_scope", 0.9)] * 100
    assert found(labels, answers).certified


def test_strangers_are_weighed_to_their_share_of_the_traffic():
    labels, answers = ["a"] * 800 + ["oos"] * 400, [("a", 0.9)] * 800 + [("a", 0.9)] * 40 + [("oos", 0.9)] * 360
    rare, common = (found(labels, answers, out_of_scope_share=share) for share in (0.02, 0.3))
    assert rare.certified
    assert (rare.out_of_scope_share, common.out_of_scope_share) == (0.02, 0.3)
    assert common.share < rare.share


def test_a_share_without_any_stranger_is_refused():
    with pytest.raises(BadInput, match="0 scores out of scope"):
        found(["a"] * 50, [("a", 0.9)] * 50, out_of_scope_share=0.1)


def test_labels_of_another_world_are_refused():
    with pytest.raises(BadInput, match="none of the labels in the data, such as 'x'"):
        found(["x"], [("a", 0.9)])


def test_a_brain_by_itself_never_lets_what_it_does_not_know_go_alone():
    texts = [corpus()["out_of_scope"][-1].text, corpus()["complaint"][-1].text]
    answers = Alone(brain()).answers(texts)
    told = brain().predict_many(texts)
    assert [one.label for one in answers] == [one.label for one in told] == ["out_of_scope", "complaint"]
    assert [one.score for one in answers] == [NEVER_ALONE, told[1].confidence]


def test_in_a_workers_hands_it_says_what_would_stand_on_the_proposal():
    clerk = Clerk()
    texts = [corpus()[label][-1].text for label in LABELS]
    answers = InHands(clerk).answers(texts)
    assert [(one.label, one.score) for one in answers] == [tuple(clerk.opinion(text).model_dump().values()) for text in texts]


def written(path, rows):
    path.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows))
    return path


def test_files_are_read_together_and_each_text_counts_once(tmp_path):
    first = written(tmp_path / "a.jsonl", [("where is it", "order"), ("a quote please", "quote"), ("", "order")])
    second = written(tmp_path / "b.jsonl", [("where is it", "order"), ("how rude", "complaint")])
    paper = read_paper([first, second])
    assert [one.label for one in paper.examples] == ["order", "quote", "complaint"]
    assert len(paper.problems) == 1


def test_what_a_brain_was_trained_on_proves_nothing(tmp_path):
    path = written(tmp_path / "a.jsonl", [("where is it", "order"), ("a quote please", "quote")])
    digest = read_paper([path])
    from shiftlead.agents.text_data import data_digest

    with pytest.raises(BadInput, match="what the brain was trained on"):
        read_paper([path], trained_on=data_digest(digest.examples))


def test_a_slice_by_language_is_read_from_the_text(tmp_path):
    english, german = (
        "Where is my order and when will it be delivered to us?",
        "Wo ist meine Bestellung und wann wird sie geliefert?",
    )
    path = written(tmp_path / "a.jsonl", [(english, "order"), (german, "order")])
    assert [one.text for one in read_paper([path], language="de").examples] == [german]
    with pytest.raises(BadInput, match="in the language 'fr'"):
        read_paper([path], language="fr")


def test_what_the_brain_takes_for_none_of_its_kinds_is_below_every_floor():
    """Texts that are recognised as strange neither widen the share that runs alone nor dilute its errors."""

    class Careful:
        def answers(self, texts):
            return [Answer("oos", NEVER_ALONE) if "strange" in text else Answer("refund", 0.9) for text in texts]

    examples = [Example(text=f"refund {n}", label="refund") for n in range(400)]
    examples += [Example(text=f"strange {n}", label="oos") for n in range(400)]
    found = examine(Careful(), examples, labels=["refund", "oos"], target=0.05, confidence=0.95)
    assert found.certified
    assert found.floor >= 0
    assert found.share < 0.6


def test_texts_of_the_training_are_left_out_and_refused_where_they_are_the_most(tmp_path):
    rows = [{"text": f"refund {n}", "label": "refund"} for n in range(10)]
    paper = tmp_path / "paper.jsonl"
    paper.write_text("".join(json.dumps(row) + "\n" for row in rows))
    kept = read_paper([paper], learnt=["Refund  1", "REFUND 2"]).examples
    assert [one.text for one in kept] == [row["text"] for row in rows if row["text"] not in ("refund 1", "refund 2")]
    with pytest.raises(BadInput, match="6 of 10 texts"):
        read_paper([paper], learnt=[f"refund {n}" for n in range(6)])
