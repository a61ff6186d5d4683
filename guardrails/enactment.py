"""Enactment: which policy is in force, how another one comes into force, and who signed it.

The ledger holds the text that counts; the file on disk is a draft until somebody adopts it. A text that loosens nothing holds at
once, one that loosens anything waits for a second person. Whoever edits the file or a row changes nothing: the text in force is
verified against the signatures each time it is opened.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..core import policies
from ..core.errors import BadInput, Conflict, Forbidden, NotFound, PolicyError
from ..core.keys import LEDGER_KEY, Keyring
from ..core.noun import Noun
from ..core.policies import Act, PolicySignature, PolicyState, PolicyVersion
from ..core.roster import Signing, signature
from ..core.settings import Operator, Place, reader_key
from ..core.store import Ledger, Transaction
from . import review
from .differences import Comparison, compare
from .drafts import Draft, draft_of, parse_draft
from .duties import Duty, conflict
from .policy import Policy
from .requests import rank

_HINT = "`shiftlead policy diff` shows how they differ, `shiftlead policy adopt` puts the file in force."


@dataclass(frozen=True, slots=True)
class InForce:
    """The policy in force, with what there is to say about it."""

    policy: Policy
    version: PolicyVersion
    warnings: tuple[str, ...] = ()
    """Where the file on disk, or this release, reads otherwise than what is in force."""


class Outcome(Noun):
    """What became of a policy that was put forward."""

    version: PolicyVersion
    comparison: Comparison
    """Against the one in force until then."""


def in_force(ledger: Ledger, place: Place, keyring: Keyring | None) -> InForce:
    """The policy in force in a ledger; its very first one is what the workspace's file says when it is first opened.

    Raises PolicyError where a signature is missing or does not hold, or where the record of what was in force was tampered with.
    """
    with ledger.reading() as session:
        known = policies.history(session)
    version = next((one for one in known if one.state is PolicyState.IN_FORCE), None) or begin(ledger, place)
    _verify(version, known or (version,), keyring)
    policy = parse_draft(version.text, origin=f"the policy in force, {version.ref}")
    return InForce(policy=policy, version=version, warnings=tuple(_warnings(policy, version, place)))


def _warnings(policy: Policy, version: PolicyVersion, place: Place) -> Iterable[str]:
    if policy.digest() != version.digest:
        told = f"This release reads the policy in force, {version.ref}, otherwise than the one that signed it."
        yield f"{told} Look at it with `shiftlead policy check`, then adopt it again."
    try:
        own = draft_of(place).policy
    except PolicyError as error:
        yield f"The policy file cannot be used, so {version.ref} stays in force: {error.message}"
        return
    if own.digest() != policy.digest():
        yield f"The policy file ({own.ref}) is not what is in force ({version.ref}, {version.digest[:12]}). {_HINT}"


def begin(ledger: Ledger, place: Place) -> PolicyVersion:
    """Put the workspace's policy in force as the ledger's first, signed with the ledger's own key where it has one.

    Raises PolicyError where the audit chain tells of an earlier one.
    """
    found = draft_of(place)
    with ledger.transaction() as tx:
        tx.in_turn()
        held = next((one for one in policies.history(tx.session) if one.state is PolicyState.IN_FORCE), None)
        if held is not None:
            return held
        if last := policies.last_adopted(tx.session):
            raise PolicyError(
                f"The audit chain tells of the policy {last[:12]}, but the ledger holds none in force.",
                hint="Restore the ledger from a backup; somebody removed it.",
            )
        version = _version(found, tx.now, reason="the first policy of this ledger")
        signed = _signed(version, tx, Act.FIRST, LEDGER_KEY, role="", mode=found.policy.separation, signing=place.keys.own())
        return _enacted(tx, signed)


def _version(
    found: Draft, now: datetime, *, reason: str, replaces: str = "", loosenings: tuple[str, ...] = ()
) -> PolicyVersion:
    return PolicyVersion(
        digest=found.policy.digest(),
        name=found.policy.name,
        version=found.policy.version,
        text=found.text,
        state=PolicyState.PROPOSED,
        loosenings=loosenings,
        reason=reason,
        replaces=replaces,
        proposed_at=now,
    )


def _signed(
    version: PolicyVersion, tx: Transaction, act: Act, by: str, *, role: str, mode: str, signing: Signing | None
) -> PolicyVersion:
    statement = version.statement(by=by, act=act, role=role, mode=mode, at=tx.now)
    made = signature(signing, by, policies.PURPOSE, statement)
    one = PolicySignature(by=by, act=act, role=role, mode=mode, at=tx.now, signature=made)
    return version.model_copy(update={"signatures": (*version.signatures, one)})


def _entered(tx: Transaction, version: PolicyVersion, mode: str, place: Place) -> PolicyVersion:
    """Put in force what was compared and signed, with the ledger's word that it was."""
    own = place.keys.own()
    return _enacted(
        tx, version if own is None else _signed(version, tx, Act.ENTERED, LEDGER_KEY, role="", mode=mode, signing=own)
    )


