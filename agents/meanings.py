"""Meanings: what a language model's word about itself was worth, in the cases that people have decided."""

from ..core import outcomes
from ..core.store import Ledger
from ..guardrails.calibration import Calibrator
from .sureness import Sureness

NEWEST = 5_000
"""Decided actions that are looked at; what a model said long ago says little about how it speaks now."""


class Meanings:
    """Reads the decided actions of the same worker, kind and brain anew each time, since one more may have been decided."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def __call__(self, sureness: Sureness) -> float | None:
        """The share that was right of what came with such a number; None while too few were decided to tell."""
        with self._ledger.reading() as session:
            said = outcomes.said(session, sureness.worker, sureness.kind, sureness.brain, newest=NEWEST)
        calibrated = Calibrator.of(said)
        return None if calibrated is None else calibrated(sureness.value)
