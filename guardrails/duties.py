"""Duties: the one function that says whether a person may take on a duty beside those that were taken already.

Console, command line, programs and the executor ask it alike. Names are compared as a reader would, and whoever acts for somebody
else counts as both of them.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from ..core.settings import reader_key


class Duty(StrEnum):
    """What a person does about one thing."""

    MAKE = "make"
    """Propose or edit an action."""
    APPROVE = "approve"
    LEND = "lend"
    """Lend one's authority."""
    BORROW = "borrow"
    """Receive it."""
    GIVE_GRANT = "give a grant"
    SIGN_GRANT = "sign a grant"
    WRITE_POLICY = "write a policy"
    SIGN_POLICY = "sign a policy"
    ASK_TO_RESUME = "ask to resume"
    RESUME = "resume"
    OPEN_INCIDENT = "open an incident"
    CLOSE_INCIDENT = "close an incident"


_APART: Mapping[Duty, Mapping[Duty, str]] = {
    Duty.APPROVE: {Duty.MAKE: "you made or edited it, so somebody else approves it"},
    Duty.GIVE_GRANT: {Duty.MAKE: "who made or edited it gives no grant for it"},
    Duty.SIGN_GRANT: {
        Duty.GIVE_GRANT: "you gave or signed it, so another person signs it",
        Duty.SIGN_GRANT: "you gave or signed it, so another person signs it",
        Duty.MAKE: "who made or edited it signs no grant for it",
    },
    Duty.SIGN_POLICY: {
        Duty.WRITE_POLICY: "you wrote it, so another person signs it",
        Duty.SIGN_POLICY: "you signed it already, so another person signs it",
    },
    Duty.RESUME: {Duty.ASK_TO_RESUME: "you asked for it, so a second person agrees"},
    Duty.CLOSE_INCIDENT: {Duty.OPEN_INCIDENT: "you opened it, so another person closes it"},
    Duty.BORROW: {Duty.LEND: "nobody lends to themselves"},
}
_NEVER_ONE = (Duty.BORROW,)
"""Duties that stay apart also where one person may be maker and checker."""


def conflict(
    duty: Duty, person: str, *, acting_for: str = "", taken: Mapping[Duty, Iterable[str]], separation: str = "four_eyes"
) -> str:
    """Why `person` may not take on `duty`, given who has taken which; empty where they may.

    Under `separation="one_person"` one person may be maker and checker; that is recorded with what they do.
    """
    if separation == "one_person" and duty not in _NEVER_ONE:
        return ""
    selves = {reader_key(name) for name in (person, acting_for) if name}
    for other, why in _APART.get(duty, {}).items():
        if {reader_key(one) for one in taken.get(other, ())} & selves:
            return why
    return ""


def distinct(people: Iterable[tuple[str, str]]) -> int:
    """How many people these are, each given with whom they acted for; all that are linked so count as one."""
    circles: list[set[str]] = []
    for person, acting_for in people:
        own = {reader_key(name) for name in (person, acting_for) if name}
        for circle in [one for one in circles if one & own]:
            own |= circle
            circles.remove(circle)
        circles.append(own)
    return len(circles)
