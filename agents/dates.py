"""Days that a text mentions: in figures, in words, or relative to a reference day.

Month names are known in six languages, everything else in English and German.
"""

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple


class MentionedDate(NamedTuple):
    """A day and where the text mentions it."""

    start: int
    end: int
    day: date
    certain: bool
    """False where another reading is as good."""


class _Reading(NamedTuple):
    day: date
    certain: bool = True


def mentioned_dates(text: str, reference: date) -> Iterator[MentionedDate]:
    """The days in `text`, in order; a day without a year is the one nearest to `reference`, a span is its last working day."""
    for match in _PATTERN.finditer(text):
        try:
            reading = _read(match, reference)
        except (ValueError, OverflowError, KeyError):
            # 31.02. is not a day, nor is a word whose letters only look alike (regular expressions fold a long s to an s).
            continue
        yield MentionedDate(match.start(), match.end(), reading.day, reading.certain)


_MONTHS = {
    1: "january jan januar janvier enero ene gennaio januari jänner", 2: "february feb februar février fevrier febrero febbraio februari",
    3: "march mar märz maerz mars marzo maart mrz", 4: "april apr avril abril aprile", 5: "may mai mayo maggio mei",
    6: "june jun juni juin junio giugno", 7: "july jul juli juillet julio luglio", 8: "august aug août aout agosto augustus",
    9: "september sep sept septembre septiembre settembre", 10: "october oct oktober okt octobre octubre ottobre",
    11: "november nov novembre noviembre", 12: "december dec dezember dez décembre decembre diciembre dicembre",
}  # fmt: skip
_MONTH_OF = {name: number for number, names in _MONTHS.items() for name in names.split()}
_DAYS = (
    "monday mon montag", "tuesday tue dienstag", "wednesday wed mittwoch", "thursday thu donnerstag", "friday fri freitag",
    "saturday sat samstag", "sunday sun sonntag",
)  # fmt: skip
_DAY_OF = {name: number for number, names in enumerate(_DAYS) for name in names.split()}
_FULL_DAYS = "|".join(sorted((name for name in _DAY_OF if len(name) > 3), key=len, reverse=True))
_MONTH_NAMES = "|".join(sorted(_MONTH_OF, key=len, reverse=True))
_COUNTS = {
    "a": 1,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "ten": 10,
    "einem": 1,
    "einer": 1,
    "zwei": 2,
    "drei": 3,
}
_NEAR = {
    "today": 0,
    "heute": 0,
    "tomorrow": 1,
    "tmrw": 1,
    "yesterday": -1,
    "gestern": -1,
    "day after tomorrow": 2,
    "übermorgen": 2,
}
_PATTERN = re.compile(
    rf"""(?<![\w.,/-])(?:
    (?P<iso>(?P<y1>(?:19|20)[0-9]{{2}})-(?P<m1>[0-9]{{1,2}})-(?P<d1>[0-9]{{1,2}}))(?![\w/-]|[.,][0-9])
  | (?P<dot>(?P<d2>[0-9]{{1,2}})\.[ ]?(?P<m2>[0-9]{{1,2}})\.(?:[ ]?(?P<y2>(?:(?:19|20)[0-9]{{2}}|[0-9]{{2}})(?![0-9])))?)(?![\w/-]|[.,][0-9])
  | (?P<slash>(?P<a3>[0-9]{{1,2}})(?P<sep>[/-])(?P<b3>[0-9]{{1,2}})(?P=sep)(?P<y3>(?:19|20)[0-9]{{2}}|[0-9]{{2}}))(?![\w/-]|[.,][0-9])
  | (?P<daymonth>(?P<d4>[0-9]{{1,2}})(?:st|nd|rd|th|\.|er|º)?[ ]?(?:of[ ]|de[ ])?(?P<m4>{_MONTH_NAMES})\b\.?(?:,?[ ](?:de[ ])?(?P<y4>(?:19|20)[0-9]{{2}}))?)(?!\w)
  | (?P<monthday>(?P<m5>{_MONTH_NAMES})\.?[ ](?P<d5>[0-9]{{1,2}})(?:st|nd|rd|th)?(?:,?[ ](?P<y5>(?:19|20)[0-9]{{2}}))?)(?![\w/-]|[.,:][0-9])
  | (?P<end>(?:the[ ])?end[ ]of[ ](?:the[ ])?(?P<whose>next[ ]|this[ ])?(?P<span>month|week|year)|month[ -]end|(?P<ende>ende[ ](?:des|dieses)[ ]monats|monatsende|ende[ ](?P<naechst>nächsten)[ ]monats))\b
  | (?P<in>(?:in|within)[ ](?P<count>[0-9]{{1,3}}|{"|".join(_COUNTS)})[ ](?P<unit>days?|weeks?|months?|tagen?|wochen?|monaten?))\b
  | (?P<rel>(?P<which>next|this|last|coming|nächsten|nächster|kommenden|diesen|letzten)[ ](?P<what>week|month|{_FULL_DAYS}|woche|monat))\b
  | (?P<near>{"|".join(sorted(_NEAR, key=len, reverse=True))})\b
  | (?P<weekday>{_FULL_DAYS})\b
    )""",
    re.IGNORECASE | re.VERBOSE,
)


