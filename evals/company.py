"""The company eval: what the triage worker would do in made-up companies, against the truth that it cannot see.

Each seed makes another company, with other customers, orders and tickets. Every ticket that waits there is judged as it would be in a
workspace, down to the lane; nothing is sent. What counts for a certificate is what the policy would let run alone, were there one.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, date, datetime, time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from ..agents.brain import EmbeddedBrain
from ..agents.crew import Crew
from ..agents.text_worker import TextWorker
from ..agents.triage import Triage
from ..agents.triage_corpus import intents
from ..agents.triage_replies import replies
from ..agents.triage_settings import TriageSettings
from ..connectors.base import Connector
from ..connectors.company import Company
from ..connectors.company_truth import Truth, load_truth, truth_path
from ..connectors.records import Customer, Ticket
from ..core.action import Proposal
from ..core.case import TicketItem
from ..core.clock import FrozenClock
from ..core.errors import BadInput
from ..core.roster import Roster
from ..core.store import Ledger
from ..core.verdict import Lane
from ..guardrails.policy import Policy, shipped_policy
from ..guardrails.screening import instructions_in_text
from ..guardrails.standing import ERROR_BOUND, QUALITY_DRAW
from ..tools.desk import Desk
from .company_report import KINDS, CompanyReport, Tried, kind_report

SEEDS = tuple(range(110, 140))
"""The companies that the shipped record rests on. How many it takes was found with others, 100 to 109, so that none of these was
looked at before it was counted."""
MOST_SEEDS = 1000
"""How many companies one run tries at most."""
SIZE = 340
"""How many cases wait in each: as many as in a demo."""
TODAY = date(2026, 9, 15)
"""The day on which the companies are made; no word in a ticket depends on it but its dates."""


def seeds_in(text: str) -> tuple[int, ...]:
    """The seeds that `110-139` or `3,5,8` name, sorted and each once; raises BadInput where it names none, or too many."""
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        try:
            low, high = int(first), int(last if dash else first)
        except ValueError as error:
            raise BadInput(f"{part.strip()!r} is no seed and no range of seeds.", hint="Write --seeds 110-139.") from error
        if not 0 <= high - low < MOST_SEEDS - len(found):
            raise BadInput(f"{text!r} names no seed, or more than {MOST_SEEDS}.", hint="Write --seeds 110-139.")
        found |= set(range(low, high + 1))
    return tuple(sorted(found))


def score_company(
    seeds: Iterable[int] = SEEDS,
    *,
    worker: TextWorker | None = None,
    policy: Policy | None = None,
    size: int = SIZE,
    target: float = 0.03,
    confidence: float = 0.95,
    step: Callable[[str], None] = lambda _: None,
) -> CompanyReport:
    """Try the triage worker on every waiting ticket of the companies that `seeds` make.

    Args:
        seeds: Which companies; each seed makes another.
        worker: Another than the shipped one, with the brain to judge.
        policy: Another than the shipped one, for what would run alone.
        size: How many cases wait in each company, tickets among them.
        target: The share of wrong actions that a certificate is asked for.
        confidence: How sure that certificate is to be.
        step: Called with the seed of each company that is done.

    Raises:
        BadInput: No seed, or a size that makes no company.
    """
    worker, policy, named = worker or Triage(), policy or shipped_policy(), tuple(seeds)
    if not named:
        raise BadInput("No seed is given, so that there is no company.", hint="Write --seeds 110-139.")
    tried: list[Tried] = []
    for seed in named:
        tried += _tickets(seed, worker, policy, size)
        step(str(seed))
    kinds = [kind_report(kind, tried, target=target, confidence=confidence) for kind in KINDS]
    return CompanyReport(
        brain=worker.brain,
        tier=worker.model.tier,
        worker=worker.name,
        playbook=worker.playbook.ref,
        policy=policy.ref,
        seeds=named,
        size=size,
        tickets=len({(one.seed, one.ticket) for one in tried}),
        kinds=tuple(kinds),
    )


def _tickets(seed: int, worker: TextWorker, policy: Policy, size: int) -> Iterator[Tried]:
    """What the worker proposes for every ticket of one company that keeps its data contract."""
    clock = FrozenClock(datetime.combine(TODAY, time(9), tzinfo=UTC))
    with TemporaryDirectory(prefix="shiftlead-company-") as folder, ExitStack() as opened:
        path = Path(folder) / "company.db"
        company = opened.enter_context(closing(Company.create(path, seed=seed, size=size, today=TODAY, clock=clock)))
        ledger = opened.enter_context(closing(Ledger.create(f"sqlite:///{path.with_name('ledger.db')}", clock=clock)))
        crew = Crew(
            ledger,
            connectors={company.name: company},
            workers={worker.name: worker},
            policy=policy,
            brain=EmbeddedBrain(),
            roster=Roster(operators={}, keyring=None),
        )
        truths = load_truth(truth_path(path))
        for row in company.sources()["tickets"].pull():
            if row.item is not None and (truth := truths[row.item.source, row.item.external_id]).route != "quarantine":
                yield from _proposals(seed, crew, worker, row.item, truth)


def _proposals(seed: int, crew: Crew, worker: TextWorker, item: TicketItem, truth: Truth) -> Iterator[Tried]:
    company = crew.connectors[Company.name]
    desk = Desk(item, company, operations=frozenset(worker.playbook.operations), clock=crew.ledger.clock)
    assessment = worker.assess(desk, worker.investigate(desk))
    for proposal in assessment.proposals:
        if proposal.action.kind not in KINDS:
            continue
        wrong = faults(proposal, truth, asked(company, item.external_id), TriageSettings.of(worker.playbook))
        yield Tried(
            seed=seed,
            ticket=item.external_id,
            kind=proposal.action.kind,
            confidence=proposal.confidence or 0.0,
            right=not wrong,
            alone=_alone(crew, worker, desk, proposal),
            found=next(iter(proposal.labels), ""),
            truth=", ".join(truth.labels),
            fault="; ".join(wrong),
            subject=item.subject,
        )


def _alone(crew: Crew, worker: TextWorker, desk: Desk, proposal: Proposal) -> bool:
    """Whether it would run without a person, were it certified and not drawn for quality control."""
    texts = [desk.item.subject, *(str(value) for value in desk.item.payload.values() if isinstance(value, str))]
    found = instructions_in_text("\n".join(texts))
    context = crew.context(worker, desk, proposal, brain=worker.brain, warning=found.quote if found else "")
    with crew.ledger.reading() as session:
        verdict = crew.guard.judge(session, proposal, {**context, QUALITY_DRAW: False}, proven={ERROR_BOUND: 0.0})
    return verdict.lane is Lane.ALLOWED


class Asked(NamedTuple):
    """Who asked, as the company's own records say."""

    address: str
    customer_id: str
    """Empty for a stranger."""
    key_account: bool


