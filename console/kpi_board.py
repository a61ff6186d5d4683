"""The KPI board: what the work looks like in numbers, one line each, and the cases behind a number."""

from decimal import Decimal

from rich.style import Style
from textual.events import Resize
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ..core.case import Case
from ..core.kpis import Kpi
from .guide import Guides
from .page import Page, Piece, fit, right, strip
from .palette import ACCENT, BAD, BLUE, BOLD, CURSOR, DIM, FAINT, GOOD, GROUND_STYLE, TEXT, WARN, short_money

_NEAR = 0.1
_LAYERS = {
    "business": "what the firm feels",
    "operations": "what the teams do",
    "leading": "what moves next",
    "model": "what the workers know",
}


class Board(ScrollView, can_focus=False):
    """The KPIs in their layers, one line each."""

    def __init__(self) -> None:
        super().__init__(id="board")
        self.rows: list[Kpi | str] = []
        self.cursor = 0
        self.targets: dict[str, float] = {}

    @property
    def current(self) -> Kpi | None:
        """The KPI under the cursor."""
        row = self.rows[self.cursor] if self.cursor < len(self.rows) else None
        return row if isinstance(row, Kpi) else None

    def load(self, figures: list[Kpi], targets: dict[str, float]) -> None:
        """Show these figures; the cursor stays on its line."""
        self.rows, self.targets = [], targets
        for layer in _LAYERS:
            self.rows += [layer, *(one for one in figures if one.layer == layer)]
        self.cursor = min(max(1, self.cursor), max(0, len(self.rows) - 1))
        self.on_resize()

    def on_resize(self, event: Resize | None = None) -> None:
        """Lay the lines out anew."""
        self.virtual_size = Size(self.size.width, len(self.rows) + 1)
        self.refresh()

    def move(self, by: int) -> None:
        """To the next KPI, over the headings."""
        places = [at for at, row in enumerate(self.rows) if isinstance(row, Kpi)]
        if places:
            here = places.index(self.cursor) if self.cursor in places else 0
            self.cursor = places[max(0, min(here + by, len(places) - 1))]
            top = 0 if self.cursor == places[0] else self.cursor + 1
            self.scroll_to_region(Region(0, top, 1, self.cursor + 2 - top), animate=False, force=True)
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        width, line = self.scrollable_content_region.width, y + self.scroll_offset.y
        wide = width >= 74
        if line == 0:
            return strip([(_columns("  metric", "now", "n", "target", wide=wide, width=width), DIM)], width)
        if line > len(self.rows):
            return strip([], width)
        row = self.rows[line - 1]
        if isinstance(row, str):
            rule = "─" * max(0, width - len(row) - len(_LAYERS[row]) - 3)
            return strip([(f"{row.upper()} ", ACCENT), (f"{_LAYERS[row]} ", DIM), (rule, FAINT)], width)
        here = line - 1 == self.cursor
        return strip(self._cells(row, here, wide=wide, width=width), width, Style(bgcolor=CURSOR) if here else None)

    def _cells(self, kpi: Kpi, here: bool, *, wide: bool, width: int) -> list[Piece]:
        target = self.targets.get(kpi.name)
        word, look = standing(kpi, target)
        name = label(kpi)
        aim = "" if target is None else f"{'≥' if kpi.better == 'higher' else '≤'} {figure(target, kpi.unit)}"
        text = _columns(
            f"{'▌' if here else ' '} {name}", figure(kpi.value, kpi.unit), f"{kpi.n:,}", aim, wide=wide, width=width
        )
        name_end = _name_width(wide=wide, width=width)
        full = round(self._share_of(kpi) * 12)
        return [
            (text[:2], ACCENT),
            (text[2:name_end], BOLD if here else TEXT),
            (text[name_end : name_end + 16], look if word else BOLD),
            (text[name_end + 16 :], DIM),
            ("  " + "━" * full, BLUE),
            ("─" * (12 - full) + " " if kpi.value is not None else " " * 13, FAINT),
            (word, look),
        ]

    def _share_of(self, kpi: Kpi) -> float:
        """How full its bar is: a share of one, or of the largest with its unit in its layer."""
        if kpi.value is None:
            return 0.0
        alike = [one.value for one in self.rows if isinstance(one, Kpi) and (one.layer, one.unit) == (kpi.layer, kpi.unit)]
        most = (
            Decimal(1)
            if kpi.unit == "ratio"
            else max((Decimal(str(one)) for one in alike if one is not None), default=Decimal(0))
        )
        return float(Decimal(str(kpi.value)) / most) if most else 0.0


