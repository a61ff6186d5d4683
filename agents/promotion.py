"""Promotion: a challenger takes over where it is at least as good on the same cases, is certified, and somebody signs for it.

A rollback undoes that in one step. Both hold for the next case in every process, and neither changes anything about cases that were
decided before: which brain proposed stands in every envelope.
"""

from typing import Any, NamedTuple

from ..core import brains, certificates
from ..core.brains import PURPOSE, BrainVersion, Role, SignOff
from ..core.certificates import Certificate
from ..core.errors import BadInput, Conflict
from ..core.keys import LEDGER_KEY, Signer
from ..core.noun import plain
from ..core.roster import Roster, Signing, signature
from ..core.settings import Operator
from ..core.store import Ledger, Transaction
from ..guardrails.authority import check_authority, check_role
from ..guardrails.policy import Policy
from ..guardrails.rules import KnownAction
from ..guardrails.standing import Standings
from ..guardrails.vouching import vouched
from .brain_versions import check_whole, digests
from .certifying import Proof, certificate, proofs, right
from .pairs import Comparison, Pair, compare
from .text_worker import TextWorker, envelope_name
from .truths import Lesson, learnt

DEFAULT_TARGET = 0.02
"""The share of wrong actions that is certified where the policy asks for none."""
_NOT_ASKED = "the policy asks for no certificate of its actions (max_error), so no case counts for one"
_SHIPPED = "Give --shipped to put back the brain that ships."
_BACK, _STINT = "rolled_back", "at_work_since"


class Bench(NamedTuple):
    """What putting a brain to work needs from its installation."""

    ledger: Ledger
    policy: Policy
    roster: Roster
    signing: Signing | None
    """The way to the key of whoever signs; None where the installation uses no signatures."""
    own: Signer | None
    """The ledger's own key."""


class Trialled(NamedTuple):
    """A challenger beside the brain at work."""

    version: BrainVersion
    comparison: Comparison
    proofs: tuple[Proof, ...]
    asked: bool
    """Whether the policy wants a certificate for its actions; where it does not, no case counts for one."""

    @property
    def lacks(self) -> tuple[str, ...]:
        """Why there is no certificate, slice by slice; empty where all are proven."""
        if not self.asked:
            return (_NOT_ASKED,)
        return tuple(lack for one in self.proofs if (lack := one.lack()))


class Promoted(NamedTuple):
    """What a promotion led to."""

    version: BrainVersion
    comparison: Comparison
    certificates: tuple[Certificate, ...]
    uncertified: tuple[str, ...]
    """What has no certificate, and why: where the policy wants one, all of that begins reviewed."""


def trialled(bench: Bench, worker: TextWorker, version: BrainVersion) -> Trialled:
    """What is known about `version` beside the brain at work, which is the `model` of `worker`."""
    with bench.ledger.reading() as session:
        known = learnt(session, worker, bench.roster.keyring)
        shadows = {one.case_id: one for one in brains.shadows(session, version.digest)}
    lessons = [one for one in known.lessons if one.judged.stand.brain == worker.brain and one.judged.case_id in shadows]
    action = _action(bench.policy, worker)
    return Trialled(
        version=version,
        comparison=compare(_pair(one, shadows[one.judged.case_id].label) for one in lessons),
        proofs=proofs(
            worker,
            envelope_name(version.name),
            action,
            lessons,
            shadows,
            target=action.max_error or DEFAULT_TARGET,
        ),
        asked=action.max_error is not None,
    )


def challenge(bench: Bench, version: BrainVersion, operator: Operator) -> BrainVersion:
    """Let `version` answer beside the brain at work.

    Raises Conflict where it works already, Forbidden for somebody without a role of the policy.
    """
    check_role(bench.policy, operator)
    if version.role is Role.CHAMPION:
        raise Conflict(f"{version.name} is at work already.", hint="Choose another version.")
    with bench.ledger.transaction() as tx:
        brains.challenge(tx, version, by=operator.name)
    return version.model_copy(update={"role": Role.CHALLENGER})


def promote(
    bench: Bench, worker: TextWorker, version: BrainVersion, operator: Operator, *, reason: str, uncertified: bool = False
) -> Promoted:
    """Put `version` to work in place of the `model` of `worker`, with the certificates that its answers so far prove.

    `uncertified` lets it work where they prove nothing: every lane that wants a certificate then begins reviewed. Raises Forbidden
    where this person's role is too low, BadInput where no reason is given, Conflict where it is not at least as good, nothing can be
    certified, or another brain was put to work meanwhile.
    """
    check_authority(bench.policy, operator, "A brain is put to work")
    _check_reason(reason)
    if version.role is Role.CHAMPION:
        raise Conflict(f"{version.name} is at work already.")
    replaces = _compared(bench, worker)
    trial = trialled(bench, worker, version)
    if trial.comparison.hindrance:
        raise Conflict(
            f"{version.name} is not shown to be as good as the brain at work: {trial.comparison.hindrance}.",
            hint="Nothing was changed; let it answer beside the one at work for longer, or retrain.",
        )
    days, now = bench.policy.certificate_days, bench.ledger.clock.now()
    rules = Standings(bench.policy, bench.roster.keyring).rules(worker.taught_by)
    made = (certificate(one, now=now, days=days, by=operator.name, rules=rules) for one in trial.proofs)
    issued = tuple(vouched(one, operator, signing=bench.signing, own=bench.own) for one in made if one is not None)
    lacking = trial.lacks
    if not issued and not uncertified:
        raise Conflict(
            f"{version.name} cannot be certified: {'; '.join(lacking) or 'no case counts'}.",
            hint="Let it answer for longer, or give --without-certificate: what needs a certificate is then reviewed first.",
        )
    evidence = {"comparison": trial.comparison, "certificates": [one.statement() for one in issued], "uncertified": lacking}
    with bench.ledger.transaction() as tx:
        check_whole(tx.session, version)
        signed = _signed(bench, tx, version, operator, reason=reason, evidence=evidence, replaces=replaces)
        brains.promote(tx, signed)
        for one in issued:
            certificates.put(tx, one)
    return Promoted(signed.model_copy(update={"role": Role.CHAMPION}), trial.comparison, issued, lacking)