def asked(company: Connector, ticket_id: str) -> Asked:
    """Who asked in a ticket."""
    (ticket,) = company.read("ticket.get", {"id": ticket_id})
    assert isinstance(ticket, Ticket)
    known = company.read("customer.get", {"id": ticket.customer_id}) if ticket.customer_id else ()
    key_account = any(isinstance(one, Customer) and one.key_account for one in known)
    return Asked(address=ticket.requester or "", customer_id=ticket.customer_id or "", key_account=key_account)


def faults(proposal: Proposal, truth: Truth, who: Asked, settings: TriageSettings) -> list[str]:
    """In words, what of a proposal is not what the truth asks for; empty where it is right.

    A route is right with the queue, the priority and the intent of the truth; one of a text in a foreign language with the queue for
    such texts and the language, for whoever reads it says what it is about. A repeat that was not noticed is wrong either way. A reply
    is right where the truth wants one, its template is that of the true intent, and it goes to the customer who asked.
    """
    kind = proposal.action.kind
    if kind not in truth.operations:
        return [f"{kind} where {', '.join(truth.operations)} is right"]
    wanted = _wanted_reply(truth, who) if kind == "ticket.reply" else _wanted_route(truth, who, settings)
    given = {**proposal.action.arguments, "intent": next(iter(proposal.labels), ""), "party": proposal.action.party}
    return [f"{name} {given.get(name)}, not {value}" for name, value in wanted.items() if given.get(name) != value]


def _wanted_route(truth: Truth, who: Asked, settings: TriageSettings) -> dict[str, Any]:
    language = truth.facts["language"]
    if language not in settings.languages:
        return {"queue": settings.language_queue, "language": language}
    intent = intents()[truth.labels[0]]
    priority = max(1, intent.priority - 1) if who.key_account else intent.priority
    return {"intent": intent.intent, "queue": intent.queue, "priority": priority, "language": language}


def _wanted_reply(truth: Truth, who: Asked) -> dict[str, Any]:
    key = intents()[truth.labels[0]].reply
    return {"template": replies().ref(key) if key else "", "to": who.address, "party": who.customer_id}
