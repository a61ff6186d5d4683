"""How the reasons of many cases become a few lines."""

from decimal import Decimal

import pytest

from shiftlead.console.cli_result import Reason, Result, Tally, _counted

ROUTED = "R-033 would allow it, but intent is"


@pytest.mark.parametrize(
    ("texts", "reasons"),
    [
        ([], ()),
        (["R-016: Mail.; R-002: Large.", "R-016: Mail."], ((2, "R-016: Mail."),)),
        ([f"no-allow-rule: {ROUTED} a.", f"no-allow-rule: {ROUTED} b."], ((2, "No rule lets it run without a person."),)),
        ([f"R-1: {ROUTED} a.", f"R-1: {ROUTED} b."], ((2, f"R-1: {ROUTED} …"),)),
        (["rule: Red.", "rule: Blue.", "rule: Blue."], ((3, "rule: Blue. (and the like)"),)),
        (["Blocked; please review. Order 1.", "Blocked; please review. Order 2."], ((2, "Blocked; please review"),)),
        (["R-1: one.", "R-2: two.", "R-2: two."], ((2, "R-2: two."), (1, "R-1: one."))),
    ],
)
def test_reasons_that_differ_only_in_the_case_are_one(texts, reasons):
    found = _counted(texts, lambda _: (None, None), lambda text: text)
    assert found.reasons == tuple(Reason(count=count, text=text) for count, text in reasons)
    assert found.count == len(texts)


def test_money_is_added_by_currency_and_exactly():
    worth = [("0.10", "EUR"), (Decimal("0.20"), "EUR"), ("5", "CHF"), (None, "EUR"), ("1", None)]
    found = _counted(worth, lambda one: one, lambda _: "because")
    assert found.money == {"CHF": Decimal(5), "EUR": Decimal("0.30")}


def test_a_broken_chain_is_said_loudly():
    result = Result(
        cases=1, closed=0, ran_alone=Tally(), waiting=Tally(count=1, money={"EUR": Decimal("1234.5")}), blocked=Tally(), resting=0, no_action=0,
        handed_on=0, quarantined={"ana": 2, "ben": 1}, seconds=1.23, audit_events=9, audit_ok=False,
    )  # fmt: skip
    told = "\n".join(result.lines())
    assert "Waits for a person: 1 request, 1,234.50 EUR." in told
    assert "3 records (2 for ana, 1 for ben)" in told
    assert "is BROKEN" in told
