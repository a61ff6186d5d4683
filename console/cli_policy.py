"""`shiftlead policy`: is the policy fit to be used, and why did it decide as it did."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .cli_errors import CHECK_FAILED
from .cli_session import Session, command, group

if TYPE_CHECKING:
    from ..guardrails.policy import Policy
    from ..guardrails.rules import Rule
    from .cli_whatif import WhatIf

app = group("The policy: check it, and have a verdict or a rule explained.")


@command(app, "check")
def check(
    session: Session,
    file: Annotated[Path | None, typer.Argument(help="A policy file; the workspace's policy if not given.")] = None,
) -> None:
    """Check a policy: types, examples, and rules that are dead, doubled or too free."""
    from ..guardrails import review
    from ..guardrails.policy import load_policy

    report = review.check(load_policy(file) if file else session.policy)
    if session.out.as_json:
        session.out.data({"ok": report.ok, **dict(report)})
    else:
        for remark in report.remarks:
            session.out.text(f"{'problem' if remark.serious else 'note'}  {remark.rule}: {remark.text}")
        counted = f"{report.rules} rules, {report.actions} actions, {report.examples} examples"
        session.out.text(f"{report.policy}: {'ok' if report.ok else 'not fit to be used'}; {counted}.")
        for line in report.left_out:
            session.out.say(f"Not looked at: {line}")
    if not report.ok:
        raise typer.Exit(CHECK_FAILED)


@command(app, "explain")
def explain(
    session: Session,
    about: Annotated[
        str, typer.Argument(metavar="[CASE|ACTION|RULE]", help="A case, an action or a rule; every rule if not given.")
    ] = "",
    other: Annotated[
        Path | None,
        typer.Option("--policy", metavar="FILE", help="What would be under this policy file.", show_default=False),
    ] = None,
) -> None:
    """Explain the verdicts on a case or an action, also as another policy would judge them, or the rules in words."""
    from ..guardrails.policy import load_policy

    instead = load_policy(other) if other else None
    rules = [rule for rule in (instead or session.policy).every_rule if about in ("", rule.id)]
    if rules:
        _rules(session, rules)
        return
    found = _judged(session, about, instead, str(other))
    if session.out.as_json:
        session.out.data(found)
        return
    for one in found:
        session.out.text(*one.lines())
    if not found:
        session.out.say(f"Nothing was proposed for {about!r}.")
    elif instead:
        session.out.say(f"{sum(one.differs for one in found)} of {len(found)} would be judged otherwise; nothing was changed.")


def _rules(session: Session, rules: "list[Rule]") -> None:
    from ..guardrails import review

    if session.out.as_json:
        session.out.data([{"rule": rule.id, "text": review.explain_rule(rule), "reason": rule.reason} for rule in rules])
    else:
        session.out.text(*(line for rule in rules for line in (review.explain_rule(rule), f"    {rule.reason}")))


def _judged(session: Session, about: str, other: "Policy | None", named: str) -> "list[WhatIf]":
    from ..guardrails.gate import Guard
    from .cli_whatif import actions_named, compared, stands

    with session.ledger() as ledger, ledger.reading() as reading:
        sealed = actions_named(reading, about)
        if other is None:
            return [stands(session.policy, one) for one in sealed]
        guard = Guard(other, ledger.clock)
        return [compared(session.policy, guard, one, reading, named=named) for one in sealed]
