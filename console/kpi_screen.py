"""The KPI screen: the numbers at the left, what is behind the chosen one at the right."""

from datetime import datetime, timedelta
from functools import partial
from typing import ClassVar

from sqlalchemy.exc import DBAPIError
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen

from ..core import kpis
from ..core.case import Case
from ..core.kpis import Kpi
from .bars import ActionBar, StatusBar, TabBar
from .desk import Desk
from .kpi_board import Behind, Board, label, targets
from .palette import BAD, WARN

SPANS = (
    (timedelta(days=30), "last 30 days"),
    (timedelta(days=7), "last 7 days"),
    (timedelta(days=1), "last 24 h"),
    (None, "all time"),
)
"""The spans of time that `w` walks through."""


class KpiScreen(Screen[None]):
    """The numbers at the left, what is behind the chosen one at the right."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", show=False),
        Binding("k,up", "move(-1)", show=False),
        Binding("pagedown,space", "move(10)", show=False),
        Binding("pageup,b", "move(-10)", show=False),
        Binding("g,home", "move(-99)", show=False),
        Binding("G,end", "move(99)", show=False),
        Binding("enter,right", "open", show=False),
        Binding("w", "span", show=False),
        Binding("o", "worker", show=False),
        Binding("q,left", "back", show=False),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.board, self.behind = Board(), Behind()
        self.tabs, self.bar = TabBar("kpis"), ActionBar()
        self._span, self._worker = 0, ""
        self._reading = False

    def compose(self) -> ComposeResult:
        """The bars, the board and what is behind."""
        yield StatusBar(self.desk)
        yield self.tabs
        with Horizontal(id="inbox-body"):
            yield self.board
            yield self.behind
        yield self.bar

    def on_mount(self) -> None:
        """Say what the keys do."""
        self.bar.offer([("enter", "cases behind"), ("w", "time span"), ("o", "worker"), ("1", "inbox"), ("q", "back")])
        self.behind.border_title = "Behind the number"

    def on_screen_resume(self) -> None:
        """Read the figures anew whenever the page is looked at."""
        self.query_one(StatusBar).refresh()
        self.reread()

    def reread(self) -> None:
        """Read the figures in a thread."""
        if not self._reading:
            self._reading = True
            self.run_worker(self._read, thread=True, group="kpis", exit_on_error=False)

    def _read(self) -> None:
        figures, problem = [], ""
        try:
            figures = kpis.board(self.desk.feed.ledger, now=self.desk.now, since=self._since(), worker=self._worker)
        except DBAPIError as error:
            problem = f"✗ the figures could not be read: {error.orig}"
        self.app.call_from_thread(self._shown, figures, problem)

    def _shown(self, figures: list[Kpi], problem: str) -> None:
        self._reading = False
        said = SPANS[self._span][1]
        self.board.border_title = f"KPIs · {self._worker or 'all workers'} · {said}"
        self.tabs.say(problem, BAD)
        if figures:
            self.board.load(figures, targets(self.desk.guides, self._worker))
            self.behind.show(self.board.current, None)

    def _since(self) -> datetime | None:
        length = SPANS[self._span][0]
        return None if length is None else self.desk.now - length

    def action_move(self, by: int) -> None:
        """Another KPI."""
        if self.has_class("-detail"):
            self.behind.scroll_to(y=self.behind.scroll_offset.y + by, animate=False, force=True)
            return
        self.board.move(by)
        self.behind.show(self.board.current, None)

    def action_open(self) -> None:
        """The cases behind the number."""
        kpi = self.board.current
        if kpi and kpi.cases:
            self.run_worker(partial(self._read_cases, kpi), thread=True, group="behind", exit_on_error=False)
        elif kpi:
            self.tabs.say(f"{label(kpi)} has no cases of its own", WARN)

    def _read_cases(self, kpi: Kpi) -> None:
        ledger = self.desk.feed.ledger
        try:
            cases = kpis.behind(ledger, kpi.cases, now=self.desk.now, since=self._since(), worker=self._worker)
        except DBAPIError as error:
            self.app.call_from_thread(self.tabs.say, f"✗ the cases could not be read: {error.orig}", BAD)
        else:
            self.app.call_from_thread(self._show_cases, kpi, cases)

    def _show_cases(self, kpi: Kpi, cases: list[Case]) -> None:
        if self.board.current == kpi:
            self.behind.show(kpi, cases)
            if self.app.size.width < 100:
                self.add_class("-detail")

    def action_span(self) -> None:
        """Another span of time."""
        self._span = (self._span + 1) % len(SPANS)
        self.reread()

    def action_worker(self) -> None:
        """One worker, or all of them."""
        names = ["", *sorted(self.desk.guides)]
        self._worker = names[(names.index(self._worker) + 1) % len(names)]
        self.reread()

    def action_back(self) -> None:
        """Back to the numbers, or to the inbox."""
        if self.has_class("-detail"):
            self.remove_class("-detail")
        else:
            self.app.switch_mode("inbox")
