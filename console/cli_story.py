"""The whole story of one case for a person: ticket, evidence, proposal, verdict, decisions, receipt and audit trail."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..core import actions, bodies, exchanges, inbox, outbox, queue
from ..core.actions import ActionState, SealedAction
from ..core.approval import Decision, Request
from ..core.audit import AuditEvent
from ..core.case import Case, TicketItem
from ..core.evidence import Evidence
from ..core.exchanges import ModelExchange
from ..core.noun import Noun
from ..core.receipt import Effect
from ..core.verdict import RuleHit
from ..core.words import ERASED, SAID_IN, with_words
from ..guardrails.grounds import Grounds
from .cli_output import moment, money, pairs

if TYPE_CHECKING:
    from datetime import datetime

    from sqlmodel import Session as DbSession

    from ..core.keys import Keyring
    from ..core.store import Ledger
    from ..guardrails.policy import Policy

_LONG = 400


class CaseStory(Noun):
    """Everything the ledger knows about one case."""

    case: Case
    ticket: TicketItem
    parent: Case | None
    children: tuple[Case, ...]
    actions: tuple[SealedAction, ...]
    requests: tuple[Request, ...]
    decisions: tuple[Decision, ...]
    effects: tuple[Effect, ...]
    trail: tuple[AuditEvent, ...]
    findings: tuple[Evidence, ...] = ()
    """What the worker found where it proposed nothing."""
    exchanges: tuple[ModelExchange, ...] = ()
    """What a language model was asked and answered."""
    forged: frozenset[str] = frozenset()
    """Ids of the decisions whose signatures do not hold; they count for nothing."""
    words: dict[str, str] = {}
    """What was said in the audit trail, by its digest; what was erased is missing."""
    steps: dict[int, str] = {}
    """The steps of the worker's playbook as they are now."""
    grounds: dict[str, Grounds] = {}
    """What the confidence in each action that waits is worth, by the action's id."""

    def step(self, number: int) -> str:
        """One step in words."""
        return self.steps.get(number, "(not in the playbook any more)")


def case_story(
    ledger: "Ledger", case: Case, steps: Mapping[int, str], *, keyring: "Keyring | None", policy: "Policy | None" = None
) -> CaseStory:
    """Everything the ledger knows about `case`; `keyring` says whose signatures hold, and `policy` which certificates are asked for."""
    with ledger.reading() as session:
        sealed = tuple(actions.of_case(session, case.id))
        said = tuple(inbox.decisions(session, case_id=case.id))
        trail = tuple(ledger.events(case_id=case.id))
        erased = any(event.kind == "case.erased" for event in trail)
        return CaseStory(
            case=case,
            ticket=queue.item_of(session, case.id),
            parent=queue.get(session, case.parent_id) if case.parent_id else None,
            children=tuple(queue.listed(session, parent_id=case.id)),
            actions=sealed,
            findings=queue.findings(session, case.id),
            requests=tuple(inbox.of_case(session, case.id)),
            decisions=said,
            # Where the words were erased no signature over them holds any more, and a grant's use is signed by nobody.
            forged=frozenset(one.id for one in said if not (erased or one.by_grant or one.genuine(keyring))),
            effects=tuple(outbox.of_case(session, case.id)),
            trail=trail,
            exchanges=tuple(exchanges.of_case(session, case.id)),
            words=bodies.of_case(session, case.id),
            steps=dict(steps),
            grounds={} if policy is None else grounds_of(session, policy, keyring, sealed, at=ledger.clock.now()),
        )


def grounds_of(
    session: "DbSession", policy: "Policy", keyring: "Keyring | None", sealed: Iterable[SealedAction], *, at: "datetime"
) -> dict[str, Grounds]:
    """What the confidence in each of these actions is worth that waits for a person, by the action's id."""
    from ..guardrails.grounds import grounds

    waiting = (one for one in sealed if one.state is ActionState.WAITING)
    return {one.id: grounds(session, policy, keyring, one, at=at) for one in waiting}


def told(story: CaseStory) -> Iterator[str]:
    """The story in lines."""
    yield from headline(story.case)
    yield from related(story)
    yield from _ticket(story.ticket)
    yield from _exchanged(story.exchanges)
    yield from actions_told(story)
    yield from _asked(story)
    yield from _trail(story)


