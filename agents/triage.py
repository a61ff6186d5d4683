"""The triage worker: what a ticket is about, where it goes, whether it repeats another, and who settles it."""

from datetime import timedelta
from functools import cache
from importlib.resources import as_file, files
from typing import Any, ClassVar

from pydantic import Field, ValidationError

from ..connectors.records import Customer, Invoice, Receivable, Ticket
from ..core.action import Proposal
from ..core.case import TicketItem
from ..core.clock import today
from ..core.errors import SettingsError
from ..core.noun import Noun
from ..guardrails.screening import instructions_in_text
from ..tools.desk import Desk
from .entities import Entity, EntityKind, entities_of
from .language import Language, language_of
from .playbook import Playbook
from .repeats import Repeat, find_repeat
from .text_model import Prediction, TextModel
from .triage_corpus import Intent, intents
from .triage_replies import replies
from .worker import Assessment, Worker

OUT_OF_SCOPE = "out_of_scope"
_HANDED_AS = {"invoices": "billing_dispute", "collections": "promise_to_pay"}


class TriageSettings(Noun):
    """The playbook's numbers and words."""

    languages: tuple[str, ...] = ("en",)
    """The languages the model reads."""
    language_floor: float = Field(default=0.35, ge=0, le=1)
    """How sure another language must be before a ticket counts as foreign."""
    scope_floor: float = Field(default=0.40, ge=0, le=1)
    repeat_days: int = Field(default=7, ge=1)
    repeat_likeness: float = Field(default=0.80, ge=0, le=1)
    general_queue: str = "service"
    language_queue: str = "service"

    @classmethod
    def of(cls, playbook: Playbook) -> "TriageSettings":
        """The settings of a playbook; raises SettingsError naming the one that is wrong."""
        try:
            return cls.model_validate(playbook.settings)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise SettingsError(f"Playbook {playbook.ref}: settings.{where}: {first['msg']}.", hint="Mend it.") from error


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


class Triage(Worker):
    """Takes help-desk tickets."""

    name: ClassVar[str] = "triage"
    takes: ClassVar[frozenset[str]] = frozenset({"ticket"})

    def __init__(self, playbook: Playbook | None = None) -> None:
        super().__init__(playbook)
        self.settings = TriageSettings.of(self.playbook)

    def investigate(self, desk: Desk) -> object:
        """Read the ticket, its requester and what it refers to; a Read, or in words what is missing."""
        reference = str(desk.item.payload.get("ref") or desk.item.external_id)
        ticket = desk.one("ticket.get", Ticket, id=reference)
        if ticket is None:
            return f"Ticket {reference!r} is not in {desk.item.source} any more."
        text = f"{ticket.subject}\n{ticket.body}" if ticket.subject not in ticket.body else ticket.body
        desk.quote("ticket text", text)
        desk.cite("requester", ticket.requester, of=ticket)
        customer = _customer(desk, ticket)
        earlier = desk.read("ticket.list", Ticket, requester=ticket.requester) if ticket.requester else []
        language, guess = language_of(text), model().predict(text)
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
        _show(desk, read)
        return read

    def assess(self, desk: Desk, findings: object) -> Assessment:
        """Merge a repeat; else route, reply where a template answers, and hand on what others settle."""
        if not isinstance(findings, Read):
            return Assessment(question=str(findings), summary=str(findings))
        if findings.repeat is not None:
            return self._merge(desk, findings, findings.repeat)
        proposals = [self._route(desk, findings)]
        if findings.known and findings.intent.reply and findings.customer is not None:
            proposals.append(self._reply(desk, findings, findings.customer, findings.intent.reply))
        handoffs = _handoffs(desk, findings)
        summary = f"{findings.intent.intent.replace('_', ' ')} for {proposals[0].action.arguments['queue']}"
        return Assessment(proposals=tuple(proposals), handoffs=handoffs, summary=summary)

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
            "language": read.language.code if read.foreign else "en",
            "tags": (intent.intent,),
        }
        return desk.propose(
            "ticket.route",
            ticket,
            arguments,
            confidence=self._confidence(read),
            rationale=_reasons(read),
            labels=(intent.intent,),
            steps=(1, 2, 4, 5),
            facts={**self._facts(read), "queue": str(arguments["queue"])},
        )

    def _reply(self, desk: Desk, read: Read, customer: Customer, key: str) -> Proposal:
        approved, ticket = replies(), read.ticket
        subject = ticket.subject if ticket.subject.casefold().startswith("re:") else f"Re: {ticket.subject}"
        return desk.propose(
            "ticket.reply",
            ticket,
            {
                "ticket_id": ticket.id,
                "to": ticket.requester,
                "subject": " ".join(subject.split())[:120],
                "body": approved.draft(key, name=customer.name, ticket=ticket.id),
                "template": approved.ref(key),
            },
            confidence=self._confidence(read),
            rationale=f"The approved reply {key!r} answers it.",
            labels=(read.intent.intent,),
            steps=(6,),
            facts={**self._facts(read), "template": approved.ref(key)},
        )

    def _confidence(self, read: Read) -> float:
        """How sure the proposal is right: of the intent, or, where it only sends the ticket to a person, that it has none."""
        if read.foreign:
            return round(read.language.confidence, 4)
        return round(read.guess.confidence if read.known else 1 - read.guess.in_scope, 4)

    def _facts(self, read: Read) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "intent": read.intent.intent,
            "language": read.language.code,
            "out_of_scope": not read.known,
            "instructions_in_text": read.instructions,
        }
        if read.customer is not None:
            facts["vulnerable"] = read.customer.vulnerable
            facts["key_account"] = read.customer.key_account
            facts["do_not_contact"] = read.customer.do_not_contact
        return facts


