"""Cases and truth must belong together before anything is scored."""

import json

import pytest

from shiftlead.core.errors import BadInput
from shiftlead.evals.dataset import load_invoices


def rows(*ids, **more):
    return "\n".join(json.dumps({"id": one, **more}) for one in ids)


TRUE = {"labels": [], "route": "auto_post"}

REFUSED = [
    # an id twice, in cases and in truth
    (rows("A", "A"), rows("A", **TRUE), r"cases.jsonl, line 2: the id 'A' is there twice"),
    (rows("A"), rows("A", "A", **TRUE), r"truth.jsonl, line 2: the id 'A' is there twice"),
    # an id without its other half
    (rows("A", "B"), rows("A", **TRUE), r"truth.jsonl lacks 1 ids that the other file has: B"),
    (rows("A"), rows("A", "B", **TRUE), r"cases.jsonl lacks 1 ids that the other file has: B"),
    # no id at all
    ("{}", rows("A", **TRUE), r"cases.jsonl, line 1: expected a non-empty id, found None"),
    # no JSON, no object, no truth
    ("{", rows("A", **TRUE), r"cases.jsonl, line 1: it is not JSON"),
    ("[]", rows("A", **TRUE), r"cases.jsonl, line 1: expected an object, found list"),
    (rows("A"), rows("A", labels=[]), r"truth.jsonl, line 1: route: Field required"),
    # nothing
    ("", "", "holds no cases"),
]


@pytest.mark.parametrize(("cases", "truth", "message"), REFUSED)
def test_what_does_not_belong_together_is_refused(tmp_path, cases, truth, message):
    (tmp_path / "cases.jsonl").write_text(cases, encoding="utf-8")
    (tmp_path / "truth.jsonl").write_text(truth, encoding="utf-8")
    with pytest.raises(BadInput, match=message):
        load_invoices(tmp_path / "cases.jsonl", tmp_path / "truth.jsonl")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BadInput, match=r"none\.jsonl' cannot be read: No such file"):
        load_invoices(tmp_path / "none.jsonl", tmp_path / "none.jsonl")


def test_truth_is_in_the_order_of_the_cases(tmp_path):
    (tmp_path / "cases.jsonl").write_text(rows("B", "A") + "\n\n", encoding="utf-8")
    (tmp_path / "truth.jsonl").write_text(rows("A", "B", **TRUE, scenario="clean"), encoding="utf-8")
    dataset = load_invoices(tmp_path / "cases.jsonl", tmp_path / "truth.jsonl")
    assert [truth.id for truth in dataset.truths] == ["B", "A"]
    assert len(dataset) == 2
