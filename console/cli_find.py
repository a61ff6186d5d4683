"""How a person names a case or a request: by id, by the beginning of an id, or by the ticket's own number."""

from typing import TYPE_CHECKING

from ..core.errors import BadInput, NotFound

if TYPE_CHECKING:
    from sqlmodel import Session as Reading

    from ..core.approval import Request
    from ..core.case import Case

NEXT = "next"
"""The request that presses most."""


def find_case(reading: "Reading", named: str) -> "Case":
    """The case that `named` means; raises NotFound, or BadInput where it means several."""
    from ..core import inbox, queue

    if named.startswith("req_"):
        return queue.get(reading, inbox.get(reading, named).case_id)
    if named.startswith("case_"):
        return queue.get(reading, named)
    found = queue.by_ticket(reading, named)
    if len(found) > 1:
        ids = ", ".join(f"{one.id} ({one.source})" for one in found[:5])
        raise BadInput(f"{len(found)} cases are about {named!r}.", hint=f"Name one of them: {ids}.")
    if not found:
        raise NotFound(f"No case {named!r} is in the ledger.", hint="`shiftlead case list` shows them.")
    return found[0]


def find_request(reading: "Reading", named: str) -> "Request":
    """The request that `named` means: by its id, or the one that waits on a case; raises NotFound or BadInput."""
    from ..core import inbox
    from ..core.approval import RequestState

    if named.startswith("req_"):
        return inbox.get(reading, named)
    case = find_case(reading, named)
    asked = inbox.of_case(reading, case.id)
    waits = [one for one in asked if one.state is RequestState.PENDING]
    if len(waits) == 1:
        return waits[0]
    if not waits:
        before = f"; its last request, {asked[-1].id}, is {asked[-1].state.value}" if asked else ""
        raise NotFound(f"Nothing waits for a person on {named!r}{before}.", hint="`shiftlead inbox list` shows what waits.")
    raise BadInput(f"{len(waits)} requests wait on {named!r}.", hint=f"Name one: {', '.join(one.id for one in waits)}.")
