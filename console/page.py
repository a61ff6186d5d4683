"""A page of styled lines: composed once for a width, then painted line by line."""

import textwrap
from collections.abc import Iterator

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from .palette import ACCENT, DIM, FAINT, GROUND_STYLE, TEXT, clean

Piece = tuple[str, Style]
"""Some text and how it looks."""


def fit(text: str, width: int) -> str:
    """`text` in exactly `width` columns, with an ellipsis where it was cut."""
    text = clean(text)
    if cell_len(text) <= width:
        return text + " " * (width - cell_len(text))
    return set_cell_size(text, max(0, width - 1)) + "…" if width > 0 else ""


def right(text: str, width: int) -> str:
    """`text` at the right edge of `width` columns."""
    text = clean(text)
    return " " * (width - cell_len(text)) + text if cell_len(text) <= width else fit(text, width)


def strip(pieces: list[Piece], width: int, ground: Style | None = None) -> Strip:
    """The pieces on one line of exactly `width` columns."""
    segments = [Segment(text, style) for text, style in pieces if text]
    return Strip(segments).adjust_cell_length(width, TEXT).apply_style(ground or GROUND_STYLE)


class Page:
    """Lines for one width; text from outside is cleaned of everything a terminal would obey."""

    def __init__(self, width: int, *, airy: bool = True) -> None:
        self.width, self.airy = max(20, width), airy
        self.lines: list[list[Piece]] = []

    def put(self, *pieces: Piece) -> None:
        """One line; what does not fit is cut."""
        self.lines.append([(clean(text), style) for text, style in pieces])

    def blank(self) -> None:
        """An empty line, unless there is one already or the screen is too low for air."""
        if self.airy and self.lines and self.lines[-1]:
            self.lines.append([])

    def head(self, title: str, note: str = "", note_style: Style = DIM) -> None:
        """A section heading with a rule and a note at the right."""
        note = fit(note, min(cell_len(clean(note)), max(0, self.width - cell_len(title) - 4)))
        gap = self.width - cell_len(title) - cell_len(note) - (2 if note else 1)
        self.lines.append([(title, ACCENT), (" " + "─" * max(0, gap) + (" " if note else ""), FAINT), (note, note_style)])

    def spread(self, left: list[Piece], rest: list[Piece]) -> None:
        """`left`, and `rest` at the right edge; on two lines where they do not fit on one."""
        left = [(clean(text), style) for text, style in left]
        rest = [(clean(text), style) for text, style in rest]
        gap = self.width - sum(cell_len(text) for text, _ in (*left, *rest))
        if gap >= 1:
            self.lines.append([*left, (" " * gap, TEXT), *rest])
            return
        self.lines.append(left)
        if rest:
            pad = max(2, self.width - sum(cell_len(text) for text, _ in rest))
            self.lines.append([(" " * pad, TEXT), *rest])

    def text(self, words: str, style: Style, *, indent: int = 0, first: list[Piece] | None = None) -> None:
        """Running text, wrapped and indented; `first` stands in the indent of the first line."""
        for number, line in enumerate(self._wrapped(words, self.width - indent)):
            lead = first if first and number == 0 else [(" " * indent, TEXT)]
            self.lines.append([*lead, (line, style)])

    def _wrapped(self, words: str, width: int) -> Iterator[str]:
        for paragraph in map(clean, words.splitlines() or [""]):
            columns = width if cell_len(paragraph) == len(paragraph) else width // 2
            yield from textwrap.wrap(paragraph, max(10, columns), break_on_hyphens=False) or [""]

    def strips(self) -> list[Strip]:
        """The lines, ready to be painted."""
        return [strip(line, self.width) for line in self.lines]
