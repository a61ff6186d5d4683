"""A small help desk: the triage worker with tiny brains over a few plain tickets, and people's decisions about what it proposes."""

from collections import defaultdict
from collections.abc import Container
from datetime import UTC, datetime
from functools import cache
from itertools import count
from typing import Any

from sqlalchemy import text
from stage import CYD, LEA, ROSTER, signer

from shiftlead.agents.brain import EmbeddedBrain
from shiftlead.agents.crew import Crew
from shiftlead.agents.promotion import Bench
from shiftlead.agents.runner import Runner
from shiftlead.agents.text_brain import TextBrain
from shiftlead.agents.text_data import Example
from shiftlead.agents.text_training import train
from shiftlead.agents.text_worker import envelope_name
from shiftlead.agents.triage import Triage
from shiftlead.agents.triage_corpus import shipped
from shiftlead.agents.triage_settings import TriageSettings
from shiftlead.agents.worker import Worker
from shiftlead.connectors.base import Pulled
from shiftlead.connectors.records import Customer, Ticket
from shiftlead.connectors.testing import MemoryConnector
from shiftlead.core import actions, brains, outcomes, queue
from shiftlead.core.actions import SealedAction
from shiftlead.core.approval import DecisionKind
from shiftlead.core.brains import PURPOSE, BrainVersion, Role, Shadow, SignOff
from shiftlead.core.case import Case, TicketItem
from shiftlead.core.keys import LEDGER_KEY, Signer
from shiftlead.core.outcomes import Judged, Stand
from shiftlead.core.roster import Roster, Signing, signature
from shiftlead.core.store import Ledger
from shiftlead.guardrails.policy import Policy, parse_policy

AT = datetime(2026, 9, 15, 9, 0, tzinfo=UTC)
LABELS = ("order_status", "price_quote", "complaint", "out_of_scope")
TEXTS = {
    "order_status": "where is my order SO-{0} and when will it be delivered",
    "price_quote": "please send me a quote for {0} office chairs",
    "complaint": "I want to complain about your rude support staff, ticket {0}",
    "out_of_scope": "what is the capital of country {0} and how do I bake bread",
}
POLICY = """
name: desk
version: 1
owner: tests
actions:
  ticket.route: {max_error: 0.05}
  ticket.reply: {min_confidence: 0.5}
  ticket.merge: {min_confidence: 0.5}
roles:
  operator: {}
  lead: {}
rules:
  - {id: D-1, lane: allowed, actions: [ticket.route], reason: harmless, owner: t, source: t}
  - {id: D-2, lane: reviewed, actions: [ticket.reply, ticket.merge], reason: somebody reads it, owner: t, source: t}
"""
LEAD, SECOND = LEA, CYD


@cache
def corpus() -> dict[str, tuple[Example, ...]]:
    """Examples of the few labels that the desk's tickets have."""
    found: dict[str, list[Example]] = defaultdict(list)
    for example in shipped():
        if example.label in LABELS:
            found[example.label].append(example)
    return {label: tuple(found[label]) for label in LABELS}


@cache
def brain(first: int = 0, *, turned: bool = False) -> TextBrain:
    """A brain of two dozen examples a label, others for each `first`; where `turned`, every label is taken for the next one."""
    names = (*LABELS[1:], LABELS[0]) if turned else LABELS
    listed = [
        Example(text=example.text, label=name)
        for label, name in zip(LABELS, names, strict=True)
        for example in corpus()[label][first::5][:24]
    ]
    return train(listed, task="triage")


class Clerk(Triage):
    """The triage worker, had a tiny brain shipped with it."""

    def __init__(self) -> None:
        Worker.__init__(self, Triage.default_playbook())
        self.settings = TriageSettings.of(self.playbook)
        self.model = brain()

    def corpus(self) -> list[Example]:
        return [example for label in LABELS for example in corpus()[label][::5][:24]]


