"""What a verdict would be under another policy: the same proposal, the same facts, judged anew; nothing is written."""

from typing import TYPE_CHECKING

from ..core import actions, outbox
from ..core.actions import SealedAction
from ..core.noun import Noun
from ..core.receipt import EffectState
from ..core.verdict import Verdict
from ..guardrails import review
from ..guardrails.gate import Guard
from ..guardrails.policy import Policy

if TYPE_CHECKING:
    from sqlmodel import Session as Reading

_COUNTED = frozenset({EffectState.SENDING, EffectState.UNKNOWN, EffectState.DONE})


class WhatIf(Noun):
    """One verdict as it stands, and as it would be."""

    action: str
    summary: str
    verdict: Verdict
    """The stored one."""
    text: tuple[str, ...]
    under: Verdict | None = None
    """That of the other policy, where one was named."""
    under_text: tuple[str, ...] = ()
    policy: str = ""
    """The file of the other policy."""
    differs: bool = False
    """Whether it is another lane, or asks other people."""

    def lines(self) -> list[str]:
        """Both for people, one under the other."""
        head = f"{self.action}  {self.summary}"
        if self.under is None:
            return [head, *(f"  {line}" for line in self.text)]
        before, after = review.lane_of(self.verdict), review.lane_of(self.under)
        return [
            f"{head}: {f'{before} -> {after}' if self.differs else f'{after}, as it was judged'}",
            "  as judged",
            *(f"    {line}" for line in self.text),
            f"  under {self.policy}",
            *(f"    {line}" for line in self.under_text),
        ]


def stands(policy: Policy, sealed: SealedAction) -> WhatIf:
    """The stored verdict in words."""
    text = review.explain(policy, sealed.verdict)
    return WhatIf(action=sealed.id, summary=sealed.summary(), verdict=sealed.verdict, text=text)


def compared(policy: Policy, guard: Guard, sealed: SealedAction, reading: "Reading", *, named: str) -> WhatIf:
    """The stored verdict beside that of the guard's policy, with the limits as full as they are now without this action."""
    sent = (
        one.sent_at
        for one in outbox.of_case(reading, sealed.case_id)
        if one.action_id == sealed.id and one.state in _COUNTED and one.sent_at
    )
    under = guard.again(reading, sealed, counted=next(sent, None))
    return stands(policy, sealed).model_copy(
        update={
            "under": under,
            "under_text": review.explain(guard.policy, under),
            "policy": named,
            "differs": review.lane_of(under) != review.lane_of(sealed.verdict),
        }
    )


def actions_named(reading: "Reading", about: str) -> list[SealedAction]:
    """The action with this id, or those of a case; raises NotFound."""
    from .cli_find import find_case

    if about.startswith("act_"):
        return [actions.get(reading, about)]
    return actions.of_case(reading, find_case(reading, about).id)
