"""What triage knows about a ticket once it has read it, and how that is laid on the desk."""

from ..connectors.records import Customer, Invoice, Receivable, Ticket
from ..core.noun import Noun
from ..tools.desk import Desk
from .entities import Entity
from .language import Language
from .repeats import Repeat
from .text_brain import Prediction, TextBrain
from .triage_corpus import OUT_OF_SCOPE, Intent


class Read(Noun):
    """What triage knows about a ticket."""

    ticket: Ticket
    customer: Customer | None
    language: Language
    guess: Prediction
    intent: Intent
    """What the desk does with it; the out-of-scope intent where it is of no known kind."""
    mentions: tuple[Entity, ...]
    repeat: Repeat | None
    invoices: tuple[Invoice, ...]
    """The customer's own invoices that the text mentions."""
    receivables: tuple[Receivable, ...]
    instructions: bool
    foreign: bool

    @property
    def known(self) -> bool:
        """Whether it is of a known kind, in a language the model reads."""
        return not self.foreign and self.intent.intent != OUT_OF_SCOPE


def show(desk: Desk, read: Read, *, model: TextBrain) -> None:
    """Lay what was read and concluded on the desk; `model` is the text brain that guessed, which says so where a lower tier stepped in."""
    if read.customer is not None:
        desk.cite("customer", read.customer.name, of=read.customer)
    for invoice in read.invoices:
        desk.cite(f"invoice {invoice.number}", invoice.gross, of=invoice, note=f"{invoice.status}, mentioned in the text")
    desk.conclude("language", read.language.code, f"{read.language.confidence:.2f} sure")
    best = ", ".join(f"{one.label} {one.confidence:.2f}" for one in read.guess.alternatives[:2])
    notice = f"; {model.announcement}" if model.announcement else ""
    guessed = f"{read.guess.confidence:.2f} sure; then {best}; text brain {model.name}{notice}"
    desk.conclude("intent", read.guess.label, guessed)
    if read.repeat is not None:
        desk.cite("earlier ticket", read.repeat.ticket.id, of=read.repeat.ticket, note=f"{read.repeat.likeness:.0%} alike")


def reasons(read: Read) -> str:
    """Why the ticket goes where it goes, in one sentence."""
    if read.foreign:
        return f"It is written in {read.language.code!r}, which this worker does not read."
    if not read.known:
        return f"It is of no kind this worker knows; the nearest is {read.guess.label!r} ({read.guess.confidence:.2f})."
    return f"{read.intent.description} ({read.guess.confidence:.2f} sure)"
