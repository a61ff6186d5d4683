"""What a run came to: what ran alone, what waits for a person, what was blocked, with the money and the reasons."""

from collections import Counter
from collections.abc import Callable, Iterable
from decimal import Decimal
from os.path import commonprefix
from typing import TYPE_CHECKING, TypeVar

from ..core import actions, inbox, quarantine, queue
from ..core.actions import ActionState, SealedAction
from ..core.case import Case, CaseState
from ..core.money import Exact
from ..core.noun import Noun
from ..core.verdict import Lane
from .cli_output import money

if TYPE_CHECKING:
    from ..core.store import Ledger

T = TypeVar("T")

_ENDED_BY_WORK = frozenset({"done", "rejected", "refused", "blocked", "handed_over", "handed_on"})
_EVERY = 1_000_000


class Reason(Noun):
    """One reason with how often it was given."""

    count: int
    text: str


class Tally(Noun):
    """How many there were, the money in them, and why."""

    count: int = 0
    money: dict[str, Exact] = {}
    """By currency."""
    reasons: tuple[Reason, ...] = ()
    """The most frequent first."""


class Result(Noun):
    """What became of every case in a ledger."""

    cases: int
    closed: int
    ran_alone: Tally
    """Actions that ran without asking."""
    waiting: Tally
    """Requests that wait for a person."""
    blocked: Tally
    """Actions that never run; their cases wait for a person."""
    no_action: int
    """Cases that were closed since nothing had to be done."""
    handed_on: int
    """Cases that one worker opened for another."""
    quarantined: dict[str, int]
    """Records that broke their contract, by who mends them."""
    seconds: float
    audit_events: int
    audit_ok: bool

    def lines(self) -> list[str]:
        """The result for people."""
        owners = ", ".join(f"{count} for {owner}" for owner, count in self.quarantined.items())
        chain = "holds" if self.audit_ok else "is BROKEN; see `shiftlead audit verify`"
        return [
            f"{_number(self.cases, 'case')} in {self.seconds:.1f} s, {self.closed} of them closed.",
            *_tally("Ran alone", self.ran_alone, of="action"),
            *_tally("Waits for a person", self.waiting, of="request"),
            *_tally("Blocked", self.blocked, of="action"),
            f"Closed without action: {_number(self.no_action, 'case')}.",
            f"Handed on to another worker: {_number(self.handed_on, 'case')}.",
            f"In quarantine: {_number(sum(self.quarantined.values()), 'record')}{f' ({owners})' if owners else ''}.",
            f"Audit chain: {self.audit_events} events; it {chain}.",
        ]


def result(ledger: "Ledger", *, seconds: float) -> Result:
    """What became of every case; reads all of them, so it is meant for a workspace of some thousand."""
    with ledger.reading() as session:
        cases = queue.listed(session, limit=_EVERY)
        sealed = [one for case in cases for one in actions.of_case(session, case.id)]
        asked = inbox.many(session, inbox.waiting_ids(session, now=ledger.clock.now()))
        owners = Counter(one.owner for one in quarantine.listed(session, limit=_EVERY))
    acted = {one.case_id for one in sealed}
    alone = [one for one in sealed if one.state is ActionState.DONE and one.lane is Lane.ALLOWED]
    blocked = [one for one in sealed if one.state is ActionState.BLOCKED]
    return Result(
        cases=len(cases),
        closed=sum(case.state is CaseState.CLOSED for case in cases),
        ran_alone=_counted(alone, _money_of, lambda one: one.kind),
        waiting=_counted(asked, lambda one: (one.amount, one.currency), lambda one: one.reason),
        blocked=_counted(blocked, _money_of, lambda one: one.verdict.because()),
        no_action=sum(_without_action(case, acted) for case in cases),
        handed_on=sum(case.parent_id is not None for case in cases),
        quarantined=dict(owners.most_common()),
        seconds=round(seconds, 2),
        audit_events=ledger.ticks(),
        audit_ok=not ledger.verify(),
    )


def _without_action(case: Case, acted: set[str]) -> bool:
    return case.state is CaseState.CLOSED and case.outcome not in _ENDED_BY_WORK and case.id not in acted


def _money_of(action: SealedAction) -> tuple[Decimal | None, str | None]:
    amount = action.envelope.proposal.action.amount
    return (amount.amount, amount.currency) if amount else (None, None)


def _counted(things: Iterable[T], worth: Callable[[T], tuple[object, str | None]], why: Callable[[T], str]) -> Tally:
    listed = list(things)
    totals: dict[str, Decimal] = {}
    reasons: dict[str, list[str]] = {}
    for thing in listed:
        amount, currency = worth(thing)
        if amount is not None and currency:
            totals[currency] = totals.get(currency, Decimal(0)) + Decimal(str(amount))
        # A rule's reason may quote the case; its id is what makes two reasons one.
        text = why(thing).partition("; ")[0]
        reasons.setdefault(text.partition(": ")[0], []).append(text)
    told = [Reason(count=len(texts), text=_shared(texts)) for texts in reasons.values()]
    return Tally(
        count=len(listed),
        money=dict(sorted(totals.items())),
        reasons=tuple(sorted(told, key=lambda reason: -reason.count)),
    )


def _shared(texts: list[str]) -> str:
    """What all texts say, up to the word where they part."""
    if len(set(texts)) == 1:
        return texts[0]
    return commonprefix(texts).rpartition(" ")[0] + " …"  # noqa: RUF071 - characters are meant, not paths


def _number(count: int, of: str) -> str:
    return f"{count} {of}{'' if count == 1 else 's'}"


def _tally(title: str, tally: Tally, *, of: str, most: int = 5) -> list[str]:
    worth = ", ".join(money(amount, currency) for currency, amount in tally.money.items())
    lines = [f"{title}: {_number(tally.count, of)}{f', {worth}' if worth else ''}."]
    lines += [f"  {reason.count:>4}  {reason.text}" for reason in tally.reasons[:most]]
    left = len(tally.reasons) - most
    return [*lines, f"        and {_number(left, 'more reason')}"] if left > 0 else lines
