"""What the shipped reply brain learns from: our own wordings, and folds in which no family of wordings is on both sides.

Train it anew with `python examples/train_reply_brain.py FOLDER`.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any

import yaml

from .own_words import own_words
from .text_data import Example
from .triage_corpus import fill

FOLDS = 5
_ALSO = {
    "billing_dispute": "dispute", "promise_to_pay": "promise", "out_of_office": "out_of_office", "unsubscribe_or_opt_out": "opt_out",
    "already_paid": "paid_already", "remittance_advice": "paid_already", "payment_plan_request": "question", "invoice_copy": "question",
    "thank_you": "question", "order_status": "out_of_scope", "price_quote": "out_of_scope",
}  # fmt: skip
"""The help desk's own utterances that are answers to a reminder too; each intent is one more family."""

Wordings = Mapping[str, Mapping[str, Sequence[str]]]
"""Label to family to wordings with unfilled slots."""


@cache
def wordings() -> Wordings:
    """The wordings that the shipped brain learns from."""
    found: dict[str, dict[str, Sequence[str]]] = {
        label: dict(families) for label, families in _loaded("reply_utterances.yaml").items() if label != "version"
    }
    for intent, parts in _loaded("triage_utterances.yaml").items():
        if intent in _ALSO:
            found[_ALSO[intent]][f"desk {intent}"] = parts["train"]
    return found


@cache
def unseen() -> Wordings:
    """What only the embedded company's customers write: no brain that ships has learnt from it."""
    found: dict[str, dict[str, Sequence[str]]] = {}
    for intent, parts in _loaded("triage_utterances.yaml").items():
        if intent in _ALSO:
            found.setdefault(_ALSO[intent], {})[f"desk {intent}"] = parts["company"]
    return found


def examples_of(parts: Wordings, *, seed: int = 0) -> list[Example]:
    """Every wording with values in its slots, read as a reply is; examples of one family are held out together."""
    return list(_filled(parts, Random(seed)))  # noqa: S311 - seeded on purpose


def folds(examples: Sequence[Example]) -> list[tuple[list[Example], list[Example]]]:
    """`FOLDS` ways of fitting on most families and judging the others; every example is judged once."""
    names = sorted({(one.label, one.group) for one in examples})
    fold_of: dict[str, int] = {}
    for label in {label for label, _ in names}:
        fold_of |= {group: place % FOLDS for place, group in enumerate(group for own, group in names if own == label)}
    return [
        (
            [one for one in examples if fold_of[one.group] != fold],
            [one for one in examples if fold_of[one.group] == fold],
        )
        for fold in range(FOLDS)
    ]


def _filled(parts: Wordings, random: Random) -> Iterator[Example]:
    for label, families in parts.items():
        for family, texts in families.items():
            yield from (Example(text=own_words(fill(text, random)), label=label, group=f"{label}/{family}") for text in texts)


def _loaded(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(files(__package__).joinpath(name).read_text(encoding="utf-8"))
    return found
