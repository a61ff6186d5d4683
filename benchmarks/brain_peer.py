"""The peer of the brains: scikit-learn's TF-IDF of words and letters under a linear SVM or a logistic regression, with a temperature."""

import pickle
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, Self

import numpy as np
from brain_traffic import Answers

from shiftlead.agents.text_brain import OUT_OF_SCOPE
from shiftlead.agents.text_calibration import softmax
from shiftlead.agents.text_data import Example
from shiftlead.agents.text_training import split
from shiftlead.agents.text_tuning import temperature

PEERS = ("tfidf_svc", "tfidf_lr")


class Tfidf:
    """The peer."""

    def __init__(self, examples: Sequence[Example], kind: str) -> None:
        fit, apart = split(examples, Random(0))
        first = self._fitted([examples[row] for row in fit], kind)
        self.labels: list[str] = list(first.classes_)
        places = {label: place for place, label in enumerate(self.labels)}
        truth = np.array([places[examples[row].label] for row in apart])
        self.temperature = temperature(first.decision_function([examples[row].text for row in apart]), truth)
        self.model = self._fitted(examples, kind)

    @staticmethod
    def _fitted(examples: Sequence[Example], kind: str) -> Any:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline, make_union
        from sklearn.svm import LinearSVC

        letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, min_df=2)
        both = make_union(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), letters)
        model = LinearSVC(random_state=0) if kind == "tfidf_svc" else LogisticRegression(C=10, tol=1e-3, max_iter=300)
        return make_pipeline(both, model).fit([one.text for one in examples], [one.label for one in examples])

    def answers(self, texts: Sequence[str]) -> Answers:
        """What it says of each text."""
        if not texts:
            return Answers([], np.zeros(0), np.zeros(0))
        chances = softmax(self.model.decision_function(list(texts)) / self.temperature)
        inside = [label not in OUT_OF_SCOPE for label in self.labels]
        best = chances.argmax(axis=1)
        return Answers([self.labels[place] for place in best], chances.max(axis=1), chances[:, inside].max(axis=1))

    def save(self, file: Path) -> None:
        """Keep it in `file`."""
        file.write_bytes(pickle.dumps({"labels": self.labels, "temperature": self.temperature, "model": self.model}))

    @classmethod
    def load(cls, file: Path) -> Self:
        """The peer that `save` kept."""
        peer = cls.__new__(cls)
        peer.__dict__ |= pickle.loads(file.read_bytes())
        return peer

    def predict(self, text: str) -> Answers:
        """The same of one text."""
        return self.answers([text])
