"""Scorers: what was answered against what is true, each number with its n and interval."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from ..agents.invoice_assessment import AssessedInvoice
from ..core.money import Exact
from ..core.noun import Noun
from ..guardrails.binomial import upper_bound
from .dataset import InvoiceTruth
from .statistics import Share

AUTO = "auto_post"

Answers = Mapping[str, AssessedInvoice]
"""What was answered, by case id; a case without an answer counts as wrong and as not automatic."""

Judge = Callable[[InvoiceTruth, AssessedInvoice], bool]
"""Whether an answer is right."""


class LabelScore(Noun):
    """How well one label is found."""

    label: str
    precision: Share
    """Of those that carry the label in the answers, how many do in truth."""
    recall: Share
    """Of those that carry it in truth, how many do in the answers."""


class WrongAutos(Noun):
    """Cases that would have run without a person although they should not have."""

    share: Share
    """Of all that ran without a person."""
    upper: float
    """With 95 % confidence the true share is no higher (Clopper-Pearson, one-sided)."""
    ids: tuple[str, ...]
    leaked: dict[str, Exact]
    """Money at risk in them, by currency."""


def exact_labels(truths: Sequence[InvoiceTruth], answers: Answers) -> Share:
    """Cases whose set of labels is exactly right."""
    return _share(truths, answers, lambda truth, answer: set(answer.labels) == set(truth.labels))


def routes(truths: Sequence[InvoiceTruth], answers: Answers) -> Share:
    """Cases that go where they should."""
    return _share(truths, answers, lambda truth, answer: answer.route == truth.route)


def touchless(truths: Sequence[InvoiceTruth], answers: Answers) -> Share:
    """Cases that run without a person, right or wrong."""
    return _share(truths, answers, lambda _, answer: answer.auto)


def labels(truths: Sequence[InvoiceTruth], answers: Answers) -> tuple[LabelScore, ...]:
    """Precision and recall of every label that occurs in truth or answers."""
    real, said, both = Counter[str](), Counter[str](), Counter[str]()
    for truth in truths:
        answer = answers.get(truth.id)
        given = set(answer.labels) if answer else set()
        real.update(set(truth.labels))
        said.update(given)
        both.update(given & set(truth.labels))
    return tuple(
        LabelScore(
            label=label,
            precision=Share(hits=both[label], n=said[label]),
            recall=Share(hits=both[label], n=real[label]),
        )
        for label in sorted({*real, *said})
    )


def wrong_autos(truths: Sequence[InvoiceTruth], answers: Answers, currencies: Mapping[str, str]) -> WrongAutos:
    """What would have run without a person and should not have, with the money at risk in it."""
    autos = [truth for truth in truths if (answer := answers.get(truth.id)) and answer.auto]
    wrong = [truth for truth in autos if truth.route != AUTO]
    leaked: dict[str, Decimal] = {}
    for truth in wrong:
        currency = currencies.get(truth.id, "XXX")
        leaked[currency] = leaked.get(currency, Decimal(0)) + truth.amount_at_risk
    return WrongAutos(
        share=Share(hits=len(wrong), n=len(autos)),
        upper=upper_bound(len(wrong), len(autos)) if autos else 1.0,
        ids=tuple(truth.id for truth in wrong),
        leaked=leaked,
    )


def confusion(truths: Sequence[InvoiceTruth], answers: Answers) -> dict[str, int]:
    """Cases whose labels are not exactly right, counted by `true labels -> answered labels`."""
    wrong: Counter[str] = Counter()
    for truth in truths:
        answer = answers.get(truth.id)
        if answer is None or set(answer.labels) != set(truth.labels):
            wrong[f"{_named(truth.labels)} -> {_named(answer.labels) if answer else 'no answer'}"] += 1
    return dict(wrong.most_common())


def _named(found: Sequence[str]) -> str:
    return "+".join(sorted(found)) or "clean"


def _share(truths: Sequence[InvoiceTruth], answers: Answers, right: Judge) -> Share:
    hits = sum(1 for truth in truths if (answer := answers.get(truth.id)) is not None and right(truth, answer))
    return Share(hits=hits, n=len(truths))