def actions_told(story: CaseStory) -> Iterator[str]:
    """Every action of a case, with what the outside answered."""
    before: SealedAction | None = None
    for sealed in story.actions:
        yield from action_told(sealed, story.steps, before=before, grounds=story.grounds.get(sealed.id))
        yield from _effects(story, sealed)
        before = sealed
    if story.findings and not story.actions:
        yield ""
        yield from _block("Evidence", map(_evidence, story.findings))


def headline(case: Case) -> Iterator[str]:
    """What a case is and how it stands."""
    yield f"CASE {case.id}  {case.subject}"
    state = f"{case.state.value}{f', {case.outcome}' if case.outcome else ''}"
    yield from indented(
        pairs(
            {
                "state": state,
                "worker": case.worker,
                "ticket": f"{case.source} {case.external_id} (revision {case.revision})",
                "party": case.party,
                "amount": money(case.amount, case.currency),
                "priority": case.priority,
                "received": moment(case.received_at),
                "due": moment(case.due_at),
                "closed": moment(case.closed_at),
                "summary": case.summary,
                "attempts": case.attempts if case.error else "",
                "error": case.error,
                "personal data": "erased" if case.subject == ERASED else "",
            }
        )
    )


def action_told(
    sealed: SealedAction, steps: Mapping[int, str], *, before: SealedAction | None = None, grounds: Grounds | None = None
) -> Iterator[str]:
    """One action: what it does, why, on what evidence, and what the policy says; evidence that `before` had is not repeated."""
    envelope, proposal = sealed.envelope, sealed.envelope.proposal
    action = proposal.action
    yield from ("", f"ACTION {sealed.seq}  {sealed.summary()}")
    sure = "cannot say" if proposal.confidence is None else f"{proposal.confidence:.2f}"
    about = {
        "id": sealed.id,
        "state": sealed.state.value + (f", round {sealed.round}" if sealed.round > 1 else ""),
        "proposed by": f"{envelope.worker} ({envelope.playbook}, brain {envelope.brain}), confidence {sure}",
        "confidence": "; ".join(grounds.lines) if grounds else "",
        "made by": ", ".join(sealed.makers),
        "why": proposal.rationale,
        "found": ", ".join(proposal.labels),
        "can be undone": action.reversibility.value,
        "sealed as": sealed.digest,
    }
    yield from indented(pairs(about))
    yield from _block("SOP steps followed", (f"{number}. {steps.get(number, '')}".rstrip() for number in proposal.steps))
    yield from _block("Arguments", pairs(action.arguments))
    yield from _block(
        "Would change", (f"{one.record}: {one.field}: {one.before or '-'} -> {short(one.after)}" for one in proposal.changes)
    )
    if before and before.envelope.evidence == envelope.evidence:
        yield f"  Evidence: that of action {before.seq}"
    else:
        yield from _block("Evidence", map(_evidence, envelope.evidence))
    yield from _verdict(sealed)


def _verdict(sealed: SealedAction) -> Iterator[str]:
    verdict = sealed.verdict
    head = f"Verdict: {verdict.lane.value} by {verdict.policy}, judged {moment(verdict.judged_at)}"
    yield from _block(head, map(_hit, verdict.hits))
    yield from (f"    only in somebody's text: {one}" for one in _tainted(sealed))
    if verdict.missing:
        yield f"    missing: {', '.join(verdict.missing)}"
    if verdict.passed:
        yield f"    did not match: {', '.join(verdict.passed)}"
    if verdict.approvals > 1 or verdict.four_eyes:
        yield f"    needs {verdict.approvals} approval(s){', four eyes' if verdict.four_eyes else ''}"


def _tainted(sealed: SealedAction) -> tuple[str, ...]:
    from ..guardrails.provenance import tainted_words

    names = str(sealed.context.get("tainted_arguments") or "")
    return tainted_words(names, sealed.envelope.proposal.action.arguments, sealed.envelope.evidence)


