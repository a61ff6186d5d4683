"""A ledger in which nothing has happened, made once and copied: making its tables takes longer than most tests."""

import tempfile
from functools import cache
from pathlib import Path

from shiftlead.core.store import Ledger


@cache
def _blank() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        Ledger.create(f"sqlite:///{path}", durable=False).close()
        return path.read_bytes()


def blank_ledger(path: Path) -> str:
    """Put a blank SQLite ledger at `path`; returns its address."""
    path.write_bytes(_blank())
    return f"sqlite:///{path}"
