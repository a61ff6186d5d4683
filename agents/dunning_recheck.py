"""The facts about a proposed contact as they are now, read anew from records and from the text as it would be sent.

A reminder may be approved at night, after the customer paid, or with a body that somebody has edited.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from ..connectors.records import Receivable, Record
from ..core.action import Proposal
from .account import Account
from .collections_settings import CollectionsSettings
from .contact_rules import contact_facts, contact_state
from .debtor_facts import account_facts, debtor_facts, recipient_facts
from .dunning_wording import text_facts
from .wording import spoken

_DEMANDS = frozenset({"reminder.send", "plan.offer", "receivable.agency"})
"""Operations whose amount is all that is open on what they are about."""


def facts_now(account: Account, proposal: Proposal, now: datetime, settings: CollectionsSettings) -> dict[str, Any]:
    """Every fact about `proposal` that records and arguments tell at `now`."""
    given = proposal.action.arguments
    ids = _ids(given)
    about = tuple(one for one in account.receivables if one.id in ids)
    facts = contact_facts(account, contact_state(account, now, settings)) | debtor_facts(account.customer, account.contacts)
    facts |= account_facts(account, about, now.date(), settings)
    if "body" in given:
        facts |= _message_facts(account, given, settings)
    address = str(given.get("to") or given.get("phone") or "")
    if address:
        facts |= recipient_facts(address, _owner(address, account), account)
    if proposal.action.kind in _DEMANDS and not _still_owed(given, ids, about):
        facts["amounts_match_records"] = False
    return facts


def _ids(given: Mapping[str, Any]) -> frozenset[str]:
    about = str(given.get("about") or "").removeprefix("receivable/")
    return frozenset(str(one) for one in given.get("receivable_ids") or ([about] if about else ()))


def _message_facts(account: Account, given: Mapping[str, Any], settings: CollectionsSettings) -> dict[str, Any]:
    house, language = settings.house, account.customer.language
    names = (account.customer.name, *(one.name for one in account.contacts), house.name, house.email, house.phone)
    subject, body = str(given.get("subject") or ""), str(given["body"])
    return text_facts(subject, body, written_in=spoken(language), language=language, names=names)


def _owner(address: str, account: Account) -> Record:
    own = (account.customer.email, account.customer.phone)
    others = (one for one in account.contacts if address in (one.email, one.phone))
    return account.customer if address in own else next(others, account.customer)


def _still_owed(given: Mapping[str, Any], ids: frozenset[str], about: tuple[Receivable, ...]) -> bool:
    """Whether what it demands is what is open now; a payment since it was proposed makes it wrong."""
    try:
        amount = Decimal(str(given.get("amount")))
    except InvalidOperation:
        return False
    same = {one.currency for one in about} == {str(given.get("currency"))}
    return same and len(about) == len(ids) and amount == sum(one.open_amount for one in about)
