"""`shiftlead policy`: is the policy fit to be used, and why did it decide as it did."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .cli_errors import CHECK_FAILED
from .cli_find import find_case
from .cli_session import Session, command, group

if TYPE_CHECKING:
    from ..core.actions import SealedAction

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
) -> None:
    """Explain the verdicts on a case or an action, or the rules in words."""
    from ..guardrails import review

    rules = [rule for rule in session.policy.every_rule if about in ("", rule.id)]
    if rules:
        if session.out.as_json:
            session.out.data([{"rule": rule.id, "text": review.explain_rule(rule), "reason": rule.reason} for rule in rules])
        else:
            session.out.text(*(line for rule in rules for line in (review.explain_rule(rule), f"    {rule.reason}")))
        return
    told = [(one, review.explain(session.policy, one.verdict)) for one in _actions(session, about)]
    if session.out.as_json:
        session.out.data(
            [{"action": one.id, "summary": one.summary(), "verdict": one.verdict, "text": lines} for one, lines in told]
        )
        return
    for one, lines in told:
        session.out.text(f"{one.id}  {one.summary()}", *(f"  {line}" for line in lines))
    if not told:
        session.out.say(f"Nothing was proposed for {about!r}.")


def _actions(session: Session, about: str) -> "list[SealedAction]":
    from ..core import actions

    with session.ledger() as ledger, ledger.reading() as reading:
        if about.startswith("act_"):
            return [actions.get(reading, about)]
        return actions.of_case(reading, find_case(reading, about).id)
