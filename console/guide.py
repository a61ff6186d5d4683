"""What a playbook tells the person at the console: its steps in words, the reasons to reject, and the targets.

The screens do not know workers; whoever opens the console hands these over.
"""

from collections.abc import Mapping

from ..core.noun import Noun

REASONS = ("wrong_action", "wrong_data", "not_now", "ask_customer", "policy")
"""The reasons to reject where a playbook names none."""


class Guide(Noun):
    """The part of one worker's playbook that a person needs."""

    steps: Mapping[int, str] = {}
    """The SOP steps by number."""
    reasons: tuple[str, ...] = REASONS
    """What can be picked when rejecting; digit 1 is the first."""
    targets: Mapping[str, float] = {}
    """What its KPIs should reach, by name, in the KPI's own unit."""


Guides = Mapping[str, Guide]
"""Guides by worker."""


def guide_of(guides: Guides, worker: str) -> Guide:
    """The guide of one worker; one without steps where there is none."""
    return guides.get(worker, Guide())
