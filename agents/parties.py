"""The parties of a case: what its records hold about customers, suppliers and people, and what an action would tell one of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..connectors.records import Contact, Customer, Invoice, Quote, Receivable, Record, Supplier, Ticket
from ..core.action import Proposal
from ..core.case import TicketItem
from ..guardrails.disclosure import OUTWARD, SHIPPED, disclosed, free_texts, goes_out
from ..guardrails.known_values import KnownValue, KnownValues
from ..guardrails.personal_data import Kind, PersonalData, Recogniser
from ..guardrails.spelling import comparable
from ..tools.desk import Desk

HOUSE = "house"
"""The owner of what we say about ourselves."""

_EXTRA = {
    "mail": Kind.EMAIL, "phone": Kind.PHONE, "mobile": Kind.PHONE, "fax": Kind.PHONE, "address": Kind.ADDRESS, "street": Kind.ADDRESS,
    "iban": Kind.IBAN, "account_no": Kind.ACCOUNT, "account_number": Kind.ACCOUNT,
    "bank_account": Kind.ACCOUNT, "vat": Kind.TAXID, "tax": Kind.TAXID, "ssn": Kind.NATIONALID, "national_id": Kind.NATIONALID,
    "passport": Kind.NATIONALID, "name": Kind.NAME,
}  # fmt: skip
"""What a field of `extra` holds, by the first of these words in its name."""


def known_values(desk: Desk) -> KnownValues:
    """Every name, address and number in the records that were read for the case, and in who its ticket says it is from."""
    return KnownValues((*of_records(desk.records.values()), *_of_item(desk.item)))


def of_records(records: Iterable[Record]) -> Iterator[KnownValue]:
    """Every name, address and number in `records`."""
    for record in records:
        owner = owner_of(record)
        for kind, value, person in _fields(record):
            if value:
                yield KnownValue(kind=kind, value=value, owner=owner, person=person)
        if isinstance(record, Quote) and record.approved_by:
            yield KnownValue(kind=Kind.NAME, value=record.approved_by, owner=HOUSE, person=True)
        yield from _extra(record.extra, owner)


def owner_of(record: Record) -> str:
    """Id of the customer or supplier whom a record belongs to; the requester, or the record itself, where it names none."""
    if isinstance(record, Customer | Supplier):
        return record.id
    named = (getattr(record, name, None) for name in ("party_id", "customer_id", "supplier_id"))
    if found := next((str(one) for one in named if one), ""):
        return found
    requester = getattr(record, "requester", "")
    return _requester(requester) if requester else f"{record.kind}/{record.id}"


def house_values(settings: Mapping[str, Any]) -> tuple[KnownValue, ...]:
    """What a playbook's settings say about ourselves: the name that messages are signed with, and how to reach us."""
    house = settings.get("house")
    told = house if isinstance(house, Mapping) else {"name": house}
    kinds = (("name", Kind.NAME), ("email", Kind.EMAIL), ("phone", Kind.PHONE))
    found = ((kind, told.get(name)) for name, kind in kinds)
    return tuple(KnownValue(kind=kind, value=value, owner=HOUSE) for kind, value in found if isinstance(value, str) and value)


def tells_of_others(
    proposal: Proposal,
    authority: tuple[str, ...],
    desk: Desk,
    settings: Mapping[str, Any],
    *,
    more: Sequence[Recogniser] = (),
) -> PersonalData:
    """How sure it is that the words of an action tell its recipient about somebody else; none where it writes to nobody.

    `more` looks beside our own recognisers.
    """
    if not goes_out(authority):
        return PersonalData.NONE
    action = proposal.action
    known = known_values(desk)
    texts = free_texts(action.arguments, authority)
    to = _recipients(proposal, known)
    looking = (*SHIPPED, *more)
    return disclosed(texts, known=known, to=to, house=house_values(settings), recognisers=looking).level


def _recipients(proposal: Proposal, known: KnownValues) -> set[str]:
    """Whose values the reader of an action knows already: its party's, and those of whoever has the address it goes to."""
    action = proposal.action
    addresses = {comparable(str(action.arguments.get(name) or "")) for name in OUTWARD} - {""}
    owners = {one.owner for one in known.values if comparable(one.value) in addresses}
    return (owners | {action.party, f"{action.target.kind}/{action.target.id}"}) - {""}


def _fields(record: Record) -> Iterator[tuple[Kind, str, bool]]:
    yield Kind.REFERENCE, record.id, False
    if isinstance(record, Customer | Supplier | Contact):
        yield Kind.NAME, record.name, isinstance(record, Contact)
        yield Kind.EMAIL, record.email, False
        yield Kind.PHONE, record.phone, False
    if isinstance(record, Supplier):
        yield from ((Kind.NAME, alias, False) for alias in record.aliases)
        yield Kind.TAXID, record.tax_id, False
        yield Kind.IBAN, record.iban, False
    elif isinstance(record, Ticket):
        yield _from(record.requester), record.requester, True
    elif isinstance(record, Invoice):
        yield Kind.REFERENCE, record.number, False
        yield Kind.REFERENCE, record.order_id, False
        yield Kind.NAME, record.party_name, False
        yield Kind.TAXID, record.party_tax_id, False
        yield Kind.IBAN, record.iban, False
    elif isinstance(record, Receivable):
        yield Kind.REFERENCE, record.invoice_number, False


def _extra(extra: Mapping[str, Any], owner: str) -> Iterator[KnownValue]:
    for name, value in extra.items():
        kind = next((kind for word, kind in _EXTRA.items() if word in name.lower()), None)
        if isinstance(value, Mapping):
            yield from _extra({f"{name}_{inner}": one for inner, one in value.items()}, owner)
        elif kind is not None and isinstance(value, str) and value.strip():
            yield KnownValue(kind=kind, value=value, owner=owner)


def _of_item(item: TicketItem) -> Iterator[KnownValue]:
    requester = item.payload.get("requester")
    requester = requester if isinstance(requester, str) else ""
    owner = _requester(requester) if requester else f"{item.kind}/{item.external_id}"
    if requester:
        yield KnownValue(kind=_from(requester), value=requester, owner=owner, person=True)
    if item.party:
        yield KnownValue(kind=Kind.NAME, value=item.party, owner=owner)


def _requester(requester: str) -> str:
    return f"requester/{requester.strip().casefold()}"


def _from(requester: str) -> Kind:
    return Kind.EMAIL if "@" in requester else Kind.NAME
