import builtins
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
from shiftlead.agents.text_calibration import Calibration, Margins
from shiftlead.agents.text_data import Example, read_examples
from shiftlead.agents.text_features import FeatureSpec, features
from shiftlead.agents.text_model import TextModel
from shiftlead.agents.text_scores import auroc, calibration_error, score
from shiftlead.agents.text_training import train
from shiftlead.agents.triage_corpus import OUT_OF_SCOPE, fill, intents
from shiftlead.core.errors import BadInput, SettingsError

SHIPPED = Path(shiftlead.agents.__file__).parent / "triage_model.npz"
THINGS = ("invoice", "bill", "statement", "receipt", "credit note", "document", "PDF", "copy", "letter", "file")
PLACES = ("gate", "warehouse", "office", "plant", "shop", "yard", "dock", "store", "depot", "site")
EXAMPLES = (
    [Example(text=f"please send the {thing} again", label="copy") for thing in THINGS]
    + [Example(text=f"the pallet never reached our {place}", label="delivery") for place in PLACES]
    + [Example(text=f"what is the weather like at the {place}", label="oos") for place in PLACES]
)


@pytest.fixture(scope="module")
def model():
    return train(EXAMPLES, task="test")


@pytest.fixture(scope="module")
def shipped():
    return TextModel.load(SHIPPED)


def test_learns_what_it_was_taught(model):
    assert model.predict("Could you send me the bill again please").label == "copy"
    assert model.predict("pallet has not reached us").label == "delivery"
    assert model.meta.labels == ("copy", "delivery", "oos")
    assert model.meta.examples == len(EXAMPLES)


def test_out_of_scope_lowers_the_in_scope_confidence(model):
    inside, outside = model.predict("send the receipt again"), model.predict("the weather at the dock")
    assert outside.label == "oos"
    assert outside.in_scope < inside.in_scope
    assert inside.in_scope == inside.confidence


