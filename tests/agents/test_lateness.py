from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftlead.agents.lateness import History, LatenessModel, Settled, relative_amount, shipped_model
from shiftlead.agents.lateness_rows import read_bills
from shiftlead.agents.lateness_scores import calibration_error, top_share
from shiftlead.agents.lateness_training import fit_lateness, history_of, in_order, measure

DUE = date(2026, 3, 1)


def settled(*delays: int, amount: float = 100.0) -> list[Settled]:
    return [
        Settled(due=DUE + timedelta(days=30 * n), paid=DUE + timedelta(days=30 * n + delay), amount=amount)
        for n, delay in enumerate(delays)
    ]


def history(*delays: int, unpaid: tuple[int, ...] = ()) -> History:
    return History.as_of(date(2027, 1, 1), settled(*delays)).model_copy(update={"unpaid": unpaid})


def test_payments_on_or_after_the_day_are_not_known_yet() -> None:
    paid = settled(5, 40)
    on_the_day = History.as_of(paid[1].paid, paid, [DUE])
    assert (on_the_day.settled, on_the_day.mean_delay) == (1, 5.0)
    assert on_the_day.unpaid == ((paid[1].paid - DUE).days,)
    assert History.as_of(paid[1].paid + timedelta(days=1), paid).settled == 2


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        pytest.param(history(-12, -8, -10, -11), history(9, 12, 15, 8), id="late payers"),
        pytest.param(history(-3, -3, -3), history(-3, -3, -3, unpaid=(20,)), id="unpaid past due"),
        pytest.param(history(), history(14, 9), id="nothing known"),
    ],
)
def test_a_worse_history_is_likelier_to_be_late(better: History, worse: History) -> None:
    model = shipped_model()
    good, bad = model.outlook(better), model.outlook(worse)
    assert good.late < bad.late
    assert good.days_late < bad.days_late


def test_a_dispute_makes_late_likelier_and_its_absence_less_likely() -> None:
    model, known = shipped_model(), history(-6, -4, -7, -5)
    told = {disputed: model.outlook(known, disputed=disputed).late for disputed in (True, False, None)}
    assert told[False] < told[None] < told[True]


def test_the_reasons_name_what_moved_it() -> None:
    outlook = shipped_model().outlook(history(1, 2, 3, 2, 20, 22, 21, 25, unpaid=(12, -3)), amount=450.0, disputed=True)
    assert outlook.because == (
        "it is disputed",
        "paid 8 of the last 8 invoices late",
        "1 unpaid past due, the oldest by 12 days",
        "pays 10 days later than it used to",
        "the amount is 4.5 times the usual one",
    )


def test_numbers_on_the_customer_record_stand_in_for_a_missing_history() -> None:
    late = History.from_facts({"late_share": 0.9, "mean_days_late": 20, "invoices": 30, "disputed_share": 0.5}, [DUE], DUE)
    prompt = History.from_facts({"late_share": 0.05, "mean_days_late": 3, "invoices": 30}, [], DUE)
    assert (late.settled, late.late, late.disputed, late.unpaid) == (30, 27, 15, (0,))
    assert shipped_model().outlook(prompt).late < 0.2 < 0.8 < shipped_model().outlook(late).late
    assert History.from_facts({}, [], DUE) == History()


@given(
    delays=st.lists(st.integers(-60, 400), max_size=12),
    unpaid=st.lists(st.integers(-60, 4000), max_size=6),
    amount=st.none() | st.floats(0, 1e9),
    disputed=st.none() | st.booleans(),
)
def test_every_history_gives_a_probability(
    delays: list[int], unpaid: list[int], amount: float | None, disputed: bool | None
) -> None:
    outlook = shipped_model().outlook(history(*delays, unpaid=tuple(unpaid)), amount=amount, disputed=disputed)
    assert 0 <= outlook.late <= 1
    assert 0 <= outlook.days_late < 5000


def test_an_amount_too_small_to_divide_is_the_smallest_of_all() -> None:
    assert relative_amount(history(0), 5e-324) == -1.5


def test_the_shipped_file_holds_parameters_and_no_rows() -> None:
    told = shipped_model().model_dump()
    sizes = [len(value) for value in told.values() if isinstance(value, tuple)]
    assert max(sizes) == len(shipped_model().features)
    assert len(told) == len(LatenessModel.model_fields)


def test_measures_against_hand_counts() -> None:
    np = pytest.importorskip("numpy")
    assert calibration_error(np.array([1.0, 0.0]), np.array([0.75, 0.78])) == pytest.approx(abs(1.53 - 1) / 2)
    assert top_share(np.array([5.0, 1.0, 2.0, 3.0, 4.0]), np.array([6.0, 1.0, 1.0, 1.0, 1.0])) == pytest.approx(0.6)


def test_the_fit_is_reproducible_and_as_good_as_promised_on_what_it_never_saw(shared_data) -> None:
    rows = read_bills(shared_data / "collections" / "ibm_accounts_receivable.csv").paid
    fitted = fit_lateness(rows, trained_on=shipped_model().trained_on)
    for name in ("mean_delay", "dispute_days", "bias", "temperature", "weights"):
        assert getattr(fitted, name) == pytest.approx(getattr(shipped_model(), name), abs=2e-3)
    ordered = in_order(rows)
    told = measure(shipped_model(), ordered[int(len(ordered) * 0.75) :], ordered)
    assert told["auc"] >= 0.895
    assert told["top_fifth_share"] >= 0.68
    assert told["brier"] <= 0.125
    assert told["ece"] <= told["ece_floor"] + 0.025
    assert told == pytest.approx(shipped_model().measured, abs=1e-3)


def test_no_feature_looks_past_the_invoice_date(shared_data) -> None:
    rows = read_bills(shared_data / "collections" / "ibm_accounts_receivable.csv").paid
    for row in rows[::40]:
        unseen = [
            one._replace(paid=one.paid + timedelta(days=50), disputed=not one.disputed)
            for one in rows
            if one.paid >= row.issued
        ]
        seen = [one for one in rows if one.paid < row.issued]
        assert history_of(row, seen + unseen) == history_of(row, rows)
