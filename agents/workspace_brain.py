"""The brain of a workspace: the one its file names, tied to the ledger that keeps what it says and tells what that was worth."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..core import exchanges, queue
from ..core.case import TicketItem
from ..core.exchanges import ModelExchange
from ..core.settings import Place
from ..core.store import Ledger
from ..guardrails.personal_data import Recogniser
from .brain import EMBEDDED, Brain, EmbeddedBrain, make_brain

if TYPE_CHECKING:
    from .allowance import Spent
    from .cassette import Cassette
    from .interview import Exchange

_SHARED = frozenset({"brain", "attempt", "prompt", "answer", "problem", "at", "prompt_ref", "prompt_digest"})


def workspace_brain(
    place: Place,
    ledger: Ledger,
    named: str = "",
    *,
    recognisers: Sequence[Recogniser] = (),
    cassette: "Cassette | None" = None,
) -> Brain:
    """The brain that a workspace names, or `named` in its place.

    Raises BadInput where that names nothing, another ShiftleadError where the model cannot be made or used so.
    """
    spec = named or place.workspace.brain
    if spec == EMBEDDED:
        return EmbeddedBrain()
    from .meanings import Meanings

    return make_brain(
        spec,
        models=place.workspace.models,
        record=recorder(ledger),
        meaning=Meanings(ledger),
        before=spent_before(ledger),
        recognisers=recognisers,
        cassette=cassette,
    )


def recorder(ledger: Ledger) -> Callable[["Exchange"], None]:
    """Keeps every exchange with a model in `ledger`, on the case that it belongs to."""

    def keep(exchange: "Exchange") -> None:
        with ledger.transaction() as tx:
            ticket = (exchange.source, exchange.external_id, exchange.revision)
            case_id = queue.id_of_ticket(tx, *ticket)
            shared = exchange.model_dump(include=set(_SHARED))
            exchanges.put(tx, ModelExchange(case_id=case_id, **shared, **exchange.spent.model_dump()))

    return keep


def spent_before(ledger: Ledger) -> Callable[[TicketItem], "Spent"]:
    """Tells what earlier looks at a case have used, so that a case which comes back does not begin its budget anew."""

    def before(item: TicketItem) -> "Spent":
        from .allowance import spent_on

        with ledger.transaction() as tx:
            case_id = queue.id_of_ticket(tx, item.source, item.external_id, item.revision)
            return spent_on(exchanges.of_case(tx.session, case_id))

    return before
