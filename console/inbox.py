"""The list of waiting requests: ids only, with a window of rows around what is on screen.

It never reorders under the cursor: what arrives is counted, and merged when the operator says so.
"""

from collections.abc import Iterable
from datetime import datetime

from rich.style import Style
from textual.events import Click, Resize
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ..core.approval import RequestState
from ..core.waiting import WaitingRow
from .feed import Feed, Section
from .page import Piece, fit, right, strip
from .palette import ACCENT, BOLD, CURSOR, DIM, FAINT, TEXT, WARN, badge, clean, due, short_money, sure

_SETTLED = {
    RequestState.APPROVED: "✓ yes",
    RequestState.REJECTED: "✗ no",
    RequestState.ANSWERED: "✓ done",
    RequestState.SUPERSEDED: "↻ new",
    RequestState.EXPIRED: "late",
}


class VirtualList(ScrollView, can_focus=False):
    """Sections of request ids, painted a line at a time."""

    class Moved(Message):
        """The cursor is on another request."""

    class Opened(Message):
        """The request under the cursor was clicked."""

    def __init__(self, feed: Feed) -> None:
        super().__init__(id="inbox")
        self.feed = feed
        self.sections: list[Section] = []
        self.cursor = 0
        self.fresh: set[str] = set()
        self._rows: dict[str, WaitingRow] = {}
        self._now = feed.now

    def __len__(self) -> int:
        return sum(len(section.ids) for section in self.sections)

    @property
    def current(self) -> str | None:
        """The id under the cursor."""
        return self.id_at(self.cursor)

    def ids(self) -> Iterable[str]:
        """Every id, in order."""
        return (one for section in self.sections for one in section.ids)

    def id_at(self, place: int) -> str | None:
        """The id at a place, counted over all sections."""
        for section in self.sections:
            if 0 <= place < len(section.ids):
                return section.ids[place]
            place -= len(section.ids)
        return None

    def row_at(self, place: int) -> WaitingRow | None:
        """The row at a place, read where it is not in the window yet."""
        wanted = self.id_at(place)
        if wanted is None:
            return None
        if wanted not in self._rows:
            self._read(self._line_of(place))
        return self._rows.get(wanted)

    def load(self, sections: list[Section], now: datetime) -> None:
        """Show other sections; the cursor stays on its request where that is still there."""
        held, old_place = self.current, self.cursor
        self.sections, self._rows, self._now, self.fresh = sections, {}, now, set()
        place = next((at for at, one in enumerate(self.ids()) if one == held), None) if held else None
        self._put_cursor(old_place if place is None else place)
        self._laid_out()

    def arrived(self, sections: list[Section]) -> None:
        """Count what is new without showing it yet, and read the visible rows again."""
        known = set(self.ids())
        self.fresh = {one for section in sections for one in section.ids} - known
        self.recheck()

    def recheck(self) -> None:
        """Read the visible rows again: somebody else may have decided one of them."""
        self._rows, self._now = {}, self.feed.now
        self.refresh()

    def replace(self, old: str, new: str) -> None:
        """Put the request that took another's place where that one stood."""
        for section in self.sections:
            if old in section.ids:
                section.ids[section.ids.index(old)] = new
        self.fresh.discard(new)
        self.recheck()

    def take_out(self, request_id: str) -> None:
        """Take one request out; the cursor is then on the one after it."""
        place = 0
        for section in self.sections:
            if request_id in section.ids:
                place += section.ids.index(request_id)
                section.ids.remove(request_id)
                break
            place += len(section.ids)
        else:
            return
        self.sections = [section for section in self.sections if section.ids]
        self._rows.pop(request_id, None)
        self._put_cursor(self.cursor - 1 if place < self.cursor else self.cursor)
        self._laid_out()

    def move(self, by: int) -> None:
        """Move the cursor by some requests."""
        self._go(self.cursor + by)

    def leap(self, pages: int) -> None:
        """Move by a page."""
        self._go(self.cursor + pages * max(1, self.size.height - 2))

    def edge(self, end: int) -> None:
        """Move to the first or last request."""
        self._go(len(self) - 1 if end > 0 else 0)

    def on_click(self, event: Click) -> None:
        """Put the cursor where the mouse is."""
        place = self._place_of(event.y + self.scroll_offset.y - (1 if self.styles.border_top[0] else 0))
        if place is not None:
            self._go(place)
            self.post_message(self.Opened())

    def _go(self, place: int) -> None:
        old = self.cursor
        self._put_cursor(place)
        if self.cursor != old:
            self._keep_in_sight()
            self.refresh_lines(self._line_of(old))
            self.refresh_lines(self._line_of(self.cursor))
            self.post_message(self.Moved())

    def _put_cursor(self, place: int) -> None:
        self.cursor = max(0, min(place, len(self) - 1))

    def _keep_in_sight(self) -> None:
        line = self._line_of(self.cursor)
        top = 0 if self.cursor == 0 else line
        self.scroll_to_region(Region(0, top, 1, line - top + 1), animate=False, force=True)

    def _line_of(self, place: int) -> int:
        line = 0
        for section in self.sections:
            if place < len(section.ids):
                return line + 1 + place
            place -= len(section.ids)
            line += len(section.ids) + 1
        return line

    def _place_of(self, line: int) -> int | None:
        place = 0
        for section in self.sections:
            if line == 0:
                return None
            if line <= len(section.ids):
                return place + line - 1
            line -= len(section.ids) + 1
            place += len(section.ids)
        return None

    def _laid_out(self) -> None:
        self.virtual_size = Size(self.size.width, len(self) + len(self.sections))
        self._keep_in_sight()
        self.refresh()

    def on_resize(self, event: Resize) -> None:
        """Keep the cursor in sight on the new size."""
        self._laid_out()

    def _read(self, line: int) -> None:
        height = max(self.size.height, 20)
        places = (self._place_of(one) for one in range(max(0, line - height), line + 2 * height))
        ids = [one for place in places if place is not None and (one := self.id_at(place)) not in self._rows and one]
        self._rows.update((row.id, row) for row in self.feed.rows(ids))

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        width = self.scrollable_content_region.width
        line = y + self.scroll_offset.y
        for section in self.sections:
            if line == 0:
                return self._heading(section, width)
            if line <= len(section.ids):
                place = self._place_of(y + self.scroll_offset.y) or 0
                return self._painted(place, width, asleep=section.title == "Snoozed")
            line -= len(section.ids) + 1
        return strip([], width)

    def _heading(self, section: Section, width: int) -> Strip:
        count = f"{len(section.ids):,}"
        rule = "─" * max(0, width - len(section.title) - len(count) - 3)
        return strip([(section.title, DIM + Style(bold=True)), (f" {rule} ", FAINT), (count, DIM)], width)

    def _painted(self, place: int, width: int, *, asleep: bool) -> Strip:
        row = self.row_at(place)
        here = place == self.cursor
        lead: list[Piece] = [("▌" if here else " ", ACCENT)]
        if row is None:
            return strip([*lead, ("gone", DIM)], width)
        ground = Style(bgcolor=CURSOR) if here else None
        return strip([*lead, *self._cells(row, width - 1, here=here, asleep=asleep)], width, ground)

    def _cells(self, row: WaitingRow, width: int, *, here: bool, asleep: bool) -> list[Piece]:
        wide = width >= 64
        sign = badge(row.question, row.lane, row.approvals_needed)
        what, ago = _last_columns(row, self._now, asleep=asleep)
        rest: list[Piece] = [
            (right(short_money(row.amount, row.currency), 11 if wide else 9), TEXT),
            (right(what, 6), ago),
            (" " + sure(row.confidence)[0], sure(row.confidence)[1]),
        ]
        first = sign.glyph + (f" {sign.word:<7}" if wide else " ")
        ref = 16 if width >= 90 else 11
        room = width - len(first) - 1 - ref - 1 - (11 if wide else 9) - 6 - 4
        kind = 19 if wide else 0
        reminded: Piece = ("!" if row.ladder else " ", WARN)
        pieces: list[Piece] = [reminded, (first, sign.style), (fit(row.ref, ref) + " ", BOLD if here else TEXT)]
        if kind:
            pieces.append((fit(row.action_kind or row.worker, kind - 1) + " ", DIM))
        pieces.append((fit(clean(row.party or row.subject), max(0, room - kind)), TEXT))
        return pieces + rest


def _last_columns(row: WaitingRow, now: datetime, *, asleep: bool) -> Piece:
    if row.state is not RequestState.PENDING:
        return _SETTLED[row.state], DIM
    if asleep and row.snoozed_until:
        until = row.snoozed_until.astimezone()
        return f"{until:%H:%M}" if row.snoozed_until.date() == now.date() else f"{until:%d %b}", DIM
    return due(now, row.due_at)
