"""The triage worker: what a ticket is about, where it goes, whether it repeats another, and who settles it."""

from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from ..connectors.records import Customer, Invoice, Receivable, Ticket
from ..core.action import Proposal
from ..core.clock import today
from ..guardrails.screening import instructions_in_text
from ..guardrails.senders import sender_facts
from ..tools.desk import Desk
from .brain_shelf import shipped_text_brain
from .entities import Entity, EntityKind, entities_of
from .language import Language, language_of
from .playbook import Playbook
from .repeats import Repeat, find_repeat
from .text_brain import Prediction, TextBrain
from .text_data import Example
from .text_worker import Opinion, TextWorker
from .ticket_reading import Read, reasons, show
from .triage_corpus import OUT_OF_SCOPE, Intent, intents, shipped
from .triage_handoffs import handoffs
from .triage_replies import is_automatic, replies, reply_subject
from .triage_settings import TriageSettings
from .worker import Assessment


class Triage(TextWorker):
    """Takes help-desk tickets."""

    name: ClassVar[str] = "triage"
    takes: ClassVar[frozenset[str]] = frozenset({"ticket"})
    task: ClassVar[str] = "triage"
    taught_by: ClassVar[str] = "ticket.route"
    text: ClassVar[str] = "ticket text"

    def __init__(self, playbook: Playbook | None = None) -> None:
        super().__init__(playbook)
        self.settings = TriageSettings.of(self.playbook)
        self.model = TextBrain.load(Path(self.settings.model)) if self.settings.model else shipped_text_brain(self.task)

    def investigate(self, desk: Desk) -> object:
        """Read the ticket, its requester and what it refers to; a Read, or in words what is missing."""
        reference = str(desk.item.payload.get("ref") or desk.item.external_id)
        ticket = desk.one("ticket.get", Ticket, id=reference)
        if ticket is None:
            return f"Ticket {reference!r} is not in {desk.item.source} any more."
        text = f"{ticket.subject}\n{ticket.body}" if ticket.subject not in ticket.body else ticket.body
        desk.quote(self.text, text)
        desk.cite("requester", ticket.requester, of=ticket)
        customer = _customer(desk, ticket)
        earlier = desk.read("ticket.list", Ticket, requester=ticket.requester) if ticket.requester else []
        language, guess = language_of(text), self.model.predict(text)
        foreign = self._foreign(language)
        intent = self._intent(guess)
        mentions = entities_of(text, reference=today(desk.clock))
        read = Read(
            ticket=ticket,
            customer=customer,
            language=language,
            guess=guess,
            intent=intent,
            mentions=mentions,
            repeat=find_repeat(
                ticket, earlier, within=timedelta(days=self.settings.repeat_days), floor=self.settings.repeat_likeness
            ),
            invoices=_own_invoices(desk, customer, mentions),
            receivables=_receivables(desk, customer, intent),
            instructions=instructions_in_text(text) is not None,
            foreign=foreign,
        )
        show(desk, read, model=self.model)
        return read

    def assess(self, desk: Desk, findings: object) -> Assessment:
        """Merge a repeat; else route, reply where a template answers, and hand on what others settle."""
        if not isinstance(findings, Read):
            return Assessment(question=str(findings), summary=str(findings))
        return self._concluded(desk, findings).model_copy(update={"brain": self.brain})

    def _concluded(self, desk: Desk, findings: Read) -> Assessment:
        if findings.repeat is not None:
            return self._merge(desk, findings, findings.repeat)
        proposals = [self._route(desk, findings)]
        answered = findings.known and not is_automatic(findings.ticket.requester)
        if answered and findings.intent.reply and findings.customer is not None:
            proposals.append(self._reply(desk, findings, findings.customer, findings.intent.reply))
        handed_on = handoffs(desk, findings)
        summary = f"{findings.intent.intent.replace('_', ' ')} for {proposals[0].action.arguments['queue']}"
        return Assessment(proposals=tuple(proposals), handoffs=handed_on, summary=summary)

    @property
    def labels(self) -> frozenset[str]:
        """The desk's intents, and that it is none of them."""
        return frozenset(intents())

    def corpus(self) -> list[Example]:
        """The corpus of the shipped model."""
        return shipped()

    def opinion(self, text: str) -> Opinion:
        """The intent that a ticket with this text would be routed by."""
        language, guess = language_of(text), self.model.predict(text)
        foreign, intent = self._foreign(language), self._intent(guess)
        return Opinion(label=intent.intent, confidence=_sure(language, guess, intent, foreign=foreign))

    def truth_in(self, proposal: Proposal) -> str:
        """The intent that the queue and the tags of a route agree on; of a text in a foreign language nothing is learnt."""
        known, given = intents(), proposal.action.arguments
        if given.get("language") not in self.settings.languages:
            return ""
        tagged = [one for one in given.get("tags", ()) if one in known]
        fitting = [one.intent for one in known.values() if one.queue == given.get("queue")]
        if len(tagged) == 1 and tagged[0] in fitting:
            return str(tagged[0])
        # A person who changed the queue alone said what it is only where the queue takes one kind of ticket.
        return fitting[0] if len(fitting) == 1 and tagged in ([], list(proposal.labels)) else ""

    def facts_of(self, label: str, proposal: Proposal) -> dict[str, Any]:
        """The intent and what follows from it; a foreign ticket goes to its own queue whatever it is about."""
        if proposal.action.arguments.get("language") not in self.settings.languages:
            return {"intent": label}
        return {"intent": label, "queue": intents()[label].queue, "out_of_scope": label == OUT_OF_SCOPE}

    def _foreign(self, language: Language) -> bool:
        return language.code not in self.settings.languages and language.confidence >= self.settings.language_floor

    def _intent(self, guess: Prediction) -> Intent:
        known = intents()
        unsure = guess.confidence < self.settings.scope_floor or guess.label not in known
        return known[OUT_OF_SCOPE if unsure else guess.label]

    def _merge(self, desk: Desk, read: Read, repeat: Repeat) -> Assessment:
        why = f"The same requester said the same in {repeat.ticket.id} on {repeat.ticket.created_at:%Y-%m-%d}."
        proposal = desk.propose(
            "ticket.merge",
            read.ticket,
            {"ticket_id": read.ticket.id, "duplicate_of": repeat.ticket.id},
            confidence=round(repeat.likeness, 4),
            rationale=why,
            labels=("duplicate",),
            steps=(1, 3),
            facts=self._facts(read),
        )
        return Assessment(proposals=(proposal,), summary=why)

    def _route(self, desk: Desk, read: Read) -> Proposal:
        intent, ticket = read.intent, read.ticket
        key_account = read.customer is not None and read.customer.key_account
        arguments = {
            "ticket_id": ticket.id,
            "queue": self.settings.language_queue if read.foreign else intent.queue,
            "priority": max(1, intent.priority - 1) if key_account else intent.priority,
            "language": read.language.code if read.foreign else next(iter(self.settings.languages), "en"),
            "tags": (intent.intent,),
        }
        return desk.propose(
            "ticket.route",
            ticket,
            arguments,
            confidence=self._confidence(read),
            rationale=reasons(read),
            labels=(intent.intent,),
            steps=(1, 2, 4, 5),
            facts={**self._facts(read), "queue": str(arguments["queue"])},
        )

    def _reply(self, desk: Desk, read: Read, customer: Customer, key: str) -> Proposal:
        approved, ticket = replies(), read.ticket
        proposal = desk.propose(
            "ticket.reply",
            ticket,
            {
                "ticket_id": ticket.id,
                "to": ticket.requester,
                "subject": reply_subject(ticket.subject, ticket.id),
                "body": approved.draft(key, name=customer.name, ticket=ticket.id, house=self.settings.house.name),
                "template": approved.ref(key),
            },
            confidence=self._confidence(read),
            rationale=f"The approved reply {key!r} answers it.",
            labels=(read.intent.intent,),
            steps=(6,),
            facts={**self._facts(read), "template": approved.ref(key)},
        )
        # A ticket need not name its customer; replies are counted for whoever gets them.
        return proposal.model_copy(update={"action": proposal.action.model_copy(update={"party": customer.id})})

    def _confidence(self, read: Read) -> float:
        return _sure(read.language, read.guess, read.intent, foreign=read.foreign)

    def _facts(self, read: Read) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "intent": read.intent.intent,
            "language": read.language.code,
            "out_of_scope": not read.known,
            "instructions_in_text": read.instructions,
            **_sender(read),
        }
        if read.customer is not None:
            facts["vulnerable"] = read.customer.vulnerable
            facts["key_account"] = read.customer.key_account
            facts["do_not_contact"] = read.customer.do_not_contact
        return facts


