"""Editing: a person's changes to a sealed action become a new envelope, judged anew and never freer than reviewed."""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from ..core import operations
from ..core.action import Action, Change, Envelope
from ..core.actions import ActionState, SealedAction
from ..core.errors import BadInput, Forbidden
from ..core.money import Money, round_minor
from ..core.operations import OperationSpec
from ..core.store import Transaction
from ..core.verdict import Lane, RuleHit, Verdict, strictest
from .disclosure import FACT, after_edit, free_texts, goes_out
from .gate import Guard
from .personal_data import PersonalData

STALE_FACTS = frozenset(
    {"amounts_match_records", "template", "threat_in_text", "admission_in_text", "charges_claimed", "opt_out_offered",
     "language_matches", "instalments_sum_matches"}
)  # fmt: skip
"""Facts about a text that hold no longer once somebody has edited it."""

_PLAIN = re.compile(r"(?:0|[1-9][0-9]{0,14})(?:\.[0-9]+)?")
"""An amount that every system reads alike."""

TOLD_BY = {"reminder_level": "level", "instalments": "instalments"}
"""Facts that an argument tells, so that an edit of the argument changes the fact."""


def edited(tx: Transaction, guard: Guard, sealed: SealedAction, changes: Mapping[str, Any], *, by: str) -> SealedAction:
    """`sealed` with new arguments, in its next round.

    Raises BadInput where a change is not possible, Forbidden where the policy prohibits what comes out.
    """
    old = sealed.envelope.proposal.action
    spec = operations.get(tx.session, old.target.system, old.kind)
    if spec is None:
        raise BadInput(
            f"Nothing is known about {old.kind!r} of {old.target.system!r}.", hint="Run `shiftlead work --once` first."
        )
    action = _changed_action(spec, old, changes)
    proposal = sealed.envelope.proposal
    rows = tuple(
        Change(
            record=f"{old.target.kind} {old.target.id}", field=name, before=str(old.arguments.get(name, "")), after=str(value)
        )
        for name, value in changes.items()
    )
    facts = {name: value for name, value in proposal.facts.items() if name not in STALE_FACTS}
    facts |= {fact: action.arguments[name] for fact, name in TOLD_BY.items() if fact in facts and name in action.arguments}
    shown = tuple(_as_edited(one, old, changes, money=spec.money) for one in proposal.changes)
    fresh = proposal.model_copy(update={"action": action, "changes": (*shown, *rows), "facts": facts})
    context = _looked_at_anew(sealed.context, spec, old, action)
    verdict = guard.judge(tx.session, fresh, context)
    if verdict.lane is Lane.PROHIBITED:
        raise Forbidden(
            f"The policy prohibits the edited {old.kind}: {verdict.because().rstrip('.')}.", hint="The request is unchanged."
        )
    hit = RuleHit(rule="edited", lane=Lane.REVIEWED, reason=f"{by} edited it")
    lane = strictest((verdict.lane, Lane.REVIEWED))
    envelope = Envelope(**{**dict(sealed.envelope), "proposal": fresh})
    return sealed.model_copy(
        update={
            "round": sealed.round + 1,
            "state": ActionState.WAITING,
            "envelope": envelope,
            "digest": envelope.digest(),
            "verdict": verdict.model_copy(
                update={"lane": lane, "hits": (hit, *verdict.hits), **_as_strict(sealed.verdict, verdict)}
            ),
            "makers": tuple(dict.fromkeys((*sealed.makers, by))),
            "context": context,
        }
    )


def _as_edited(change: Change, old: Action, changes: Mapping[str, Any], *, money: str) -> Change:
    """A change with the edited value where it showed the proposed one, so that nobody approves words that are not sent."""
    after = change.after
    for name, value in changes.items():
        before = str(old.arguments.get(name, ""))
        if change.field == name.replace("_", " ") and after == before:
            after = str(value)
        elif name == money and before:
            after = after.replace(f"{Decimal(before):,.2f}", f"{Decimal(str(value)):,.2f}")
    return change.model_copy(update={"after": after})


def _as_strict(old: Verdict, new: Verdict) -> dict[str, Any]:
    """As many people as were asked before at least, and four eyes where they were asked."""
    return {"approvals": max(old.approvals, new.approvals), "four_eyes": old.four_eyes or new.four_eyes}


def _looked_at_anew(context: Mapping[str, Any], spec: OperationSpec, old: Action, new: Action) -> dict[str, Any]:
    """The runtime's facts, with what the edited words may tell their reader about others."""
    before, after = (free_texts(one.arguments, spec.authority) for one in (old, new))
    if before == after or not goes_out(spec.authority):
        return dict(context)
    level = max((after_edit(before, after), PersonalData(context.get(FACT) or PersonalData.POSSIBLE)), key=lambda one: one.rank)
    return {**context, FACT: level.value}


def _changed_action(spec: OperationSpec, old: Action, changes: Mapping[str, Any]) -> Action:
    if not changes:
        raise BadInput("Nothing was changed.", hint="Change a field, or approve it as it is.")
    for name in changes:
        if name not in spec.editable:
            raise BadInput(
                f"{spec.name}: {name!r} may not be edited.", hint=f"Editable: {', '.join(spec.editable) or 'nothing'}."
            )
    arguments = {**old.arguments, **{name: _exact(value) for name, value in changes.items()}}
    if arguments == old.arguments:
        raise BadInput("Nothing was changed.", hint="Change a field, or approve it as it is.")
    validate(spec, arguments)
    amount = old.amount
    if spec.money:
        amount = money_at_stake(spec, arguments)
    return old.model_copy(update={"arguments": arguments, "amount": amount})


def validate(spec: OperationSpec, arguments: Mapping[str, Any]) -> None:
    """Raise BadInput naming the first argument that does not fit the operation."""
    from jsonschema import Draft202012Validator

    problems = sorted(Draft202012Validator(spec.parameters).iter_errors(dict(arguments)), key=lambda one: list(one.path))
    if problems:
        first = problems[0]
        where = ".".join(str(part) for part in first.path) or "arguments"
        raise BadInput(f"{spec.name}: {where}: {first.message}.", hint="Mend the field.")


def money_at_stake(spec: OperationSpec, arguments: Mapping[str, Any]) -> Money:
    """The amount that an operation of money is about; raises BadInput where the arguments hold none."""
    raw = arguments.get(spec.money)
    try:
        amount = Decimal(str(raw))
    except InvalidOperation as error:
        raise BadInput(f"{spec.name}: {spec.money}: {raw!r} is not an amount.", hint="Write it as 1234.50.") from error
    if not amount.is_finite() or amount <= 0:
        raise BadInput(f"{spec.name}: {spec.money}: {raw!r} must be above zero.", hint="Write it as 1234.50.")
    money = Money.of(amount, str(arguments.get("currency", "")))
    if not _PLAIN.fullmatch(str(raw)) or round_minor(amount, money.currency) != amount:
        raise BadInput(
            f"{spec.name}: {spec.money}: {raw!r} is no plain amount in {money.currency}.", hint="Write it as 1234.50."
        )
    return money


def _exact(value: Any) -> Any:
    if isinstance(value, float):
        raise BadInput(f"{value!r} is a float.", hint="Give an amount as text: 1234.50.")
    return format(value, "f") if isinstance(value, Decimal) else value
