"""Erasing: who may have a person's data erased from the ledger, and what the policy says must stay."""

from collections.abc import Iterable

from ..core import erasure, privacy
from ..core.erasure import RETENTION_YEARS, Erased
from ..core.errors import BadInput, Forbidden, NotFound
from ..core.settings import Operator
from ..core.store import Ledger
from .policy import Policy


def erase(
    ledger: Ledger,
    policy: Policy,
    names: Iterable[str],
    *,
    operator: Operator,
    reason: str,
    even_retained: bool = False,
) -> Erased:
    """Blank everything the ledger holds about the one that `names` mean, and say so in the audit chain.

    Raises Forbidden where the operator has not the policy's highest role, BadInput without a reason, NotFound where nothing is
    held about them, Conflict where a case of theirs is still open.
    """
    check_may_erase(policy, operator)
    if not reason.strip():
        raise BadInput("Erasing needs a reason.", hint="Say who asked for it and when; do not name the person.")
    with ledger.transaction() as tx:
        about = privacy.subject(tx.session, names)
        if not about.cases and not about.quarantined:
            raise NotFound(
                f"The ledger holds no case of {', '.join(map(repr, about.asked))}.",
                hint="Try the id, the name or the e-mail address.",
            )
        years = max(policy.retention_years, RETENTION_YEARS)
        return erasure.erase(tx, about, by=operator.name, reason=reason.strip(), years=years, even_retained=even_retained)


def check_may_erase(policy: Policy, operator: Operator) -> None:
    """Raise Forbidden where the operator has not the highest role that the policy knows."""
    highest = policy.roles[-1].name if policy.roles else ""
    if not highest or operator.role != highest:
        raise Forbidden(
            f"{operator.name!r} ({operator.role}) may not erase or hand out what is held about a person.",
            hint=f"Ask somebody with the role {highest!r}." if highest else "The policy has no role that may.",
        )
