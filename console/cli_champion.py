"""`shiftlead brain versions|retrain|add|challenge|promote|rollback`: which brain works for a worker, and how another one takes over."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from ..core.errors import BadInput, ShiftleadError
from .cli_errors import complain
from .cli_output import moment
from .cli_session import Session, command

if TYPE_CHECKING:
    from ..agents.promotion import Bench, Promoted, Trialled
    from ..agents.text_worker import TextWorker
    from ..core.brains import BrainVersion

_Worker = Annotated[str, typer.Option("--worker", metavar="WORKER", help="The worker whose brain it is.")]
_Name = Annotated[str, typer.Argument(metavar="NAME", help="The beginning of its name or digest.")]
_Why = Annotated[str, typer.Option("--reason", help="What was looked at, and who asked for it.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for name, run in (
        ("versions", _versions),
        ("retrain", _retrain),
        ("add", _add),
        ("challenge", _challenge),
        ("promote", _promote),
        ("rollback", _rollback),
    ):
        command(app, name)(run)


class _Opened(NamedTuple):
    """What the commands work with."""

    bench: "Bench"
    workers: dict[str, "TextWorker"]

    def worker(self, name: str) -> "TextWorker":
        """A worker with the brain at work; raises BadInput where there is none of that name with a text brain, LedgerError as its cases do."""
        from ..agents.champions import Champions
        from ..agents.text_worker import TextWorker

        if name not in self.workers:
            known = ", ".join(sorted(self.workers)) or "none"
            raise BadInput(f"No worker {name!r} of this workspace has a text brain.", hint=f"Those that do: {known}.")
        found = Champions(self.bench.ledger, self.bench.roster.keyring).cast(self.workers[name]).worker
        assert isinstance(found, TextWorker)
        return found

    def version(self, beginning: str) -> "BrainVersion":
        """A version by the beginning of its name or digest; raises NotFound."""
        from ..core import brains

        with self.bench.ledger.reading() as reading:
            return brains.find(reading, beginning)


@contextmanager
def _opened(session: Session) -> Iterator[_Opened]:
    from ..agents.crew import open_workers
    from ..agents.promotion import Bench
    from ..agents.text_worker import TextWorker

    place, keys = session.place, session.place.keys
    workers = {name: one for name, one in open_workers(place).items() if isinstance(one, TextWorker)}
    with session.ledger() as ledger:
        policy = session.in_force(ledger).policy
        yield _Opened(Bench(ledger, policy, place.roster(), keys.signer, keys.own()), workers)


def _versions(
    session: Session,
    worker: Annotated[str, typer.Option("--worker", metavar="WORKER", help="Of this worker only.", show_default=False)] = "",
) -> None:
    """List the versions of brains that the ledger keeps, and how the challenger does beside the one at work."""
    from ..agents.promotion import trialled
    from ..core import brains
    from ..core.brains import Role

    with _opened(session) as opened:
        with opened.bench.ledger.reading() as reading:
            known = brains.history(reading, worker=worker)
        trials: dict[str, Trialled] = {}
        for one in known:
            if one.role is Role.CHALLENGER and one.worker in opened.workers:
                try:
                    trials[one.digest] = trialled(opened.bench, opened.worker(one.worker), one)
                except ShiftleadError as error:
                    # Whoever has to roll back a damaged brain needs the list, also under a policy that does not know its actions.
                    complain(error)
    session.out.listed(
        ("name", "worker", "role", "made", "by", "signed by", "reason"),
        [_told(one, trials.get(one.digest)) for one in known],
        lambda one: (
            one["name"],
            one["worker"],
            one["role"],
            moment(one["made_at"]),
            one["made_by"],
            one["signed_by"],
            one["reason"],
        ),
        empty="Every worker works with the brain that ships.",
    )
    for trial in () if session.out.as_json else trials.values():
        session.out.text(*_beside(trial))


def _retrain(
    session: Session,
    worker: _Worker = "triage",
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="FILE", help="Examples in place of the worker's own corpus.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write the brain there too.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides what is held out for calibration.")] = 0,
) -> None:
    """Make a candidate from the worker's corpus and from what people decided, and keep it in the ledger."""
    from ..agents.brain_files import check_target
    from ..agents.brain_versions import add
    from ..agents.retraining import retrain
    from ..agents.text_data import read_examples
    from ..agents.truths import learnt

    if out is not None:
        check_target(out)
    base = read_examples(data).examples if data else None
    operator = session.operator
    with _opened(session) as opened:
        bench, at_work = opened.bench, opened.worker(worker)
        with bench.ledger.reading() as reading:
            known = learnt(reading, at_work, bench.roster.keyring)
        made = retrain(at_work, known, base=base, seed=seed)
        version = add(bench.ledger, at_work, made.brain, by=operator.name, learnt=made.learnt)
    if out is not None:
        made.brain.save(out)
    if session.out.as_json:
        session.out.data({**_told(version), "learnt": made.learnt, "silence": known.silence._asdict()})
        return
    tested = made.learnt["held_out"]
    session.out.text(
        f"{version.name}: from {made.learnt['from']['decisions']} decisions and {made.learnt['corpus']} examples of the corpus.",
        f"On the {tested['decisions']} newest decisions, which it never saw: {tested['right']} right; "
        f"the brain at work {tested['at_work_right']}.",
    )
    if any(known.silence):
        session.out.say(f"Nothing was learnt from {sum(known.silence)} other decisions: {known.silence}.")
    session.out.say(f"Next: `shiftlead brain challenge {version.name}` lets it answer beside the one at work.")


