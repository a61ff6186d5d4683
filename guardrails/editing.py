"""Editing: a person's changes to a sealed action become a new envelope, judged anew and never freer than reviewed."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from ..core import operations
from ..core.action import Action, Change, Envelope
from ..core.actions import ActionState, SealedAction
from ..core.errors import BadInput, Forbidden
from ..core.money import Money
from ..core.operations import OperationSpec
from ..core.store import Transaction
from ..core.verdict import Lane, RuleHit, strictest
from .gate import Guard

STALE_FACTS = frozenset({"amounts_match_records", "template"})
"""Facts about a text that hold no longer once somebody has edited it."""


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
    fresh = proposal.model_copy(update={"action": action, "changes": (*proposal.changes, *rows), "facts": facts})
    verdict = guard.judge(tx.session, fresh, sealed.context)
    if verdict.lane is Lane.PROHIBITED:
        raise Forbidden(f"The policy prohibits the edited {old.kind}: {verdict.because()}.", hint="The request is unchanged.")
    hit = RuleHit(rule="edited", lane=Lane.REVIEWED, reason=f"{by} edited it")
    lane = strictest((verdict.lane, Lane.REVIEWED))
    envelope = Envelope(**{**dict(sealed.envelope), "proposal": fresh})
    return sealed.model_copy(
        update={
            "round": sealed.round + 1,
            "state": ActionState.WAITING,
            "envelope": envelope,
            "digest": envelope.digest(),
            "verdict": verdict.model_copy(update={"lane": lane, "hits": (hit, *verdict.hits)}),
            "makers": tuple(dict.fromkeys((*sealed.makers, by))),
        }
    )


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
    _validate(spec, arguments)
    amount = old.amount
    if spec.money:
        amount = _money(spec, arguments)
    return old.model_copy(update={"arguments": arguments, "amount": amount})


def _validate(spec: OperationSpec, arguments: Mapping[str, Any]) -> None:
    from jsonschema import Draft202012Validator

    problems = sorted(Draft202012Validator(spec.parameters).iter_errors(dict(arguments)), key=lambda one: list(one.path))
    if problems:
        first = problems[0]
        where = ".".join(str(part) for part in first.path) or "arguments"
        raise BadInput(f"{spec.name}: {where}: {first.message}.", hint="Mend the field.")


def _money(spec: OperationSpec, arguments: Mapping[str, Any]) -> Money:
    raw = arguments[spec.money]
    try:
        amount = Decimal(str(raw))
    except InvalidOperation as error:
        raise BadInput(f"{spec.name}: {spec.money}: {raw!r} is not an amount.", hint="Write it as 1234.50.") from error
    if not amount.is_finite() or amount <= 0:
        raise BadInput(f"{spec.name}: {spec.money}: {raw!r} must be above zero.", hint="Write it as 1234.50.")
    return Money.of(amount, str(arguments.get("currency", "")))


def _exact(value: Any) -> Any:
    if isinstance(value, float):
        raise BadInput(f"{value!r} is a float.", hint="Give an amount as text: 1234.50.")
    return format(value, "f") if isinstance(value, Decimal) else value
