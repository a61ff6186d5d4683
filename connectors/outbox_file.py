"""Effects as lines of a file, for somebody to carry over: written once for each key, and durable before they are acknowledged."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from ..core.action import Target
from ..core.errors import OutcomeUnknown, Refused, Unreachable
from ..core.noun import Noun, canonical_json, plain
from ..core.receipt import Outcome, Receipt

ONCE = frozenset({"invoice.post", "invoice.short_pay", "invoice.issue"})
"""Operations of which a record takes one, whatever their key: a second one would pay it twice."""


class Entry(Noun):
    """One line: an effect that somebody has to carry over into the system the exports came from."""

    key: str
    operation: str
    target: str
    """The record: `invoice/inv-7.xml`."""
    arguments: dict[str, Any]
    at: datetime

    def receipt(self) -> Receipt:
        """What the writer was, or would have been, answered."""
        return Receipt(
            key=self.key,
            outcome=Outcome.DONE,
            external_id=self.key,
            detail="Written to outbox.jsonl to be carried over.",
            at=self.at,
        )


class OutboxFile:
    """The file; a lock keeps processes apart, and a line that was cut off by a crash was never acknowledged and goes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, operation: str, arguments: Mapping[str, Any], *, key: str, target: Target, at: datetime) -> Receipt:
        """Write one effect, or return the receipt of the same key.

        Raises:
            Refused: where the key stands for another effect, or the record has one of its kind already.
            Unreachable: where the file cannot be opened or read; nothing was written.
            OutcomeUnknown: where writing failed half-way.
        """
        entry = Entry(
            key=key, operation=operation, target=f"{target.kind}/{target.id}", arguments=plain(dict(arguments)), at=at
        )
        with self._locked() as file:
            for earlier in self._entries(file):
                if earlier.key == key:
                    return _same(earlier, entry).receipt()
                if {earlier.operation, operation} <= ONCE and earlier.target == entry.target:
                    raise Refused(
                        f"{entry.target} is in the outbox already, as {earlier.operation} of {earlier.at:%Y-%m-%d %H:%M}."
                    )
            self._write(file, entry)
        return entry.receipt()

    def find(self, key: str) -> Receipt | None:
        """The receipt of `key`, or None where it was never written; raises Unreachable."""
        if not self.path.exists():
            return None
        with self._locked() as file:
            return next((entry.receipt() for entry in self._entries(file) if entry.key == key), None)

    @contextmanager
    def _locked(self) -> Iterator[BinaryIO]:
        try:
            file = self.path.open("a+b", buffering=0)
        except OSError as error:
            raise Unreachable(
                f"{self.path.name} cannot be opened: {error.strerror or error}.", hint="Check its rights."
            ) from error
        with file:
            _lock(file)
            yield file

    def _entries(self, file: BinaryIO) -> Iterator[Entry]:
        """Every whole line; raises Unreachable where one was changed by hand and cannot be read."""
        file.seek(0)
        *lines, tail = file.read().split(b"\n")
        for number, line in enumerate(lines, 1):
            entry = _parsed(line)
            if entry is None:
                raise Unreachable(
                    f"{self.path.name}, line {number}: it is not an effect as it was written, so nothing can be told from the file.",
                    hint="Restore the line, or move the file away once everything in it is carried over.",
                )
            yield entry
        if last := _parsed(tail):
            yield last

    def _write(self, file: BinaryIO, entry: Entry) -> None:
        try:
            line = _mend_tail(file) + canonical_json(entry).encode() + b"\n"
            written = file.write(line)
            os.fsync(file.fileno())
            _sync_folder(self.path.parent)
        except OSError as error:
            raise OutcomeUnknown(f"{self.path.name}: writing {entry.key!r} failed: {error.strerror or error}.") from error
        if written != len(line):
            raise OutcomeUnknown(f"{self.path.name}: only {written} of {len(line)} bytes of {entry.key!r} were written.")


def _parsed(line: bytes) -> Entry | None:
    try:
        return Entry.model_validate_json(line)
    except ValueError:
        return None


def _mend_tail(file: BinaryIO) -> bytes:
    """Drop a line that was cut off; what must come before the next one, where a whole line lost only its end."""
    file.seek(0)
    content = file.read()
    whole = content.rfind(b"\n") + 1
    if _parsed(content[whole:]):
        return b"\n"
    file.truncate(whole)
    return b""


def _same(earlier: Entry, entry: Entry) -> Entry:
    """The earlier line; raises Refused where its key stands for something else."""
    if (earlier.operation, earlier.target, earlier.arguments) != (entry.operation, entry.target, entry.arguments):
        raise Refused(f"The key {entry.key!r} stands for {earlier.operation} on {earlier.target} already.")
    return earlier


def _lock(file: BinaryIO) -> None:
    """Wait for the file; the lock goes when the file is closed."""
    if sys.platform == "win32":
        import msvcrt

        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
    else:
        import fcntl

        fcntl.flock(file.fileno(), fcntl.LOCK_EX)


def _sync_folder(folder: Path) -> None:
    """Make the file's own existence durable, where the system can."""
    if sys.platform != "win32":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
