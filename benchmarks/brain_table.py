"""The table of the benchmark of the brains: its figures, its goals and the ratios to the peer."""

from collections.abc import Mapping
from typing import NamedTuple

from brain_peer import PEERS
from brain_quality import TIERS

Figures = dict[str, float | None]
SHOWN = "tfidf_svc"
"""The peer that ratios are to, the stronger of the two."""
COMPARED = (
    "accuracy", "ece", "augrc", "oos_auroc", "certified_share_2pct_closed", "certified_share_2pct_open", "ten_shot_accuracy", "train_cpu_s",
    "import_cpu_s", "first_decision_s", "single_p50_cpu_ms", "batch_256_cpu_ms_per_text", "installed_mb",
)  # fmt: skip


class Cell(NamedTuple):
    """Where a figure stands in the table."""

    part: str
    column: str
    figure: str


class Goal(NamedTuple):
    """What we hold ourselves to."""

    limit: float
    at_least: bool = True

    def met(self, value: float | None) -> bool:
        """Whether a figure is good enough."""
        return value is not None and (value >= self.limit if self.at_least else value <= self.limit)

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.limit:g}"


GOALS = {
    Cell("clinc150", "minilm", "accuracy"): Goal(0.97),
    Cell("clinc150", "minilm", "ece"): Goal(0.01, at_least=False),
    Cell("clinc150", "minilm", "oos_auroc"): Goal(0.97),
    Cell("clinc150", "minilm", "ten_shot_accuracy"): Goal(0.93),
    Cell("banking77", "minilm", "accuracy"): Goal(0.945),
    Cell("banking77", "minilm", "ece"): Goal(0.01, at_least=False),
    Cell("banking77", "minilm", "ten_shot_accuracy"): Goal(0.88),
    Cell("promises", "certify", "clinc150_closed_broken_share"): Goal(0.05, at_least=False),
    Cell("promises", "certify", "clinc150_open_broken_share"): Goal(0.05, at_least=False),
    Cell("promises", "certify", "banking77_closed_broken_share"): Goal(0.05, at_least=False),
    Cell("promises", "certify", "clinc150_closed_share_mean"): Goal(0.95),
    Cell("promises", "certify", "clinc150_open_share_mean"): Goal(0.72),
    Cell("promises", "certify", "banking77_closed_share_mean"): Goal(0.85),
    Cell("promises", "trial", "at_limit_false_opening_share"): Goal(0.05, at_least=False),
    Cell("coldstart", "clinc150", "refitted_decisions_median"): Goal(600, at_least=False),
    Cell("coldstart", "banking77", "refitted_decisions_median"): Goal(600, at_least=False),
    Cell("shift", "clinc150", "audited_until_closed_median"): Goal(100, at_least=False),
    Cell("shift", "clinc150", "audited_until_closed_p90"): Goal(100, at_least=False),
    Cell("speed", "minilm", "single_p50_cpu_ms"): Goal(10, at_least=False),
    Cell("speed", "minilm", "installed_mb"): Goal(250, at_least=False),
}


def shown(table: Mapping[Cell, float | None]) -> None:
    """Print the table, part by part, each goal beside what it is about."""
    for part in dict.fromkeys(cell.part for cell in table):
        columns = list(dict.fromkeys(cell.column for cell in table if cell.part == part))
        columns.sort(key=lambda column: [*TIERS, *PEERS, column].index(column))
        print(f"\n{part:36}" + "".join(f"{column:>12}" for column in columns))
        for figure in dict.fromkeys(cell.figure for cell in table if cell.part == part):
            cells = [Cell(part, column, figure) for column in columns]
            goals = [
                f"{cell.column} {goal}: {_word(goal, table[cell])}"
                for cell in cells
                if (goal := GOALS.get(cell)) and cell in table
            ]
            print(f"{figure:36}" + "".join(f"{_written(table, cell):>12}" for cell in cells) + "   " + ", ".join(goals))


def _word(goal: Goal, value: float | None) -> str:
    return "met" if goal.met(value) else "NOT REACHED"


def _written(table: Mapping[Cell, float | None], cell: Cell) -> str:
    value = table.get(cell)
    if value is None:
        return "never" if cell in table else ""
    return (
        f"{value:,.0f}"
        if value >= 100 or (value == int(value) and value > 1)
        else f"{value:.2f}"
        if value > 1
        else f"{value:.4f}"
    )


def ratios(table: Mapping[Cell, float | None]) -> Figures:
    """Our figures as shares of the peer's."""
    found: Figures = {}
    for cell, value in table.items():
        other = table.get(cell._replace(column=SHOWN))
        if cell.column in TIERS and cell.figure in COMPARED and value is not None and other:
            found[f"{'_'.join(cell)}_ratio_to_{SHOWN}"] = value / other
    return found


def missed(table: Mapping[Cell, float | None]) -> list[str]:
    """The goals that were measured and not reached."""
    return [f"{'_'.join(cell)} {goal}" for cell, goal in GOALS.items() if cell in table and not goal.met(table[cell])]