def _enacted(tx: Transaction, version: PolicyVersion) -> PolicyVersion:
    held = version.model_copy(update={"state": PolicyState.IN_FORCE, "in_force_at": tx.now})
    policies.enact(tx, held)
    return held


def adopt(
    ledger: Ledger,
    place: Place,
    found: Draft,
    *,
    operator: Operator,
    reason: str,
    signing: Signing | None,
    keyring: Keyring | None,
) -> Outcome:
    """Put a policy forward: in force at once where it loosens nothing, else when a second person has signed it.

    Raises Forbidden for anybody without the highest role, PolicyError for a policy that fails its own examples or that nobody in
    this workspace could change again, and BadInput where nothing changes or no reason is given.
    """
    now = in_force(ledger, place, keyring)
    _may_adopt(now.policy, operator)
    if not reason.strip():
        raise BadInput("A policy needs a reason.", hint="Give --reason: what changed, and who asked for it.")
    if found.policy.digest() == now.version.digest:
        raise BadInput(f"The policy {now.version.ref}, {now.version.digest[:12]}, is in force already.")
    _fit(found.policy, place)
    comparison = compare(now.policy, found.policy)
    loosenings = tuple(one.line() for one in comparison.loosenings)
    mode = now.policy.separation
    with ledger.transaction() as tx:
        version = _version(found, tx.now, reason=reason.strip(), replaces=now.version.digest, loosenings=loosenings)
        version = _signed(version, tx, Act.WROTE, operator.name, role=operator.role, mode=mode, signing=signing)
        if not loosenings or mode == "one_person":
            return Outcome(version=_entered(tx, version, mode, place), comparison=comparison)
        policies.propose(tx, version)
    return Outcome(version=version, comparison=comparison)


def second(
    ledger: Ledger, place: Place, beginning: str, *, operator: Operator, signing: Signing | None, keyring: Keyring | None
) -> PolicyVersion:
    """Sign a policy that waits for a second person, and so put it in force.

    Raises NotFound where none that begins so waits, Forbidden where this person wrote it or has too low a role, Conflict where
    another one came into force meanwhile.
    """
    now = in_force(ledger, place, keyring)
    with ledger.reading() as session:
        version = policies.find(session, beginning, PolicyState.PROPOSED)
    _may_second(now.policy, operator, version)
    if version.replaces != now.version.digest:
        raise Conflict(
            f"{version.ref} was compared with another policy than the one in force now.", hint="Put it forward again."
        )
    if not _genuine(version, (Act.WROTE,), keyring):
        raise _tampered(version)
    if parse_draft(version.text, origin=version.ref).digest() != version.digest:
        raise PolicyError(f"The text of {version.ref} is not what was put forward.", hint="Put it forward again.")
    with ledger.transaction() as tx:
        mode = now.policy.separation
        signed = _signed(version, tx, Act.SECOND, operator.name, role=operator.role, mode=mode, signing=signing)
        return _entered(tx, signed, mode, place)


def _may_adopt(policy: Policy, operator: Operator) -> None:
    highest = policy.roles[-1].name if policy.roles else operator.role
    if operator.role != highest:
        raise Forbidden(
            f"A policy is put forward by the role {highest!r}; {operator.name!r} is {operator.role!r}.",
            hint="Ask somebody who has it.",
        )


