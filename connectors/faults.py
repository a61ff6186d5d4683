"""Faults that a fake connector has on demand: what can go wrong between us and an outside system."""

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from ..core.errors import BadInput

LOOKUP = "lookup"
"""The name under which asking for a key's receipt can fail."""

_PATIENCE = 60.0


class FaultKind(StrEnum):
    """What goes wrong."""

    REFUSE = "refuse"
    """The system says no; nothing happens."""
    UNREACHABLE = "unreachable"
    """The system is not reached; nothing happens."""
    LOST_REQUEST = "lost_request"
    """Nothing happens, and nobody can tell: OutcomeUnknown."""
    LOST_ANSWER = "lost_answer"
    """The effect happens, and nobody can tell: OutcomeUnknown."""
    HOLD = "hold"
    """The request hangs before its effect until `release` is set; `reached` is set meanwhile."""
    CALL_BEFORE = "call_before"
    """`call` runs before the effect; what it raises comes out of `execute`."""
    CALL_AFTER = "call_after"
    """`call` runs after the effect; what it raises comes out of `execute`."""
    KILL_BEFORE = "kill_before"
    """The process dies by SIGKILL before the effect."""
    KILL_AFTER = "kill_after"
    """The process dies by SIGKILL after the effect."""
    NO_LOOKUP = "no_lookup"
    """The system cannot be asked what became of a key; lasts."""
    NOT_IDEMPOTENT = "not_idempotent"
    """The system does not know its keys: the same request happens twice; lasts."""


def _nothing() -> None:
    """What a fault without a `call` does."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that goes wrong, so many times."""

    kind: FaultKind
    operation: str = ""
    """The operation it befalls, a read or `lookup` too; every effect where empty."""
    times: int = 1
    """How often, before it is over."""
    call: Callable[[], object] = _nothing
    """What `call_before` and `call_after` run."""
    reached: threading.Event = field(default_factory=threading.Event)
    """Set once a request hangs in `hold`."""
    release: threading.Event = field(default_factory=threading.Event)
    """Set it to let a request in `hold` go on."""

    def act(self) -> None:
        """Hold, call or kill, as the kind says."""
        if self.kind is FaultKind.HOLD:
            self.reached.set()
            if not self.release.wait(_PATIENCE):
                raise TimeoutError(f"Nobody released the request within {_PATIENCE:.0f} s.")
        elif self.kind in (FaultKind.KILL_BEFORE, FaultKind.KILL_AFTER):
            os.kill(os.getpid(), signal.SIGKILL)
        else:
            self.call()


class Faults:
    """The faults that a fake still has to suffer; safe to use from many threads."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._lock = threading.Lock()
        self._left: list[tuple[Fault, int]] = []
        self.add(*faults)

    def add(self, *faults: Fault) -> None:
        """Script more faults, after those that are left."""
        with self._lock:
            self._left += [(fault, fault.times) for fault in faults]

    def clear(self) -> None:
        """Let everything work again."""
        with self._lock:
            self._left.clear()

    def holds(self, kind: FaultKind) -> bool:
        """Whether a lasting fault is there."""
        with self._lock:
            return any(fault.kind is kind for fault, _ in self._left)

    def take(self, operation: str, kinds: Iterable[FaultKind], *, effect: bool) -> Iterator[Fault]:
        """Faults of `kinds` that befall this one call of `operation`, used up one by one as they are met."""
        # Only effects fail unless a read is named, so that a scripted outage does not hit the reads that prepare a test.
        names = (operation, "") if effect else (operation,)
        wanted = tuple(kinds)
        met: list[Fault] = []
        while (fault := self._next(names, wanted, met)) is not None:
            met.append(fault)
            yield fault

    def _next(self, names: tuple[str, ...], kinds: tuple[FaultKind, ...], met: list[Fault]) -> Fault | None:
        with self._lock:
            for place, (fault, times) in enumerate(self._left):
                if fault.kind in kinds and fault not in met and fault.operation in names:
                    self._left[place : place + 1] = [(fault, times - 1)] if times > 1 else []
                    return fault
        return None


def parse_faults(text: str) -> tuple[Fault, ...]:
    """The faults in `lost_answer:invoice.post:2 no_lookup`: kind, then operation and times if need be; raises BadInput."""
    return tuple(_parsed(word) for word in text.replace(",", " ").split())


def _parsed(word: str) -> Fault:
    kind, _, rest = word.partition(":")
    operation, _, times = rest.partition(":")
    scriptable = [one.value for one in FaultKind if one not in (FaultKind.HOLD, FaultKind.CALL_BEFORE, FaultKind.CALL_AFTER)]
    if kind not in scriptable:
        raise BadInput(f"{word!r} is no fault that can be written as text.", hint=f"Known: {', '.join(scriptable)}.")
    if times and not (times.isdecimal() and int(times) > 0):
        raise BadInput(f"{word!r}: {times!r} is not a number of times.", hint="Write it as kind:operation:2.")
    return Fault(kind=FaultKind(kind), operation=operation, times=int(times or 1))