def roll_back(bench: Bench, worker: str, operator: Operator, *, reason: str, shipped: bool = False) -> BrainVersion | None:
    """Put back the version that was at work before, or the one that ships where `shipped`; None where it is the latter.

    What was not put to work by those who may says nothing about what was there before, so that the shipped one follows it. Raises
    Conflict where that one is at work or the version before is not as it was signed, BadInput where no reason is given, Forbidden without
    a role of the policy: it only leads back to what somebody with authority had put to work, so that nobody has to be called at night.
    """
    check_role(bench.policy, operator)
    _check_reason(reason)
    with bench.ledger.transaction() as tx:
        tx.in_turn()
        at_work = brains.champion(tx.session, worker)
        if at_work is None:
            raise Conflict(f"The worker {worker!r} works with the brain that ships.", hint="There is nothing before it.")
        stint = _stint(at_work) if at_work.rightful(bench.roster.keyring) and at_work.signed and not shipped else None
        if stint is None or not stint.replaces:
            brains.retire(tx, at_work, by=operator.name, reason=reason.strip())
            return None
        version = brains.find(tx.session, stint.replaces, worker=worker)
        _check_sound(bench, tx, version)
        earlier = [one for one in version.signed if _BACK not in one.evidence and one.at <= stint.at]
        evidence = {_BACK: at_work.digest, _STINT: earlier[-1].at if earlier else None}
        signed = _signed(bench, tx, version, operator, reason=reason, evidence=evidence, replaces=at_work.digest)
        brains.promote(tx, signed, word=_BACK)
        return signed.model_copy(update={"role": Role.CHAMPION})


def _compared(bench: Bench, worker: TextWorker) -> str:
    """The digest of the version that `worker` works with, empty for the one that ships; raises Conflict where another one is at work by now.

    Whoever signs names it before anything is compared, so that a promotion in between is noticed when the signature is entered.
    """
    with bench.ledger.reading() as session:
        at_work = brains.champion(session, worker.name)
    if at_work is None:
        return ""
    if at_work.digest not in digests(worker.model):
        raise Conflict("Another brain was put to work meanwhile.", hint="Compare with that one, and sign again.")
    return at_work.digest


def _check_sound(bench: Bench, tx: Transaction, version: BrainVersion) -> None:
    if not version.rightful(bench.roster.keyring):
        raise Conflict(f"The signature under {version.name}, the version before, does not hold.", hint=_SHIPPED)
    try:
        check_whole(tx.session, version)
    except Conflict as error:
        raise Conflict(error.message, hint=_SHIPPED) from error


def _stint(version: BrainVersion) -> SignOff:
    """The promotion by which a version works, also where a rollback put it back; rollbacks lead ever further back, and never in a circle."""
    last = version.signed[-1]
    since = last.evidence.get(_STINT)
    return next((one for one in version.signed if plain(one.at) == since), last) if _BACK in last.evidence else last


def _pair(lesson: Lesson, label: str) -> Pair:
    return Pair(
        case_id=lesson.judged.case_id,
        champion=lesson.judged.right,
        challenger=right(lesson, label),
        weight=1 / lesson.judged.probability,
    )


def _action(policy: Policy, worker: TextWorker) -> KnownAction:
    found = next((one for one in policy.actions if one.kind == worker.taught_by), None)
    if found is None:
        raise Conflict(f"The policy in force does not know {worker.taught_by!r}.", hint="`shiftlead policy check` tells more.")
    return found


def _signed(
    bench: Bench, tx: Transaction, version: BrainVersion, operator: Operator, *, reason: str, evidence: dict[str, Any],
    replaces: str,
) -> BrainVersion:  # fmt: skip
    """The version with this person's signature, and the ledger's that it was looked at whether they may."""
    off = SignOff(
        by=operator.name,
        role=operator.role,
        at=tx.now,
        reason=reason.strip(),
        replaces=replaces,
        evidence=plain(evidence),
    )
    statement = version.statement(off)
    made = {
        "signature": signature(bench.signing, operator.name, PURPOSE, statement),
        "entered": signature(bench.own, LEDGER_KEY, PURPOSE, statement),
    }
    return version.model_copy(update={"signed": (*version.signed, off.model_copy(update=made))})


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise BadInput("A brain is put to work with a reason.", hint="Give --reason: what was looked at, and who asked for it.")
