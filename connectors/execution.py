"""An execution: how one attempt ended, and what the executor needs from the guardrails and tells to an observer."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from ..core.actions import SealedAction
from ..core.approval import Decision, Request
from ..core.noun import Noun
from ..core.receipt import Receipt
from ..core.store import Transaction
from ..core.verdict import Verdict

Then = Callable[[Transaction], None]
"""What else belongs into the transaction that stores the receipt."""

Observer = Callable[[str], None]
"""Told the name of every step boundary; crash tests stop the process there, progress displays count them."""


class Gate(Protocol):
    """The guardrails as the executor sees them."""

    def admit(self, tx: Transaction, action: SealedAction, fresh: Mapping[str, Any]) -> Verdict:
        """Judge `action` again and count it against its limits, inside the transaction that takes the right to send.

        The executor reads the kill switches itself.
        `fresh` holds facts that were read again just now.
        """

    def unproven(self, tx: Transaction, action: SealedAction) -> bool:
        """Whether an action that wants a certificate has none any more; read anew."""

    def count(self, tx: Transaction, action: SealedAction, at: datetime) -> None:
        """Count an action that turned out to have happened `at` that moment."""

    def give_back(self, tx: Transaction, action: SealedAction, at: datetime) -> None:
        """Take an action that was admitted `at` that moment out of its limits again, since nothing happened."""


class Authority(Protocol):
    """Who may say yes, as the executor sees it: it has verified the signatures itself."""

    def doubt(
        self, tx: Transaction, action: SealedAction, verdict: Verdict, said: Sequence[tuple[Request, Decision]]
    ) -> str | None:
        """Why these approvals are not enough for `action`, in words or empty; None where they are."""

    def spend(self, tx: Transaction, action: SealedAction, verdict: Verdict) -> bool:
        """Spend an approval that was given beforehand and covers `action`; False where there is none."""

    def give_back(self, tx: Transaction, action: SealedAction) -> None:
        """Give back what `action` has spent, since nothing happened."""

    def spend_again(self, tx: Transaction, action: SealedAction) -> None:
        """Spend again what was given back, since it happened after all."""


class End(StrEnum):
    """How an execution ended."""

    SETTLED = "settled"
    """There is a receipt: done, refused or unknown."""
    GATED = "gated"
    """Judged again it may not run like this; the verdict says why."""
    STOPPED = "stopped"
    """A kill switch is on; nothing was sent."""
    MOVED = "moved"
    """The record changed since it was read; nothing was sent."""
    LATER = "later"
    """The system was not reached; nothing was sent, the same key may be sent later."""


class Execution(Noun):
    """What became of one attempt to execute one action."""

    end: End
    receipt: Receipt | None = None
    verdict: Verdict | None = None
    detail: str = ""