def _read(match: re.Match[str], reference: date) -> _Reading:
    if match["iso"]:
        return _Reading(date(int(match["y1"]), int(match["m1"]), int(match["d1"])))
    if match["dot"]:
        return _Reading(_dated(match["y2"], int(match["m2"]), int(match["d2"]), reference))
    if match["slash"]:
        return _slashed(match, reference)
    if match["daymonth"]:
        return _Reading(_dated(match["y4"], _MONTH_OF[match["m4"].lower()], int(match["d4"]), reference))
    if match["monthday"]:
        return _Reading(_dated(match["y5"], _MONTH_OF[match["m5"].lower()], int(match["d5"]), reference))
    return _relative(match, reference)


def _dated(year: str | None, month: int, day: int, reference: date) -> date:
    if year:
        return date(int(year) + (2000 if len(year) == 2 else 0), month, day)
    years = (reference.year - 1, reference.year, reference.year + 1)
    possible = [date(one, month, day) for one in years if day <= monthrange(one, month)[1]]
    if not possible:
        raise ValueError("no such day")
    return min(possible, key=lambda found: abs(found - reference))


def _slashed(match: re.Match[str], reference: date) -> _Reading:
    first, second = int(match["a3"]), int(match["b3"])
    if first <= 12 < second:
        return _Reading(_dated(match["y3"], first, second, reference))
    return _Reading(_dated(match["y3"], second, first, reference), certain=first > 12 or first == second)


def _relative(match: re.Match[str], reference: date) -> _Reading:
    if match["near"]:
        return _Reading(reference + timedelta(days=_NEAR[match["near"].lower()]))
    if match["weekday"]:
        return _Reading(_coming(_DAY_OF[match["weekday"].lower()], reference), certain=False)
    if match["in"]:
        return _in_a_while(match["count"].lower(), match["unit"].lower(), reference)
    if match["rel"]:
        return _which(match["which"].lower(), match["what"].lower(), reference)
    return _end_of(
        (match["span"] or "month").lower(),
        reference,
        following="next" in (match["whose"] or "").lower() or bool(match["naechst"]),
    )


def _in_a_while(count: str, unit: str, reference: date) -> _Reading:
    number = int(count) if count.isdigit() else _COUNTS[count]
    if unit.startswith(("month", "monat")):
        return _Reading(_months_later(reference, number))
    return _Reading(reference + timedelta(days=number * (7 if unit.startswith("w") else 1)))


def _which(which: str, what: str, reference: date) -> _Reading:
    back = which in {"last", "letzten"}
    here = which in {"this", "diesen"}
    if what in {"month", "monat"}:
        return _Reading(_month_end(_months_later(reference, -1 if back else 0 if here else 1)), certain=False)
    if what in {"week", "woche"}:
        return _Reading(_friday(reference) + timedelta(weeks=-1 if back else 0 if here else 1), certain=False)
    coming = _coming(_DAY_OF[what], reference)
    if back:
        return _Reading(coming - timedelta(weeks=1 if coming > reference else 0))
    # "Next Friday" said on a Tuesday may mean this week's or the week after's.
    return _Reading(coming, certain=here or coming > _friday(reference) + timedelta(days=2))


def _end_of(span: str, reference: date, *, following: bool) -> _Reading:
    if span == "year":
        return _Reading(date(reference.year + following, 12, 31))
    if span == "week":
        return _Reading(_friday(reference) + timedelta(weeks=int(following)))
    return _Reading(_month_end(_months_later(reference, int(following))))


def _coming(weekday: int, reference: date) -> date:
    return reference + timedelta(days=(weekday - reference.weekday() - 1) % 7 + 1)


def _friday(reference: date) -> date:
    return reference + timedelta(days=4 - reference.weekday())


def _month_end(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def _months_later(day: date, months: int) -> date:
    place = day.year * 12 + day.month - 1 + months
    year, month = divmod(place, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
