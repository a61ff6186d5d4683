"""Replay: the ledger's past actions judged under another policy, with the facts they were judged with; nothing is written.

What limits count is not kept with an action, so it is counted again from the effects that were sent before it was proposed.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlmodel import Session

from ..core import past
from ..core.action import Action
from ..core.approval import DecisionKind
from ..core.errors import BadInput
from ..core.exposure import Spent
from ..core.noun import Noun
from ..core.past import PastAction
from ..core.verdict import Lane, Verdict
from .facts import Fact
from .factsheet import merged, typed_fact
from .gate import counted_facts
from .limits import scopes
from .policy import Policy
from .wording import shown_lane

SAMPLE = 5
"""How many cases are named for each change."""

_LANES = (Lane.ALLOWED, Lane.REVIEWED, Lane.PROHIBITED)
_MOVED = "record-moved"
"""The hit that a worker adds where the record changed after the proposal; then a person looks, whatever the policy says."""


class Said(StrEnum):
    """What people said about a proposal, in the end."""

    YES = "approved"
    """Approved as it was proposed."""
    NO = "rejected"
    CHANGED = "edited"
    """Approved after a person changed it."""
    NOTHING = "undecided"


class Move(Noun):
    """Actions that would be put into another lane, or shown to other people."""

    before: str
    after: str
    freer: bool
    count: int
    money: dict[str, Decimal]
    """What they would move, by currency."""
    said: dict[str, int]
    """What people had answered to them."""
    cases: tuple[str, ...]
    """A few of the cases they belong to."""


class Replay(Noun):
    """The past under another policy."""

    policy: str
    digest: str
    actions: int
    same: int
    """How many would be judged as they were."""
    moves: tuple[Move, ...] = ()
    """The largest first; those that loosen before those that tighten."""
    unattended: int = 0
    """How many would run without asking."""
    confirmed: int = 0
    """Of those that people decided on: how many they had approved as they were."""
    errors: int = 0
    """How many of those they had rejected or changed, so that each would be a mistake nobody stopped."""
    error_cases: tuple[str, ...] = ()
    error_money: dict[str, Decimal] = {}
    blocked_good: int = 0
    """How many would never run although people had approved them."""

    @property
    def error_rate(self) -> float | None:
        """Errors among the decided actions that would run without asking; None where people decided on none of them."""
        decided = self.errors + self.confirmed
        return self.errors / decided if decided else None


class Remembered:
    """The past as facts, loaded once; many policies may be tried on it."""

    def __init__(self, items: Sequence[PastAction], policies: Iterable[Policy], *, since: datetime | None = None) -> None:
        """`policies`, at least one, say which facts there are and what their limits count, with the exchange rates of the first.

        `since` leaves out what was proposed before.
        """
        policies = tuple(policies)
        self.declared: dict[str, Fact] = {}
        for policy in policies:
            self.declared |= policy.known_facts
        counted = _Counted(items, policies)
        self.items: list[PastAction] = []
        by_kind: dict[str, list[int]] = defaultdict(list)
        facts: list[dict[str, Any]] = []
        for item in items:
            told = counted.facts(item)
            if since is None or item.proposed_at >= since:
                by_kind[item.sealed.kind].append(len(self.items))
                self.items.append(item)
                facts.append(self._typed({**merged(item.sealed.envelope.proposal, item.sealed.context), **told}))
        from .columns import Columns

        self._kinds = {
            kind: (places, Columns([facts[place] for place in places], self.declared)) for kind, places in by_kind.items()
        }

    def _typed(self, facts: dict[str, Any]) -> dict[str, Any]:
        return dict(self._value(name, value) for name, value in facts.items() if value is not None)

    def _value(self, name: str, value: Any) -> tuple[str, Any]:
        """The fact in its type; under a name that nobody declares where it has none, since judging it fails and prohibits."""
        fact = self.declared.get(name)
        if fact is None:
            return name, value
        try:
            # Closed vocabularies are each policy's own and looked at when it judges.
            return name, typed_fact(fact.model_copy(update={"values": ()}) if fact.values else fact, value)
        except BadInput:
            return f"{name} of another type", value

    def verdicts(self, policy: Policy) -> list[tuple[int, int, bool]]:
        """For each action in order: the rank of its lane, how many people, and whether its makers may not approve."""
        from .columns import Lanes

        found: list[tuple[int, int, bool]] = [(2, 1, False)] * len(self.items)
        for kind, (places, columns) in self._kinds.items():
            lanes = Lanes(policy, kind, columns)
            told = zip(lanes.ranks.tolist(), lanes.approvals.tolist(), lanes.four_eyes.tolist(), strict=True)
            for place, verdict in zip(places, told, strict=True):
                found[place] = verdict
        return found

    def ranks(self, policy: Policy) -> Mapping[str, Any]:
        """The bare loop: the ranks of all actions of each kind, as arrays."""
        from .columns import Lanes

        return {kind: Lanes(policy, kind, columns).ranks for kind, (_, columns) in self._kinds.items()}


class _Counted:
    """What limits would have counted at each moment, from the effects that were sent."""

    def __init__(self, items: Sequence[PastAction], policies: Sequence[Policy]) -> None:
        self.gauges = tuple(dict.fromkeys(gauge for policy in policies for gauge in policy.gauges))
        self._sent = sorted((item for item in items if item.sent_at), key=lambda item: (item.sent_at, item.sealed.id))
        self.rates, self._next = policies[0].rates, 0
        self._spent: dict[str, Spent] = defaultdict(Spent)
        self._done: Counter[tuple[str, str]] = Counter()

    def facts(self, item: PastAction) -> dict[str, Any]:
        """The facts of the limits for `item`; items come in the order they were proposed."""
        action, now = item.sealed.envelope.proposal.action, item.proposed_at
        self._until(now)
        mine = scopes(str(item.sealed.context.get("worker", "")), action)
        spent = {scope: self._spent[scope].since(now).plus(action.kind, action.amount, now) for scope in mine}
        told = counted_facts(self.gauges, spent, action, now, self.rates)
        return {**told, "done_before": self._done[action.kind, str(action.target)]}

    def _until(self, now: datetime) -> None:
        while self._next < len(self._sent):
            item = self._sent[self._next]
            at = item.sent_at
            if at is None or at >= now:
                return
            self._count(item, item.sealed.envelope.proposal.action, at)
            self._next += 1

    def _count(self, item: PastAction, action: Action, at: datetime) -> None:
        self._done[action.kind, str(action.target)] += 1
        for scope in scopes(str(item.sealed.context.get("worker", "")), action):
            self._spent[scope] = self._spent[scope].since(at).plus(action.kind, action.amount, at)


def remembered(session: Session, policies: Iterable[Policy], *, since: datetime | None = None) -> Remembered:
    """The ledger's past as facts for `policies`."""
    return Remembered(past.all_actions(session), policies, since=since)


