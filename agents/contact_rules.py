"""Whether, when and where a debtor may be contacted: the facts that policies look at, and the worker's own restraint.

The rules follow US Regulation F and the New York City contact cap, which are the strict superset for business debtors too.
Untrusted text can only tighten here: a reply that says stop stops, whoever wrote it.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from ..connectors.records import Activity, Contact, Customer
from ..core.clock import as_utc
from ..core.noun import Noun
from .account import Account
from .collections_settings import CollectionsSettings
from .debtor_facts import marked, told
from .debtor_zones import candidate_zones, zone
from .quiet_days import is_quiet

_OUTBOUND = frozenset({"call", "email_out", "plan", "letter", "sms"})
_WEEK = timedelta(days=7)
_LOOK_AHEAD_HOURS = 24 * 14
_STOP_WORDS = "stop|end|quit|unsubscribe|abmelden|abbestellen|stopp|arrêt|arret|désabonner|desabonner|désinscription"
_STOP = re.compile(
    rf"^\W*(?:please\s+|bitte\s+)?(?:{_STOP_WORDS})\W*$"
    r"|\bunsubscribe\b|\bdo not contact\b|\bstop (?:contacting|emailing|e-mailing|calling|writing)\b"
    r"|\bkontaktieren sie (?:mich|uns) nicht\b|\bne (?:me|nous) contactez plus\b",
    re.IGNORECASE | re.MULTILINE,
)


class ContactState(Noun):
    """What is known about contacting one customer at one moment."""

    zones: tuple[str, ...]
    """Every time zone in which the customer may be; empty where nothing tells."""
    moments: tuple[datetime, ...]
    """The moment in each of them."""
    contacts_last_7_days: int
    calls_last_7_days: int
    conversations_last_7_days: int
    """Calls in which somebody may have talked with the customer."""
    quiet: bool
    """It is a weekend or public holiday in one of the zones."""
    days_since_last_contact: int | None
    """None where there never was a contact."""
    days_since_last_call: int | None
    asked_to_stop: bool
    """A reply asked for no more messages."""
    opted_out: bool
    """The record says not to contact, or a reply asked to stop."""
    counsel: bool
    """Somebody represents the customer."""
    stop_flag: str = ""
    """The mark that stops all contact: `deceased`."""

    @property
    def local(self) -> datetime | None:
        """The moment where the customer is; None where that is not certain."""
        return self.moments[0] if len(self.moments) == 1 else None


def contact_state(account: Account, now: datetime, settings: CollectionsSettings) -> ContactState:
    """The state at `now`, from records and the contact history."""
    outbound = [one for one in account.activities if one.type in _OUTBOUND and as_utc(one.at) <= now]
    recent = [one for one in outbound if now - as_utc(one.at) < _WEEK]
    calls = [one for one in recent if one.type == "call"]
    extra = account.customer.extra
    zones = candidate_zones(account.customer, now)
    local = _local_times(zones, now)
    stopped = any(asks_to_stop(one) for one in account.activities)
    return ContactState(
        zones=zones,
        moments=local,
        quiet=any(_is_quiet(one, settings) for one in local),
        contacts_last_7_days=len(recent),
        calls_last_7_days=len(calls),
        # Who does not say that nobody answered may have talked.
        conversations_last_7_days=sum(told(one.extra, "conversation") is not False for one in calls),
        days_since_last_contact=_days_since(outbound, now),
        days_since_last_call=_days_since((one for one in outbound if one.type == "call"), now),
        asked_to_stop=stopped,
        opted_out=account.customer.do_not_contact or stopped,
        counsel=any(_has_role(one, settings.counsel_roles) for one in account.contacts),
        stop_flag=next((name for name in settings.stop_flags if marked(extra, name)), ""),
    )


def _local_times(zones: Iterable[str], now: datetime) -> tuple[datetime, ...]:
    moment = as_utc(now)
    return tuple(moment.astimezone(found) for name in zones if (found := zone(name)) is not None)


def _is_quiet(local: datetime, settings: CollectionsSettings) -> bool:
    return is_quiet(local.date(), settings.quiet_days, settings.quiet_around_easter)


def asks_to_stop(activity: Activity) -> bool:
    """Whether an incoming message asks not to be contacted any more."""
    return activity.type.endswith("_in") and bool(_STOP.search(activity.body) or _STOP.search(activity.subject))


def not_now(state: ContactState, settings: CollectionsSettings, *, more: int = 0) -> str:
    """Why this is no moment for a contact, in words; empty where it is one. `more` contacts are planned before it."""
    hours = settings.hours
    where = "where the customer is" if state.local else "where the customer may be"
    for local in state.moments:
        if not hours.from_ <= local.hour < hours.until:
            return f"It is {local:%H:%M} {where}; contact is allowed from {hours.from_:02}:00 to {hours.until:02}:00."
        if settings.weekdays_only and _is_quiet(local, settings):
            day = f"{local:%A}" if local.weekday() >= 5 else f"a holiday ({local:%d %B})"
            return f"It is {day} {where}; contact waits for a working day."
    if state.contacts_last_7_days + more >= settings.contacts_per_7_days:
        return f"{state.contacts_last_7_days + more} contacts in the last 7 days; {settings.contacts_per_7_days} is the most allowed."
    since = state.days_since_last_contact
    if since is not None and since < settings.days_between_contacts:
        return f"The last contact was {_ago(since)}; {settings.days_between_contacts} days lie between two contacts."
    return ""


def next_moment(state: ContactState, settings: CollectionsSettings, now: datetime) -> datetime:
    """When to look again where `not_now` said no: the next hour in which contact is allowed, or the same hour a day later.

    Hours are those of the customer's own clock, also over a change to or from daylight saving time.
    """
    if not state.moments:
        return now + timedelta(days=1)
    candidate = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    if _allowed(state, settings, now):
        candidate = (state.moments[0] + timedelta(days=1)).astimezone(UTC)
    for _ in range(_LOOK_AHEAD_HOURS):
        if _allowed(state, settings, candidate):
            return candidate
        candidate += timedelta(hours=1)
    # Zones so far apart that no hour suits all: whoever looks again may know more.
    return now + timedelta(days=1)


def _allowed(state: ContactState, settings: CollectionsSettings, moment: datetime) -> bool:
    hours = settings.hours
    return all(
        hours.from_ <= local.hour < hours.until and not (settings.weekdays_only and _is_quiet(local, settings))
        for local in _local_times(state.zones, moment)
    )


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
        "calls_last_7_days": state.calls_last_7_days,
        "conversations_last_7_days": state.conversations_last_7_days,
        "opted_out": state.asked_to_stop,
        "counsel": state.counsel,
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
    if state.moments:
        hours = [local.hour for local in state.moments]
        facts |= {"local_hour_earliest": min(hours), "local_hour_latest": max(hours), "quiet_day": state.quiet}
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
