"""Whether, when and where a debtor may be contacted: the facts that policies look at, and the worker's own restraint.

The rules follow US Regulation F and the New York City contact cap, which are the strict superset for business debtors too.
Untrusted text can only tighten here: a reply that says stop stops, whoever wrote it.
"""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..connectors.records import Activity, Contact, Customer
from ..core.clock import as_utc
from ..core.noun import Noun
from .account import Account
from .collections_settings import CollectionsSettings

_OUTBOUND = frozenset({"call", "email_out", "plan", "letter", "sms"})
_WEEK = timedelta(days=7)
_STOP_WORDS = "stop|end|quit|unsubscribe|abmelden|abbestellen|stopp|arrêt|arret|désabonner|desabonner|désinscription"
_STOP = re.compile(
    rf"^\W*(?:please\s+|bitte\s+)?(?:{_STOP_WORDS})\W*$"
    r"|\bunsubscribe\b|\bdo not contact\b|\bstop (?:contacting|emailing|e-mailing|calling|writing)\b"
    r"|\bkontaktieren sie (?:mich|uns) nicht\b|\bne (?:me|nous) contactez plus\b",
    re.IGNORECASE | re.MULTILINE,
)


class ContactState(Noun):
    """What is known about contacting one customer at one moment."""

    local: datetime | None
    """The moment where the customer is; None where the time zone is unknown."""
    contacts_last_7_days: int
    days_since_last_contact: int | None
    """None where there never was a contact."""
    days_since_last_call: int | None
    opted_out: bool
    """The record says not to contact, or a reply asked to stop."""
    counsel: bool
    """Somebody represents the customer."""
    stop_flag: str = ""
    """The mark that stops all contact: `deceased`."""


def contact_state(account: Account, now: datetime, settings: CollectionsSettings) -> ContactState:
    """The state at `now`, from records and the contact history."""
    outbound = [one for one in account.activities if one.type in _OUTBOUND and as_utc(one.at) <= now]
    extra = account.customer.extra
    return ContactState(
        local=local_time(account.customer, now),
        contacts_last_7_days=sum(now - as_utc(one.at) < _WEEK for one in outbound),
        days_since_last_contact=_days_since(outbound, now),
        days_since_last_call=_days_since((one for one in outbound if one.type == "call"), now),
        opted_out=account.customer.do_not_contact or any(asks_to_stop(one) for one in account.activities),
        counsel=any(_has_role(one, settings.counsel_roles) for one in account.contacts),
        stop_flag=next((name for name in settings.stop_flags if extra.get(name)), ""),
    )


def local_time(customer: Customer, now: datetime) -> datetime | None:
    """`now` where the customer is; None where its time zone is none that the machine knows."""
    try:
        return as_utc(now).astimezone(ZoneInfo(customer.timezone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def asks_to_stop(activity: Activity) -> bool:
    """Whether an incoming mail asks not to be contacted any more."""
    return activity.type == "email_in" and bool(_STOP.search(activity.body) or _STOP.search(activity.subject))


def not_now(state: ContactState, settings: CollectionsSettings, *, more: int = 0) -> str:
    """Why this is no moment for a contact, in words; empty where it is one. `more` contacts are planned before it."""
    hours = settings.hours
    if state.local is not None:
        if not hours.from_ <= state.local.hour < hours.until:
            return (
                f"It is {state.local:%H:%M} where the customer is; contact is allowed "
                f"from {hours.from_:02}:00 to {hours.until:02}:00."
            )
        if settings.weekdays_only and state.local.weekday() >= 5:
            return f"It is {state.local:%A} where the customer is; contact waits for a working day."
    if state.contacts_last_7_days + more >= settings.contacts_per_7_days:
        return f"{state.contacts_last_7_days + more} contacts in the last 7 days; {settings.contacts_per_7_days} is the most allowed."
    since = state.days_since_last_contact
    if since is not None and since < settings.days_between_contacts:
        return f"The last contact was {_ago(since)}; {settings.days_between_contacts} days lie between two contacts."
    return ""


def next_moment(state: ContactState, settings: CollectionsSettings, now: datetime) -> datetime:
    """When to look again where `not_now` said no: the next hour in which contact is allowed, or the same hour a day later."""
    if state.local is None:
        return now + timedelta(days=1)
    candidate = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    offset = state.local.utcoffset() or timedelta(0)
    if _allowed(now + offset, settings):
        candidate = now + timedelta(days=1)
    while not _allowed(candidate + offset, settings):
        candidate += timedelta(hours=1)
    return candidate


def _allowed(local: datetime, settings: CollectionsSettings) -> bool:
    in_hours = settings.hours.from_ <= local.hour < settings.hours.until
    return in_hours and not (settings.weekdays_only and local.weekday() >= 5)


def may_call(account: Account, state: ContactState, settings: CollectionsSettings, now: datetime) -> bool:
    """Whether a call may be asked for: a number on file, no recent call, and no call task that still waits."""
    if not call_number(account, settings)[0]:
        return False
    if state.days_since_last_call is not None and state.days_since_last_call < settings.days_between_calls:
        return False
    return not any(one.type == "task" and timedelta(0) <= now - as_utc(one.at) < _WEEK for one in account.activities)


def mail_address(account: Account, settings: CollectionsSettings) -> tuple[str, Customer | Contact]:
    """Where mail goes, and the record it comes from: the customer's own bookkeeping, else its main address."""
    billing = (one for one in account.contacts if one.email and _has_role(one, settings.billing_roles))
    # A consumer's work mailbox may be read by others, so only the address on the customer itself will do.
    chosen = None if account.customer.segment == "consumer" else next(billing, None)
    record: Customer | Contact = chosen or account.customer
    return record.email, record


def call_number(account: Account, settings: CollectionsSettings) -> tuple[str, Customer | Contact]:
    """Which number to call, and the record it comes from."""
    billing = (one for one in account.contacts if one.phone and _has_role(one, settings.billing_roles))
    chosen = None if account.customer.segment == "consumer" else next(billing, None)
    record: Customer | Contact = chosen or account.customer
    return record.phone, record


def contact_facts(account: Account, state: ContactState, *, more: int = 0) -> dict[str, Any]:
    """The facts of a contact that do not depend on the step; what is not known is left out, never guessed."""
    customer = account.customer
    facts: dict[str, Any] = {
        "contacts_last_7_days": state.contacts_last_7_days + more,
        "do_not_contact": state.opted_out or state.counsel or bool(state.stop_flag),
        "insolvent": customer.insolvent,
        "vulnerable": customer.vulnerable,
        "key_account": customer.key_account,
        "language": customer.language,
    }
    if customer.segment:
        facts["segment"] = customer.segment
    if state.local is not None:
        facts["local_hour"] = state.local.hour
    if state.days_since_last_contact is not None:
        facts["days_since_last_contact"] = state.days_since_last_contact
    return facts


def _has_role(contact: Contact, roles: Iterable[str]) -> bool:
    words = contact.role.lower()
    return any(re.search(rf"\b{re.escape(role)}\b", words) for role in roles)


def _days_since(activities: Iterable[Activity], now: datetime) -> int | None:
    latest = max((as_utc(one.at) for one in activities), default=None)
    return None if latest is None else (now - latest).days


def _ago(days: int) -> str:
    return "today" if days == 0 else "yesterday" if days == 1 else f"{days} days ago"
