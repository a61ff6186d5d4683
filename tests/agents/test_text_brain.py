import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import shiftlead.agents
from shiftlead.agents import encoder as encoding
from shiftlead.agents.text_brain import TextBrain
from shiftlead.agents.text_calibration import Calibration, Margins
from shiftlead.agents.text_data import Example, read_examples
from shiftlead.agents.text_features import FeatureSpec, features
from shiftlead.agents.text_scores import auroc, calibration_error, score
from shiftlead.agents.text_training import split, train
from shiftlead.agents.triage_corpus import OUT_OF_SCOPE, fill, intents
from shiftlead.core.errors import BadInput

AGENTS = Path(shiftlead.agents.__file__).parent
SHIPPED = AGENTS / "brain_triage"
THINGS = ("invoice", "bill", "statement", "receipt", "credit note", "document", "PDF", "copy", "letter", "file")
PLACES = ("gate", "warehouse", "office", "plant", "shop", "yard", "dock", "store", "depot", "site")
EXAMPLES = (
    [Example(text=f"please send the {thing} again", label="copy") for thing in THINGS]
    + [Example(text=f"the pallet never reached our {place}", label="delivery") for place in PLACES]
    + [Example(text=f"what is the weather like at the {place}", label="oos") for place in PLACES]
)


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def brain():
    return train(EXAMPLES, task="test")


@pytest.fixture(scope="module")
def shipped():
    return TextBrain.load(SHIPPED)


def test_learns_what_it_was_taught(brain):
    assert brain.predict("Could you send me the bill again please").label == "copy"
    assert brain.predict("pallet has not reached us").label == "delivery"
    assert brain.meta.labels == ("copy", "delivery", "oos")
    assert brain.meta.examples == len(EXAMPLES)


def test_out_of_scope_lowers_the_in_scope_confidence(brain):
    inside, outside = brain.predict("send the receipt again"), brain.predict("the weather at the dock")
    assert outside.label == "oos"
    assert outside.in_scope < inside.in_scope
    assert inside.in_scope == inside.confidence


def test_the_same_data_gives_the_same_brain(brain, tmp_path):
    again = train(EXAMPLES, task="test")
    for made, name in ((brain, "a"), (again, "b")):
        made.save(tmp_path / name)
    assert again.digest == brain.digest
    assert content(tmp_path / "a") == content(tmp_path / "b")


def test_features_do_not_depend_on_the_process():
    code = "from shiftlead.agents.text_features import *; print(features('Où est ma carte? 12.5', FeatureSpec()).ids.tolist())"
    run = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed}
        )
        for seed in ("1", "2")
    ]
    here = features("Où est ma carte? 12.5", FeatureSpec()).ids.tolist()
    assert [json.loads(done.stdout) for done in run] == [here, here]


@given(st.text())
@settings(deadline=None)
def test_any_text_gets_a_confidence_between_0_and_1(shipped, text):
    found = shipped.predict(text)
    assert found.label in shipped.labels
    assert 0 <= found.confidence <= 1
    assert 0 <= found.novelty <= 1
    assert all(0 <= other.confidence <= found.confidence for other in found.alternatives)
    assert 0 <= found.in_scope <= 1


@pytest.mark.parametrize(
    "text", ["", "   ", "???", "12 345,67", "🙂🙂", "\x00", "您好，我的订单在哪里", "qxzv wkjq vvxz ppqk zzxw"]
)
def test_what_says_nothing_known_has_low_confidence(shipped, text):
    assert shipped.predict(text).confidence < 0.3


@given(texts=st.lists(st.text(), max_size=5))
@settings(deadline=None, max_examples=25)
def test_a_saved_brain_predicts_the_same(brain, tmp_path_factory, texts):
    folder = tmp_path_factory.mktemp("brain") / "b"
    brain.save(folder)
    again = TextBrain.load(folder)
    assert again.digest == brain.digest
    assert again.predict_many(texts) == brain.predict_many(texts)


@given(texts=st.lists(st.text(max_size=40), min_size=1, max_size=6))
@settings(deadline=None, max_examples=25)
def test_texts_beside_it_change_nothing_of_a_prediction(brain, texts):
    together, alone = brain.predict_many(texts), [brain.predict(text) for text in texts]
    assert [one.label for one in together] == [one.label for one in alone]
    assert [one.confidence for one in together] == pytest.approx([one.confidence for one in alone], abs=0.02)


@given(
    name=st.sampled_from(["minilm.npz", "ngrams.npz", "vocabulary.npz", "card.json"]),
    place=st.floats(0, 1, exclude_max=True),
    flip=st.integers(1, 255),
)
@settings(deadline=None, max_examples=100)
def test_a_damaged_file_is_refused(brain, tmp_path_factory, name, place, flip):
    folder = tmp_path_factory.mktemp("brain") / "b"
    brain.save(folder)
    data = bytearray((folder / name).read_bytes())
    data[int(place * len(data))] ^= flip
    (folder / name).write_bytes(data)
    try:
        same = TextBrain.load(folder).digest == brain.digest
    except BadInput as error:
        same = bool(error.hint)
    assert same


def test_a_folder_that_lacks_a_file_is_refused(brain, tmp_path):
    brain.save(tmp_path / "b")
    (tmp_path / "b" / "minilm.npz").unlink()
    with pytest.raises(BadInput):
        TextBrain.load(tmp_path / "b")


def test_missing_folders_are_named(tmp_path):
    with pytest.raises(BadInput, match="none"):
        TextBrain.load(tmp_path / "none")