def replayed(memory: Remembered, policy: Policy) -> Replay:
    """What `policy` would have said about the past, beside what was said."""
    counted = _Tally(policy)
    for item, told in zip(memory.items, memory.verdicts(policy), strict=True):
        counted.add(item, told)
    return counted.result()


class _Tally:
    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.moves: dict[tuple[str, str, bool], list[PastAction]] = defaultdict(list)
        self.same = self.unattended = self.confirmed = self.blocked_good = 0
        self.errors: list[PastAction] = []

    def add(self, item: PastAction, told: tuple[int, int, bool]) -> None:
        rank, approvals, four_eyes = told
        was = item.sealed.verdict
        lane = _LANES[max(rank, 1) if any(hit.rule == _MOVED for hit in was.hits) else rank]
        self._moved(item, was, lane, approvals, four_eyes)
        answer = said(item.answers)
        if lane is Lane.ALLOWED:
            self.unattended += 1
            self.confirmed += answer is Said.YES
            if answer in (Said.NO, Said.CHANGED):
                self.errors.append(item)
        elif lane is Lane.PROHIBITED:
            self.blocked_good += answer is Said.YES

    def _moved(self, item: PastAction, was: Verdict, lane: Lane, approvals: int, four_eyes: bool) -> None:
        before = shown_lane(was.lane, was.approvals, four_eyes=was.four_eyes)
        after = shown_lane(lane, approvals, four_eyes=four_eyes)
        if before == after:
            self.same += 1
            return
        freer = lane.rank < was.lane.rank or (lane is was.lane and (approvals < was.approvals or four_eyes < was.four_eyes))
        self.moves[before, after, freer].append(item)

    def result(self) -> Replay:
        ordered = sorted(self.moves.items(), key=lambda move: (not move[0][2], -len(move[1])))
        return Replay(
            policy=self.policy.ref,
            digest=self.policy.digest(),
            actions=self.same + sum(len(items) for items in self.moves.values()),
            same=self.same,
            moves=tuple(_move(before, after, freer, items) for (before, after, freer), items in ordered),
            unattended=self.unattended,
            confirmed=self.confirmed,
            errors=len(self.errors),
            error_cases=_cases(self.errors),
            error_money=_money(self.errors),
            blocked_good=self.blocked_good,
        )


def said(answers: Sequence[DecisionKind]) -> Said:
    """What people said in the end: a change counts more than the approval after it, and a refusal most."""
    if DecisionKind.REJECT in answers:
        return Said.NO
    if DecisionKind.EDIT in answers:
        return Said.CHANGED
    return Said.YES if DecisionKind.APPROVE in answers else Said.NOTHING


def _move(before: str, after: str, freer: bool, items: Sequence[PastAction]) -> Move:
    told = Counter(said(item.answers).value for item in items)
    return Move(
        before=before, after=after, freer=freer, count=len(items), money=_money(items), said=dict(told), cases=_cases(items)
    )


def _money(items: Iterable[PastAction]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for item in items:
        money = item.sealed.envelope.proposal.action.amount
        if money is not None:
            found[money.currency] = found.get(money.currency, Decimal(0)) + money.amount
    return dict(sorted(found.items()))


def _cases(items: Sequence[PastAction]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item.sealed.case_id for item in items))[:SAMPLE]


def parse_since(text: str) -> datetime:
    """A day or a moment in UTC from the command line; raises BadInput."""
    from ..core.clock import as_utc

    try:
        return as_utc(datetime.fromisoformat(text))
    except ValueError as error:
        raise BadInput(f"{text!r} is no day.", hint="Write it as 2026-09-01.") from error
