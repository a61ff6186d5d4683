"""A progress bar on a terminal, and a line at every tenth where there is none."""

import sys
import threading

import typer

_CELLS = 30


class Progress:
    """How far a known amount of work has come; may be told from several threads."""

    def __init__(self, title: str, total: int) -> None:
        self._title = title
        self._total = max(total, 1)
        self._done = 0
        self._shown = -1
        self._live = sys.stderr.isatty()
        self._lock = threading.Lock()

    def step(self, _: str = "") -> None:
        """One thing more is done."""
        with self._lock:
            self._done += 1
            self._show()

    def _show(self) -> None:
        percent = min(100, 100 * self._done // self._total)
        mark = percent if self._live else percent // 10 * 10
        if mark == self._shown:
            return
        self._shown = mark
        if self._live:
            full = _CELLS * percent // 100
            typer.echo(f"\r{self._title} [{'#' * full}{'.' * (_CELLS - full)}] {percent:3} %", err=True, nl=False)
        elif mark:
            typer.echo(f"{self._title}: {mark} %", err=True)

    def close(self) -> None:
        """Leave the line."""
        if self._live and self._shown >= 0:
            typer.echo(err=True)