def test_where_the_encoder_cannot_run_a_lower_tier_steps_in_under_another_name(brain, tmp_path, monkeypatch):
    brain.save(tmp_path / "b")
    monkeypatch.setattr(encoding, "_loaded", [])
    monkeypatch.setattr(encoding, "WEIGHTS_SHA256", "0" * 64)
    lower = TextBrain.load(tmp_path / "b")
    assert (brain.tier, lower.tier) == ("minilm", "ngrams")
    assert not brain.announcement
    assert "not the known ones" in lower.announcement
    assert lower.name != brain.name
    assert lower.predict("please send the receipt again").label == "copy"


def test_a_brain_made_without_the_encoder_says_so(monkeypatch):
    monkeypatch.setattr(encoding, "_loaded", [])
    monkeypatch.setattr(encoding, "WEIGHTS_PACKAGE", "no_such_package")
    made = train(EXAMPLES, task="test")
    assert made.tier == "ngrams"
    assert made.announcement


def test_validation_with_an_unknown_label_is_refused():
    with pytest.raises(BadInput, match="strange"):
        train(EXAMPLES, validation=[Example(text="x", label="strange")])


def test_given_validation_is_not_trained_on():
    validation = [Example(text="zebra zebra zebra", label="copy"), Example(text="pallet reached gate", label="delivery")]
    given_it = train(EXAMPLES, validation=validation)
    assert given_it.meta.examples == len(EXAMPLES)
    assert given_it.predict("zebra zebra zebra").novelty > 0.5


def test_a_group_is_never_on_both_sides():
    examples = [Example(text=f"{thing} {n}", label="copy", group=thing) for thing in THINGS for n in range(5)]
    fit, apart = split(examples, Random(0))
    assert not {examples[place].group for place in fit} & {examples[place].group for place in apart}
    assert len(apart) == 2 * 2


def test_texts_without_words_are_refused():
    with pytest.raises(BadInput, match="no words in common"):
        train([Example(text=text, label=label) for text, label in [("?", "a"), ("!", "a"), ("1", "b"), ("2", "b")]])


def test_the_head_keeps_the_order_and_the_range():
    calibration = Calibration(temperature=0.2, head=(-5.0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.0, 0.0), novelty_limit=0.5)
    margins = Margins(np.array([[0.5, 0.4, -1.0]]), np.array([0.0]), np.array([1.0]))
    found = calibration.probabilities(margins)[0]
    assert found.argmax() == 0
    assert found.min() >= 0
    assert found.sum() <= 1 + 1e-9


def test_calibration_error_and_auroc_on_hand_made_figures():
    assert calibration_error([1.0, 1.0, 0.0], [True, False, False]) == pytest.approx(1 / 3)
    assert calibration_error([0.75] * 4, [True, True, True, False]) == pytest.approx(0)
    assert auroc(np.array([0.9, 0.5, 0.5, 0.1]), np.array([True, True, False, False])) == pytest.approx(0.875)
    assert auroc(np.array([0.9]), np.array([True])) is None


def test_the_shipped_brain_knows_every_intent_and_is_small(shipped):
    assert set(shipped.labels) == set(intents())
    assert shipped.tier == "minilm"
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) <= 3_000_000


def test_the_shipped_brain_on_the_companys_texts(shipped):
    texts = json.loads((AGENTS.parent / "connectors" / "company_texts.json").read_text(encoding="utf-8"))
    random = Random(1)
    examples = [
        Example(text=fill(text, random), label=label)
        for label, listed in texts.items()
        if label != "_source"
        for text in listed
    ]
    found = score(shipped, examples)
    assert found.accuracy >= 0.94
    assert found.ece <= 0.03
    assert found.oos_auroc >= 0.99
    assert {example.label for example in examples} == set(shipped.labels)
    assert OUT_OF_SCOPE in shipped.labels


@pytest.mark.slow
def test_clinc150_floors(shared_data):
    folder = shared_data / "triage" / "clinc150"
    train_set, oos = (list(read_examples(folder / name).examples) for name in ("train.jsonl", "oos_train.jsonl"))
    value, outside = (list(read_examples(folder / name).examples) for name in ("val.jsonl", "oos_val.jsonl"))
    trained = train(train_set + oos)
    inside = score(trained, value)
    assert inside.accuracy >= 0.95
    assert inside.ece <= 0.02
    assert score(trained, value + outside).oos_auroc >= 0.96


@pytest.mark.slow
def test_banking77_floors(shared_data):
    examples = list(read_examples(shared_data / "triage" / "banking77" / "train.csv").examples)
    Random(0).shuffle(examples)
    cut = int(0.85 * len(examples))
    found = score(train(examples[:cut]), examples[cut:])
    assert found.accuracy >= 0.92
    assert found.ece <= 0.02


@pytest.mark.slow
def test_the_companys_texts_are_none_of_the_brains(shared_data):
    from shiftlead.agents.triage_corpus import build, company_texts

    folder = shared_data / "triage"
    learnt = {example.text.lower() for example in build(folder)}
    groups = {example.group for example in build(folder)}
    texts = company_texts(folder)
    assert not [text for listed in texts.values() for text in listed if text.lower() in learnt or text in groups]
    shipped = json.loads((AGENTS.parent / "connectors" / "company_texts.json").read_text(encoding="utf-8"))
    assert {label: listed for label, listed in shipped.items() if label != "_source"} == texts