def _hit(hit: RuleHit) -> str:
    measured = f"  {hit.field} is {hit.actual or 'missing'}; limit {hit.limit}" if hit.limit else ""
    distance = f"; {hit.distance}" if hit.distance else ""
    source = f"  [{hit.source}]" if hit.source else ""
    return f"{hit.rule} ({hit.lane.value}): {hit.reason}{measured}{distance}{source}"


def _evidence(one: Evidence) -> str:
    note = f"  ({one.note})" if one.note else ""
    return f"[{one.trust.value}] {one.name} = {short(one.value)}{note}  <- {one.source}, read {moment(one.read_at)}"


def _effects(story: CaseStory, sealed: SealedAction) -> Iterator[str]:
    for effect in (one for one in story.effects if one.action_id == sealed.id):
        receipt = effect.receipt
        answer = {
            "key": effect.key,
            "attempts": effect.attempts,
            "sent": moment(effect.sent_at),
            "outside id": receipt.external_id if receipt else "",
            "answer": receipt.detail if receipt else "",
        }
        yield from _block(f"Effect: {effect.state.value}, {effect.operation} at {effect.connector}", pairs(answer))


def _asked(story: CaseStory) -> Iterator[str]:
    for request in story.requests:
        yield from ("", f"REQUEST {request.id}  {request.question.value}: {request.summary}")
        yield from indented(
            pairs(
                {
                    "state": request.state.value,
                    "asked of": request.role,
                    "why": request.reason,
                    "opened": moment(request.created_at),
                    "due": moment(request.due_at),
                    "expires": moment(request.expires_at),
                    "snoozed until": moment(request.snoozed_until),
                }
            )
        )
        yield from indented(decided(one, story) for one in story.decisions if one.request_id == request.id)


def decided(decision: Decision, story: CaseStory) -> str:
    """One decision in a line; one that nobody signed says so."""
    who = f"{decision.operator} for {decision.acting_for}" if decision.acting_for else decision.operator
    parts = [f"{moment(decision.decided_at)} {who}: {decision.kind.value}"]
    parts += [text for text in (decision.reason, decision.text) if text]
    parts += [f"{name} = {short(value)}" for name, value in decision.changes.items()]
    if decision.id in story.forged:
        parts.append("its signature does not hold, so it counts for nothing")
    return "; ".join(parts) + ("" if decision.mode == "four_eyes" else f" [{decision.mode}]")


def related(story: CaseStory) -> Iterator[str]:
    """The cases it came from and went on to."""
    if story.parent:
        yield f"  handed on from {story.parent.id} ({story.parent.external_id}): {story.parent.subject}"
    for child in story.children:
        yield f"  handed on to {child.worker} as {child.id}: {child.state.value}"


def _ticket(item: TicketItem) -> Iterator[str]:
    yield from ("", f"TICKET  {item.subject}")
    yield from indented(pairs({name: short(value) for name, value in item.payload.items() if name != "subject"}))


def _exchanged(exchanges: Iterable[ModelExchange]) -> Iterator[str]:
    for one in exchanges:
        yield from ("", f"MODEL {one.brain}, question {one.attempt}, {moment(one.at)}")
        yield from indented(pairs({"asked": short(one.prompt), "answered": short(one.answer), "not used": one.problem}))


def _trail(story: CaseStory) -> Iterator[str]:
    yield from ("", "AUDIT TRAIL")
    for event in story.trail:
        yield f"  {event.seq:>6}  {event.at:%Y-%m-%d %H:%M:%S}  {event.kind}  by {event.actor}  {event.hash[:12]}"
        told = {name: short(value) for name, value in with_words(event.data, story.words).items() if name in SAID_IN and value}
        yield from (f"          {name}: {value}" for name, value in sorted(told.items()))


def _block(title: str, lines: Any) -> Iterator[str]:
    found = list(lines)
    if found:
        yield f"  {title}"
        yield from (f"    {line}" for line in found)


def indented(lines: Iterable[str]) -> Iterator[str]:
    """Lines that belong to the one above."""
    return (f"  {line}" for line in lines)


def short(value: Any, most: int = _LONG) -> str:
    """A value on one line of at most so many characters."""
    text = " ".join(str(value).split())
    return text if len(text) <= most else text[: most - 1] + "…"
