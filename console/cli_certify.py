"""`shiftlead brain certify`: from which confidence on a brain may act alone, and the certificate of it."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from ..core.errors import BadInput, Conflict
from . import cli_standing
from .cli_errors import CHECK_FAILED
from .cli_output import pairs
from .cli_problems import Problems
from .cli_session import Session, command

if TYPE_CHECKING:
    from ..agents.examining import Examined, Paper
    from ..agents.text_brain import TextBrain
    from ..agents.text_worker import TextWorker
    from ..core.certificates import Certificate
    from ..core.outcomes import Stand
    from ..core.store import Ledger
    from ..guardrails.certification import Certification
    from ..guardrails.policy import Policy

_LANGUAGE = "language"
"""The one fact of a slice that a text tells by itself."""


def register(app: typer.Typer) -> None:
    """Add the commands about certificates."""
    command(app, "certify")(_certify)
    cli_standing.register(app)


def _certify(
    session: Session,
    data: Annotated[
        list[Path], typer.Option(metavar="FILE", help="Texts with their true label, that the brain never saw; may be repeated.")
    ],
    brain: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The folder of a brain; with --worker the one at work if not given.", show_default=False),
    ] = None,
    target_error: Annotated[float, typer.Option(help="Which share of what runs alone may be wrong.")] = 0.02,
    confidence: Annotated[float, typer.Option(help="How sure the promise is to be.")] = 0.95,
    out_of_scope_share: Annotated[
        float | None,
        typer.Option(help="Which share of the traffic is of no known kind; as in the data if not given.", show_default=False),
    ] = None,
    worker: Annotated[
        str, typer.Option(metavar="WORKER", help="Ask this worker with that brain, as its proposals are judged.", show_default=False)
    ] = "",
    issue: Annotated[bool, typer.Option("--issue", help="Put the certificate in the ledger, signed by you; needs --worker.")] = False,
    kind: Annotated[
        str, typer.Option(metavar="KIND", help="The kind of action; the one that the worker's texts decide.", show_default=False)
    ] = "",
    slice: Annotated[  # noqa: A002 - the word of the option
        list[str] | None, typer.Option(metavar="FACT=VALUE", help="The slice that it is about, such as language=en.", show_default=False)
    ] = None,
    scope: Annotated[str, typer.Option(help="For which cases it holds, in your words.", show_default=False)] = "",
    reason: Annotated[str, typer.Option(help="What was looked at, and who asked for it.", show_default=False)] = "",
) -> None:  # fmt: skip
    """Find the largest share that may run alone with at most --target-error wrong, or say how many cases are missing.

    Exit code 1 where nothing can be certified.
    """
    terms = _Terms(target_error, confidence, out_of_scope_share)
    if not worker:
        if issue or kind or slice:
            raise BadInput("A certificate is about a worker.", hint="Give --worker, such as --worker triage.")
        if brain is None:
            raise BadInput("There is no brain to ask.", hint="Give --brain DIR, or --worker for the one at work there.")
        _answer(session, _alone(brain, data), terms)
        return
    with _opened(session, worker) as opened:
        acting = opened.acting(brain)
        stand = opened.stand(acting, kind, slice or ())
        if issue:
            opened.check_at_work(acting)
        asked = _in_hands(acting, stand, data)
        draft = _Draft(stand, scope or f"Texts like those in {', '.join(one.name for one in data)}.", reason) if issue else None
        _answer(session, asked, terms, issue=None if draft is None else lambda found: opened.issue(session, draft, found))


class _Terms(NamedTuple):
    """What is to be promised."""

    target: float
    confidence: float
    out_of_scope_share: float | None


class _Asked(NamedTuple):
    """Who is asked about which texts."""

    name: str
    one: "Examined"
    labels: frozenset[str]
    paper: "Paper"


class _Draft(NamedTuple):
    """What a person says of a certificate."""

    stand: "Stand"
    scope: str
    reason: str


class _Opened(NamedTuple):
    """A worker of the workspace with what it takes to issue a certificate about it."""

    ledger: "Ledger"
    policy: "Policy"
    shipped: "TextWorker"
    """With the brain that the workspace gives it."""
    at_work: "TextWorker"

    def acting(self, folder: Path | None) -> "TextWorker":
        """The worker with the brain in `folder`, or with the one at work; raises BadInput where that is for another task."""
        if folder is None:
            return self.at_work
        brain = _text_brain(folder)
        if brain.meta.task != self.shipped.task:
            raise BadInput(
                f"{folder} is trained for {brain.meta.task!r}; the worker {self.shipped.name!r} needs {self.shipped.task!r}.",
                hint=f"Train one with `shiftlead brain train --task {self.shipped.task}`.",
            )
        return self.shipped.with_brain(brain)

    def check_at_work(self, acting: "TextWorker") -> None:
        """Raise Conflict where that brain never proposes anything: a certificate about it would wait for its day."""
        if acting.model.digest not in (self.at_work.model.digest, self.shipped.model.digest):
            raise Conflict(
                f"{acting.model.name} is neither at work for {acting.name!r} nor the brain that ships for it.",
                hint="`shiftlead brain promote` puts a brain to work, with the certificate that its own answers prove.",
            )

    def stand(self, acting: "TextWorker", kind: str, slices: Iterable[str]) -> "Stand":
        """What the certificate is about; raises BadInput for what the texts cannot tell."""
        from ..core.outcomes import Stand

        if kind not in ("", acting.taught_by):
            raise BadInput(
                f"What a text is says whether {acting.taught_by!r} is right, and not whether {kind!r} is.",
                hint=f"{kind} earns its certificate from what people decide.",
            )
        known = next((one for one in self.policy.actions if one.kind == acting.taught_by), None)
        wanted = known.slices if known else ()
        given = dict(one.partition("=")[::2] for one in slices)
        if set(given) != set(wanted) or not all(given.values()):
            raise BadInput(
                f"The policy in force certifies {acting.taught_by!r} by {' and '.join(wanted) or 'no slice'}, "
                f"not by {' and '.join(given) or 'none'}.",
                hint=" ".join(f"--slice {name}=VALUE" for name in wanted) or "Leave --slice out.",
            )
        if strange := sorted(set(given) - {_LANGUAGE}):
            raise BadInput(
                f"The texts alone do not tell their {strange[0]!r}, so that no sample of that slice can be drawn from them.",
                hint="Such a slice earns its certificate from what people decide.",
            )
        text = ";".join(f"{name}={given[name]}" for name in wanted)
        return Stand(worker=acting.name, kind=acting.taught_by, slice=text, brain=acting.brain)

    def issue(self, session: Session, draft: _Draft, found: "Certification") -> "Certificate | None":
        """The certificate of what was found, in the ledger; None where nothing was."""
        from ..guardrails.vouching import drafted, issue

        operator, keys = session.operator, session.place.keys
        now, days = self.ledger.clock.now(), self.policy.certificate_days
        made = drafted(draft.stand, found, by=operator.name, now=now, days=days, scope=draft.scope)
        if made is None:
            return None
        (issued,) = issue(
            self.ledger, self.policy, [made], operator, reason=draft.reason, signing=keys.signer, own=keys.own(),
            keyring=session.place.roster().keyring,
        )  # fmt: skip
        return issued


@contextmanager
def _opened(session: Session, worker: str) -> Iterator[_Opened]:
    from ..agents.champions import Champions
    from ..agents.crew import open_workers
    from ..agents.text_worker import TextWorker

    known = {name: one for name, one in open_workers(session.place).items() if isinstance(one, TextWorker)}
    if worker not in known:
        raise BadInput(
            f"No worker {worker!r} of this workspace has a text brain.", hint=f"Those that do: {', '.join(known) or 'none'}."
        )
    with session.ledger() as ledger:
        policy = session.in_force(ledger).policy
        at_work = Champions(ledger, session.place.roster().keyring).cast(known[worker]).worker
        assert isinstance(at_work, TextWorker)
        yield _Opened(ledger, policy, known[worker], at_work)


def _text_brain(folder: Path) -> "TextBrain":
    from ..agents.brain_shelf import load_brain
    from ..agents.text_brain import TextBrain

    found = load_brain(folder)
    if not isinstance(found, TextBrain):
        raise BadInput(f"{folder} forecasts payments and decides nothing by itself.", hint="Only a text brain is certified.")
    return found


def _alone(folder: Path, data: list[Path]) -> _Asked:
    from ..agents.examining import Alone, read_paper

    brain = _text_brain(folder)
    return _Asked(brain.name, Alone(brain), frozenset(brain.labels), read_paper(data, trained_on=brain.meta.data_digest))


def _in_hands(acting: "TextWorker", stand: "Stand", data: list[Path]) -> _Asked:
    from ..agents.examining import InHands, read_paper

    language = dict(one.partition("=")[::2] for one in stand.slice.split(";")).get(_LANGUAGE, "")
    learnt = (one.text for one in acting.corpus())
    paper = read_paper(data, trained_on=acting.model.meta.data_digest, learnt=learnt, language=language)
    return _Asked(acting.brain, InHands(acting), acting.labels, paper)


def _answer(
    session: Session,
    asked: _Asked,
    terms: _Terms,
    *,
    issue: "Callable[[Certification], Certificate | None] | None" = None,
) -> None:
    """Ask, tell, and issue where that is wanted and something was proven."""
    from ..agents.examining import examine
    from ..agents.text_brain import OUT_OF_SCOPE

    told = Problems(session.out)
    for problem in asked.paper.problems:
        told.add(problem)
    told.close()
    found = examine(
        asked.one, asked.paper.examples, labels=asked.labels, target=terms.target, confidence=terms.confidence,
        out_of_scope_share=terms.out_of_scope_share,
    )  # fmt: skip
    issued = issue(found) if issue else None
    if not any(one.label in OUT_OF_SCOPE for one in asked.paper.examples):
        session.out.say("Nothing in the data is out of scope (`oos`), so this says nothing about cases of no known kind.")
    if session.out.as_json:
        problems = [str(one) for one in asked.paper.problems]
        session.out.data(
            {
                "brain": asked.name,
                **found.model_dump(),
                "sentence": found.sentence(),
                "certificate": issued,
                "problems": problems,
            }
        )
    else:
        session.out.text(f"{asked.name}: {found.sentence()}", *pairs(_figures(found)))
        if issued is not None:
            session.out.text(f"{issued.id} is in the ledger, signed by {issued.issued_by}, until {issued.expires_at:%Y-%m-%d}.")
            session.out.say(f"`shiftlead brain revoke {issued.id} --reason …` ends it.")
    if not found.certified:
        raise typer.Exit(CHECK_FAILED)


def _figures(found: "Certification") -> dict[str, Any]:
    if found.floor is None:
        return {"best bound": f"{found.bound:.2%} wrong at most", "cases": found.n, "missing": _missing(found)}
    return {
        "runs alone": f"{found.share:.1%} of the cases",
        "floor": found.floor,
        "bound": f"{found.bound:.2%} wrong at most",
        "cases": f"{found.n} in all, {found.n_above} from the floor on",
        "wrong": found.wrong,
    }


def _missing(found: "Certification") -> str:
    return "no number of cases of this quality would do" if found.missing is None else f"about {found.missing} reviewed cases"
