"""Scores worked out by hand on five cases."""

from decimal import Decimal

import pytest

from shiftlead.agents.invoice_assessment import AssessedInvoice
from shiftlead.evals import scorers
from shiftlead.evals.dataset import InvoiceTruth
from shiftlead.evals.statistics import Share


def truth(case, *labels, route="human_review", risk="0"):
    return InvoiceTruth(id=case, labels=labels, route=route, amount_at_risk=Decimal(risk))


def answer(case, *labels, route="human_review", auto=False):
    return AssessedInvoice(id=case, labels=labels, route=route, confidence=0.99, auto=auto)


TRUTHS = (
    truth("right"  , "price_variance"),
    truth("clean", route="auto_post"),
    truth("missed", "duplicate", route="reject_duplicate", risk="119.50"),
    truth("partly", "price_variance", "qty_over_po"),
    truth("unread", "tax_variance"),
)  # fmt: skip
ANSWERS = {
    one.id: one
    for one in (
        answer("right", "price_variance"),
        answer("clean", route="auto_post", auto=True),
        answer("missed", route="auto_post", auto=True),
        answer("partly", "price_variance"),
    )
}


def test_exact_labels_count_a_case_without_an_answer_as_wrong():
    assert scorers.exact_labels(TRUTHS, ANSWERS) == Share(hits=2, n=5)


def test_routes_and_touchless_share():
    assert scorers.routes(TRUTHS, ANSWERS) == Share(hits=3, n=5)
    assert scorers.touchless(TRUTHS, ANSWERS) == Share(hits=2, n=5)


def test_precision_and_recall_by_label():
    found = {score.label: (score.precision, score.recall) for score in scorers.labels(TRUTHS, ANSWERS)}
    assert found["price_variance"] == (Share(hits=2, n=2), Share(hits=2, n=2))
    assert found["qty_over_po"] == (Share(hits=0, n=0), Share(hits=0, n=1))
    assert list(found) == ["duplicate", "price_variance", "qty_over_po", "tax_variance"]


def test_wrong_autos_carry_the_money_at_risk_by_currency():
    wrong = scorers.wrong_autos(TRUTHS, ANSWERS, {"missed": "CHF"})
    assert (wrong.share, wrong.ids, wrong.leaked) == (Share(hits=1, n=2), ("missed",), {"CHF": Decimal("119.50")})
    assert wrong.upper == pytest.approx(0.974679, abs=1e-6)


def test_confusion_says_what_was_taken_for_what():
    assert scorers.confusion(TRUTHS, ANSWERS) == {
        "duplicate -> clean": 1,
        "price_variance+qty_over_po -> price_variance": 1,
        "tax_variance -> no answer": 1,
    }
