"""Reconciling: what the ledger says about the effects of an incident, against what the outside systems say, to 0.00."""

from collections.abc import Callable, Iterable
from decimal import Decimal

from sqlmodel import Session

from ..core import actions, inbox, incidents, outbox
from ..core.actions import SealedAction
from ..core.incidents import IncidentState, Item
from ..core.noun import Noun
from ..core.receipt import EffectState, Outcome, Receipt
from ..core.settings import Operator
from .followups import Standing, standings
from .incident import Incidents

Outside = Callable[[str, str], Receipt | None]
"""Connector and key to what the outside system knows of that effect; raises where it cannot be asked."""

NOTHING = "nothing happened"
"""What a side says that knows of no effect."""


class Line(Noun):
    """One effect, seen from both sides."""

    action: str
    what: str
    follow_up: bool
    """Whether it makes up for an affected action."""
    ledger: str
    outside: str
    """What the outside system answered; `cannot be asked: …` where it did not."""
    amount: str = ""
    currency: str = ""
    note: str = ""
    """A person's explanation."""

    @property
    def agrees(self) -> bool:
        """Whether both sides say the same."""
        return self.ledger == self.outside

    @property
    def settled(self) -> bool:
        """Whether both sides say the same, or a person has explained why not."""
        return self.agrees or bool(self.note)


class Total(Noun):
    """The money of one currency."""

    currency: str
    ledger: Decimal
    """What affected actions moved, as the ledger has it."""
    outside: Decimal
    """The same as the outside systems have it."""
    corrected: Decimal
    """What follow-up actions moved."""

    @property
    def difference(self) -> Decimal:
        """What one side has more than the other; to be 0.00 or explained."""
        return self.ledger - self.outside


class Reconciliation(Noun):
    """Both sides of every effect of an incident."""

    lines: tuple[Line, ...]
    totals: tuple[Total, ...]
    undecided: tuple[str, ...] = ()
    """Follow-ups that nobody has decided yet, that have not run yet, or that lapsed."""

    @property
    def unexplained(self) -> tuple[Line, ...]:
        """Effects on which the sides differ without an explanation."""
        return tuple(one for one in self.lines if not one.settled)

    @property
    def ok(self) -> bool:
        """Whether everything is decided, and the sides agree to 0.00 or each difference is explained."""
        return not self.unexplained and not self.undecided


def reconcile(handling: Incidents, incident_id: str, ask: Outside, *, operator: Operator) -> Reconciliation:
    """Ask the outside about every affected effect and about what followed from it; where both sides agree the incident goes on.

    Raises Conflict before the incident is corrected and where somebody contains or excuses meanwhile, Forbidden for somebody without a role.
    """
    with handling.ledger.reading() as session:
        known = incidents.get(session, incident_id)
        affected = incidents.items(session, known.id)
        lines = [_line(session, one.action_id, one.note, ask, follow_up=False) for one in affected if one.key]
        lines += [_line(session, action_id, "", ask, follow_up=True) for action_id in _remedies(session, affected)]
        left = tuple(one for one, standing in standings(session, affected).items() if standing is not Standing.SETTLED)
    found = Reconciliation(lines=tuple(lines), totals=tuple(_totals(lines)), undecided=left)
    told = {"totals": found.totals, "unexplained": [one.action for one in found.unexplained], "undecided": left}
    handling.step(known.id, "reconcile", IncidentState.RECONCILED if found.ok else None, told, operator=operator, seen=affected)
    return found


def _remedies(session: Session, found: Iterable[Item]) -> list[str]:
    asked = list(dict.fromkeys(one.follow_up for one in found if one.follow_up))
    return [one.action_id for one in inbox.many(session, asked) if one.action_id]


def _line(session: Session, action_id: str, note: str, ask: Outside, *, follow_up: bool) -> Line:
    action = actions.get(session, action_id)
    money = action.envelope.proposal.action.amount
    return Line(
        action=action.id,
        what=action.summary(),
        follow_up=follow_up,
        ledger=_in_the_ledger(session, action),
        outside=_outside(action, ask),
        amount=format(money.amount, "f") if money else "",
        currency=money.currency if money else "",
        note=note,
    )


def _in_the_ledger(session: Session, action: SealedAction) -> str:
    effect = outbox.get(session, action.effect_key)
    if effect is None or effect.state in (EffectState.PLANNED, EffectState.CANCELLED, EffectState.REFUSED):
        return NOTHING
    return Outcome.DONE.value if effect.state is EffectState.DONE else f"{effect.state.value}, answer lost"


def _outside(action: SealedAction, ask: Outside) -> str:
    try:
        receipt = ask(action.envelope.proposal.action.target.system, action.effect_key)
    except Exception as error:  # noqa: BLE001 - a system that does not answer is a difference to explain, not a reason to stop
        return f"cannot be asked: {type(error).__name__}: {error}"
    return NOTHING if receipt is None or receipt.outcome is Outcome.REFUSED else receipt.outcome.value


def _totals(lines: Iterable[Line]) -> list[Total]:
    sums: dict[str, list[Decimal]] = {}
    for one in lines:
        if not one.amount:
            continue
        ledger, outside, corrected = sums.setdefault(one.currency, [Decimal(0), Decimal(0), Decimal(0)])
        amount, done = Decimal(one.amount), Outcome.DONE.value
        if one.follow_up:
            corrected += amount * (one.ledger == done)
        else:
            ledger, outside = ledger + amount * (one.ledger == done), outside + amount * (one.outside == done)
        sums[one.currency] = [ledger, outside, corrected]
    return [Total(currency=code, ledger=a, outside=b, corrected=c) for code, (a, b, c) in sorted(sums.items())]
