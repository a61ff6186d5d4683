"""The console: one operator at one ledger, in a terminal.

Opening it pulls in neither LangGraph nor an HTTP client: the screens meet the workers only through the ledger.
"""

import gc
import os
from pathlib import Path
from typing import ClassVar

from sqlalchemy.exc import DBAPIError
from textual import constants
from textual.app import App
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.theme import Theme

from ..core.clock import Clock
from ..core.settings import Operator, Place
from ..core.store import Ledger
from ..guardrails.approvals import Approvals
from ..guardrails.enactment import in_force
from ..guardrails.policy import Policy
from .bars import NewsBar, StatusBar
from .desk import Desk
from .dialogs import Help
from .feed import Feed, Pulse, Section
from .guide import Guides
from .inbox_screen import InboxScreen
from .kpi_screen import KpiScreen
from .palette import BAR, GROUND
from .stop_panel import StopPanel

POLL_SECONDS = 0.25
"""How often the ledger is asked whether it changed."""

EASE = 40
"""Reading again may take one part in so many of the time, so that a large ledger is read less often."""

ESCAPE_SECONDS = 0.025
"""How long a lone escape waits for the rest of a key sequence, unless ESCDELAY says otherwise."""

_THEME = Theme(
    name="shiftlead",
    primary="#5fd3c4",
    secondary="#79a8ff",
    warning="#f2b950",
    error="#ff6b74",
    success="#7fd88f",
    foreground="#e6edf3",
    background=GROUND,
    surface=GROUND,
    panel=BAR,
    dark=True,
)


