"""The stop panel: F9 opens it over everything, F9 again within two seconds stops everything.

Stopping takes one or two keys and no reason; letting things run again takes a reason.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Key
from textual.widgets import Input, Static

from ..core.errors import ShiftleadError
from ..core.switches import ALL
from ..guardrails import killswitch
from .desk import Desk
from .dialogs import Dialog
from .palette import ACCENT, BAD, BOLD, DIM, GOOD, STOP_PLAIN, TEXT, WARN, clean

SECOND_PRESS = timedelta(seconds=2)
"""How soon the second F9 must follow the first."""

_SHOWN = 3
_WHY = "stopped from the console"


class StopPanel(Dialog[str]):
    """Which scope to stop, what is stopped, and how to let it run again."""

    TITLE_TEXT = "STOP"
    KEYS_TEXT = "F9 stop everything · 1-9 stop one · s other · r resume · esc back"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", show=False)]

    def __init__(self, desk: Desk, scopes: Sequence[str]) -> None:
        super().__init__(desk)
        self.scopes = [ALL, *scopes]
        self.pressed_at: datetime = desk.now
        self._asks = ""
        self._resuming = ""

    def body(self) -> ComposeResult:
        """The scopes, what is stopped, and a line to type in."""
        yield Static(id="scopes")
        line = Input(id="words", compact=True)
        line.display = False
        yield line
        yield Static("", id="problem")

    def on_mount(self) -> None:
        """Show what there is to stop."""
        self.repaint()

    def repaint(self) -> None:
        """Write the scopes and the switches anew."""
        text = Text()
        text.append(" F9 ", STOP_PLAIN).append("  again within 2 s stops everything\n\n", BOLD)
        for number, scope in enumerate(self.scopes, start=1):
            text.append(f"  {number} ", ACCENT).append(f" stop {clean(scope)}", TEXT)
            text.append("  everything, every worker\n" if scope == ALL else "\n", DIM)
        text.append("  s ", ACCENT).append(" stop another: worker:NAME, action:KIND or party:ID\n", TEXT)
        pulse = self.desk.pulse
        sending = pulse.sending if pulse else 0
        text.append(f"\n{sending} being sent right now. Nothing new starts after a stop.\n\n", DIM)
        stopped = pulse.stopped if pulse else ()
        if not stopped:
            text.append("● RUNNING", GOOD).append("  nothing is stopped", DIM)
        for one in stopped[:_SHOWN]:
            text.append("■ STOPPED ", BAD).append(clean(one.scope), BOLD)
            text.append(f"  {one.at.astimezone():%d %b %H:%M} by {clean(one.by)}: {clean(one.reason)}\n", DIM)
        if len(stopped) > _SHOWN:
            text.append(f"and {len(stopped) - _SHOWN} more\n", WARN)
        if stopped:
            text.append("  r ", ACCENT).append(" let it run again, with a reason", TEXT)
        self.query_one("#scopes", Static).update(text)

    def press_again(self) -> None:
        """F9 while the panel is open: stop everything where it follows closely, else count as the first press."""
        if self.desk.now - self.pressed_at <= SECOND_PRESS:
            self._do(partial(killswitch.stop, self.desk.feed.ledger, ALL, operator=self.desk.operator, reason=_WHY))
        else:
            self.pressed_at = self.desk.now
            self._say("F9 once more within 2 s stops everything.", WARN)

    def on_key(self, event: Key) -> None:
        """A digit stops its scope; `s` and `r` ask for words."""
        if isinstance(self.focused, Input):
            return
        if event.key.isdigit() and 1 <= int(event.key) <= len(self.scopes):
            event.stop()
            self._stop(self.scopes[int(event.key) - 1])
        elif event.key == "s":
            event.stop()
            self._ask("scope", "worker:invoices, action:invoice.post, party:C-104")
        elif event.key == "r":
            event.stop()
            self._begin_resume()
        elif event.key in ("q", "left"):
            event.stop()
            self.action_cancel()

    def _begin_resume(self) -> None:
        stopped = [one.scope for one in self.desk.pulse.stopped] if self.desk.pulse else []
        if not stopped:
            self._say("Nothing is stopped.", DIM)
        elif len(stopped) == 1:
            self._resuming = stopped[0]
            self._ask("reason", f"why {stopped[0]} may run again: what was checked")
        else:
            self._ask("resume", f"which one: {', '.join(stopped)}")

    def _ask(self, what: str, placeholder: str) -> None:
        self._asks = what
        line = self.query_one("#words", Input)
        line.value, line.placeholder, line.display = "", placeholder, True
        line.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """The scope, or the reason, was typed."""
        words = event.value.strip()
        if self._asks == "scope":
            self._stop(words)
        elif self._asks == "resume":
            self._resuming = words
            self._ask("reason", f"why {words} may run again: what was checked")
        else:
            ledger, who = self.desk.feed.ledger, self.desk.operator
            self._do(partial(killswitch.resume, ledger, self._resuming, operator=who, reason=words))

    def _stop(self, scope: str) -> None:
        self._do(partial(killswitch.stop, self.desk.feed.ledger, scope, operator=self.desk.operator, reason=_WHY))

    def _do(self, change: Callable[[], None]) -> None:
        self.run_worker(partial(self._done, change), thread=True, group="stop", exit_on_error=False)

    def _done(self, change: Callable[[], None]) -> None:
        try:
            change()
        except ShiftleadError as error:
            self.app.call_from_thread(self._failed, f"✗ {error}")
        except Exception as error:
            self.app.call_from_thread(self._failed, f"✗ The ledger did not take it: {error}. Press F9 again.")
            raise
        else:
            self.app.call_from_thread(self._changed)

    def _failed(self, words: str) -> None:
        self._say(words, BAD)

    def _changed(self) -> None:
        self.desk.on_change()
        if self.is_current:
            self.dismiss("changed")

    def _say(self, words: str, look: Style) -> None:
        self.query_one("#problem", Static).update(Text(clean(words), look))
