"""Exposure: in which scopes an action counts, and what it would commit there today, as facts for the policy.

Money is counted over all kinds of action, so that splitting a payment over several kinds does not help; each currency is
counted by itself. The ledger keeps the rows.
"""

from collections.abc import Mapping
from typing import Any

from ..core.exposure import Total
from ..core.money import Money

EXPOSURE_FACTS = ("exposure_party_today", "exposure_worker_today", "actions_party_today", "actions_worker_today")
"""The facts that only the ledger's totals tell; where they tell nothing, neither does anybody else."""


def scopes(worker: str, kind: str, party: str) -> tuple[str, ...]:
    """The scopes in which an action counts: `party:S-104` for its money, `party:S-104|invoice.post` for its number.

    Where worker or party is empty its scopes, and so its facts, are left out, and rules about them are reviewed.
    """
    named = ((who, name.replace("|", "/")) for who, name in (("party", party), ("worker", worker)) if name)
    return tuple(scope for who, name in named for scope in (f"{who}:{name}", f"{who}:{name}|{kind}"))


def exposure_facts(totals: Mapping[str, Total], amount: Money | None) -> dict[str, Any]:
    """What would be committed today with this action, from what each scope has committed before it in this currency."""
    facts: dict[str, Any] = {}
    for scope, total in totals.items():
        who = scope.partition(":")[0]
        if "|" in scope:
            facts[f"actions_{who}_today"] = total.count + 1
        elif amount is not None:
            facts[f"exposure_{who}_today"] = Money(amount=total.amount + abs(amount.amount), currency=amount.currency)
    return facts
