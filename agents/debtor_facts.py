"""Who a debtor is and how an account stands, as the facts that contact rules look at; what is not known is left out.

A mark that a record may carry (`deceased`, `complaint_open`, …) counts as not set where the record has none; whom a law protects
is never guessed.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from ..connectors.records import Contact, Customer, Receivable, Record
from .account import Account, days_overdue
from .collections_settings import CollectionsSettings
from .debtor_zones import country_code

_COMPANY = re.compile(
    r"\b(?:gmbh|kgaa|ohg|ltd|limited|plc|llp|llc|inc|incorporated|corp|corporation|dac|sarl|sas|srl|spa|oyj|aps|sp ?z ?o ?o|sro)$",
    re.IGNORECASE,
)
_SHORT = re.compile(r"[a-z].*\b(?:AG|KG|UG|SE|SA|BV|NV|SL|AB|AS|OY)$")
"""Forms of two letters are surnames too (Sa, Se), so they count only in capitals behind a name that is not."""
_SOLE = frozenset(
    {"sole_trader", "sole_proprietor", "sole_proprietorship", "einzelunternehmen", "einzelkaufmann", "individual"}
)
_REGIONAL = frozenset({"US"})
"""Countries in which a state or city may protect a debtor further."""
_CUSTOMER_MARKS = {
    "deceased": "deceased",
    "identity_theft_claim": "identity_theft",
    "fraud_flag": "fraud_flag",
    "moratorium": "moratorium",
    "complaint_open": "complaint_open",
}
"""Facts by the mark in a customer's `extra`."""
_MARKS = ("payment_in_transit", "credit_note_pending")
"""Marks that a customer or a receivable may carry."""
_YES, _NO = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0"})
_KNOWN = ("written_consent", "validation_notice_sent")
"""What only a record can say, either way."""


def told(extra: Mapping[str, Any], name: str) -> bool | None:
    """What a column says, as true, false or, where it says neither, None."""
    word = str(extra.get(name, "")).strip().lower()
    return True if word in _YES else False if word in _NO else None


def marked(extra: Mapping[str, Any], name: str) -> bool:
    """Whether a mark is set; any other word than no, such as a date, sets it."""
    return extra.get(name) not in (None, "") and told(extra, name) is not False


def debtor_facts(customer: Customer, contacts: Iterable[Contact]) -> dict[str, Any]:
    """Whom the law sees in the debtor, and the marks on their record."""
    extra = customer.extra
    facts: dict[str, Any] = {name: marked(extra, mark) for name, mark in _CUSTOMER_MARKS.items()}
    facts["guarantor"] = any(re.search(r"\bguarantor\b", one.role.lower()) for one in contacts)
    facts |= {name: said for name in _KNOWN if (said := told(extra, name)) is not None}
    country = country_code(customer.country)
    found: dict[str, Any] = {"country": country or None, "region": _region(country, extra)}
    found |= {"consumer": is_consumer(customer), "sole_trader": _sole_trader(customer)}
    return facts | {name: value for name, value in found.items() if value is not None}


def account_facts(account: Account, about: Iterable[Receivable], today: date, settings: CollectionsSettings) -> dict[str, Any]:
    """How what the contact is about stands: disputes, promises, payments under way, age."""
    about = tuple(about)
    mine = {one.id for one in about}
    grace = settings.promise_grace_days
    oldest = max((days_overdue(one, today) for one in about), default=0)
    records: tuple[Record, ...] = (account.customer, *about)
    facts: dict[str, Any] = {name: any(marked(record.extra, name) for record in records) for name in _MARKS}
    facts["payment_in_transit"] = facts["payment_in_transit"] or any(one.date > today for one in account.payments)
    return facts | {
        "disputed": any(one.disputed for one in about),
        "promise_open": any(one.id in mine for one in account.promised(today, grace)),
        "promise_broken": any(one.id in mine for one in account.broken(today, grace)),
        "days_overdue": oldest,
        "time_barred": oldest >= settings.time_barred_days or marked(account.customer.extra, "time_barred"),
        "unapplied_cash": bool(account.unallocated(today, settings.unallocated_days)),
        "delivery_unproven": any(told(one.extra, "delivery_proven") is False for one in about),
    }


def recipient_facts(address: str, record: Record, account: Account) -> dict[str, Any]:
    """Whether an address or number is the debtor's own, as the records have it."""
    own = {account.customer.email, account.customer.phone}
    own |= {value for one in account.contacts for value in (one.email, one.phone)}
    foreign = address not in own or bool(re.search(r"[,;\s]\S+@", address))
    return {
        "third_party_recipient": foreign,
        "work_mailbox": isinstance(record, Contact) or marked(record.extra, "work_mailbox"),
    }


def is_consumer(customer: Customer) -> bool | None:
    """Whether the debtor owes for private purposes; None where nothing tells."""
    if customer.segment == "consumer":
        return True
    return False if customer.segment or _is_company(customer) or _legal_form(customer.extra) else None


def _sole_trader(customer: Customer) -> bool | None:
    form = _legal_form(customer.extra)
    said = told(customer.extra, "sole_trader")
    if said is not None:
        return said
    if form:
        return form in _SOLE
    return False if customer.segment == "consumer" or _is_company(customer) else None


def _is_company(customer: Customer) -> bool:
    """Whether the name ends in a legal form, which only a company may bear."""
    name = re.sub(r"[.,]", "", customer.name).strip()
    return bool(_COMPANY.search(name) or _SHORT.search(name))


def _legal_form(extra: Mapping[str, Any]) -> str:
    return str(extra.get("legal_form") or "").strip().lower().replace(" ", "_")


_A_REGION = re.compile(r"(?!US-NY$)[A-Z]{2}-[A-Z0-9]{1,5}")
"""A region as the packs write it; a word for one (`New York`) protects as if nothing were known, and the state holds the city."""


def _region(country: str, extra: Mapping[str, Any]) -> str | None:
    """`US-NYC` as the record has it, or a state; None where a state or city may count and is not known."""
    told = str(extra.get("region") or "").strip().upper()
    if _A_REGION.fullmatch(told):
        return told
    if country not in _REGIONAL:
        return "" if country else None
    if told:
        return None
    state = str(extra.get("state") or "").strip().upper()
    # New York State holds New York City, whose parts go by many names.
    return f"{country}-{state}" if re.fullmatch("[A-Z]{2}", state) and state != "NY" else None
