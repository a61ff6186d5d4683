"""Days on which nobody is written to: weekends and public holidays."""

from collections.abc import Collection
from datetime import date, timedelta


def is_quiet(day: date, fixed: Collection[str], around_easter: Collection[int]) -> bool:
    """Whether `day` is a weekend, one of the `fixed` days (`12-25`), or so many days from Easter Sunday (-2: Good Friday)."""
    if day.weekday() >= 5 or f"{day:%m-%d}" in fixed:
        return True
    return any(day == easter_sunday(day.year) + timedelta(days=distance) for distance in around_easter)


def easter_sunday(year: int) -> date:
    """Easter Sunday of the Gregorian calendar, by the anonymous algorithm in Meeus, Astronomical Algorithms, chapter 8."""
    a, b, c = year % 19, year // 100, year % 100
    epact = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    weekday = (32 + 2 * (b % 4) + 2 * (c // 4) - epact - c % 4) % 7
    shift = (a + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * shift + 114, 31)
    return date(year, month, day + 1)
