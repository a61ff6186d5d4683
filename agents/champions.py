"""Champions: which text brain is at work for a worker, and which one answers beside it.

Every process asks the ledger at the beginning of each case, so that a promotion or a rollback holds for the next case everywhere. A
brain is loaded once, and only as it was signed: the signature of whoever put it to work, its content and its own hash are verified
first. Where a host can run only its lower tier that one works, under its own name. One that fails is never used, and no other steps in
for it: the cases of its worker rest as they do while a system is away, and after five attempts a person gets them, until somebody rolls
back or restores the ledger.
"""

from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from ..core import brains
from ..core.brains import Role
from ..core.errors import LedgerError, ShiftleadError
from ..core.keys import Keyring
from ..core.store import Ledger
from .brain_versions import digests, opened
from .text_worker import TextWorker
from .worker import Worker

if TYPE_CHECKING:
    from .text_brain import TextBrain


class Cast(NamedTuple):
    """Who works on a case."""

    worker: Worker
    """With the brain at work."""
    beside: TextWorker | None = None
    """The same worker with the challenger; None where there is none, or where it cannot be used."""
    challenger: str = ""
    """The challenger's digest; empty where there is none."""
    problem: str = ""
    """Why the challenger cannot be used."""


class Champions:
    """The brains at work, as one process has loaded them; safe to share between threads."""

    def __init__(self, ledger: Ledger, keyring: Keyring | None) -> None:
        """`keyring` holds the keys whose signatures put a brain to work; with None none is asked for."""
        self._ledger = ledger
        self._keyring = keyring
        self._ready: dict[tuple[str, Role, str], TextWorker] = {}
        self._lock = Lock()

    def cast(self, worker: Worker) -> Cast:
        """`worker` with the brain that is at work for it now, and its challenger.

        Raises LedgerError where the brain at work is damaged, or was put to work by nobody who signed for it.
        """
        if not isinstance(worker, TextWorker):
            return Cast(worker)
        with self._ledger.reading() as session:
            known = {role: digest for (name, role), digest in brains.roles(session).items() if name == worker.name}
        self._forget(worker.name, known)
        at_work, challenger = known.get(Role.CHAMPION, ""), known.get(Role.CHALLENGER, "")
        playing = self._with(worker, Role.CHAMPION, at_work) if at_work else worker
        if not challenger:
            return Cast(playing)
        try:
            return Cast(playing, self._with(worker, Role.CHALLENGER, challenger), challenger)
        except Exception as error:  # noqa: BLE001 - what only looks on must not stop the case
            return Cast(playing, None, challenger, type(error).__name__)

    def _with(self, worker: TextWorker, role: Role, digest: str) -> TextWorker:
        with self._lock:
            key = (worker.name, role, digest)
            if key not in self._ready:
                self._ready[key] = worker.with_brain(self._loaded(worker, role, digest))
            return self._ready[key]

    def _loaded(self, worker: TextWorker, role: Role, digest: str) -> "TextBrain":
        with self._ledger.reading() as session:
            try:
                version = brains.find(session, digest, worker=worker.name)
                brain = opened(brains.packed(session, digest))
            except ShiftleadError as error:
                raise _unusable(worker.name, digest, f"cannot be read: {error.message.rstrip('.')}") from error
        if role is Role.CHAMPION and not version.rightful(self._keyring):
            raise _unusable(worker.name, digest, "is signed by nobody whose signature holds")
        if digest not in digests(brain) or brain.meta.task != worker.task:
            raise _unusable(worker.name, digest, "is not the one that it is called")
        if role is Role.CHALLENGER and brain.digest != digest:
            raise _unusable(worker.name, digest, "can run here only in a lower tier, which is another brain")
        return brain

    def _forget(self, worker: str, known: dict[Role, str]) -> None:
        """Let go of what neither works nor answers any more."""
        if any(name == worker and known.get(role) != digest for name, role, digest in tuple(self._ready)):
            with self._lock:
                kept = {key: one for key, one in self._ready.items() if key[0] != worker or known.get(key[1]) == key[2]}
                self._ready = kept


def _unusable(worker: str, digest: str, why: str) -> LedgerError:
    return LedgerError(
        f"The brain {digest[:12]} of the worker {worker!r} {why}, so it is not used, and its cases rest.",
        hint=f"Restore the ledger, or put back the one before: `shiftlead brain rollback --worker {worker} --reason …`.",
    )
