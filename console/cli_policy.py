"""`shiftlead policy`: is a policy fit to be used, what does it say, and why did it decide as it did."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import cli_enact, cli_policy_packs, cli_proof
from .cli_errors import CHECK_FAILED
from .cli_named import FILE, named_policy
from .cli_session import Session, command, group

if TYPE_CHECKING:
    from ..guardrails.policy import Policy
    from ..guardrails.review import Report
    from ..guardrails.rules import Rule
    from .cli_whatif import WhatIf

app = group("The policy: check it, compare it, prove it, try it on the past, and put it in force.")


@command(app, "check")
def check(session: Session, file: FILE = None) -> None:
    """Check a policy: types, examples, and rules that are dead, doubled, covered by others or too free."""
    from ..guardrails import review

    report = review.check(named_policy(session, file))
    if session.out.as_json:
        session.out.data({"ok": report.ok, **dict(report)})
    else:
        _report(session, report)
    if not report.ok:
        raise typer.Exit(CHECK_FAILED)


def _report(session: Session, report: "Report") -> None:
    for remark in report.remarks:
        session.out.text(f"{'problem' if remark.serious else 'note'}  {remark.rule}: {remark.text}")
    counted = f"{report.rules} rules, {report.actions} actions, {report.examples} examples"
    session.out.text(f"{report.policy}: {'ok' if report.ok else 'not fit to be used'}; {counted}.")
    if report.never_alone:
        session.out.say(f"Never run without a person: {', '.join(report.never_alone)}.")
    if report.only_explain:
        told = "Without these rules every verdict would be the same, since what no rule allows is reviewed anyway; they say why"
        session.out.say(f"{told}: {', '.join(report.only_explain)}.")
    for line in report.left_out:
        session.out.say(f"Not looked at: {line}")


@command(app, "test")
def try_examples(session: Session, file: FILE = None) -> None:
    """Run the examples beside the rules; exit code 1 where one leads to another lane than it says."""
    from ..guardrails import review

    policy = named_policy(session, file)
    failed = review.failed_examples(policy)
    count = sum(len(rule.examples) for rule in policy.rules)
    if session.out.as_json:
        session.out.data({"examples": count, "failed": failed})
    else:
        session.out.text(*(f"{one.rule}: {one.text}" for one in failed))
        session.out.text(f"{policy.ref}: {count - len(failed)} of {count} examples lead where they say.")
    if failed:
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
    from ..core.errors import NotFound
    from ..guardrails.document import nearest
    from ..guardrails.policy import load_policy

    instead = load_policy(other) if other else None
    rules = [rule for rule in (instead or session.policy).every_rule if about in ("", rule.id)]
    if rules:
        _rules(session, rules)
        return
    try:
        found = _judged(session, about, instead, str(other))
    except NotFound as error:
        near = nearest(about, [rule.id for rule in (instead or session.policy).every_rule])
        hint = f"{near} {error.hint}" if near.startswith("Did you mean") else error.hint
        raise NotFound(error.message, hint=hint) from error
    if session.out.as_json:
        session.out.data(found)
        return
    for one in found:
        session.out.text(*one.lines())
    if not found:
        session.out.say(f"Nothing was proposed for {about!r}.")
    elif instead:
        session.out.say(f"{sum(one.differs for one in found)} of {len(found)} would be judged otherwise; nothing was changed.")


@command(app, "export", prints_data=False)
def export(
    session: Session,
    file: FILE = None,
    to: Annotated[str, typer.Option(help="The language: cedar.")] = "cedar",
    schema: Annotated[bool, typer.Option("--schema", help="Print the schema instead of the policy.")] = False,
) -> None:
    """Print a policy in another engine's language, so that both can be asked the same question."""
    from ..core.errors import BadInput
    from ..guardrails import cedar

    if to != "cedar":
        raise BadInput(f"{to!r} is no language a policy can be printed in.", hint="Known: cedar.")
    made = cedar.export(named_policy(session, file))
    for line in (made.schema_text if schema else made.policy).splitlines():
        session.out.text(line)


def _rules(session: Session, rules: "list[Rule]") -> None:
    from ..guardrails import review

    if session.out.as_json:
        session.out.data(
            [
                {"rule": rule.id, "text": review.explain_rule(rule), "reason": rule.reason, "source": rule.source}
                for rule in rules
            ]
        )
    else:
        session.out.text(
            *(line for rule in rules for line in (review.explain_rule(rule), f"    {rule.reason} [{rule.source}]"))
        )


def _judged(session: Session, about: str, other: "Policy | None", named: str) -> "list[WhatIf]":
    from ..guardrails.gate import Guard
    from .cli_whatif import actions_named, compared, stands

    policy = session.policy
    with session.ledger() as ledger, ledger.reading() as reading:
        sealed = actions_named(reading, about)
        if other is None:
            return [stands(policy, one) for one in sealed]
        guard = Guard(other, ledger.clock, keyring=session.place.roster().keyring)
        return [compared(policy, guard, one, reading, named=named) for one in sealed]


cli_proof.register(app)
cli_enact.register(app)
cli_policy_packs.register(app)
