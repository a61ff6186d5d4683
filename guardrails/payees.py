"""Payees: the bank accounts that an action sends money to, and whether they can exist."""

import re
from collections.abc import Iterator

from ..core.action import Action
from ..core.iban import bare_account, valid_iban

PAYEES = ("iban", "account", "bank_account", "account_number", "payee_account")
"""Arguments that name the account money goes to."""

_LIKE_AN_IBAN = re.compile(r"^[A-Z]{2}\d{2}[A-Z0-9]{8,}$")


def accounts(action: Action) -> list[str]:
    """The accounts that the action names, each once, without the way they are written."""
    return list(dict.fromkeys(account for _, account in _named(action)))


def iban_valid(action: Action) -> bool | None:
    """Whether every IBAN it names has its country's length and right check digits; None where it names none."""
    ibans = [account for name, account in _named(action) if name == "iban" or _LIKE_AN_IBAN.match(account)]
    return all(valid_iban(one) for one in ibans) if ibans else None


def _named(action: Action) -> Iterator[tuple[str, str]]:
    for name in PAYEES:
        value = action.arguments.get(name)
        for text in value if isinstance(value, list | tuple) else [value]:
            if isinstance(text, str) and (account := bare_account(text)):
                yield name, account
