"""The lateness brain: rows of a file, what it remembers of customers, and forecasts that never look past the invoice date."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest

from shiftlead.agents.lateness_brain import LatenessBrain, key_of
from shiftlead.agents.lateness_rows import Bill, read_bills
from shiftlead.agents.lateness_scores import figures
from shiftlead.agents.lateness_training import in_order, rolling, train_lateness
from shiftlead.agents.text_scores import auroc
from shiftlead.core.errors import BadInput, Conflict

HEAD = "customerID,InvoiceDate,DueDate,SettledDate,InvoiceAmount,Disputed,PaperlessBill\n"
START = date(2026, 1, 1)


def bills(count: int = 160, customers: int = 8) -> list[Bill]:
    """Half the customers pay about nine days late, half about nine days early."""
    found = []
    for place in range(count):
        who, issued = place % customers, START + timedelta(days=place)
        due = issued + timedelta(days=20)
        paid = due + timedelta(days=(9 if who % 2 else -9) + place * 7 % 13 - 6)
        found.append(Bill(f"C-{who}", issued, due, Decimal(100 + place), paid, place % 10 == 0, place % 4 == 0, f"I-{place}"))
    return found


@pytest.fixture(scope="module")
def brain():
    return train_lateness(bills())[0]


def test_rows_are_read_and_each_wrong_one_is_named(tmp_path):
    file = tmp_path / "ar.csv"
    file.write_text(
        HEAD + "A,1/2/2013,2/1/2013,2/3/2013,10.00,No,Paper\n"
        "A,2013-01-02,2013-02-01,,10.00,Yes,Electronic\n"
        "A,1/2/2013,soon,2/3/2013,10.00,No,Paper\n"
        "A,1/2/2013,2/1/2013,2/3/2013,ten,No,Paper\n"
        "A,1/2/2013,1/1/2013,2/3/2013,10.00,No,Paper\n"
        "A,1/2/2013,2/1/2013,1/1/2013,10.00,No,Paper\n"
        "A,1/2/2013,2/1/2013,2/3/2013,10.00,perhaps,Paper\n"
        ",1/2/2013,2/1/2013,2/3/2013,NaN,No,Paper\n"
        "A,1/2/2013\n"
    )
    found = read_bills(file)
    assert [(one.paid, one.late, one.disputed, one.paper, one.id) for one in found.bills] == [
        (date(2013, 2, 3), True, False, True, "2"),
        (None, False, True, False, "3"),
    ]
    assert [(one.line, one.field) for one in found.problems] == [
        (4, "DueDate"), (5, "InvoiceAmount"), (6, "DueDate"), (7, "SettledDate"), (8, "Disputed"), (9, "customerID"), (10, ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "says"),
    [("customerID,DueDate\nA,1/2/2013\n", "column 'InvoiceDate' is missing"), ("", "is missing"), (HEAD, "no usable invoice")],
)
def test_a_file_without_invoices_is_refused(tmp_path, text, says):
    (tmp_path / "ar.csv").write_text(text)
    with pytest.raises(BadInput, match=says):
        read_bills(tmp_path / "ar.csv")
    with pytest.raises(BadInput, match="No such file"):
        read_bills(tmp_path / "none.csv")


def test_amounts_in_json_stay_exact(tmp_path):
    (tmp_path / "ar.jsonl").write_text(
        '{"customerID": "A", "InvoiceDate": "2026-01-01", "DueDate": "2026-01-31", "InvoiceAmount": 0.1, "invoiceNumber": "X"}\n'
        '{"customerID": "A", "InvoiceDate": "2026-01-01", "DueDate": "2026-01-31", "InvoiceAmount": NaN}\n[1]\n'
    )
    found = read_bills(tmp_path / "ar.jsonl")
    assert (found.bills[0].amount, found.bills[0].id) == (Decimal("0.1"), "X")
    assert [one.line for one in found.problems] == [2, 3]


def test_a_late_payer_is_told_from_a_prompt_one(brain):
    told = brain.forecast([Bill(f"C-{who}", date(2026, 8, 1), date(2026, 8, 21), Decimal(150)) for who in range(8)])
    assert max(one.p_late for one in told[::2]) < 0.4 < 0.6 < min(one.p_late for one in told[1::2])
    assert all(late.expected_days_late > prompt.expected_days_late for prompt, late in zip(told[::2], told[1::2], strict=True))


def test_a_forecast_does_not_look_past_the_invoice_date(brain):
    asked = Bill("C-1", date(2026, 3, 1), date(2026, 3, 21), Decimal(150))
    changed = [one._replace(paid=one.paid + timedelta(days=90)) if one.paid >= asked.issued else one for one in bills()]
    other = train_lateness(changed)[0]
    same = LatenessBrain(brain.meta, brain.model, other.past)
    assert same.forecast([asked]) == brain.forecast([asked])


def test_questions_say_nothing_about_each_other(brain):
    """Rows without a single payment among them are no ledger: that their payment is blank does not mean that they are unpaid."""
    asked = [Bill("C-0", date(2026, 8, 1) + timedelta(days=40 * n), date(2026, 8, 21), Decimal(150)) for n in range(5)]
    assert [one.p_late for one in brain.forecast(asked)] == [brain.forecast([one])[0].p_late for one in asked]
    paid = Bill("C-9", START, START, Decimal(1), START)
    assert brain.forecast([*asked, paid])[4].p_late > brain.forecast(asked)[4].p_late


def test_an_invoice_that_it_knows_already_counts_once(brain):
    asked = Bill("C-1", date(2026, 8, 1), date(2026, 8, 21), Decimal(150))
    assert brain.forecast([asked, *bills()])[0] == brain.forecast([asked])[0]


def test_it_is_kept_whole_and_without_ids(brain, tmp_path):
    brain.save(tmp_path / "late")
    again = LatenessBrain.load(tmp_path / "late")
    assert (again.digest, again.past, again.meta) == (brain.digest, brain.past, brain.meta)
    assert again.name == f"lateness-{brain.digest[:12]}"
    assert not any("C-1" in path.read_text() for path in (tmp_path / "late").iterdir())
    assert key_of("C-1") in again.past
    with pytest.raises(Conflict):
        brain.save(tmp_path / "late")


def test_the_same_invoices_in_any_order_give_the_same_brain(brain):
    assert train_lateness(reversed(bills()))[0].digest == brain.digest


def test_a_brain_of_another_kind_is_refused(tmp_path):
    from shiftlead.agents.brain_files import write_folder

    write_folder(tmp_path / "other", {"kind": "text"}, {})
    with pytest.raises(BadInput, match="no lateness brain"):
        LatenessBrain.load(tmp_path / "other")
    write_folder(tmp_path / "older", {"kind": "lateness", "meta": {}}, {})
    with pytest.raises(BadInput, match="not a lateness brain of this version"):
        LatenessBrain.load(tmp_path / "older")


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (bills(30), "30 paid invoices are too few"),
        ([one._replace(paid=one.due) for one in bills()], "0 of 160"),
        ([one._replace(customer="one") for one in bills()], "of 1 customers"),
    ],
)
def test_what_teaches_nothing_is_refused(rows, says):
    with pytest.raises(BadInput, match=says):
        train_lateness(rows)


@pytest.mark.parametrize("disputed", [False, True])
def test_nobody_has_to_say_what_was_disputed(disputed):
    brain, _ = train_lateness([one._replace(disputed=disputed) for one in bills()])
    assert 0 < brain.model.dispute_share < 1
    assert all(0 < one.p_late < 1 for one in brain.forecast(bills()))


def test_customers_who_pay_to_the_day_are_forecast_too():
    late = {"C-0": 3, "C-1": 4}
    punctual = [one._replace(paid=one.due + timedelta(days=late.get(one.customer, 0)), disputed=False) for one in bills()]
    brain, _ = train_lateness(punctual)
    assert brain.model.delay_sd > 0


def test_rolling_forecasts_only_know_what_was_paid_before():
    rows = bills()
    told = rolling(rows, trained_on="x")
    assert len(told.late) == 88  # those for which enough was paid before
    later = [
        one._replace(paid=one.paid + timedelta(days=60)) if one.issued > START + timedelta(days=100) else one for one in rows
    ]
    assert np.array_equal(rolling(later, trained_on="x").chance[:8], told.chance[:8])


@pytest.mark.slow
def test_on_public_data_it_ranks_and_is_calibrated(shared_data):
    rows = in_order(read_bills(shared_data / "collections" / "ibm_accounts_receivable.csv").bills)
    told = figures(rolling(rows, trained_on="x"))
    assert told["invoices"] == 1069
    assert told["ece"] <= 0.04
    assert told["auc"] >= 0.87
    older, newer = rows[:1144], rows[1144:]
    brain, _ = train_lateness(older, validation=newer)
    questions = [one._replace(paid=None, disputed=False) for one in newer]
    chance = np.array([one.p_late for one in brain.forecast(questions)])
    assert (auroc(chance, np.array([one.late for one in newer])) or 0.0) >= 0.89
