"""The console's colours, its lane badges and the one way it writes money, time and confidence.

No state is told by colour alone: every badge has a shape and a word, every urgent time a sign.
"""

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from rich.style import Style

from ..core.approval import Question
from ..core.verdict import Lane

GROUND, BAR, CURSOR = "#0d1117", "#182230", "#22344c"
"""Backgrounds: of the screen, of the bars, of the line under the cursor."""

GROUND_STYLE = Style(bgcolor=GROUND)
TEXT = Style(color="#e6edf3")
BOLD = TEXT + Style(bold=True)
DIM = Style(color="#8b98a9")
FAINT = Style(color="#3a4656")
ACCENT = Style(color="#5fd3c4", bold=True)
BLUE = Style(color="#79a8ff", bold=True)
GOOD = Style(color="#7fd88f")
WARN = Style(color="#f2b950")
BAD = Style(color="#ff6b74", bold=True)
DUAL = Style(color="#c09bff")
OLD = Style(color="#ff6b74", strike=True)
STOP = Style(color="#ffffff", bgcolor="#8f1d2c", bold=True, reverse=False)
STOP_PLAIN = Style(bold=True, reverse=True)
"""What stands out where there is no colour."""
TAB = Style(color="#0d1117", bgcolor="#5fd3c4", bold=True)

SOON = timedelta(minutes=15)
"""Closer than this to its due time, a request is pressing."""

_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Badge:
    """A state as shape, word and colour."""

    glyph: str
    word: str
    style: Style

    def __str__(self) -> str:
        return f"{self.glyph} {self.word}"


REVIEW = Badge(glyph="●", word="REVIEW", style=WARN)
TWO = Badge(glyph="▲", word="DUAL", style=DUAL)
BLOCK = Badge(glyph="■", word="BLOCK", style=BAD)
HANDLE = Badge(glyph="◆", word="HANDLE", style=BLUE)
VERIFY = Badge(glyph="?", word="VERIFY", style=WARN)


def badge(question: Question, lane: Lane | None, approvals: int = 1) -> Badge:
    """What a request asks of a person, as a badge."""
    if question is Question.RECONCILE:
        return VERIFY
    if question is Question.HANDLE:
        return BLOCK if lane is Lane.PROHIBITED else HANDLE
    return TWO if approvals > 1 else REVIEW


def clean(text: str) -> str:
    """`text` fit for one line of a terminal: no control characters, nothing that reorders what stands beside it."""
    if text.isascii() and text.isprintable():
        return text
    spaced = text.replace("\t", " ").replace("\r\n", " ").replace("\n", " ")
    return "".join("·" if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") else one for one in spaced)


def short_money(amount: Decimal | None, currency: str | None) -> str:
    """For a list: `€1,285`, `1,285 CHF`, `€2.40M`, or a dash; rounded, so never for deciding."""
    if amount is None:
        return "–"
    millions = abs(amount) >= 1_000_000
    whole = f"{amount / 1_000_000:,.2f}M" if millions else f"{amount.quantize(Decimal(1), rounding=ROUND_HALF_UP):,}"
    sign = _SIGNS.get(currency or "")
    return f"{sign}{whole}" if sign else f"{whole} {currency or ''}".rstrip()


def long_money(amount: Decimal | str | None, currency: str | None) -> str:
    """For deciding: `1,284.50 EUR`, exact."""
    return "" if amount is None else f"{Decimal(amount):,} {currency or ''}".rstrip()


def span(length: timedelta) -> str:
    """A length of time in at most five columns: `45s`, `12m`, `1h02`, `14h`, `3d`."""
    seconds = int(abs(length).total_seconds())
    if seconds < 60:
        return f"{seconds}s"
    if seconds < 3600:
        return f"{seconds // 60}m"
    if seconds < 86400:
        return f"{seconds // 3600}h" if seconds >= 36000 else f"{seconds // 3600}h{seconds % 3600 // 60:02d}"
    return f"{seconds // 86400}d"


def due(now: datetime, due_at: datetime | None) -> tuple[str, Style]:
    """How long there is left: `2h10`, `!12m` when it presses, `−9m` when it is too late."""
    if due_at is None:
        return "–", DIM
    left = due_at - now
    if left < timedelta(0):
        return f"−{span(left)}", BAD
    return (f"!{span(left)}", BAD) if left < SOON else (span(left), DIM)


def sure(confidence: float | None) -> tuple[str, Style]:
    """Confidence in three columns: `.87`."""
    if confidence is None:
        return " – ", DIM
    text = "1.0" if confidence >= 0.995 else f"{confidence:.2f}"[1:]
    return text, GOOD if confidence >= 0.9 else TEXT if confidence >= 0.8 else WARN


def gauge(share: float, width: int) -> str:
    """A bar of `width` columns of which `share` is full."""
    full = round(max(0.0, min(1.0, share)) * width)
    return "█" * full + "░" * (width - full)