def test_the_same_data_gives_the_same_bytes(model, tmp_path):
    model.save(tmp_path / "a.npz")
    train(EXAMPLES, task="test").save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


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
@settings(deadline=None)
def test_a_saved_model_predicts_the_same(model, tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("model") / "m.npz"
    model.save(path)
    again = TextModel.load(path)
    assert again.digest == model.digest
    assert [again.predict(text) for text in texts] == [model.predict(text) for text in texts]


@given(place=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
@settings(deadline=None, max_examples=150)
def test_a_damaged_file_is_refused_or_reads_the_same(model, tmp_path_factory, place, flip):
    path = tmp_path_factory.mktemp("model") / "m.npz"
    model.save(path)
    data = bytearray(path.read_bytes())
    data[int(place * len(data))] ^= flip
    path.write_bytes(data)
    try:
        outcome = TextModel.load(path).digest
    except BadInput as error:
        outcome = bool(error.hint)
    assert outcome in (model.digest, True)


@pytest.mark.parametrize("data", [b"", b"PK", b"nonsense" * 100, b"\x93NUMPY\x01\x00v\x00{'descr': '|O'}"])
def test_a_foreign_file_is_refused(tmp_path, data):
    path = tmp_path / "m.npz"
    path.write_bytes(data)
    with pytest.raises(BadInput, match="not a text model"):
        TextModel.load(path)


def test_a_file_with_pickles_or_other_arrays_is_refused(tmp_path):
    np.savez(tmp_path / "pickled.npz", meta=np.array([{"a": 1}], dtype=object))
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    for name in ("pickled.npz", "other.npz"):
        with pytest.raises(BadInput, match="not a text model"):
            TextModel.load(tmp_path / name)


def test_a_changed_description_is_noticed(model, tmp_path):
    path = tmp_path / "m.npz"
    model.save(path)
    with np.load(path) as arrays:
        parts = dict(arrays)
    head = json.loads(parts["meta"].tobytes())
    head["meta"]["labels"] = ["delivery", "copy", "oos"]
    parts["meta"] = np.frombuffer(json.dumps(head).encode(), dtype=np.uint8)
    np.savez(path, **parts)
    with pytest.raises(BadInput, match="does not match its own hash"):
        TextModel.load(path)


def test_missing_files_and_folders_are_named(model, tmp_path):
    with pytest.raises(BadInput, match=r"none\.npz"):
        TextModel.load(tmp_path / "none.npz")
    with pytest.raises(BadInput, match="nowhere"):
        model.save(tmp_path / "nowhere" / "m.npz")


def test_validation_with_an_unknown_label_is_refused():
    with pytest.raises(BadInput, match="strange"):
        train(EXAMPLES, validation=[Example(text="x", label="strange")])


def test_given_validation_is_not_trained_on():
    validation = [Example(text="zebra zebra zebra", label="copy"), Example(text="pallet reached gate", label="delivery")]
    given_it = train(EXAMPLES, validation=validation)
    assert given_it.meta.examples == len(EXAMPLES)
    assert given_it.predict("zebra zebra zebra").novelty > 0.5


def test_a_group_is_never_on_both_sides():
    from shiftlead.agents.text_training import _split

    examples = [Example(text=f"{thing} {n}", label="copy", group=thing) for thing in THINGS for n in range(5)]
    split = _split(examples, Random(0))
    assert not {example.group for example in split.fit} & {example.group for example in split.held_out}
    assert len(split.held_out) == 2 * 2


def test_texts_without_words_are_refused():
    with pytest.raises(BadInput, match="no words in common"):
        train([Example(text=text, label=label) for text, label in [("?", "a"), ("!", "a"), ("1", "b"), ("2", "b")]])


def test_without_scikit_learn_the_error_names_the_extra(monkeypatch):
    real = builtins.__import__

    def absent(name, *rest, **named):
        if name.startswith("sklearn"):
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(SettingsError, match=r"pip install 'shiftlead\[train\]'"):
        train(EXAMPLES)


def test_the_head_keeps_the_order_and_the_range():
    calibration = Calibration(temperature=0.2, head=(-5.0, 0.1, 0.1, 0.1, 0.1, 0.0), novelty_limit=0.5)
    found = calibration.probabilities(Margins(np.array([0.5, 0.4, -1.0], dtype=np.float32), 0.0))
    assert found.argmax() == 0
    assert found.min() >= 0
    assert found.sum() <= 1 + 1e-9
    assert [calibration.damping(novelty) for novelty in (0.2, 0.5, 0.75, 1.0)] == [1, 1, 0.5, 0]


def test_calibration_error_and_auroc_on_hand_made_figures():
    assert calibration_error([1.0, 1.0, 0.0], [True, False, False]) == pytest.approx(1 / 3)
    assert calibration_error([0.75] * 4, [True, True, True, False]) == pytest.approx(0)
    assert auroc(np.array([0.9, 0.5, 0.5, 0.1]), np.array([True, True, False, False])) == pytest.approx(0.875)
    assert auroc(np.array([0.9]), np.array([True])) is None


def test_the_shipped_model_knows_every_intent_and_is_small(shipped):
    assert set(shipped.labels) == set(intents())
    assert SHIPPED.stat().st_size <= 5_000_000


def test_the_shipped_model_on_the_companys_texts(shipped):
    texts = json.loads((SHIPPED.parents[1] / "connectors" / "company_texts.json").read_text(encoding="utf-8"))
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
    assert inside.accuracy >= 0.93
    assert inside.ece <= 0.02
    assert score(trained, value + outside).oos_auroc >= 0.955


@pytest.mark.slow
def test_banking77_floors(shared_data):
    examples = list(read_examples(shared_data / "triage" / "banking77" / "train.csv").examples)
    Random(0).shuffle(examples)
    cut = int(0.85 * len(examples))
    found = score(train(examples[:cut]), examples[cut:])
    assert found.accuracy >= 0.90
    assert found.ece <= 0.02


@pytest.mark.slow
def test_the_companys_texts_are_none_of_the_models(shared_data):
    from shiftlead.agents.triage_corpus import build, company_texts

    folder = shared_data / "triage"
    learnt = {example.text.lower() for example in build(folder)}
    groups = {example.group for example in build(folder)}
    texts = company_texts(folder)
    assert not [text for listed in texts.values() for text in listed if text.lower() in learnt or text in groups]
    shipped = json.loads((SHIPPED.parents[1] / "connectors" / "company_texts.json").read_text(encoding="utf-8"))
    assert {label: listed for label, listed in shipped.items() if label != "_source"} == texts
