"""The invoices eval: the embedded brain's labels, routes and automatic posts against the truth."""

import json
from pathlib import Path

from ..agents.invoice_assessment import AssessedInvoice, assess_lines
from ..agents.invoice_cases import Problem
from ..agents.invoice_settings import InvoiceSettings
from ..agents.playbook import Playbook, shipped_playbook
from . import scorers
from .dataset import Dataset, InvoiceTruth, load_invoices
from .report import CaseResult, Report


def score_invoices(cases: Path, truth: Path, *, playbook: Playbook | None = None) -> Report:
    """Assess every case and score it; raises BadInput where cases and truth do not belong together."""
    return score_dataset(load_invoices(cases, truth), playbook=playbook, origin=str(cases))


def score_dataset(dataset: Dataset, *, playbook: Playbook | None = None, origin: str = "cases") -> Report:
    """Assess every case of a dataset and score it."""
    playbook = playbook or shipped_playbook("invoices")
    answers: dict[str, AssessedInvoice] = {}
    problems: list[str] = []
    for result in assess_lines(dataset.lines, InvoiceSettings.of(playbook), origin=origin):
        if isinstance(result, Problem):
            problems.append(str(result))
        else:
            answers[result.id] = result
    truths = dataset.truths
    return Report(
        name="invoices",
        subject=f"{playbook.ref}, embedded brain",
        n=len(truths),
        exact_labels=scorers.exact_labels(truths, answers),
        routes=scorers.routes(truths, answers),
        touchless=scorers.touchless(truths, answers),
        wrong_autos=scorers.wrong_autos(truths, answers, _currencies(dataset)),
        labels=scorers.labels(truths, answers),
        confusion=scorers.confusion(truths, answers),
        cases=tuple(_result(one, answers.get(one.id)) for one in truths),
        problems=tuple(problems),
    )


def _currencies(dataset: Dataset) -> dict[str, str]:
    found: dict[str, str] = {}
    for line, truth in zip(dataset.lines, dataset.truths, strict=True):
        invoice = json.loads(line).get("invoice")
        if isinstance(invoice, dict) and isinstance(invoice.get("currency"), str):
            found[truth.id] = invoice["currency"]
    return found


def _result(truth: InvoiceTruth, answer: AssessedInvoice | None) -> CaseResult:
    if answer is None:
        return CaseResult(id=truth.id, passed=False, detail="the case could not be read")
    passed = set(answer.labels) == set(truth.labels) and answer.route == truth.route
    detail = f"expected {truth.route} {list(truth.labels)}, found {answer.route} {list(answer.labels)}"
    return CaseResult(id=truth.id, passed=passed, detail="" if passed else detail)