class Behind(ScrollView, can_focus=False):
    """What the KPI under the cursor means, and the cases behind it."""

    def __init__(self) -> None:
        super().__init__(id="behind")
        self._kpi: Kpi | None = None
        self._cases: list[Case] | None = None
        self._strips: list[Strip] = []

    def show(self, kpi: Kpi | None, cases: list[Case] | None) -> None:
        """Show a KPI, with its cases once they were asked for."""
        self._kpi, self._cases = kpi, cases
        self.on_resize()

    def on_resize(self, event: Resize | None = None) -> None:
        """Compose for the new width."""
        page = Page(self.scrollable_content_region.width - 1)
        if self._kpi:
            _write_kpi(page, self._kpi, self._cases)
        self._strips = page.strips()
        self.virtual_size = Size(page.width, len(self._strips))
        self.scroll_to(y=0, animate=False, force=True)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        line, width = y + self.scroll_offset.y, self.scrollable_content_region.width
        return self._strips[line].adjust_cell_length(width, GROUND_STYLE) if line < len(self._strips) else strip([], width)


def targets(guides: Guides, worker: str) -> dict[str, float]:
    """The targets of one worker; of all of them only those that every worker shares."""
    if worker:
        return dict(guides[worker].targets)
    every = [dict(guide.targets) for guide in guides.values()]
    shared = every[0].items() if every else []
    return {name: value for name, value in shared if all(one.get(name) == value for one in every)}


def label(kpi: Kpi) -> str:
    """A KPI's name for people; its unit stands beside the value already."""
    return kpi.name.removesuffix("_hours").removesuffix("_seconds").replace("_", " ")


def figure(value: float | Decimal | None, unit: str) -> str:
    """A value with its unit, short enough for a column."""
    if value is None:
        return "–"
    if unit == "ratio":
        return f"{float(value) * 100:.1f} %"
    if unit == "hours":
        return f"{value:.1f} h" if value < 100 else f"{float(value) / 24:.0f} d"
    if unit == "seconds":
        return f"{value:.0f} s"
    return f"{value:,.2f} {unit}" if isinstance(value, Decimal) else f"{value:,.0f}"


def standing(kpi: Kpi, target: float | None) -> Piece:
    """How a KPI stands against its target, in shape and word."""
    if target is None or kpi.value is None or not kpi.better:
        return "", TEXT
    gap = float(kpi.value) - target if kpi.better == "higher" else target - float(kpi.value)
    if gap >= 0:
        return "✓ on", GOOD
    return ("◐ near", WARN) if -gap <= _NEAR * max(abs(target), 0.01) else ("✗ off", BAD)


def _name_width(*, wide: bool, width: int) -> int:
    return max(20, min(30, width - 22 - (30 if wide else 24)))


def _columns(name: str, now: str, number: str, aim: str, *, wide: bool, width: int) -> str:
    text = fit(name, _name_width(wide=wide, width=width)) + right(now, 16)
    return text + (right(number, 8) + right(aim, 11) if wide else right(aim, 10))


def _write_kpi(page: Page, kpi: Kpi, cases: list[Case] | None) -> None:
    page.put((label(kpi), BOLD), ("  " + figure(kpi.value, kpi.unit), ACCENT), (f"  n = {kpi.n:,}", DIM))
    page.text(kpi.meaning, TEXT)
    page.blank()
    if cases is None:
        page.text("enter shows the cases behind it" if kpi.cases else "no cases of its own", DIM)
        return
    page.head("CASES", f"newest {len(cases):,}")
    for case in cases:
        state = case.outcome or case.state.value
        money = short_money(case.amount, case.currency) if case.amount is not None else ""
        page.spread(
            [(f"{case.external_id} ", BOLD), (fit(case.party or case.subject, 16).rstrip(), TEXT)],
            [(f"{money} ", TEXT), (state, DIM)],
        )
