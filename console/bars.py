"""The bars: status on row 0, tabs on row 1, what can be done on the last row."""

from collections.abc import Sequence
from itertools import pairwise

from rich.cells import cell_len
from rich.style import Style
from textual.events import Click
from textual.strip import Strip
from textual.widget import Widget

from ..core.switches import ALL
from .desk import Desk
from .page import Piece, fit, strip
from .palette import ACCENT, BAD, BAR, BOLD, DIM, GOOD, GROUND, STOP, STOP_PLAIN, TAB, TEXT, WARN, clean

TABS = (("inbox", "1", "Inbox"), ("kpis", "2", "KPIs"))
"""The tabs: mode, key, word."""

STOP_KEY = " F9 STOP "


class Bar(Widget):
    """One line of pieces at the left and at the right."""

    DEFAULT_CSS = "Bar { height: 1; width: 100%; }"
    GROUND = BAR

    def left(self) -> Sequence[Piece]:
        """What stands at the left."""
        return ()

    def rest(self) -> Sequence[Piece]:
        """What stands at the right; the last to go when there is no room."""
        return ()

    def render_line(self, y: int) -> Strip:
        """The whole bar."""
        width = self.size.width
        rest = list(self.rest())
        room = width - _width(rest)
        left = _cut(self.left(), room - 1)
        gap = max(0, room - _width(left))
        return strip([*left, (" " * gap, TEXT), *rest], width, Style(bgcolor=self.GROUND))


class StatusBar(Bar):
    """Where this is, whether it runs, what waits, who is here, and the stop key."""

    DEFAULT_CSS = "StatusBar { dock: top; }"

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk

    def _wide(self) -> bool:
        return self.size.width >= 100

    def left(self) -> Sequence[Piece]:
        """Workspace, RUNNING or STOPPED, what waits."""
        title = clean(self.desk.title)[: 24 if self._wide() else 12]
        pieces: list[Piece] = [(" ◆ ", ACCENT), (f"{title} ", BOLD), *self._state()]
        if (pulse := self.desk.pulse) and pulse.stopped and not self._wide():
            pieces += [
                (f"{pulse.waiting:,} ", BOLD),
                (f"{'!' if pulse.soon else ''}{pulse.soon:,}", BAD if pulse.soon else BOLD),
                ("<15m", DIM),
            ]
        elif pulse:
            pieces += [(f"{pulse.waiting:,}", BOLD), (" waiting", DIM)]
            pieces += [(f"  {'!' if pulse.soon else ''}{pulse.soon:,}", BAD if pulse.soon else BOLD), (" due <15m", DIM)]
        return pieces

    def _state(self) -> Sequence[Piece]:
        if self.desk.problem:
            return [("? LEDGER NOT READ ", STOP_PLAIN)]
        stopped = self.desk.pulse.stopped if self.desk.pulse else ()
        if not stopped:
            return [("● ", GOOD), ("RUNNING  ", GOOD + Style(bold=True))]
        everything = next((one for one in stopped if one.scope == ALL), None)
        scopes = "all" if everything else ", ".join(one.scope for one in stopped[:2]) + (" …" if len(stopped) > 2 else "")
        return [(" ■ STOPPED ", STOP_PLAIN), (f" {fit(scopes, min(len(scopes), 30 if self._wide() else 16))}  ", BAD)]

    def rest(self) -> Sequence[Piece]:
        """Policy, operator, clock, stop."""
        who = self.desk.operator
        clock = f"{self.desk.now.astimezone():%H:%M}"
        name = clean(f"{who.name}·{who.role}")
        style = STOP_PLAIN if self.app.no_color else STOP
        pieces: list[Piece] = [(f"{clean(self.desk.policy.ref)} ", TEXT if self._wide() else DIM)]
        if self._wide():
            pieces = [("policy ", DIM), *pieces]
            return [*pieces, (" │ ", DIM), (f"{name} ", BOLD), (f" {clock} ", DIM), (STOP_KEY, style)]
        return [*pieces, (f"{fit(name, min(len(name), 15))} ", BOLD), (STOP_KEY, style)]

    def on_click(self, event: Click) -> None:
        """The stop key also takes a mouse."""
        if event.x >= self.size.width - len(STOP_KEY):
            self.app.simulate_key("f9")


