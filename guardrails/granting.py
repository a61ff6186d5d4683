"""Giving standing grants: who may, what they must say, and the second person's signature."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from sqlmodel import Session

from ..core import actions, grants
from ..core.approval import Request
from ..core.clock import new_id
from ..core.errors import BadInput, Conflict, Forbidden
from ..core.grants import PURPOSE, Grant, GrantState
from ..core.noun import Moment, Noun
from ..core.roster import Roster, Signing, signature
from ..core.settings import Operator
from ..core.store import Ledger
from ..core.verdict import Lane
from .duties import Duty, conflict
from .grants import Grants, rule_digest
from .policy import Policy
from .rules import Rule, built_in

LONGEST = timedelta(days=366)
"""The longest that a grant may stand."""


class Terms(Noun):
    """What somebody wants to grant."""

    kind: str
    party: str
    rules: tuple[str, ...]
    each: Decimal | None = None
    total: Decimal | None = None
    currency: str | None = None
    count: int
    until: Moment
    reason: str


class Granting:
    """Gives, signs and revokes grants under one policy."""

    def __init__(self, ledger: Ledger, policy: Policy, *, signer: Signing | None, roster: Roster) -> None:
        self.ledger = ledger
        self.policy = policy
        self.grants = Grants(policy, roster)
        self._signing = signer

    def give(self, terms: Terms, operator: Operator) -> Grant:
        """A new grant, in force at once or waiting for another person's signature.

        Raises BadInput where the terms do not hold together, Forbidden where this person may not approve all that it may move.
        """
        with self.ledger.transaction() as tx:
            grant = self._made(terms, operator, tx.now)
            self._may(grant, operator)
            signed = self._signed(grant, operator)
            grants.put(tx, signed)
            return signed

    def sign(self, grant_id: str, operator: Operator) -> Grant:
        """Another person's signature; the grant is in force once there are enough.

        Raises Conflict where it does not wait for one, Forbidden where this person may not sign it.
        """
        with self.ledger.transaction() as tx:
            grant = grants.locked(tx, grant_id)
            if grant.state is not GrantState.PROPOSED or grant.expires_at <= tx.now:
                raise Conflict(f"Grant {grant_id!r} waits for no signature.", hint="`shiftlead grant list` shows how it is.")
            taken = {Duty.GIVE_GRANT: (grant.given_by,), Duty.SIGN_GRANT: tuple(grant.signatures)}
            if why_not := conflict(Duty.SIGN_GRANT, operator.name, taken=taken):
                raise Forbidden(f"{operator.name!r} may not sign {grant_id!r}: {why_not}.", hint="Ask somebody else.")
            self._may(grant, operator)
            signed = self._signed(grant, operator)
            grants.update(tx, signed)
            tx.audit(
                "grant.signed",
                actor=operator.name,
                grant=grant_id,
                state=signed.state,
                signature=signed.signatures[operator.name],
            )
            return signed

    def revoke(self, grant_id: str, operator: Operator, *, reason: str) -> Grant:
        """End a grant now; every operator with a role of the policy may. Raises BadInput without a reason."""
        if not reason.strip():
            raise BadInput("Revoking a grant needs a reason.", hint="Give --reason; it stays in the record.")
        if self.policy.role(operator.role) is None:
            raise Forbidden(f"{operator.name!r} has no role of the policy.", hint="Ask an operator.")
        with self.ledger.transaction() as tx:
            grant = grants.locked(tx, grant_id)
            if grant.state is GrantState.REVOKED:
                raise Conflict(f"Grant {grant_id!r} is revoked already.", hint="`shiftlead grant list` shows the others.")
            ended = grant.model_copy(update={"state": GrantState.REVOKED})
            grants.update(tx, ended)
            tx.audit("grant.revoked", actor=operator.name, grant=grant_id, reason=reason.strip())
            return ended

    def rules_of(self, session: Session, request: Request) -> tuple[str, ...]:
        """The rules that sent the action of a request to a person; raises BadInput where it is about none."""
        if request.action_id is None:
            raise BadInput(f"Request {request.id!r} is about no action.", hint="Name the rules with --rule.")
        verdict = actions.get(session, request.action_id).verdict
        return tuple(hit.rule for hit in verdict.hits if hit.lane is Lane.REVIEWED)

    def _made(self, terms: Terms, operator: Operator, now: datetime) -> Grant:
        self._scope(terms)
        _caps(terms)
        if not now < terms.until <= now + LONGEST:
            raise BadInput("A grant ends within a year from now.", hint="Give --until as 2026-12-31.")
        return Grant(
            id=new_id("gr"),
            kind=terms.kind,
            party=terms.party.strip(),
            rules=self._rules(terms),
            each=terms.each,
            total=terms.total,
            currency=terms.currency,
            count=terms.count,
            reason=terms.reason.strip(),
            given_by=operator.name,
            created_at=now,
            expires_at=terms.until,
        )

    def _scope(self, terms: Terms) -> None:
        if terms.kind not in self.policy.plans:
            known = ", ".join(self.policy.plans)
            raise BadInput(f"The policy knows no action {terms.kind!r}.", hint=f"Known: {known}.")
        if not terms.party.strip() or not terms.reason.strip():
            missing = "reason" if terms.party.strip() else "customer or supplier"
            raise BadInput(f"A grant needs a {missing}.", hint="Give --party ID and --reason.")

    def _rules(self, terms: Terms) -> Mapping[str, str]:
        """The named rules with their digests; only a rule that sends this kind of action to a person can be lifted."""
        if not terms.rules:
            raise BadInput("A grant names the rules that it lifts.", hint="Give --rule R-002, or --like REQUEST.")
        for rule_id in terms.rules:
            rule = self.policy.rule(rule_id)
            if rule is None or not _liftable(rule, terms.kind):
                reviewing = [one.id for one in self.policy.every_rule if _liftable(one, terms.kind)]
                why = ": only a certificate lets it run alone" if built_in(rule_id) else ""
                raise BadInput(
                    f"{rule_id!r} cannot be lifted for {terms.kind}{why}.",
                    hint=f"Rules that send it to a person: {', '.join(reviewing) or 'none'}.",
                )
        return {rule_id: rule_digest(self.policy, rule_id) for rule_id in terms.rules}

    def _may(self, grant: Grant, operator: Operator) -> None:
        if why_not := self.grants.refusal(grant, operator.name):
            raise Forbidden(
                f"{operator.name!r} may not give this grant: {why_not}.",
                hint="Its whole total must lie within what one may approve oneself; lent authority does not count.",
            )

    def _signed(self, grant: Grant, operator: Operator) -> Grant:
        said = signature(self._signing, operator.name, PURPOSE, grant.statement())
        signed = grant.model_copy(update={"signatures": {**grant.signatures, operator.name: said}})
        state = GrantState.PROPOSED if self.grants.unsigned(signed) else GrantState.ACTIVE
        return signed.model_copy(update={"state": state})


def _liftable(rule: Rule, kind: str) -> bool:
    return rule.lane is Lane.REVIEWED and rule.covers(kind) and not built_in(rule.id)


def _caps(terms: Terms) -> None:
    caps = (terms.each, terms.total, terms.currency)
    if terms.count < 1 or (any(cap is not None for cap in caps) and not all(cap is not None for cap in caps)):
        raise BadInput(
            "A grant is capped: how much each, how much in all, in which currency, and how often.",
            hint="Give --each, --total, --currency and --count; for what moves no money only --count.",
        )
    if terms.each is not None and terms.total is not None and not 0 < terms.each <= terms.total:
        raise BadInput(f"{terms.each} each does not fit into {terms.total} in all.", hint="Give --each at most --total.")
