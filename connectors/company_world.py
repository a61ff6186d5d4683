"""The embedded company while it is generated: rows by table, the truth of each case, and seeded chance."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from math import exp, log
from random import Random
from typing import Any

from .company_schema import COLUMNS, Row
from .company_spec import REVIEW_MINUTES, WAITS, CompanySpec
from .company_truth import Truth

CENT = Decimal("0.01")

_Z95 = 1.6448536269514722
"""The 95th percentile of the standard normal distribution."""


@dataclass(kw_only=True)
class World:
    """Rows and truths as they grow; the parts of the generator fill it in a fixed order."""

    spec: CompanySpec
    rows: dict[str, list[Row]] = field(
        default_factory=lambda: {table: [] for table in COLUMNS if table not in {"effects", "meta"}}
    )
    truths: list[Truth] = field(default_factory=list)
    used: dict[str, set[str]] = field(default_factory=dict)

    @property
    def today(self) -> date:
        """The day the company is as of."""
        return self.spec.today

    def chance(self, part: str) -> Random:
        """The source of chance for one part, so that parts do not disturb each other."""
        return Random(f"{self.spec.seed}/{part}")  # noqa: S311

    def add(self, table: str, **values: Any) -> Row:
        """Add a row at its first version."""
        row = {"version": 1, **values}
        self.rows[table].append(row)
        return row

    def fresh(self, rng: Random, prefix: str, digits: int) -> str:
        """An id that nothing has yet; its digits say nothing about what it names."""
        used = self.used.setdefault(prefix, set())
        while True:
            found = f"{prefix}{rng.randrange(10 ** (digits - 1), 10**digits)}"
            if found not in used:
                used.add(found)
                return found

    def judge(self, rng: Random, source: str, external_id: str, **values: Any) -> None:
        """Note the truth of one case."""
        median, sigma = REVIEW_MINUTES
        minutes = round(rng.lognormvariate(log(median), sigma), 2)
        self.truths.append(Truth(source=f"company.{source}", external_id=external_id, human_minutes=minutes, **values))


def wait(rng: Random, name: str) -> timedelta:
    """One of the documented waits, lognormal through its median and 95th percentile."""
    median, high = WAITS[name]
    return timedelta(hours=rng.lognormvariate(log(median), log(high / median) / _Z95))


def worth(rng: Random, median: float, sigma: float, low: float, high: float) -> float:
    """A lognormal amount within bounds."""
    return min(high, max(low, exp(rng.gauss(log(median), sigma))))


def cents(amount: Decimal) -> Decimal:
    """`amount` rounded half up to two digits."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def at_work(rng: Random, day: date) -> datetime:
    """A moment of `day` in European working hours, in UTC."""
    return datetime.combine(day, time(7), tzinfo=UTC) + timedelta(minutes=rng.randrange(0, 560), seconds=rng.randrange(60))


def workday(day: date) -> date:
    """`day`, or the Friday before it."""
    return day - timedelta(days=max(0, day.weekday() - 4))


def arrival_days(rng: Random, today: date, span: int, count: int) -> list[date]:
    """`count` of the `span` days before today, with fewer at weekends and more on Mondays and at the month's end."""
    days = [today - timedelta(days=back) for back in range(1, span + 1)]
    weights = [_busy(day) for day in days]
    return sorted(rng.choices(days, weights, k=count))


def _busy(day: date) -> float:
    share = (1.5, 1.0, 1.0, 1.0, 1.0, 0.08, 0.05)[day.weekday()]
    return share * (1.8 if (day + timedelta(days=3)).month != day.month else 1.0)
