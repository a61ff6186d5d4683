"""Standing grants: an approval given beforehand, scoped, capped and with an end, for what only named rules send to a person.

A grant lifts the hits of the rules that were named when it was given, and of no other: a missing fact, low confidence, a hint of an
attack, an edit, a certificate that is not there, a draw for quality control or any other doubt still asks. It is spent in the transaction that takes the right to send, under a lock.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session

from ..core import grants, inbox
from ..core.actions import SealedAction
from ..core.approval import Decision, DecisionKind
from ..core.clock import new_id
from ..core.grants import RETURNED, SPENT, Grant
from ..core.noun import digest
from ..core.roster import Roster
from ..core.store import Transaction
from ..core.verdict import Lane, Verdict
from .duties import Duty, conflict, distinct
from .policy import Policy
from .rules import Rule, built_in

_CLEAN = {"instructions_in_text": False, "authority_from_records": True}
"""What the runtime must have said of an action for a grant to count."""


class Grants:
    """Which actions the standing grants of a ledger cover, under one policy."""

    def __init__(self, policy: Policy, roster: Roster) -> None:
        self.policy = policy
        self.roster = roster

    def covering(self, session: Session, action: SealedAction, verdict: Verdict, *, at: datetime) -> Grant | None:
        """A grant that covers the action and has room for it; None where a person has to be asked."""
        party = action.envelope.proposal.action.party
        if not party or not _plain(action, verdict):
            return None
        known = grants.active(session, action.kind, party, at=at)
        return next((one for one in known if not self.why_not(one, action, verdict, at=at)), None)

    def why_not(self, grant: Grant, action: SealedAction, verdict: Verdict, *, at: datetime) -> str:
        """Why a grant does not cover an action; empty where it does."""
        proposed = action.envelope.proposal.action
        if not _plain(action, verdict):
            return "it is prohibited, edited, uncertain, or not all that is known about it comes from records"
        if (grant.kind, grant.party) != (action.kind, proposed.party):
            return f"it is about {grant.kind} for {grant.party}"
        if not grant.created_at <= at < grant.expires_at:
            return f"it ended at {grant.expires_at:%Y-%m-%d %H:%M} UTC"
        lifted = self.lifts(grant)
        asking = {hit.rule for hit in (*action.verdict.hits, *verdict.hits) if hit.lane is not Lane.ALLOWED}
        if left := sorted(asking - lifted):
            return f"{', '.join(left)} still asks"
        if not asking:
            return "no rule that it names asks"
        return self.unsigned(grant, verdict, makers=action.makers) or grant.room(proposed.amount)

    def lifts(self, grant: Grant) -> frozenset[str]:
        """The rules whose hits it lifts: those that still say what they said when it was given, and never those of `max_error`."""
        named = ((rule_id, said) for rule_id, said in grant.rules.items() if not built_in(rule_id))
        return frozenset(rule_id for rule_id, said in named if rule_digest(self.policy, rule_id) == said)

    def unsigned(self, grant: Grant, verdict: Verdict | None = None, *, makers: Iterable[str] = ()) -> str:
        """Why its signatures are not enough under this policy; empty where they are."""
        signed = grant.signers(self.roster.keyring)
        if grant.given_by not in signed:
            return f"{grant.given_by} did not sign it"
        for name in signed:
            if why_not := self.refusal(grant, name):
                return f"{name} may not give it: {why_not}"
        four_eyes = verdict is not None and verdict.four_eyes
        taken = {Duty.MAKE: tuple(makers)} if four_eyes else {}
        if made := next((name for name in signed if self._conflict(Duty.GIVE_GRANT, name, taken)), ""):
            return f"{made} made or edited it"
        needed = max(signers_needed(self.policy, grant.kind, grant.rules), verdict.approvals if verdict else 1)
        if four_eyes and self.policy.separation == "four_eyes":
            needed = max(needed, 2)
        found = distinct((name, "") for name in signed)
        return "" if found >= needed else f"{found} of {needed} people have signed it"

    def refusal(self, grant: Grant, name: str) -> str:
        """Why a person may not give or sign a grant: their own role must approve all that it may move."""
        role = self.policy.role(self.roster.operators.get(name, ""))
        if role is None:
            return "they have no role of the policy"
        return role.refusal(grant.kind, grant.whole())

    def spend(self, tx: Transaction, action: SealedAction, verdict: Verdict) -> bool:
        """Spend the first grant that covers the action, locked until the transaction ends, and record it as the approval."""
        found = self.covering(tx.session, action, verdict, at=tx.now)
        if found is None:
            return False
        grant = grants.locked(tx, found.id)
        if grant.state is not grants.GrantState.ACTIVE or self.why_not(grant, action, verdict, at=tx.now):
            return False
        inbox.add_decision(tx, _approval(grant, action, self.policy.digest(), tx.now))
        self._book(tx, grant, action, 1, "grant.spent")
        return True

    def give_back(self, tx: Transaction, action: SealedAction) -> None:
        """Give back what the action has spent, since nothing happened."""
        self._turn(tx, action, SPENT, RETURNED, -1, "grant.returned")

    def spend_again(self, tx: Transaction, action: SealedAction) -> None:
        """Spend again what was given back, since it happened after all."""
        self._turn(tx, action, RETURNED, SPENT, 1, "grant.spent")

    def _turn(self, tx: Transaction, action: SealedAction, before: str, after: str, sign: int, told: str) -> None:
        decision = inbox.in_mode(tx.session, action.case_id, action.digest, before)
        if decision is None:
            return
        inbox.change_mode(tx, decision.id, after)
        self._book(tx, grants.locked(tx, decision.operator.removeprefix("grant:")), action, sign, told)

    def _book(self, tx: Transaction, grant: Grant, action: SealedAction, sign: int, told: str) -> None:
        amount = action.envelope.proposal.action.amount
        spent = grant.spent + sign * amount.amount if amount else grant.spent
        after = grant.model_copy(update={"spent": spent, "used": grant.used + sign})
        grants.update(tx, after)
        told_of = {"grant": grant.id, "action": action.id, "spent": spent, "used": after.used}
        tx.audit(told, actor="executor", case_id=action.case_id, **told_of)

    def _conflict(self, duty: Duty, name: str, taken: dict[Duty, tuple[str, ...]]) -> str:
        return conflict(duty, name, taken=taken, separation=self.policy.separation)


def rule_digest(policy: Policy, rule_id: str) -> str:
    """The digest of a rule's text without its examples; empty where the policy has no such rule."""
    rule = policy.rule(rule_id)
    return "" if rule is None else digest(rule.model_dump(exclude={"examples"}))


