"""The batch form: good lines give answers, bad lines give one clear problem each, and the shared set keeps its thresholds."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftlead.agents.invoice_assessment import assess_file
from shiftlead.agents.invoice_cases import InvoiceCase, Problem, read_case
from shiftlead.agents.invoice_settings import InvoiceSettings
from shiftlead.agents.playbook import shipped_playbook
from shiftlead.core.errors import BadInput

SETTINGS = InvoiceSettings.of(shipped_playbook("invoices"))


def case(**changed):
    line = {"line": 1, "sku": "A", "desc": "Paper", "qty": 10.0, "unit": "C62", "price": 0.1, "vat_rate": 19.0}
    made = {
        "id": "AP1",
        "received_on": "2026-09-12",
        "invoice": {
            "number": "RE1",
            "issue_date": "2026-09-10",
            "due_date": "2026-10-10",
            "currency": "EUR",
            "supplier": "Nordlicht GmbH",
            "supplier_vat": None,
            "vendor_id": "V1",
            "iban": "DE1",
            "po_number": "45001",
            "note": "",
            "lines": [{**line, "net": 1.0}],
            "net": 1.0,
            "tax": 0.19,
            "gross": 1.19,
            "payable": 1.19,
        },
        "purchase_orders": [
            {"number": "45001", "vendor_id": "V1", "date": "2026-09-01", "currency": "EUR", "match": "2way", "lines": [line]}
        ],
        "goods_receipts": [],
        "vendor_master": [{"vendor_id": "V1", "name": "Nordlicht GmbH", "iban": "DE1", "vat_id": None, "blocked": False}],
        "prior_invoices": [],
    }
    for path, value in changed.items():
        *parents, last = path.split("__")
        place = made
        for name in parents:
            place = place[int(name) if name.isdigit() else name]
        if value is ...:
            del place[last]
        else:
            place[last] = value
    return made


def read(raw):
    return read_case(raw if isinstance(raw, str) else json.dumps(raw), origin="cases.jsonl", line=7)


def test_a_case_becomes_records_with_exact_amounts():
    found = read(case())
    assert isinstance(found, InvoiceCase)
    assert found.invoice.lines[0].price == Decimal("0.1")
    assert found.matched(SETTINGS).labels == ()


def test_digits_that_binary_floats_add_are_rounded_off():
    found = read(case(invoice__lines__0__qty=123.11000000000001))
    assert isinstance(found, InvoiceCase)
    assert found.invoice.lines[0].quantity == Decimal("123.11")


def test_article_numbers_may_be_written_as_numbers():
    found = read(case(invoice__lines__0__sku=1034, purchase_orders__0__lines__0__sku="1034"))
    assert isinstance(found, InvoiceCase)
    assert found.invoice.lines[0].sku == "1034"


BAD = [
    # not JSON, not an object
    ("{", "the line", "one JSON object"),
    ("[1]", "the line", "a JSON object"),
    ('{"id": NaN}', "the line", "one JSON object"),
    ("[" * 100_000, "the line", "one JSON object"),
    # no id, an empty one
    (case(id=...), "id", "a non-empty string"),
    (case(id=""), "id", "a non-empty string"),
    # an id that cannot be written out again
    (case(id="\ud800"), "id", "printable"),
    # no invoice, no list, no line
    (case(invoice=None), "invoice", "a JSON object"),
    (case(purchase_orders={}), "purchase_orders", "a list"),
    (case(invoice__lines=[]), "invoice.lines", "at least one line"),
    # a missing amount, one in words, one beyond reason
    (case(invoice__gross=...), "invoice.gross", "a value"),
    (case(invoice__gross="twelve"), "invoice.gross", "a number"),
    (case(invoice__gross="1,190.00"), "invoice.gross", "a number"),
    (case(invoice__gross=True), "invoice.gross", "a number"),
    (json.dumps(case()).replace('"gross": 1.19', '"gross": 1e99'), "invoice.gross", "a number below 10^16"),
    # a wrong date, currency, kind of order
    (case(invoice__issue_date="10.09.2026"), "invoice.issue_date", "date"),
    (case(invoice__currency="Euro"), "invoice.currency", "[A-Z]{3}"),
    (case(purchase_orders__0__match="4way"), "purchase_orders[0].match", "3way…, 2way or consignment"),
    # deep inside: the path says where
    (case(purchase_orders__0__lines__0__qty=None), "purchase_orders[0].lines[0].qty", "a value"),
    (case(vendor_master__0__name=["x"]), "vendor_master[0].name", "string"),
    (case(received_on="soon"), "received_on", "date"),
]


@pytest.mark.parametrize(("raw", "field", "expected"), BAD)
def test_a_bad_line_says_where_and_what_was_expected(raw, field, expected):
    problem = read(raw)
    assert isinstance(problem, Problem)
    assert problem.field == field
    assert expected in problem.expected
    assert str(problem).startswith(f"cases.jsonl, line 7, {field}: expected ")
    assert len(problem.found) <= 120


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["id", "invoice", "lines", "qty", "purchase_orders"]), inner, max_size=4)
        ),
    )
)
def test_whatever_json_comes_in_is_a_problem_and_never_a_crash(raw):
    assert isinstance(read(raw), Problem)


def test_a_batch_goes_on_past_bad_lines(tmp_path):
    source, target = tmp_path / "cases.jsonl", tmp_path / "out.jsonl"
    lines = [json.dumps(case()), "", "{broken", json.dumps(case(id="AP2", invoice__iban="DE2")), json.dumps(case())]
    source.write_text("\n".join(lines), encoding="utf-8")
    summary = assess_file(source, target)
    assert (summary.n, summary.auto) == (2, 1)
    assert [(problem.line, problem.field) for problem in summary.problems] == [(3, "the line"), (5, "id")]
    assert [json.loads(line) for line in target.read_text("utf-8").splitlines()] == [
        {"id": "AP1", "labels": [], "route": "auto_post", "confidence": 0.99, "auto": True},
        {"id": "AP2", "labels": ["bank_detail_change"], "route": "block_fraud_review", "confidence": 0.99, "auto": False},
    ]


def test_bytes_that_are_not_utf_8_are_a_problem_of_their_line(tmp_path):
    lines = [json.dumps(case()).encode(), json.dumps(case(id="AP2")).encode().replace(b"Paper", b"Papi\xe9r")]
    (tmp_path / "cases.jsonl").write_bytes(b"\n".join(lines))
    summary = assess_file(tmp_path / "cases.jsonl", tmp_path / "out.jsonl")
    (problem,) = summary.problems
    assert (summary.n, problem.line, problem.expected) == (1, 2, "UTF-8 text")
    assert problem.found.startswith("byte 0xE9 at column ")


def test_below_the_floor_nothing_is_automatic(tmp_path):
    playbook = shipped_playbook("invoices")
    strict = playbook.model_copy(update={"settings": {**playbook.settings, "confidence_floor": 0.995}})
    (tmp_path / "cases.jsonl").write_text(json.dumps(case()), encoding="utf-8")
    summary = assess_file(tmp_path / "cases.jsonl", tmp_path / "out.jsonl", playbook=strict)
    assert (summary.n, summary.auto) == (1, 0)


def test_a_missing_input_leaves_an_existing_output_alone(tmp_path):
    target = tmp_path / "out.jsonl"
    target.write_text("before", encoding="utf-8")
    with pytest.raises(BadInput, match="No such file"):
        assess_file(tmp_path / "none.jsonl", target)
    assert target.read_text("utf-8") == "before"
    assert list(tmp_path.iterdir()) == [target]


def test_the_shared_set_is_assessed_whole(shared_data, tmp_path):
    summary = assess_file(shared_data / "invoices" / "three_way_match" / "cases.jsonl", tmp_path / "out.jsonl")
    assert (summary.n, summary.problems) == (239, ())
