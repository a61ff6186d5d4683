"""The stop panel: F9 opens it over everything, F9 again within two seconds stops everything.

Stopping takes one or two keys and no reason; letting things run again takes a reason and a second person.
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
from ..core.switches import ALL, Switch
from ..guardrails import killswitch
from ..guardrails.killswitch import Resumed
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
            if one.resume_by:
                text.append(f"  {clean(one.resume_by)} asks to let it run: {clean(one.resume_reason)}\n", WARN)
        if len(stopped) > _SHOWN:
            text.append(f"and {len(stopped) - _SHOWN} more\n", WARN)
        if stopped:
            text.append("  r ", ACCENT).append(f" {self._resume_words(stopped)}", TEXT)
        self.query_one("#scopes", Static).update(text)

    def _resume_words(self, stopped: Sequence[Switch]) -> str:
        if self.desk.policy.separation != "four_eyes":
            return "let it run again, with a reason"
        others = [one for one in stopped if one.resume_by and one.resume_by != self.desk.operator.name]
        return (
            "agree as the second person, and it runs" if others else "ask to let it run, with a reason; a second person agrees"
        )

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
            self._ask_reason(stopped[0])
        else:
            self._ask("resume", f"which one: {', '.join(stopped)}")

    def _ask_reason(self, scope: str) -> None:
        self._resuming = scope
        asked = next((one for one in self.desk.pulse.stopped if one.scope == scope), None) if self.desk.pulse else None
        if asked and asked.resume_by and asked.resume_by != self.desk.operator.name:
            self._ask("reason", f"enter lets {scope} run, as {asked.resume_by} asked; add words if you like")
        else:
            self._ask("reason", f"why {scope} may run again: what was checked")

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
            self._ask_reason(words)
        else:
            self._do(partial(self.desk.resume, self._resuming, words))

    def _stop(self, scope: str) -> None:
        self._do(partial(killswitch.stop, self.desk.feed.ledger, scope, operator=self.desk.operator, reason=_WHY))

    def _do(self, change: Callable[[], Resumed | None]) -> None:
        self.run_worker(partial(self._done, change), thread=True, group="stop", exit_on_error=False)

    def _done(self, change: Callable[[], Resumed | None]) -> None:
        try:
            led_to = change()
        except ShiftleadError as error:
            self.app.call_from_thread(self._failed, f"✗ {error}")
        except Exception as error:
            self.app.call_from_thread(self._failed, f"✗ The ledger did not take it: {error}. Press F9 again.")
            raise
        else:
            self.app.call_from_thread(self._changed, led_to)

    def _failed(self, words: str) -> None:
        self._say(words, BAD)

    def _changed(self, led_to: Resumed | None) -> None:
        self.desk.on_change()
        if led_to is Resumed.ASKED:
            self.query_one("#words", Input).display = False
            self._say("Asked. It stays stopped until a second person agrees, here with r.", WARN)
        elif self.is_current:
            self.dismiss("changed")

    def _say(self, words: str, look: Style) -> None:
        self.query_one("#problem", Static).update(Text(clean(words), look))