def _may_second(policy: Policy, operator: Operator, version: PolicyVersion) -> None:
    if policy.roles and (policy.role(operator.role) is None or rank(policy, operator.role) < rank(policy, policy.escalate_to)):
        raise Forbidden(
            f"A loosening is signed by the role {policy.escalate_to!r} or a higher one; {operator.name!r} is {operator.role!r}.",
            hint="Ask somebody who has it.",
        )
    taken = {
        Duty.WRITE_POLICY: [one.by for one in version.signatures if one.act is Act.WROTE],
        Duty.SIGN_POLICY: [one.by for one in version.signatures],
    }
    if why := conflict(Duty.SIGN_POLICY, operator.name, taken=taken, separation=policy.separation):
        raise Forbidden(f"{operator.name!r} may not sign {version.ref}: {why}.", hint="Ask a colleague.")


def _fit(policy: Policy, place: Place) -> None:
    serious = [remark for remark in review.check(policy, proving=False).remarks if remark.serious]
    if serious:
        told = "; ".join(f"{one.rule} {one.text}" for one in serious[:3])
        raise PolicyError(
            f"{policy.ref} is not fit to be used: {told.rstrip('.')}.", hint="`shiftlead policy check` tells more."
        )
    if policy.roles and policy.roles[-1].name not in place.workspace.operators.values():
        raise PolicyError(
            f"Nobody in this workspace has the role {policy.roles[-1].name!r}, so nobody could change {policy.ref} again.",
            hint="Give somebody that role in shiftlead.yaml first.",
        )


def _verify(version: PolicyVersion, known: Sequence[PolicyVersion], keyring: Keyring | None) -> None:
    """Raise PolicyError where what the ledger says is in force was not put in force by those who may, or not last."""
    if not _complete(version, known, keyring):
        raise _tampered(version)
    signed = max(one.at for one in version.signatures)
    for other in known:
        if other.digest != version.digest and _last_signed(other) > signed and _complete(other, known, keyring):
            raise PolicyError(
                f"{other.ref} came into force after {version.ref}, which the ledger says is in force.",
                hint="Restore the ledger from a backup; somebody changed it.",
            )


def _last_signed(version: PolicyVersion) -> datetime:
    return max((one.at for one in version.signatures), default=version.proposed_at)


def _complete(version: PolicyVersion, known: Iterable[PolicyVersion], keyring: Keyring | None) -> bool:
    """Whether everybody signed who has to, and the ledger itself that they might."""
    if any(one.act is Act.FIRST for one in version.signatures):
        return not version.replaces and not version.loosenings and _by_ledger(version, Act.FIRST, keyring)
    acts = (Act.WROTE, Act.SECOND) if version.loosenings and not _one_person(version, known) else (Act.WROTE,)
    # Who signs says by themselves what it loosens and in which role; the ledger's key is used only after both were looked at.
    return _genuine(version, acts, keyring) and _by_ledger(version, Act.ENTERED, keyring)


def _by_ledger(version: PolicyVersion, act: Act, keyring: Keyring | None) -> bool:
    """Whether the ledger's own key signed as `act`; True where the installation has none."""
    mine = [one for one in version.signatures if (one.by, one.act) == (LEDGER_KEY, act)]
    unsigned = keyring is None or LEDGER_KEY not in keyring.names
    return unsigned or any(version.genuine(one, keyring) for one in mine)


def _one_person(version: PolicyVersion, known: Iterable[PolicyVersion]) -> bool:
    """Whether the policy it replaced says that one person may be maker and checker."""
    before = next((one for one in known if one.digest == version.replaces), None)
    return before is not None and parse_draft(before.text, origin=before.ref).separation == "one_person"


def _genuine(version: PolicyVersion, acts: Iterable[Act], keyring: Keyring | None) -> bool:
    """Whether somebody signed as each of `acts`, each time another person."""
    people: set[str] = set()
    for act in acts:
        names = {reader_key(one.by) for one in version.signatures if one.act is act and version.genuine(one, keyring)}
        if not names - people:
            return False
        people |= names
    return True


def _tampered(version: PolicyVersion) -> PolicyError:
    return PolicyError(
        f"The signatures under {version.ref}, {version.digest[:12]}, do not hold, so it is not used.",
        hint="Restore the ledger, or the public keys in the workspace's folder `keys`; nobody who edits them puts a policy in force.",
    )


def newest(known: Iterable[PolicyVersion]) -> PolicyVersion:
    """The text that waits for its second signature; raises NotFound where none does."""
    waiting = [one for one in known if one.state is PolicyState.PROPOSED]
    if not waiting:
        raise NotFound("No policy waits for a second signature.", hint="`shiftlead policy adopt` puts one forward.")
    return waiting[0]
