"""The small questions on the way to a decision: which reason, which role, until when, in what words."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Generic, TypeVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from .bars import StatusBar
from .desk import Desk
from .palette import ACCENT, BAD, DIM, TEXT, clean

T = TypeVar("T")


class Dialog(ModalScreen[T | None], Generic[T]):
    """A box over the screen; the status bar with its stop key stays in sight."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", show=False)]
    AUTO_FOCUS = ""
    TITLE_TEXT = ""
    KEYS_TEXT = "esc back"

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk

    def compose(self) -> ComposeResult:
        """The status bar and the box."""
        yield StatusBar(self.desk)
        with Vertical(id="box") as box:
            box.border_title, box.border_subtitle = self.TITLE_TEXT, self.KEYS_TEXT
            yield from self.body()

    def body(self) -> ComposeResult:
        """What stands in the box."""
        yield Static("")

    def action_cancel(self) -> None:
        """Go back; nothing was decided."""
        self.dismiss(None)


class Choice(Dialog[str]):
    """Pick one of a few by its digit, or 0 for other words."""

    KEYS_TEXT = "1-9 pick · esc back"

    def __init__(self, desk: Desk, title: str, options: Sequence[str], *, lead: str = "", free: str = "") -> None:
        super().__init__(desk)
        self.TITLE_TEXT = title
        self.options, self.lead, self.free = tuple(options)[:9], lead, free

    def body(self) -> ComposeResult:
        """The numbered options, and a line to type in."""
        text = Text(self.lead + "\n\n" if self.lead else "", style=TEXT)
        for number, option in enumerate(self.options, start=1):
            text.append(f" {number} ", ACCENT).append(f"{clean(option).replace('_', ' ')}\n", TEXT)
        if self.free:
            text.append(" 0 ", ACCENT).append(self.free, TEXT)
        yield Static(text)
        line = Input(placeholder=self.free, id="words", compact=True)
        line.display = False
        yield line
        yield Static("", id="problem")

    def on_key(self, event: Key) -> None:
        """A digit picks."""
        if isinstance(self.focused, Input):
            return
        if event.key == "0" and self.free:
            event.stop()
            line = self.query_one("#words", Input)
            line.display = True
            line.focus()
        elif event.key.isdigit() and 1 <= int(event.key) <= len(self.options):
            event.stop()
            self.dismiss(self.options[int(event.key) - 1])
        elif event.key in ("q", "left"):
            event.stop()
            self.action_cancel()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Words of one's own; there must be some."""
        if words := event.value.strip():
            self.dismiss(words)
        else:
            self.query_one("#problem", Static).update(Text("✗ Write a few words, or press esc.", BAD))


class Words(Dialog[str]):
    """A line in the operator's own words."""

    KEYS_TEXT = "enter send · esc back"

    def __init__(self, desk: Desk, title: str, lead: str, *, start: str = "") -> None:
        super().__init__(desk)
        self.TITLE_TEXT, self.lead, self.start = title, lead, start

    def body(self) -> ComposeResult:
        """The question and the line."""
        yield Static(Text(self.lead, style=TEXT))
        yield Input(value=self.start, id="words", compact=True)
        yield Static("", id="problem")

    def on_mount(self) -> None:
        """Type at once."""
        self.query_one("#words", Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Send it; there must be something."""
        if words := event.value.strip():
            self.dismiss(words)
        else:
            self.query_one("#problem", Static).update(Text("✗ Write a few words, or press esc.", BAD))


class Help(Dialog[str]):
    """Every key of this place."""

    TITLE_TEXT = "Keys"
    KEYS_TEXT = "any key goes back"

    def body(self) -> ComposeResult:
        """The keys in two columns."""
        text = Text()
        for key, words in HELP:
            text.append(f"{key:>14}  ", ACCENT if words else DIM).append(f"{words}\n", TEXT)
        text.append("\n" + LANES, DIM)
        yield Static(text)

    def on_key(self, event: Key) -> None:
        """Any key closes it."""
        if event.key != "f9":
            event.stop()
            self.dismiss(None)


HELP = (
    ("j k  ↓ ↑", "next, previous request"),
    ("g G PgUp PgDn", "first, last, a page; in the decision alone PgDn scrolls it"),
    ("enter", "the decision, and back to the list, on a narrow screen"),
    ("space b", "scroll the decision down, up"),
    ("a", "approve what is on screen, then the next"),
    ("e", "edit the proposed values; they are judged anew"),
    ("r then 1-9, 0", "reject with a reason, or in your own words"),
    ("c", "answer in words; say what became of a lost effect"),
    ("!", "escalate to a role"),
    ("h", "put it off: one hour, tomorrow 09:00"),
    (".", "merge what has arrived"),
    ("x", "take note of a lane that an alarm closed"),
    ("1 2", "inbox, KPIs"),
    ("F9", "stop; F9 again within 2 s stops everything"),
    ("q", "back, or quit"),
)
"""What each key does."""

LANES = "● REVIEW one person   ▲ DUAL two people   ■ BLOCK prohibited   ◆ HANDLE take the case   ? VERIFY answer lost"


def snooze_times(now: datetime) -> dict[str, datetime]:
    """The times a request can be put off to, in the operator's own time zone."""
    morning = (now.astimezone() + timedelta(days=1)).replace(hour=9, minute=0, second=0, microsecond=0)
    hour = now + timedelta(hours=1)
    return {
        f"one hour, until {hour.astimezone():%H:%M}": hour,
        f"tomorrow {morning:%a %d %b} 09:00": morning.astimezone(UTC),
    }