class NewsBar(Bar):
    """A lane that an alarm closed; there only while there is such news."""

    DEFAULT_CSS = "NewsBar { display: none; }"

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk

    def look(self) -> None:
        """Show the news that there is, or go."""
        self.display = bool(self.desk.news)
        self.refresh()

    def left(self) -> Sequence[Piece]:
        """Which lane, since when, and why."""
        if not self.desk.news:
            return ()
        first, *others = self.desk.news
        stand, more = first.stand, f", and {len(others)} more" if others else ""
        # On a narrow screen the reason needs the room more than the worker does, whom the kind tells.
        named = (stand.worker, stand.kind, stand.slice) if self.size.width >= 100 else (stand.kind,)
        lane = " ".join(part for part in named if part)
        told = [(" ▼ ", WARN), (clean(f"{lane} "), BOLD), (f"closed {first.at.astimezone():%H:%M}{more}: ", TEXT)]
        return [*told, (clean(first.why), WARN)]

    def rest(self) -> Sequence[Piece]:
        """How to take note of it."""
        return [(" x", ACCENT), (" noted ", DIM)]


class TabBar(Bar):
    """The tabs, and what happened last."""

    GROUND = GROUND

    def __init__(self, here: str) -> None:
        super().__init__()
        self.here = here
        self.message = ""
        self.look = DIM

    def say(self, message: str, look: Style = DIM) -> None:
        """Show what happened."""
        self.message, self.look = message, look
        self.refresh()

    def left(self) -> Sequence[Piece]:
        """The tabs."""
        pieces: list[Piece] = [(" ", TEXT)]
        for mode, key, word in TABS:
            here = mode == self.here
            pieces.append((f" {key} {word} ", TAB + (Style(reverse=False)) if here else DIM))
        return pieces

    def rest(self) -> Sequence[Piece]:
        """What happened last, cut to the room there is."""
        room = self.size.width - _width(self.left()) - 3
        words = clean(self.message)
        return [((words if cell_len(words) <= room else words[: room - 1] + "…") + " ", self.look)]

    def on_click(self, event: Click) -> None:
        """Tabs also take a mouse."""
        edges = [1]
        for _, key, word in TABS:
            edges.append(edges[-1] + len(key) + len(word) + 3)
        for (mode, _, _), (start, end) in zip(TABS, pairwise(edges), strict=True):
            if start <= event.x < end:
                self.app.switch_mode(mode)


class ActionBar(Bar):
    """What can be done here: keys and words, help always at the far right."""

    DEFAULT_CSS = "ActionBar { dock: bottom; }"

    def __init__(self) -> None:
        super().__init__()
        self.hindrance = ""
        self.keys: Sequence[tuple[str, str]] = ()

    def offer(self, keys: Sequence[tuple[str, str]], hindrance: str = "") -> None:
        """Show these keys; `hindrance` says why the first of them is not there."""
        self.keys, self.hindrance = keys, hindrance
        self.refresh()

    def left(self) -> Sequence[Piece]:
        """The keys, the most used first, and after them why approving is not among them."""
        pieces: list[Piece] = []
        for key, word in self.keys:
            pieces += [(f" {key}", BAD if key == "r" else ACCENT), (f" {word} ", TEXT)]
        if self.hindrance:
            pieces.append((f" ⊘ {clean(self.hindrance)}", WARN))
        return pieces

    def rest(self) -> Sequence[Piece]:
        """Help."""
        return [(" ?", ACCENT), (" help ", DIM)]


def _width(pieces: Sequence[Piece]) -> int:
    return sum(cell_len(text) for text, _ in pieces)


def _cut(pieces: Sequence[Piece], room: int) -> list[Piece]:
    kept: list[Piece] = []
    for text, style in pieces:
        used = cell_len(text)
        if used > room:
            return [*kept, (text[: max(0, room - 1)] + "…", style)] if room > 1 else kept
        kept.append((text, style))
        room -= used
    return kept