def _sure(language: Language, guess: Prediction, intent: Intent, *, foreign: bool) -> float:
    """How sure the proposal is right: of the intent, or, where it only sends the ticket to a person, that it has none."""
    if foreign:
        return round(language.confidence, 4)
    return round(1 - guess.in_scope if intent.intent == OUT_OF_SCOPE else guess.confidence, 4)


def _customer(desk: Desk, ticket: Ticket) -> Customer | None:
    if ticket.customer_id:
        return desk.one("customer.get", Customer, id=ticket.customer_id)
    return desk.one("customer.find", Customer, email=ticket.requester) if ticket.requester else None


def _sender(read: Read) -> dict[str, Any]:
    ticket, known = read.ticket, [read.customer.email] if read.customer else []
    headers = {"from": ticket.requester, "reply_to": ticket.extra.get("reply_to", ""), "body": ticket.body}
    return sender_facts(headers, subject=ticket.subject, known=known)


def _own_invoices(desk: Desk, customer: Customer | None, mentions: tuple[Entity, ...]) -> tuple[Invoice, ...]:
    """The invoices that the text mentions and that really are this customer's."""
    numbers = {one.value for one in mentions if one.kind is EntityKind.INVOICE}
    if customer is None or not numbers:
        return ()
    billed = desk.read("invoice.list", Invoice, party_id=customer.id)
    return tuple(one for one in billed if {one.number, one.id} & numbers)


def _receivables(desk: Desk, customer: Customer | None, intent: Intent) -> tuple[Receivable, ...]:
    if customer is None or intent.hands_to != "collections":
        return ()
    return tuple(desk.read("receivable.list", Receivable, customer_id=customer.id))