@cache
def model() -> TextModel:
    """The classifier that ships with the worker."""
    with as_file(files(__package__).joinpath("triage_model.npz")) as path:
        return TextModel.load(path)


def _customer(desk: Desk, ticket: Ticket) -> Customer | None:
    if ticket.customer_id:
        return desk.one("customer.get", Customer, id=ticket.customer_id)
    return desk.one("customer.find", Customer, email=ticket.requester) if ticket.requester else None


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


def _show(desk: Desk, read: Read) -> None:
    if read.customer is not None:
        desk.cite("customer", read.customer.name, of=read.customer)
    for invoice in read.invoices:
        desk.cite(f"invoice {invoice.number}", invoice.gross, of=invoice, note=f"{invoice.status}, mentioned in the text")
    desk.conclude("language", read.language.code, f"{read.language.confidence:.2f} sure")
    best = ", ".join(f"{one.label} {one.confidence:.2f}" for one in read.guess.alternatives[:2])
    desk.conclude("intent", read.guess.label, f"{read.guess.confidence:.2f} sure; then {best}")
    if read.repeat is not None:
        desk.cite("earlier ticket", read.repeat.ticket.id, of=read.repeat.ticket, note=f"{read.repeat.likeness:.0%} alike")


def _reasons(read: Read) -> str:
    if read.foreign:
        return f"It is written in {read.language.code!r}, which this worker does not read."
    if not read.known:
        return f"It is of no kind this worker knows; the nearest is {read.guess.label!r} ({read.guess.confidence:.2f})."
    return f"{read.intent.description} ({read.guess.confidence:.2f} sure)"


def _handoffs(desk: Desk, read: Read) -> tuple[TicketItem, ...]:
    """The case of its own that another worker takes, where the requester is a customer on record."""
    hands_to = read.intent.hands_to
    if not read.known or hands_to is None or read.customer is None or read.instructions:
        return ()
    kind = _HANDED_AS[hands_to]
    payload = _dispute(read) if hands_to == "invoices" else _promise(read)
    item = desk.item.model_copy(
        update={
            "external_id": f"{desk.item.external_id}/{read.intent.intent}",
            "kind": kind,
            "subject": f"{read.intent.intent.replace('_', ' ')}: {read.ticket.subject}"[:120],
            "party": read.customer.name,
            "priority": read.intent.priority,
            "due_at": None,
            "payload": payload,
        }
    )
    return (item,)


def _dispute(read: Read) -> dict[str, Any]:
    """The ticket's words, with the invoice where exactly one of the customer's own is mentioned."""
    payload: dict[str, Any] = {"ticket": read.ticket.id, "requester": read.ticket.requester, "body": read.ticket.body}
    if len(read.invoices) == 1:
        payload["ref"] = read.invoices[0].id
    return payload


def _promise(read: Read) -> dict[str, Any]:
    """What the text promises; collections compares every word of it with the account."""
    assert read.customer is not None
    payload: dict[str, Any] = {
        "ref": read.customer.id,
        "ticket": read.ticket.id,
        "intent": read.intent.intent,
        "body": read.ticket.body,
    }
    days = [one.day for one in read.mentions if one.kind is EntityKind.DATE and one.day is not None and one.certain]
    amounts = [one.money for one in read.mentions if one.kind is EntityKind.AMOUNT and one.money is not None]
    if len(days) == 1:
        payload["promised_on"] = days[0].isoformat()
    if len(amounts) == 1:
        payload["amount"], payload["currency"] = format(amounts[0].amount, "f"), amounts[0].currency
    numbers = {one.value for one in read.mentions if one.kind is EntityKind.INVOICE}
    named = [one.id for one in read.receivables if {one.id, one.invoice_number} & numbers]
    if named:
        payload["receivable_ids"] = named
    return payload
