"""How much of the ledger one case takes: what is asked in vain costs every case, and nobody sees it in a single run."""

import re
from collections import Counter

import pytest
from sqlalchemy import event

CASES = 20


@pytest.mark.parametrize(
    ("amount", "most", "switches", "appends"),
    [
        # allowed: judged, started and settled
        ("120.00", 33, 3, 3),
        # reviewed: judged, waiting, decided with its outcome, looked at, started and settled
        ("9000.00", 61, 4, 4),
    ],
)
def test_a_case_asks_the_ledger_for_nothing_twice(stage, amount, most, switches, appends):
    asked = Counter()

    def count(*given):
        words = " ".join(given[2].split())
        table = re.search(r"(?:FROM|INTO|^UPDATE) (\w+)", words)
        asked[f"{words.split()[0]} {table[1]}" if table else words] += 1

    for number in range(CASES):
        stage.open(f"I-{number}", amount)
    event.listen(stage.ledger.engine, "before_cursor_execute", count)
    stage.work()
    if amount == "9000.00":
        for request in stage.waiting():
            stage.approve(request=request)
        stage.work()
    event.remove(stage.ledger.engine, "before_cursor_execute", count)
    assert len(stage.journal()) == CASES
    assert asked["SELECT switch"] <= switches * CASES
    assert asked["SELECT chain"] == asked["INSERT audit"] <= appends * CASES
    assert sum(asked.values()) <= most * CASES, asked.most_common()
