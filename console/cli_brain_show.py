"""`shiftlead brain show`: the card of a brain, as text, as JSON or as a page."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .cli_output import pairs
from .cli_session import Session, command

if TYPE_CHECKING:
    from ..agents.brain_card import BrainCard


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "show")
    def show(
        session: Session,
        folder: Annotated[
            Path | None, typer.Argument(metavar="[DIR]", help="The folder of a brain; the shipped one if not given.")
        ] = None,
        task: Annotated[str, typer.Option(help="Which shipped brain: triage, reply or lateness.")] = "triage",
        html: Annotated[
            Path | None, typer.Option(help="Write a page with both curves to this file.", metavar="FILE", show_default=False)
        ] = None,
    ) -> None:
        """Show the card of a brain: what it is made of, how good it was on unseen cases, what it is for and not for."""
        from ..agents.brain_card import plain_card

        card = card_named(folder, task)
        if html is not None:
            from ..agents.brain_page import page
            from .cli_brain_predict import write_whole

            write_whole(html, [page(card)])
            session.out.say(f"Written to {html}.")
        if session.out.as_json:
            session.out.data(plain_card(card))
        elif html is None:
            _told(session, card)


def card_named(folder: Path | None, task: str) -> "BrainCard":
    """The card of the brain in `folder`, or of the one that ships for `task`."""
    from ..agents.brain_card import card_for, card_of
    from ..agents.brain_shelf import shipped_brain, shipped_content

    if folder is not None:
        return card_of(folder)
    return card_for(shipped_brain(task), shipped_content(task), f"the shipped {task} brain")


def _told(session: Session, card: "BrainCard") -> None:
    from ..agents.brain_page import size_text

    out = session.out
    if card.announcement:
        out.say(card.announcement)
    out.text(f"{card.name}: {card.purpose.title}", "")
    out.text(
        *pairs(
            {
                "digest": card.digest,
                "tier": card.tier,
                "labels": len(card.labels) or "",
                "trained on": card.data,
                "data digest": card.data_digest,
                "examples": card.examples or "",
                "languages": card.spoken,
                "size": size_text(card.size_bytes),
                "licences": "; ".join(card.licences),
            }
        )
    )
    if card.scores:
        of = card.record.about if card.record else "cases that the fit had not seen"
        out.text("", f"Measured on {of}:")
        out.table(("score", ">value"), [(name, f"{value:.4f}") for name, value in card.scores.items()])
    if card.calibration:
        out.text("")
        rows = [(f"{one.low:.2f}-{one.high:.2f}", f"{one.right:.1%}", one.cases) for one in card.calibration]
        out.table(("it says", f">{card.right_means}", ">cases"), rows)
    out.text("", f"For: {card.purpose.use}", *([f"Languages: {card.purpose.reads}"] if card.purpose.reads else []))
    out.text("Limits:", *(f"- {one}" for one in card.limits))
