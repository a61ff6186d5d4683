"""`shiftlead brain compare`: two brains beside each other, by their cards and on the same labelled cases."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core.errors import BadInput
from .cli_problems import Problems
from .cli_session import Session, command

if TYPE_CHECKING:
    from ..agents.brain_card import BrainCard
    from ..agents.brain_comparison import Change, PairedResult
    from ..agents.brain_shelf import Brain

SHIPPED = "shipped"
"""Stands for the brain that ships, in place of a folder."""


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "compare")
    def compare(
        session: Session,
        first: Annotated[str, typer.Argument(metavar="A", help="The folder of a brain, or `shipped`.")],
        second: Annotated[str, typer.Argument(metavar="B", help="The other one; the verdict is about it.")],
        data: Annotated[
            Path | None,
            typer.Option(help="Labelled cases, or paid invoices, that neither was trained on.", show_default=False),
        ] = None,
    ) -> None:
        """Compare two brains of one task: in what their cards differ, and with --data whether B is better than A."""
        from ..agents.brain_comparison import changes, check_comparable

        cards = _cards(first, second)
        check_comparable(*cards)
        found = changes(*cards)
        result = _judged(session, first, second, cards[0].task, data) if data else None
        if session.out.as_json:
            session.out.data({
                "first": cards[0].name, "second": cards[1].name,
                "changes": [one._asdict() for one in found],
                "result": _plain(result) if result else None,
            })  # fmt: skip
            return
        _told(session, cards, found, result)


def _cards(first: str, second: str) -> "tuple[BrainCard, BrainCard]":
    from .cli_brain_show import card_named

    if SHIPPED in (first, second):
        other = Path(second if first == SHIPPED else first)
        if str(other) == SHIPPED:
            raise BadInput("The shipped brain is compared with itself.", hint="Give a folder for A or B.")
        known = card_named(other, "")
        shipped = card_named(None, known.task)
        return (shipped, known) if first == SHIPPED else (known, shipped)
    return card_named(Path(first), ""), card_named(Path(second), "")


def _judged(session: Session, first: str, second: str, task: str, data: Path) -> "PairedResult":
    from ..agents.brain_comparison import paired
    from ..agents.brain_shelf import load_brain, shipped_brain

    brains = [shipped_brain(task) if one == SHIPPED else load_brain(Path(one)) for one in (first, second)]
    truth, mine, other = _lateness(session, brains, data) if task == "lateness" else _texts(session, brains, data)
    return paired(truth, mine, other)


def _texts(session: Session, brains: "list[Brain]", data: Path) -> tuple[list[str], list[str], list[str]]:
    from ..agents.brain_shelf import prepare
    from ..agents.text_brain import TextBrain
    from ..agents.text_data import read_examples

    given = read_examples(data)
    _tell(session, given.problems)
    prepared = prepare(brains[0].meta.task)
    texts = [prepared(one.text) for one in given.examples]
    mine, other = ([one.label for one in brain.predict_many(texts)] for brain in brains if isinstance(brain, TextBrain))
    return [one.label for one in given.examples], mine, other


def _lateness(session: Session, brains: "list[Brain]", data: Path) -> tuple[list[str], list[str], list[str]]:
    from ..agents.lateness_brain import LatenessBrain
    from ..agents.lateness_rows import read_bills

    given = read_bills(data)
    _tell(session, given.problems)
    words = {True: "late", False: "in time"}
    places = [place for place, one in enumerate(given.bills) if one.paid is not None]
    told = [brain.forecast(given.bills) for brain in brains if isinstance(brain, LatenessBrain)]
    mine, other = ([words[found[place].p_late >= 0.5] for place in places] for found in told)
    return [words[given.bills[place].late] for place in places], mine, other


def _tell(session: Session, problems: Any) -> None:
    told = Problems(session.out)
    for problem in problems:
        told.add(problem)
    told.close()


def _plain(result: "PairedResult") -> dict[str, Any]:
    return {**result.model_dump(mode="json"), "labels": [one._asdict() for one in result.labels]}


def _told(
    session: Session, cards: "tuple[BrainCard, BrainCard]", found: "tuple[Change, ...]", result: "PairedResult | None"
) -> None:
    out = session.out
    out.text(f"A  {cards[0].name}", f"B  {cards[1].name}")
    if not found and result is None:
        out.text("The two are the same.")
    if found:
        out.text("")
        out.table(("", "A", "B"), [(one.name, _shown(one.first), _shown(one.second)) for one in found])
    if result is None:
        return
    figures = result.figures
    out.text("", f"On the same {figures.n} cases: A {figures.champion:.1%} right, B {figures.challenger:.1%}, "
             f"difference {figures.difference:+.1%} (95 % {figures.low:+.1%} to {figures.high:+.1%}, paired bootstrap), "
             f"exact McNemar p = {figures.p_value:.4f}.")  # fmt: skip
    out.text(f"B is {result.verdict}: {result.why}" if result.verdict != "cannot tell" else f"Nobody can tell: {result.why}")
    if result.labels:
        out.text("")
        rows = [(one.label, one.texts, one.first, one.second, one.fixed, one.broken) for one in result.labels]
        out.table(("label", ">cases", ">A right", ">B right", ">only B", ">only A"), rows)


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    return str(value)[:24] if value is not None else ""
