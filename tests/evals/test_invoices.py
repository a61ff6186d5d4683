"""The invoices eval end to end: reports for people and machines, and the thresholds on the shared set."""

import json
from xml.etree import ElementTree as ET

from shiftlead.evals.dataset import Dataset, InvoiceTruth, load_invoices
from shiftlead.evals.invoices import score_dataset, score_invoices

UNREADABLE = Dataset(
    lines=('{"id": "A\\u0001", "invoice": 3}',),
    truths=(InvoiceTruth(id="A\u0001", labels=("duplicate",), route="reject_duplicate"),),
)


def test_a_case_that_cannot_be_read_counts_as_wrong_and_is_named():
    report = score_dataset(UNREADABLE, origin="cases.jsonl")
    assert (report.exact_labels.hits, report.n) == (0, 1)
    assert report.problems == ("cases.jsonl, line 1, id: expected a non-empty string of printable characters, found 'A\\x01'",)
    assert "duplicate -> no answer" in report.text()


def test_reports_for_machines_parse_and_carry_n_and_interval():
    report = score_dataset(UNREADABLE)
    data = json.loads(report.as_json())
    assert data["exact_labels"] == {"value": 0.0, "hits": 0, "n": 1, "low": 0.0, "high": data["exact_labels"]["high"]}
    assert 0.79 < data["exact_labels"]["high"] < 0.80
    suite = ET.fromstring(report.as_junit())
    assert (suite.get("tests"), suite.get("failures")) == ("1", "1")
    assert suite.find("testcase/failure") is not None


def test_the_shared_set_keeps_its_thresholds(shared_data):
    folder = shared_data / "invoices" / "three_way_match"
    report = score_invoices(folder / "cases.jsonl", folder / "truth.jsonl")
    assert report.n == 239
    assert report.exact_labels.value >= 0.97
    assert report.routes.value >= 0.97
    assert report.wrong_autos.share.hits == 0
    assert report.touchless.value >= 0.5
    assert report.problems == ()


def test_one_wrong_truth_shows_in_every_part_of_the_report(shared_data):
    folder = shared_data / "invoices" / "three_way_match"
    whole = load_invoices(folder / "cases.jsonl", folder / "truth.jsonl")
    at = next(index for index, truth in enumerate(whole.truths) if truth.route == "auto_post")
    lie = whole.truths[at].model_copy(update={"labels": ("duplicate",), "route": "reject_duplicate", "amount_at_risk": 100})
    report = score_dataset(whole.model_copy(update={"truths": (*whole.truths[:at], lie, *whole.truths[at + 1 :])}))
    assert report.exact_labels.hits == report.n - 1
    assert report.wrong_autos.ids == (lie.id,)
    assert report.confusion == {"duplicate -> clean": 1}
    assert [case.id for case in report.failed] == [lie.id]
    assert report.failed[0].detail == "expected reject_duplicate ['duplicate'], found auto_post []"
