"""Ranges: numbers that a promise may be computed from; anything else is refused before it counts."""

from math import isfinite

from ..core.errors import BadInput


def strictly_between(name: str, value: float) -> None:
    """Raise BadInput unless `value` lies between 0 and 1 and is neither."""
    if not 0 < value < 1:
        raise BadInput(f"{name} is {value!r}.", hint="Give a number between 0 and 1, such as 0.02.")


def ratio(name: str, value: float) -> None:
    """Raise BadInput unless `value` is 0, 1 or lies between them."""
    if not 0 <= value <= 1:
        raise BadInput(f"{name} is {value!r}.", hint="Give a number from 0 to 1.")


def chance(name: str, value: float) -> None:
    """Raise BadInput unless `value` is a chance with which something did happen: above 0, at most 1."""
    if not 0 < value <= 1:
        raise BadInput(f"{name} is {value!r}.", hint="Give a chance above 0 and at most 1.")


def finite(name: str, value: float) -> None:
    """Raise BadInput where `value` is infinite or no number."""
    if not isfinite(value):
        raise BadInput(f"{name} is {value!r}.", hint="Take out cases without a score; a person sees those anyway.")
