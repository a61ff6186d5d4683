"""Track records: what a brain did in made-up companies, kept in one checked file, and the certificates that a new one gets for it.

A made-up company that was made a minute ago has decided nothing yet, so that everything would wait for a person. The same brain was tried
on other companies of the same make, with the truth at hand; that is evidence for this one, and for no real one. It counts only for the
brain, the playbook and the policy that it was taken with.
"""

from collections.abc import Iterator
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import ValidationError

from ..agents.crew import EMBEDDED_COMPANY
from ..agents.text_worker import TextWorker
from ..agents.triage import Triage
from ..core import certificates
from ..core.certificates import Certificate, Method
from ..core.errors import BadInput
from ..core.keys import LEDGER_KEY, Keyring
from ..core.noun import Noun, digest
from ..core.outcomes import Stand
from ..core.roster import Signing
from ..core.store import Ledger
from ..guardrails.autonomy import Autonomy
from ..guardrails.certification import Certification
from ..guardrails.policy import Policy
from ..guardrails.vouching import drafted
from .company_report import CompanyReport, seeds_text

SHIPPED = "company_record.json"
COMMAND = "shiftlead eval company --write evals/company_record.json"
"""Takes the shipped record anew."""
SCOPE = "the made-up company; other seeds"
"""For which cases such a certificate holds, as it says itself."""
BEST_TIER = "minilm"
"""The tier that certificates are for; a plainer one that steps in gets none."""
_HINT = f"Take it anew with `{COMMAND}`."


class TrackRecord(Noun):
    """What one brain did."""

    version: Literal[1] = 1
    brain: str
    """As envelopes carry it."""
    worker: str
    playbook: str
    policy: str
    """Whose rules said what would run alone."""
    seeds: tuple[int, ...]
    size: int
    """How many cases waited in each company."""
    kinds: dict[str, Certification]
    """What was found, by kind of action."""
    sha256: str = ""
    """Of everything else, so that a slip of an editor is noticed; against forgery the ledger's seal on the certificate helps."""

    def contents(self) -> str:
        """The digest of everything but the digest."""
        return digest(self.model_dump(mode="json", exclude={"sha256"}))


class Issued(NamedTuple):
    """What a record is worth to a new workspace."""

    certificates: tuple[Certificate, ...]
    told: str
    """In words for whoever makes it: what runs alone because of it, or why nothing does."""


def record_of(report: CompanyReport) -> TrackRecord:
    """The record of one run of the eval; raises BadInput where a lower tier of the brain was tried."""
    if report.tier != BEST_TIER:
        raise BadInput(
            f"The brain ran in its tier {report.tier!r}; a record is kept of {BEST_TIER!r} only.",
            hint="Install onnxruntime, so that the whole brain runs, and try again.",
        )
    record = TrackRecord(
        brain=report.brain,
        worker=report.worker,
        playbook=report.playbook,
        policy=report.policy,
        seeds=report.seeds,
        size=report.size,
        kinds={one.kind: one.certification for one in report.kinds if one.certification is not None},
    )
    return record.model_copy(update={"sha256": record.contents()})


def write_record(record: TrackRecord, path: Path) -> None:
    """Write a record; raises BadInput where the file cannot be written."""
    try:
        path.write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise BadInput(
            f"The record cannot be written to {str(path)!r}: {error.strerror}.", hint="Name another file."
        ) from error


def load_record(path: Path | None = None) -> TrackRecord:
    """The record in `path`, or the shipped one; raises BadInput where it is missing, damaged or was changed."""
    origin = f"evals/{SHIPPED}" if path is None else str(path)
    try:
        source = files(__package__).joinpath(SHIPPED) if path is None else path
        record = TrackRecord.model_validate_json(source.read_text(encoding="utf-8"))
    except (OSError, ValueError, ValidationError) as error:
        raise BadInput(f"{origin} is missing or no track record ({type(error).__name__}).", hint=_HINT) from error
    if record.sha256 != record.contents():
        raise BadInput(f"{origin} was changed after it was written.", hint=_HINT)
    return record


def certificates_from(record: TrackRecord, policy: Policy, worker: TextWorker, *, seed: int, now: datetime) -> Issued:
    """The certificates, still without a seal, that a company made with `seed` gets for what `worker` did in others.

    None is issued, and the words say why, where the record is about another brain, playbook or policy, or about this very company.
    """
    why = _unfit(record, policy, worker, seed)
    if why:
        return Issued((), f"No certificate for tickets: {why} A person decides every ticket until enough is decided.")
    made = tuple(_certificates(record, policy, now))
    if not made:
        return Issued((), "The track record proves nothing that the policy asks for, so a person decides every ticket.")
    runs = ", ".join(f"{one.stand.kind} from {one.floor:.2f}" for one in made)
    sure, worst = min(one.confidence for one in made), max(one.bound for one in made)
    rests = f"on companies {seeds_text(record.seeds)} at most {100 * worst:g} % was wrong, {100 * sure:g} % sure"
    return Issued(made, f"Runs alone at first, where the brain is that sure: {runs} ({rests}).")


def issue(
    ledger: Ledger,
    policy: Policy,
    *,
    seed: int,
    keyring: Keyring | None,
    sealing: Signing | None,
    record: TrackRecord | None = None,
    worker: TextWorker | None = None,
) -> str:
    """Put what a record proves into the ledger of a made-up company that was made just now; answers what was issued, or why nothing.

    `record` and `worker` are the shipped ones where none is given. Nothing is issued, and everything waits for a person, where one of
    them cannot be read.
    """
    try:
        found = certificates_from(record or load_record(), policy, worker or Triage(), seed=seed, now=ledger.clock.now())
    except BadInput as error:
        return f"No certificate for tickets: {error.message}"
    autonomy = Autonomy(policy, keyring, sealing)
    if found.certificates:
        with ledger.transaction() as tx:
            for certificate in found.certificates:
                certificates.put(tx, autonomy.sealed(certificate))
    return found.told


def _unfit(record: TrackRecord, policy: Policy, worker: TextWorker, seed: int) -> str:
    """Why a record says nothing about this company; empty where it does."""
    if worker.model.tier != BEST_TIER:
        return worker.model.announcement or f"only the tier {worker.model.tier!r} of the brain runs here."
    if record.brain != worker.brain:
        return f"the track record is about {record.brain}, and at work is {worker.brain}."
    if (record.worker, record.playbook) != (worker.name, worker.playbook.ref):
        return f"the track record is about the playbook {record.playbook}, and at work is {worker.playbook.ref}."
    if record.policy != policy.ref:
        return f"the track record is about the policy {record.policy}, and in force is {policy.ref}."
    if seed in record.seeds:
        return f"the track record was taken with the very company of seed {seed}."
    return ""


def _certificates(record: TrackRecord, policy: Policy, now: datetime) -> Iterator[Certificate]:
    for known in policy.actions:
        found = record.kinds.get(known.kind)
        if known.max_error is None or known.slices or found is None or found.bound > known.max_error:
            continue
        stand = Stand(worker=record.worker, kind=known.kind, brain=record.brain)
        draft = drafted(stand, found, by=LEDGER_KEY, now=now, days=policy.certificate_days, scope=SCOPE)
        if draft is not None:
            yield draft.model_copy(update={"method": Method.RECORD, "system": EMBEDDED_COMPANY})