class ConsoleApp(App[None]):
    """Waiting approvals, KPIs, and the stop key from everywhere."""

    TITLE = "shiftlead"
    CSS_PATH = "theme.tcss"
    ENABLE_COMMAND_PALETTE = False
    DEFAULT_MODE = "inbox"
    HORIZONTAL_BREAKPOINTS: list[tuple[int, str]] | None = [(0, "-narrow"), (100, "-wide")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f9", "stop", priority=True, show=False),
        Binding("1", "tab('inbox')", show=False),
        Binding("2", "tab('kpis')", show=False),
        Binding("x", "noted", show=False),
        Binding("question_mark,f1", "help", show=False),
        Binding("q", "quit", show=False),
    ]

    def __init__(
        self,
        ledger: Ledger,
        policy: Policy,
        *,
        operator: Operator,
        approvals: Approvals,
        title: str = "shiftlead",
        guides: Guides | None = None,
        lone: bool = False,
    ) -> None:
        """`lone` says that the process is this console's alone: what it loaded to open is then never collected."""
        super().__init__()
        self.animation_level = "none"
        self.desk = Desk(
            feed=Feed(ledger),
            approvals=approvals,
            policy=policy,
            operator=operator,
            title=title,
            guides=guides or {},
            on_change=self.poll_now,
        )
        self.inbox = InboxScreen(self.desk)
        self.add_mode("inbox", lambda: self.inbox)
        self.add_mode("kpis", lambda: KpiScreen(self.desk))
        self._lone, self._frozen = lone, False
        self._polling = False
        self._rest_until = self._list_rest_until = 0.0
        self._listed = ledger.ticks()
        self._minute = -1

    def on_mount(self) -> None:
        """Open the inbox and begin to watch the ledger."""
        self.register_theme(_THEME)
        self.theme = "shiftlead"
        self.set_interval(POLL_SECONDS, self.poll)
        self.poll_now()

    def poll_now(self) -> None:
        """Read everything at the next chance, however short ago that was done."""
        self._rest_until = self._list_rest_until = 0.0
        self.poll()

    def poll(self) -> None:
        """Ask whether the ledger changed; at most one reading is under way."""
        now = self.desk.now
        if now.minute != self._minute:
            self._minute = now.minute
            self._repaint_status()
        if not self._polling and self._loop_time() >= self._rest_until:
            self._polling = True
            self.run_worker(self._read, thread=True, group="poll", exit_on_error=False)

    def _loop_time(self) -> float:
        assert self._loop is not None
        return self._loop.time()

    def _read(self) -> None:
        pulse: Pulse | None = None
        sections: list[Section] | None = None
        problem, began = "", self._loop_time()
        try:
            tick = self.desk.feed.tick()
            if self.desk.pulse is None or tick != self.desk.pulse.tick:
                pulse = self.desk.feed.pulse()
            self._rest_until = self._rested(began)
            if tick != self._listed and self._loop_time() >= self._list_rest_until:
                began = self._loop_time()
                sections = self.desk.feed.sections()
                self._listed, self._list_rest_until = tick, self._rested(began)
        except DBAPIError as error:
            problem = str(error.orig)
        self.call_from_thread(self._beat, pulse, sections, problem)

    def _rested(self, began: float) -> float:
        now = self._loop_time()
        return now + min(30.0, (now - began) * EASE)

    def _beat(self, pulse: Pulse | None, sections: list[Section] | None, problem: str) -> None:
        self._polling = False
        changed = pulse is not None or problem != self.desk.problem
        self.desk.problem = problem
        if pulse:
            self.desk.pulse = pulse
            if self._lone and not self._frozen:
                gc.freeze()
                self._frozen = True
        if changed:
            self._repaint_status()
        if sections is not None:
            self.inbox.arrived(sections)
        if isinstance(self.screen, StopPanel) and pulse:
            self.screen.repaint()

    def _repaint_status(self) -> None:
        for screen in self.screen_stack:
            for bar in screen.query(StatusBar):
                bar.refresh()
            for news in screen.query(NewsBar):
                news.look()

    def action_stop(self) -> None:
        """Open the stop panel over whatever is there; the second press stops everything."""
        if isinstance(self.screen, StopPanel):
            self.screen.press_again()
        else:
            self.push_screen(StopPanel(self.desk, self._scopes()))

    def _scopes(self) -> list[str]:
        """What the request on screen could be stopped by, short of everything."""
        story = self.inbox.pane.story
        if story is None:
            return []
        scopes = [f"worker:{story.case.worker}"]
        if story.envelope:
            action = story.envelope.proposal.action
            scopes += [f"action:{action.kind}", *([f"party:{action.party}"] if action.party else [])]
        return scopes

    def action_tab(self, mode: str) -> None:
        """Another tab, unless something is asked right now."""
        if not isinstance(self.screen, ModalScreen):
            self.switch_mode(mode)

    def action_noted(self) -> None:
        """Take note of the lanes that were closed; they are not told of again here."""
        if not isinstance(self.screen, ModalScreen):
            self.desk.seen |= {one.key for one in self.desk.news}
            self._repaint_status()

    def action_help(self) -> None:
        """Every key of this place."""
        if not isinstance(self.screen, ModalScreen):
            self.push_screen(Help(self.desk))

    async def action_quit(self) -> None:
        """Leave; every decision that was acknowledged is in the ledger."""
        if not isinstance(self.screen, ModalScreen):
            self.exit()


def run_console(place: Place, *, operator: Operator, clock: Clock | None = None, guides: Guides | None = None) -> None:
    """Open the console on a workspace; returns when the operator leaves.

    Raises LedgerError or PolicyError before anything is painted.
    """
    if "ESCDELAY" not in os.environ:
        constants.ESCAPE_DELAY = ESCAPE_SECONDS  # type: ignore[misc]
    ledger = place.open_ledger(clock)
    try:
        policy = in_force(ledger, place, place.keys.ring()).policy
        title = place.folder.name or Path.cwd().name
        approvals = Approvals.of(place, ledger, policy)
        ConsoleApp(ledger, policy, operator=operator, approvals=approvals, title=title, guides=guides, lone=True).run()
    finally:
        ledger.close()