def signers_needed(policy: Policy, kind: str, rules: Iterable[str]) -> int:
    """How many people must sign a grant: as many as approve the action, and two where the policy asks for four eyes."""
    known = next((one for one in policy.actions if one.kind == kind), None)
    named: list[Rule] = [rule for rule_id in rules if (rule := policy.rule(rule_id)) is not None]
    most = max([known.approvals if known else 1, *(rule.approvals for rule in named)])
    four_eyes = (known is not None and known.four_eyes) or any(rule.four_eyes for rule in named)
    return max(most, 2) if four_eyes and policy.separation == "four_eyes" else most


def _plain(action: SealedAction, verdict: Verdict) -> bool:
    """Whether nothing but its rules speaks against an action."""
    # The runtime's own word only: what a worker says of itself is no witness.
    facts = action.context
    return (
        verdict.lane is Lane.REVIEWED
        and not (verdict.missing or action.verdict.missing)
        and action.envelope.proposal.confidence is not None
        and all(facts.get(name) is wanted for name, wanted in _CLEAN.items())
        and not facts.get("tainted_arguments")
        and all(maker.startswith("worker:") for maker in action.makers)
    )


def _approval(grant: Grant, action: SealedAction, policy_digest: str, at: datetime) -> Decision:
    return Decision(
        id=new_id("dec"),
        request_id="",
        case_id=action.case_id,
        kind=DecisionKind.APPROVE,
        operator=f"grant:{grant.id}",
        digest=action.digest,
        reason=f"standing grant {grant.id}: {grant.reason}",
        mode=SPENT,
        decided_at=at,
        policy_digest=policy_digest,
        acting_for=grant.given_by,
    )