class HelpDesk:
    """A ledger with a crew of one triage worker, whose shipped brain is `brain()`."""

    def __init__(
        self, ledger: Ledger, policy: str | Policy = POLICY, *, roster: Roster = ROSTER, signing: Signing = signer
    ) -> None:
        self.ledger, self.roster, self.signing = ledger, roster, signing
        self._copies = count()
        self.policy = parse_policy(policy, origin="desk policy") if isinstance(policy, str) else policy
        self.connector = MemoryConnector(clock=ledger.clock)
        self.connector.put(Customer(id="C-1", name="Acme GmbH", email="ana@acme.example", version="1"))
        self.worker = Clerk()
        self.crew = self.new_crew()
        self.crew.register_operations()
        self.bench = Bench(ledger, self.policy, roster, signing, self.own)

    def new_crew(self) -> Crew:
        """A crew as another process would have it."""
        return Crew(
            self.ledger,
            connectors={"memory": self.connector},
            workers={"triage": self.worker},
            policy=self.policy,
            brain=EmbeddedBrain(),
            roster=self.roster,
            sealing=self.own,
        )

    @property
    def own(self) -> Signer:
        """The ledger's own key."""
        return self.signing if isinstance(self.signing, Signer) else self.signing(LEDGER_KEY)

    def open(self, ref: str, label: str, **fields: Any) -> None:
        """A ticket of a kind, with a case about it."""
        given = {
            "requester": f"{ref.lower()}@acme.example",
            "customer_id": "C-1",
            "status": "new",
            "version": "1",
            "body": TEXTS[label].format(ref.removeprefix("T-")),
            **fields,
        }
        self.connector.put(Ticket(id=ref, subject="Question", created_at=AT, **given))
        item = TicketItem(
            source="memory.tickets", external_id=ref, kind="ticket", subject="Question", received_at=AT, payload={"ref": ref}
        )
        self.crew.intake.take(item.source, [Pulled(external_id=ref, item=item)], {})

    def work(self, crew: Crew | None = None) -> Any:
        return Runner(crew or self.crew, owner="w1").until_idle()

    def case(self, ref: str) -> Case:
        with self.ledger.reading() as session:
            return next(one for one in queue.listed(session, limit=10_000) if one.external_id == ref)

    def route(self, ref: str) -> SealedAction:
        with self.ledger.reading() as session:
            return next(one for one in actions.of_case(session, self.case(ref).id) if one.kind == "ticket.route")

    def judge(self, ref: str, decision: DecisionKind = DecisionKind.APPROVE, **given: Any) -> Judged:
        """What somebody decided about the route of a ticket, as the ledger keeps it."""
        return self.judge_sealed(self.route(ref), decision, **given)

    def judge_sealed(self, sealed: SealedAction, decision: DecisionKind = DecisionKind.APPROVE, **given: Any) -> Judged:
        judged = Judged(
            **{
                "digest": sealed.digest,
                "case_id": sealed.case_id,
                "action_id": sealed.id,
                "stand": Stand(worker="triage", kind=sealed.kind, brain=envelope_name(brain().name)),
                "confidence": sealed.envelope.proposal.confidence,
                "right": decision is DecisionKind.APPROVE,
                "counts": True,
                "decision": decision,
                "decided_by": "ana",
                "at": self.ledger.clock.now(),
                **given,
            }
        )
        with self.ledger.transaction() as tx:
            outcomes.add(tx, judged)
        return judged

    def copied(self, sealed: SealedAction) -> SealedAction:
        """The same proposal in a case of its own, sealed as a worker's is."""
        number = next(self._copies)
        ids = {"case_id": f"case_copy{number}", "action_id": f"act_copy{number}"}
        envelope = sealed.envelope.model_copy(update=ids)
        copy = sealed.model_copy(
            update={"id": ids["action_id"], "case_id": ids["case_id"], "envelope": envelope, "digest": envelope.digest()}
        )
        with self.ledger.transaction() as tx:
            actions.add(tx, copy.signed(self.own, LEDGER_KEY))
        return copy

    def busy(
        self,
        challenger: BrainVersion | None = None,
        *,
        cases: int,
        wrong: Container[int] = (),
        confidence: float = 0.97,
        **given: Any,
    ) -> None:
        """That many decided cases that a challenger answered beside the brain at work, wrongly in those numbered in `wrong`.

        The cases share one sealed proposal for each label, since so many runs of the worker would show nothing more.
        """
        for number, label in enumerate(LABELS):
            self.open(f"T-{number}", label)
        self.work()
        first = {label: self.route(f"T-{number}") for number, label in enumerate(LABELS)}
        for number in range(cases):
            label = LABELS[number % 4]
            sealed = self.copied(first[label])
            self.judge_sealed(sealed, **given)
            if challenger is None:
                continue
            said = LABELS[(number + 1) % 4] if number in wrong else label
            shadow = Shadow(
                case_id=sealed.case_id, brain=challenger.digest, label=said, confidence=confidence, at=self.ledger.clock.now()
            )
            with self.ledger.transaction() as tx:
                brains.keep_shadow(tx, shadow)

    def put_to_work(self, version: BrainVersion, *, by: str = "lea", seal: bool = True) -> BrainVersion:
        """The least that puts a version to work, without a comparison."""
        with self.ledger.transaction() as tx:
            before = brains.champion(tx.session, "triage")
            off = SignOff(by=by, role="lead", at=tx.now, reason="tried", replaces=before.digest if before else "")
            said = version.statement(off)
            signed = {"signature": signature(self.signing, by, PURPOSE, said)}
            if seal:
                signed["entered"] = self.own.sign(PURPOSE, said)
            version = version.model_copy(update={"signed": (*version.signed, off.model_copy(update=signed))})
            brains.promote(tx, version)
        return version.model_copy(update={"role": Role.CHAMPION})

    def sql(self, statement: str, **values: Any) -> None:
        """Meddle with one row of the ledger behind everybody's back."""
        with self.ledger.engine.execution_options(write=True).begin() as connection:
            assert connection.execute(text(statement), values).rowcount == 1

    def edit(self, ref: str, **arguments: Any) -> None:
        """What an edit leaves in the ledger: other arguments, and an outcome about what was there before."""
        sealed = self.route(ref)
        judged = self.judge(ref, DecisionKind.EDIT)
        proposal = sealed.envelope.proposal
        action = proposal.action.model_copy(update={"arguments": {**proposal.action.arguments, **arguments}})
        envelope = sealed.envelope.model_copy(update={"proposal": proposal.model_copy(update={"action": action})})
        edited = sealed.model_copy(update={"envelope": envelope, "digest": envelope.digest(), "round": 2, "makers": ("ana",)})
        assert judged.digest != edited.digest
        with self.ledger.transaction() as tx:
            actions.replace(tx, edited.signed(signer, "ana"))
