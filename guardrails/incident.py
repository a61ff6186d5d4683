"""The handling of an incident: stop, contain, correct, reconcile, review, close; each step by a person, each in the ledger.

Nothing here sends anything. What follows from an incident is decided by a person, once for each case, and runs through the
executor like everything else.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ..core import actions, inbox, incidents, queue, switches
from ..core.actions import ActionState, SealedAction
from ..core.approval import Question, Request, RequestState
from ..core.clock import new_id
from ..core.errors import BadInput, Conflict, Forbidden
from ..core.incidents import ORDER, Incident, IncidentState, Item, Selector
from ..core.noun import Noun, digest, plain
from ..core.roster import Signing
from ..core.settings import Operator
from ..core.store import Ledger, Transaction
from ..core.verdict import Lane, RuleHit, strictest
from . import killswitch
from .duties import Duty, conflict
from .followups import Standing, by_case, standings
from .gate import Guard
from .policy import Policy
from .remedy import Remedy, proposed
from .requests import after_edit, rank

UNSENT = (ActionState.PROPOSED, ActionState.WAITING, ActionState.APPROVED)
"""Affected actions in these states go back to a person."""

RULE = "incident"
"""The structural rule that sends an affected action to a person."""

_BEFORE = {"reconcile": IncidentState.CORRECTED, "review": IncidentState.RECONCILED}
"""How far an incident must have come for each step."""


class Contained(Noun):
    """What containing an incident found."""

    incident: Incident
    matched: int
    """Actions that this selector took."""
    affected: int
    """Actions that are affected in all."""
    new: int
    ran: int
    """Affected actions whose effect happened, or may have."""
    held: int
    """Affected actions that were on their way and now wait for a person."""
    evidence: str
    """The digest over everything that was frozen."""


class Incidents:
    """Handles incidents of one ledger under the policy that is in force."""

    def __init__(self, ledger: Ledger, policy: Policy, *, signing: Signing | None) -> None:
        self.ledger = ledger
        self.policy = policy
        self.signing = signing
        self.guard = Guard(policy, ledger.clock)

    def open(self, title: str, scopes: Sequence[str], *, operator: Operator) -> Incident:
        """Stop every one of `scopes` and open an incident about it, in one transaction.

        Raises BadInput for a scope that is none, or without a title.
        """
        if not title.strip():
            raise BadInput("An incident needs a title.", hint="Say in a few words what went wrong.")
        for scope in scopes:
            killswitch.check_scope(scope)
        with self.ledger.transaction() as tx:
            made = Incident(
                id=new_id("inc"),
                title=title.strip(),
                state=IncidentState.OPEN,
                opened_by=operator.name,
                opened_at=tx.now,
                scopes=tuple(scopes),
            )
            incidents.add(tx, made)
            for scope in scopes:
                switches.throw(tx, scope, stopped=True, by=operator.name, reason=f"incident {made.id}")
            tx.audit("incident.opened", actor=operator.name, incident=made.id, scopes=list(scopes), note=made.title)
            return made

    def contain(self, incident_id: str, selector: Selector, *, operator: Operator) -> Contained:
        """Find and freeze what a selector takes, and give every affected action that has not been sent to a person.

        It may be called again with another selector; what was frozen stays. Raises BadInput for an empty selector, Forbidden for
        somebody without a role.
        """
        if selector.empty():
            raise BadInput(
                "Nothing is named, so everything would be affected.", hint="Name a kind, a rule, a policy, or a time."
            )
        with self.ledger.transaction() as tx:
            before = self._at(tx, incident_id, operator, IncidentState.OPEN, IncidentState.CONTAINED, IncidentState.CORRECTED)
            found = [(one, incidents.frozen(tx.session, before.id, one)) for one in incidents.affected(tx.session, selector)]
            new = incidents.freeze(tx, (item for _, item in found))
            unsent = [action for action, item in found if not item.ran and action.state in UNSENT]
            for one in unsent:
                if not _asked_already(before, one):
                    self._to_a_person(tx, before, one, by=operator.name)
            every = incidents.items(tx.session, before.id)
            after = before.model_copy(update={"state": IncidentState.CONTAINED, "selectors": (*before.selectors, selector)})
            incidents.move(tx, after, expect=before.state)
            evidence = incidents.evidence_digest(every)
            told: dict[str, Any] = {"incident": after.id, "selector": selector, "affected": len(every), "evidence": evidence}
            tx.audit("incident.contained", actor=operator.name, **told)
            ran = sum(one.ran for one in every)
            return Contained(
                incident=after,
                matched=len(found),
                affected=len(every),
                new=new,
                ran=ran,
                held=len(unsent),
                evidence=evidence,
            )

    def correct(self, incident_id: str, *, operator: Operator, remedy: Remedy | None = None) -> tuple[Request, ...]:
        """Ask a person about every case in which an affected action ran: one request for each case, however many ran there.

        With a remedy the request asks to approve that action, where one affected action ran in the case; else it asks to take the
        case. Cases that have their follow-up already, and those that were excused, are left alone; where it lapsed somebody is asked
        anew. Raises BadInput where the remedy does not fit, Forbidden where the policy prohibits it; then nobody is asked.
        """
        with self.ledger.transaction() as tx:
            before = self._at(tx, incident_id, operator, IncidentState.CONTAINED, IncidentState.CORRECTED)
            asked, every = [], incidents.items(tx.session, before.id)
            known = standings(tx.session, every)
            for case_id, ran in by_case(every).items():
                if any(one.note or known.get(one.follow_up, Standing.LAPSED) is not Standing.LAPSED for one in ran):
                    continue
                request = (
                    self._remedied(tx, before, ran[0], remedy, operator)
                    if remedy is not None and len(ran) == 1
                    else self._asked(tx, before, case_id, ran)
                )
                asked.append(request)
                for one in ran:
                    incidents.note(tx, before.id, one.action_id, follow_up=request.id)
            after = before.model_copy(update={"state": IncidentState.CORRECTED})
            incidents.move(tx, after, expect=before.state)
            tx.audit("incident.correcting", actor=operator.name, incident=after.id, requests=[one.id for one in asked])
            return tuple(asked)

    def excuse(self, incident_id: str, action_id: str, words: str, *, operator: Operator) -> None:
        """Note why nothing follows from an affected action, or why ledger and outside differ about it; raises BadInput without words."""
        if not words.strip():
            raise BadInput("It needs words.", hint="Say why; the auditor reads it.")
        with self.ledger.transaction() as tx:
            before = self._at(tx, incident_id, operator, *ORDER[1:-1])
            incidents.note(tx, before.id, action_id, note=words.strip())
            tx.audit("incident.excused", actor=operator.name, incident=before.id, action=action_id, note=words.strip())

    def close(self, incident_id: str, reason: str, *, operator: Operator) -> Incident:
        """Close a reviewed incident; what it stopped is let run again by `resume`, which asks for its own two people.

        Raises Conflict before the review, Forbidden for the person who opened it where the policy asks for four eyes, BadInput
        without a reason.
        """
        if not reason.strip():
            raise BadInput("Closing needs a reason.", hint="Say what was learned; the auditor reads it.")
        with self.ledger.transaction() as tx:
            before = self._at(tx, incident_id, operator, IncidentState.REVIEWED)
            taken = {Duty.OPEN_INCIDENT: (before.opened_by,)}
            if why_not := conflict(Duty.CLOSE_INCIDENT, operator.name, taken=taken, separation=self.policy.separation):
                raise Forbidden(f"{operator.name!r} may not close incident {before.id!r}: {why_not}.", hint="Ask a colleague.")
            adopted = before.findings.get("review", {}).get("policy_digest")
            if adopted and adopted != self.policy.digest():
                raise Conflict(
                    f"The policy that was reviewed ({adopted[:12]}) is not in force; {self.policy.ref} is.",
                    hint="Run `shiftlead policy adopt` with it, and have it signed.",
                )
            after = before.model_copy(update={"state": IncidentState.CLOSED, "closed_at": tx.now})
            incidents.move(tx, after, expect=before.state)
            tx.audit(
                "incident.closed", actor=operator.name, incident=after.id, reason=reason.strip(), mode=self.policy.separation
            )
            return after

    def step(
        self,
        incident_id: str,
        name: str,
        to: IncidentState | None,
        found: Mapping[str, Any],
        *,
        operator: Operator,
        seen: Sequence[Item] | None = None,
    ) -> Incident:
        """Note what `reconcile` or `review` found, and go on to `to`, or back where it came out badly.

        Raises Conflict before its turn, and where the affected actions are not those any more that were `seen`.
        """
        ready = ORDER[ORDER.index(_BEFORE[name]) : -1]
        with self.ledger.transaction() as tx:
            before = self._at(tx, incident_id, operator, *ready)
            if seen is not None and [*seen] != incidents.items(tx.session, before.id):
                told = f"Somebody has changed what incident {before.id!r} affects meanwhile."
                raise Conflict(told, hint=f"Run `shiftlead incident {name}` again.")
            state = max(before.state, to, key=ORDER.index) if to else min(before.state, _BEFORE[name], key=ORDER.index)
            after = before.model_copy(update={"state": state, "findings": {**before.findings, name: plain(found)}})
            incidents.move(tx, after, expect=before.state)
            tx.audit(f"incident.{name}", actor=operator.name, incident=after.id, state=state, found=digest(plain(found)))
            return after

    def _at(self, tx: Transaction, incident_id: str, operator: Operator, *states: IncidentState) -> Incident:
        if self.policy.role(operator.role) is None:
            raise Forbidden(f"{operator.name!r} has no role in the policy {self.policy.ref}.", hint="Ask an operator.")
        # Whoever handles it waits here, so that two people do not ask about one case twice.
        tx.in_turn()
        found = incidents.get(tx.session, incident_id)
        if found.state not in states:
            wanted = " or ".join(one.value for one in states)
            raise Conflict(
                f"Incident {found.id!r} is {found.state.value}, not {wanted}.",
                hint="`shiftlead incident show` says what comes next.",
            )
        return found

    def _to_a_person(self, tx: Transaction, incident: Incident, action: SealedAction, *, by: str) -> Request:
        """Whatever it was before, an affected action asks somebody who has not made it."""
        hit = RuleHit(rule=RULE, lane=Lane.REVIEWED, reason=f"Incident {incident.id} affects it: {incident.title}")
        verdict = action.verdict.model_copy(
            update={
                "lane": strictest((action.verdict.lane, Lane.REVIEWED)),
                "hits": (hit, *action.verdict.hits),
                "four_eyes": True,
            }
        )
        sealed = action.model_copy(update={"verdict": verdict, "state": ActionState.WAITING, "round": action.round + 1})
        inbox.supersede(tx, action.case_id, action_id=action.id, actor="system", why=RULE)
        actions.replace(tx, sealed.signed(self.signing, by))
        request = self._request(tx, action.case_id, sealed, hit.reason)
        inbox.put(tx, request)
        told = {"action": action.id, "digest": action.digest, "lane": verdict.lane, "rules": [one.rule for one in verdict.hits]}
        tx.audit("action.judged_again", actor="system", case_id=action.case_id, **told)
        return request

    def _remedied(self, tx: Transaction, incident: Incident, item: Item, remedy: Remedy, operator: Operator) -> Request:
        hit = RuleHit(
            rule=RULE, lane=Lane.REVIEWED, reason=f"It makes up for what incident {incident.id} did: {incident.title}"
        )
        makers = (f"incident:{incident.id}", operator.name)
        sealed = proposed(tx, self.guard, actions.get(tx.session, item.action_id), remedy, makers=makers, hit=hit)
        actions.add(tx, sealed.signed(self.signing, operator.name))
        told = {"action": sealed.id, "kind": sealed.kind, "digest": sealed.digest, "lane": sealed.lane, "incident": incident.id}
        tx.audit("action.judged", actor=operator.name, case_id=sealed.case_id, **told)
        request = self._request(tx, sealed.case_id, sealed, hit.reason)
        inbox.put(tx, request)
        queue.reopen(tx, sealed.case_id)
        return request

    def _asked(self, tx: Transaction, incident: Incident, case_id: str, ran: Sequence[Item]) -> Request:
        done = ", ".join(f"{one.kind} {one.target}" for one in ran)
        case = queue.get(tx.session, case_id)
        request = Request(
            id=new_id("req"),
            case_id=case_id,
            action_id=None,
            question=Question.HANDLE,
            state=RequestState.PENDING,
            digest=digest([incident.id, [one.digest for one in ran]]),
            summary=case.subject,
            reason=f"Incident {incident.id} ({incident.title}): {done} ran. Put it right, and say what you did.",
            amount=None if case.amount is None else format(case.amount, "f"),
            currency=case.currency,
            role=self.policy.escalate_to,
            created_at=tx.now,
        )
        inbox.put(tx, request)
        return request

    def _request(self, tx: Transaction, case_id: str, sealed: SealedAction, reason: str) -> Request:
        money = sealed.envelope.proposal.action.amount
        roles = (self.policy.role_for(sealed.kind, money), self.policy.escalate_to)
        blank = Request(
            id=new_id("req"),
            case_id=case_id,
            action_id=sealed.id,
            question=Question.APPROVE,
            state=RequestState.PENDING,
            digest=sealed.digest,
            action_kind=sealed.kind,
            confidence=sealed.envelope.proposal.confidence,
            role=max(roles, key=lambda role: rank(self.policy, role)),
            created_at=tx.now,
        )
        return after_edit(self.policy, blank, sealed, tx.now).model_copy(update={"reason": reason, "expires_at": None})


def _asked_already(incident: Incident, action: SealedAction) -> bool:
    """Whether a person has it because of this incident; what was approved of it meanwhile stays approved."""
    return any(hit.rule == RULE and incident.id in hit.reason for hit in action.verdict.hits)
