"""Fitting in plain numpy: minimising a smooth function, and logistic regression with two labels or many."""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Slope = Callable[[Numbers], tuple[float, Numbers]]
"""A function's value and its gradient at a point."""
_REMEMBERED = 10
_STEPS = 30
"""Halvings of a step before a minimum is taken as reached."""
_ENOUGH = 1e-4
"""The share of the promised decrease that a step must bring (Armijo)."""


class Linear(NamedTuple):
    """A fitted linear model."""

    weights: NDArray[np.float32]
    """One row per feature, one column per label."""
    bias: NDArray[np.float32]

    def values(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """How far each row of `features` lies on each label's side."""
        return features @ self.weights + self.bias


def minimum(slope: Slope, start: Numbers, *, rounds: int, close: float = 1e-5) -> Numbers:
    """Where `slope` is least, by L-BFGS with backtracking (Nocedal and Wright, Numerical Optimization, algorithm 7.5).

    Stops after `rounds`, or when a round lowers the value by less than the share `close` of it.
    """
    point = start.copy()
    value, gradient = slope(point)
    past: deque[tuple[Numbers, Numbers, float]] = deque(maxlen=_REMEMBERED)
    for _ in range(rounds):
        direction = _direction(gradient, past)
        promised = float(direction @ gradient)
        if promised >= 0:
            break
        step = 1.0 if past else min(1.0, 1.0 / max(float(np.abs(gradient).sum()), 1e-12))
        for _ in range(_STEPS):
            there = point + step * direction
            new_value, new_gradient = slope(there)
            if new_value <= value + _ENOUGH * step * promised:
                break
            step /= 2
        else:
            break
        moved, turned = there - point, new_gradient - gradient
        bend = float(moved @ turned)
        if bend > 1e-12:
            past.append((moved, turned, bend))
        done = value - new_value <= close * max(abs(value), 1e-12) and len(past) > 1
        point, value, gradient = there, new_value, new_gradient
        if done:
            break
    return point


def _direction(gradient: Numbers, past: deque[tuple[Numbers, Numbers, float]]) -> Numbers:
    """Downhill, bent by what the last rounds told about the curvature (two-loop recursion)."""
    found = -gradient
    shares = []
    for moved, turned, bend in reversed(past):
        share = float(moved @ found) / bend
        shares.append(share)
        found -= share * turned
    if past:
        _, turned, bend = past[-1]
        found *= bend / float(turned @ turned)
    for (moved, turned, bend), share in zip(past, reversed(shares), strict=True):
        found += (share - float(turned @ found) / bend) * moved
    return found


def multinomial(
    features: NDArray[np.float32],
    truth: NDArray[np.int64],
    labels: int,
    *,
    penalty: float,
    start: Linear | None = None,
    rounds: int = 80,
) -> Linear:
    """Logistic regression over `labels` labels: least surprise over all rows plus half of `penalty` times the squared weights."""
    rows, columns = features.shape
    numbers = np.arange(rows)

    def slope(point: Numbers) -> tuple[float, Numbers]:
        at = point.reshape(columns + 1, labels).astype(np.float32)
        values = features @ at[:-1]
        values += at[-1]
        values -= values.max(axis=1, keepdims=True)
        right = values[numbers, truth].astype(np.float64).sum()
        np.exp(values, out=values)
        sums = values.sum(axis=1, keepdims=True)
        loss = float(np.log(sums, dtype=np.float64).sum() - right) + 0.5 * penalty * float(point[:-labels] @ point[:-labels])
        values /= sums
        values[numbers, truth] -= 1
        gradient = np.empty((columns + 1, labels))
        gradient[:-1] = features.T @ values
        gradient[:-1] += penalty * point[:-labels].reshape(columns, labels)
        gradient[-1] = values.sum(axis=0)
        return loss, gradient.ravel()

    origin = (
        np.zeros((columns + 1, labels)) if start is None else np.vstack([start.weights, start.bias[None]]).astype(np.float64)
    )
    found = minimum(slope, origin.ravel(), rounds=rounds).reshape(columns + 1, labels).astype(np.float32)
    return Linear(found[:-1], found[-1])


def logistic(features: Numbers, right: NDArray[np.bool_], *, penalty: float = 1.0) -> tuple[float, ...]:
    """Intercept and weights of a logistic regression for yes or no; the features are scaled to like spread for the penalty."""
    middle, spread = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-6)
    scaled = (features - middle) / spread
    sign = np.where(right, 1.0, -1.0)

    def slope(point: Numbers) -> tuple[float, Numbers]:
        odds = sign * (scaled @ point[1:] + point[0])
        loss = float(np.logaddexp(0, -odds).sum()) + 0.5 * penalty * float(point[1:] @ point[1:])
        pull = -sign / (1 + np.exp(np.clip(odds, -500, 500)))
        return loss, np.concatenate([[pull.sum()], scaled.T @ pull + penalty * point[1:]])

    found = minimum(slope, np.zeros(features.shape[1] + 1), rounds=500, close=1e-10)
    weights = found[1:] / spread
    return tuple(round(float(value), 6) for value in (found[0] - weights @ middle, *weights))
