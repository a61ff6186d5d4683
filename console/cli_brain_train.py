"""`shiftlead brain train`: a brain from a file of examples, in a folder of its own."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from ..core.errors import BadInput
from .cli_problems import Problems
from .cli_session import Session, command

if TYPE_CHECKING:
    from ..agents.brain_card import About
    from ..agents.brain_shelf import Brain
    from ..agents.text_data import Problem


class _Made(NamedTuple):
    """A brain with what training knew."""

    brain: "Brain"
    about: "About"
    problems: "tuple[Problem, ...]"


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "train")
    def train(
        session: Session,
        data: Annotated[
            Path,
            typer.Option(
                help="JSONL or CSV: text and label, intent or category; for lateness the invoices.", show_default=False
            ),
        ],
        out: Annotated[Path, typer.Option(help="An empty or new folder for the brain.", show_default=False)],
        validation: Annotated[
            Path | None,
            typer.Option(
                "--val", "--validation", help="Examples to measure on; a part is held out if not given.", show_default=False
            ),
        ] = None,
        task: Annotated[str, typer.Option(help="triage, reply or lateness.")] = "triage",
        seed: Annotated[int, typer.Option(help="Decides what is held out.")] = 0,
    ) -> None:
        """Train a brain on examples; lines that cannot be used are named, and the others are learnt."""
        from ..agents.brain_card import card_of, plain_card, save_with
        from ..agents.brain_files import check_target
        from ..agents.brain_purposes import check_task

        check_task(task)
        check_target(out)
        made = _lateness(session, data, validation) if task == "lateness" else _texts(session, data, validation, task, seed)
        save_with(made.brain, made.about, out)
        card = card_of(out)
        if card.announcement:
            session.out.say(card.announcement)
        if session.out.as_json:
            told = plain_card(card)
            found = {"brain": str(out), **told, "labels": len(card.labels), "problems": [str(one) for one in made.problems]}
            session.out.data({**found, **_advice(made.brain)})
            return
        of = f" of {len(card.labels)} labels" if card.labels else ""
        session.out.text(f"{out}: {card.name}, trained on {card.examples} examples{of}.")
        session.out.table(("score", ">value"), [(name, f"{value:.4f}") for name, value in card.scores.items()])


def _texts(session: Session, data: Path, validation: Path | None, task: str, seed: int) -> _Made:
    from ..agents.brain_card import About, languages_of
    from ..agents.brain_record import Record
    from ..agents.brain_shelf import prepare
    from ..agents.text_data import Example, read_examples
    from ..agents.text_scores import outcomes
    from ..agents.text_training import train

    prepared = prepare(task)

    def read(path: Path) -> "tuple[list[Example], tuple[Problem, ...]]":
        found = read_examples(path)
        _tell(session, found.problems)
        return [one.model_copy(update={"text": prepared(one.text)}) for one in found.examples], found.problems

    examples, problems = read(data)
    unseen = read(validation)[0] if validation else None
    if unseen is not None and {one.text for one in unseen} <= {one.text for one in examples}:
        raise BadInput(
            f"{validation} holds nothing but texts that are learnt.", hint="Give others, or none: then a part is held out."
        )
    brain = train(examples, validation=unseen, seed=seed, task=task)
    record = None
    if unseen is not None:
        found = outcomes(brain.predict_many([one.text for one in unseen]), unseen)
        about = f"{len(unseen):,} validation texts, on which its confidence was calibrated too"
        record = Record.of(about, zip(map(float, found.confidence), map(bool, found.right), strict=True))
    spoken = languages_of([one.text for one in examples])
    return _Made(brain, About(data=data.name, seed=seed, languages=spoken, record=record), problems)


def _lateness(session: Session, data: Path, validation: Path | None) -> _Made:
    from ..agents.brain_card import About
    from ..agents.brain_record import Record
    from ..agents.lateness_rows import read_bills
    from ..agents.lateness_training import train_lateness

    given = read_bills(data)
    _tell(session, given.problems)
    unseen = read_bills(validation) if validation else None
    _tell(session, unseen.problems if unseen else ())
    open_ones = len(given.bills) - len(given.paid)
    if open_ones:
        session.out.say(
            f"{open_ones} invoices are unpaid: nothing is learnt from them, but they count as unpaid for the others."
        )
    brain, told = train_lateness(given.bills, validation=unseen.bills if unseen else None, trained_on=data.name)
    pairs = zip(map(float, told.chance), told.late > 0, strict=True)
    kind = "validation invoices" if unseen else "rolling forecasts: each by a model fitted on what was paid before"
    record = Record.of(f"{len(told.late):,} {kind}", ((chance, bool(late)) for chance, late in pairs))
    return _Made(brain, About(data=data.name, record=record), given.problems)


def _advice(brain: "Brain") -> dict[str, Any]:
    from ..agents.text_brain import TextBrain

    return {"min_confidence": brain.meta.min_confidence} if isinstance(brain, TextBrain) else {}


def _tell(session: Session, problems: "Iterable[Problem]") -> None:
    told = Problems(session.out)
    for problem in problems:
        told.add(problem)
    told.close()
