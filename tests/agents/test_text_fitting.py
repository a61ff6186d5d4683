"""Fitting in numpy, against scikit-learn as the second opinion; and what whitening may and may not change."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shiftlead.agents.text_fitting import logistic, minimum, multinomial
from shiftlead.agents.text_whitening import Whitening


def clouds(seed, *, texts=120, width=6, labels=4):
    random = np.random.default_rng(seed)
    truth = np.arange(texts) % labels
    middles = random.normal(size=(labels, width)) * 1.5
    return (middles[truth] + random.normal(size=(texts, width))).astype(np.float32), truth


@pytest.mark.parametrize("penalty", [0.3, 3.0])
@pytest.mark.parametrize("labels", [2, 4])
def test_many_labels_come_out_as_in_scikit_learn(penalty, labels):
    linear_model = pytest.importorskip("sklearn.linear_model")
    features, truth = clouds(1, labels=labels)
    ours = multinomial(features, truth, labels, penalty=penalty, rounds=500)
    if labels == 2:
        # Two sets of weights share what scikit-learn's one set carries, which halves the penalty on it.
        theirs = linear_model.LogisticRegression(C=2 / penalty, tol=1e-8, max_iter=5000).fit(features, truth)
        expected = np.column_stack([np.zeros(len(truth)), theirs.decision_function(features)])
    else:
        theirs = linear_model.LogisticRegression(C=1 / penalty, tol=1e-8, max_iter=5000).fit(features, truth)
        expected = theirs.decision_function(features)
    found = ours.values(features)
    assert found - found[:, :1] == pytest.approx(expected - expected[:, :1], abs=0.05)


def test_yes_or_no_comes_out_as_in_scikit_learn():
    linear_model = pytest.importorskip("sklearn.linear_model")
    features, truth = clouds(2, labels=2)
    features = (features * [1, 10, 0.1, 1, 1, 1] + 3).astype(np.float64)
    intercept, *weights = logistic(features, truth == 1)
    scaled = (features - features.mean(axis=0)) / features.std(axis=0)
    theirs = linear_model.LogisticRegression(C=1.0, tol=1e-10, max_iter=5000).fit(scaled, truth)
    assert features @ weights + intercept == pytest.approx(theirs.decision_function(scaled), abs=1e-2)


@given(st.integers(0, 10_000))
@settings(deadline=None, max_examples=25)
def test_a_quadratic_is_solved(seed):
    random = np.random.default_rng(seed)
    root, target = random.normal(size=(5, 5)), random.normal(size=5)
    matrix = root @ root.T + np.eye(5)
    found = minimum(
        lambda at: (float(at @ matrix @ at / 2 - target @ at), matrix @ at - target), np.zeros(5), rounds=200, close=1e-14
    )
    assert found == pytest.approx(np.linalg.solve(matrix, target), abs=1e-4)


def test_a_start_near_the_minimum_ends_in_the_same_place():
    features, truth = clouds(3)
    cold = multinomial(features, truth, 4, penalty=1.0, rounds=500)
    warm = multinomial(features, truth, 4, penalty=1.0, rounds=500, start=multinomial(features, truth, 4, penalty=10.0))
    assert warm.values(features) == pytest.approx(cold.values(features), abs=0.2)


@pytest.mark.parametrize("texts", [8, 120])
def test_whitening_keeps_the_size_and_evens_out_the_spread_within_labels(texts):
    features, truth = clouds(4, texts=texts, width=20)
    features[:, 0] += np.random.default_rng(5).normal(size=texts).astype(np.float32) * 8
    white = Whitening.of(features, truth, 4)
    centred = features - features.mean(axis=0)
    assert np.linalg.norm(white(centred)) == pytest.approx(np.linalg.norm(centred), rel=1e-3)
    before, after = (np.std(part, axis=0) for part in (centred, white(centred)))
    assert after[0] / np.median(after[1:]) < before[0] / np.median(before[1:])


def test_whitening_is_linear_and_symmetric():
    features, truth = clouds(6, width=8)
    white = Whitening.of(features, truth, 4)
    matrix = white(np.eye(8, dtype=np.float32))
    assert matrix == pytest.approx(matrix.T, abs=1e-5)
    assert white(features) == pytest.approx(features @ matrix, abs=1e-3)


def test_texts_that_are_all_alike_are_left_as_they_are():
    features = np.ones((6, 4), dtype=np.float32)
    assert Whitening.of(features, np.array([0, 0, 0, 1, 1, 1]), 2)(features) == pytest.approx(features)
