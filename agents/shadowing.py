"""Shadowing: what a challenger says about a case while the brain at work decides; nobody acts on it, and it disturbs nothing."""

from typing import NamedTuple

from ..core import brains
from ..core.brains import Shadow
from ..core.store import Transaction
from ..tools.desk import Desk
from .champions import Cast
from .worker import Assessment


class Beside(NamedTuple):
    """What came of asking the challenger; empty where none was asked."""

    shadow: Shadow | None = None
    brain: str = ""
    """The challenger's digest."""
    problem: str = ""
    """The kind of error where it failed; no text, since that might hold a customer's words."""


def ask_beside(cast: Cast, desk: Desk, assessment: Assessment, case_id: str) -> Beside:
    """What the challenger takes the case's text for, where what is proposed rests on that text."""
    if not cast.challenger:
        return Beside()
    if cast.beside is None:
        return Beside(brain=cast.challenger, problem=cast.problem)
    taught_by = cast.beside.taught_by
    text = next((one.value for one in desk.evidence if one.name == cast.beside.text), None)
    if not isinstance(text, str) or all(one.action.kind != taught_by for one in assessment.proposals):
        return Beside()
    try:
        said = cast.beside.opinion(text)
        shadow = Shadow(
            case_id=case_id, brain=cast.challenger, label=said.label, confidence=said.confidence, at=desk.clock.now()
        )
    except Exception as error:  # noqa: BLE001 - what only looks on must not stop the case
        return Beside(brain=cast.challenger, problem=type(error).__name__)
    return Beside(shadow, cast.challenger)


def keep(tx: Transaction, beside: Beside, case_id: str) -> None:
    """Keep what it said, or tell the audit chain that it failed."""
    if beside.shadow is not None:
        brains.keep_shadow(tx, beside.shadow)
    elif beside.problem:
        tx.audit("brain.challenger_failed", actor="system", case_id=case_id, brain=beside.brain, error=beside.problem)