def _add(
    session: Session,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a brain.")],
    worker: _Worker = "triage",
) -> None:
    """Keep a brain that was trained elsewhere in the ledger, as a candidate of a worker."""
    from ..agents.brain_versions import add
    from ..agents.text_brain import TextBrain

    operator = session.operator
    with _opened(session) as opened:
        version = add(opened.bench.ledger, opened.worker(worker), TextBrain.load(folder), by=operator.name)
    if session.out.as_json:
        session.out.data(_told(version))
        return
    session.out.text(f"{version.name} is a candidate of the worker {worker}.")
    session.out.say(f"Next: `shiftlead brain challenge {version.name}` lets it answer beside the one at work.")


def _challenge(session: Session, name: _Name) -> None:
    """Let a version answer beside the brain at work, on every case from the next one on; nobody acts on what it says."""
    from ..agents.promotion import challenge

    with _opened(session) as opened:
        version = challenge(opened.bench, opened.version(name), session.operator)
    if session.out.as_json:
        session.out.data(_told(version))
        return
    session.out.text(f"{version.name} answers beside the brain at work of {version.worker} from the next case on.")
    session.out.say("`shiftlead brain versions` shows how it does.")


def _promote(
    session: Session,
    name: _Name,
    reason: _Why = "",
    without_certificate: Annotated[
        bool, typer.Option("--without-certificate", help="Let it work where nothing is proven: its lanes then begin reviewed.")
    ] = False,
) -> None:
    """Put a version to work that is at least as good on the same cases and certified, signed by a person with authority."""
    from ..agents.promotion import promote

    with _opened(session) as opened:
        version = opened.version(name)
        worker = opened.worker(version.worker)
        made = promote(opened.bench, worker, version, session.operator, reason=reason, uncertified=without_certificate)
    if session.out.as_json:
        session.out.data(
            {
                **_told(made.version), "comparison": _compared(made), "certificates": made.certificates, "uncertified": made.uncertified,
            }
        )  # fmt: skip
        return
    compared = made.comparison
    session.out.text(
        f"{made.version.name} is at work for {made.version.worker} from the next case on, signed by {session.operator.name}.",
        f"On the same {compared.n} cases it was right in {compared.challenger:.1%}, the one before in {compared.champion:.1%} "
        f"(95 % interval of the difference {compared.low:+.1%} to {compared.high:+.1%}, McNemar p = {compared.p_value:.3f}).",
        *(
            f"certified  {one.stand.slice or 'every case'}: from a confidence of {one.floor:.2f} on at most {one.bound:.1%} wrong, "
            f"n = {one.n}, until {one.expires_at:%Y-%m-%d}"
            for one in made.certificates
        ),
        *(f"no certificate  {one}" for one in made.uncertified),
    )  # fmt: skip
    session.out.say(f"`shiftlead brain rollback --worker {made.version.worker} --reason …` takes it back.")


def _rollback(
    session: Session,
    worker: _Worker = "triage",
    reason: _Why = "",
    shipped: Annotated[bool, typer.Option("--shipped", help="Put back the brain that ships, whatever was before.")] = False,
) -> None:
    """Put back the brain that was at work before, or the one that ships; it works from the next case on, in every process."""
    from ..agents.promotion import roll_back

    with _opened(session) as opened:
        version = roll_back(opened.bench, worker, session.operator, reason=reason, shipped=shipped)
    if session.out.as_json:
        session.out.data({"worker": worker, "at_work": _told(version) if version else None})
        return
    session.out.text(f"{version.name if version else 'The brain that ships'} is at work for {worker} from the next case on.")


def _told(version: "BrainVersion", trial: "Trialled | None" = None) -> dict[str, Any]:
    last = version.signed[-1] if version.signed else None
    told: dict[str, Any] = {
        "name": version.name,
        "digest": version.digest,
        "worker": version.worker,
        "task": version.task,
        "role": version.role,
        "made_at": version.made_at,
        "made_by": version.made_by,
        "signed_by": f"{last.by} ({last.role})" if last else "",
        "reason": last.reason if last else "",
        "signed": [one.model_dump(exclude={"evidence"}) for one in version.signed],
    }
    return told if trial is None else {**told, "comparison": _compared(trial), "lacks": trial.lacks}


def _compared(found: "Trialled | Promoted") -> dict[str, Any]:
    return {**found.comparison.model_dump(), "hindrance": found.comparison.hindrance}


def _beside(trial: "Trialled") -> list[str]:
    compared = trial.comparison
    if not compared.n:
        return [f"{trial.version.name}: nothing that it answered was decided yet."]
    told = f"right in {compared.challenger:.1%} of {compared.n} decided cases, the brain at work in {compared.champion:.1%}"
    lines = [f"{trial.version.name}: {told}; {compared.hindrance or 'at least as good'}."]
    return lines + [f"{trial.version.name}: {one}." for one in trial.lacks or ("can be certified",)]
