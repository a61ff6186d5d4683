"""Vouching: a person answers for a certificate that a labelled sample has earned, or ends one before its time.

Whoever issues one opens a lane, so that takes the role that agrees to looser policies; closing one takes any role of the policy.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from ..core import certificates
from ..core.certificates import Certificate, Method
from ..core.clock import new_id
from ..core.errors import BadInput
from ..core.keys import LEDGER_KEY, Keyring
from ..core.outcomes import Stand
from ..core.roster import Signing, signature
from ..core.settings import Operator
from ..core.store import Ledger
from .authority import check_authority, check_role
from .certification import Certification
from .policy import Policy
from .rules import percent
from .standing import Standings

LEAST_CONFIDENCE = 0.95
"""A certificate that is less sure than this is not issued by anybody."""


def drafted(stand: Stand, found: Certification, *, by: str, now: datetime, days: int, scope: str) -> Certificate | None:
    """The unsigned certificate of what a sample has shown; None where it has shown nothing. `days` is how long it counts."""
    if found.floor is None:
        return None
    return Certificate(
        id=new_id("crt"),
        stand=stand,
        floor=found.floor,
        target=found.target,
        bound=found.bound,
        confidence=found.confidence,
        n=found.n_above,
        wrong=found.wrong,
        method=Method.BATCH,
        scope=scope,
        out_of_scope_share=found.out_of_scope_share,
        share=found.share,
        issued_at=now,
        expires_at=now + timedelta(days=days),
        issued_by=by,
    )


def issue(
    ledger: Ledger,
    policy: Policy,
    drafts: Iterable[Certificate],
    operator: Operator,
    *,
    reason: str,
    signing: Signing | None,
    own: Signing | None,
    keyring: Keyring | None,
) -> tuple[Certificate, ...]:
    """Sign the drafts as `operator`, seal them with the ledger's `own` key, and put them in the ledger: all of them, or none.

    Raises Forbidden for a role that is too low, BadInput for a draft that would open nothing or is less sure than it must be, where
    no reason is given, and where one of the two signatures cannot be made.
    """
    check_authority(policy, operator, "A certificate is issued")
    said = _reason(reason, "A certificate is issued with a reason.")
    made = tuple(_vouched(policy, one, operator, signing=signing, own=own, keyring=keyring) for one in drafts)
    with ledger.transaction() as tx:
        for one in made:
            certificates.put(tx, one)
            tx.audit("certificate.vouched", actor=operator.name, certificate=one.id, role=operator.role, reason=said)
    return made


def revoke(ledger: Ledger, policy: Policy, certificate_id: str, operator: Operator, *, reason: str) -> Certificate:
    """End a certificate; every action that it covered is reviewed from now on, also one that was judged already and not sent.

    Raises Forbidden for somebody without a role of the policy, BadInput where no reason is given, NotFound where there is no such
    certificate, Conflict where it was revoked already.
    """
    check_role(policy, operator)
    said = _reason(reason, "A certificate is revoked with a reason.")
    with ledger.transaction() as tx:
        certificates.get(tx.session, certificate_id)
        certificates.revoke(tx, certificate_id, by=operator.name, why=said)
        return certificates.get(tx.session, certificate_id)


def vouched(draft: Certificate, operator: Operator, *, signing: Signing | None, own: Signing | None) -> Certificate:
    """A draft with this person's signature, and the ledger's seal that they may issue it."""
    said = draft.statement()
    made = {
        "signature": signature(signing, operator.name, certificates.PURPOSE, said),
        "seal": signature(own, LEDGER_KEY, certificates.SEAL, said),
    }
    return draft.model_copy(update=made)


def _vouched(
    policy: Policy, draft: Certificate, operator: Operator, *, signing: Signing | None, own: Signing | None, keyring: Keyring | None
) -> Certificate:  # fmt: skip
    kind = draft.stand.kind
    known = next((one for one in policy.actions if one.kind == kind), None)
    if known is None or known.max_error is None:
        raise BadInput(
            f"The policy in force asks for no certificate for {kind!r}, so one would open nothing.",
            hint=f"Write `max_error` under {kind} in the policy first.",
        )
    if draft.bound > known.max_error:
        raise BadInput(
            f"At most {percent(draft.bound)} wrong does not satisfy the policy in force, which asks for {percent(known.max_error)} "
            f"of {kind!r}.",
            hint=f"Certify with --target-error {known.max_error:g} or less.",
        )
    if draft.confidence < LEAST_CONFIDENCE:
        raise BadInput(
            f"A certificate must be at least {percent(LEAST_CONFIDENCE)} sure, not {percent(draft.confidence)}.",
            hint=f"Certify with --confidence {LEAST_CONFIDENCE} or more.",
        )
    if draft.issued_by != operator.name:
        raise BadInput(f"The draft names {draft.issued_by!r} as its issuer, not {operator.name!r}.", hint="Draft it anew.")
    # The texts were looked at under the policy in force; what another one lets run is for its people to prove.
    tied = draft.model_copy(update={"rules": Standings(policy, keyring).rules(kind)})
    signed = vouched(tied, operator, signing=signing, own=own)
    if not signed.genuine(keyring):
        raise BadInput(
            "The certificate would not count: this workspace trusts no key of the ledger or of its issuer.",
            hint="`shiftlead doctor` shows which key is missing.",
        )
    return signed


def _reason(reason: str, lack: str) -> str:
    if not reason.strip():
        raise BadInput(lack, hint="Give --reason: what was looked at, and who asked for it.")
    return reason.strip()
