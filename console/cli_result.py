"""What a run came to: what ran alone, what waits for a person, what was blocked, with the money and the reasons."""

import re
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
from ..guardrails.lanes import NO_ALLOW_RULE
from .cli_output import money

if TYPE_CHECKING:
    from ..core.store import Ledger

T = TypeVar("T")

_ENDED_BY_WORK = frozenset({"done", "rejected", "refused", "blocked", "handed_over", "handed_on"})
_EVERY = 1_000_000
_TELLING = 4
"""With so few words in common, reasons are better told by an example."""


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
    """Actions that never run, and records that a worker blocked for a review; their cases wait for a person."""
    resting: int
    """Cases that are only too early, and are looked at again later."""
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
            f"Too early, looked at again later: {_number(self.resting, 'case')}.",
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
    blocked = [one for one in sealed if one.state is ActionState.BLOCKED or _blocks(one)]
    worth = {case.id: (case.amount, case.currency) for case in cases}
    return Result(
        cases=len(cases),
        closed=sum(case.state is CaseState.CLOSED for case in cases),
        ran_alone=_counted(alone, _money_of, lambda one: one.kind),
        waiting=_counted(asked, lambda one: (one.amount, one.currency), lambda one: one.reason),
        blocked=_counted(blocked, lambda one: worth[one.case_id], _why_blocked),
        resting=sum(case.state is CaseState.READY for case in cases),
        no_action=sum(_without_action(case, acted) for case in cases),
        handed_on=sum(case.parent_id is not None for case in cases),
        quarantined=dict(owners.most_common()),
        seconds=round(seconds, 2),
        audit_events=ledger.ticks(),
        audit_ok=not ledger.verify(),
    )


def _without_action(case: Case, acted: set[str]) -> bool:
    return case.state is CaseState.CLOSED and case.outcome not in _ENDED_BY_WORK and case.id not in acted


def _blocks(action: SealedAction) -> bool:
    """Whether it protects: a record that nobody can pay before a review."""
    return action.state is ActionState.DONE and action.kind.endswith(".block")


def _why_blocked(action: SealedAction) -> str:
    labels = ", ".join(label.replace("_", " ") for label in action.envelope.proposal.labels)
    return f"{labels}: blocked for a review" if _blocks(action) else action.verdict.because()


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
        key, text = _reason(why(thing))
        reasons.setdefault(key, []).append(text)
    told = [Reason(count=len(texts), text=_shared(texts)) for texts in reasons.values()]
    return Tally(
        count=len(listed),
        money=dict(sorted(totals.items())),
        reasons=tuple(sorted(told, key=lambda reason: -reason.count)),
    )


def _reason(text: str) -> tuple[str, str]:
    """What makes two reasons one, and the words to show: a rule's id with its first reason, or the first sentence."""
    # A rule's reason may quote the case; its id does not.
    if text.startswith(f"{NO_ALLOW_RULE}: "):
        return NO_ALLOW_RULE, "No rule lets it run without a person."
    rule = re.match(r"[\w.-]+(?=: )", text)
    shown = text.partition("; ")[0] if rule else text.partition(". ")[0]
    return (rule[0] if rule else shown), shown


def _shared(texts: list[str]) -> str:
    """What all texts say, up to the word where they part; the most frequent of them where they part at once."""
    same = commonprefix(texts)  # noqa: RUF071 - characters are meant, not paths
    if same in texts:
        return same
    if len(same.split()) > _TELLING:
        return same.rpartition(" ")[0] + " …"
    return f"{Counter(texts).most_common(1)[0][0]} (and the like)"


def _number(count: int, of: str) -> str:
    return f"{count} {of}{'' if count == 1 else 's'}"


def _tally(title: str, tally: Tally, *, of: str, most: int = 5) -> list[str]:
    worth = ", ".join(money(amount, currency) for currency, amount in tally.money.items())
    lines = [f"{title}: {_number(tally.count, of)}{f', {worth}' if worth else ''}."]
    lines += [f"  {reason.count:>4}  {reason.text}" for reason in tally.reasons[:most]]
    left = len(tally.reasons) - most
    return [*lines, f"        and {_number(left, 'more reason')}"] if left > 0 else lines
