"""Authority: the role somebody needs for what reaches further than one case."""

from ..core.errors import Forbidden
from ..core.settings import Operator
from .policy import Policy
from .requests import rank


def check_role(policy: Policy, operator: Operator) -> None:
    """Raise Forbidden for somebody without a role of the policy."""
    if policy.role(operator.role) is None:
        raise Forbidden(
            f"The policy has no role {operator.role!r}, so {operator.name!r} may not do this.", hint="Ask an operator."
        )


def check_authority(policy: Policy, operator: Operator, deed: str) -> None:
    """Raise Forbidden for somebody below the role that escalations go to; `deed` says what it takes that for: `A brain is put to work`."""
    check_role(policy, operator)
    if rank(policy, operator.role) < rank(policy, policy.escalate_to):
        raise Forbidden(
            f"{deed} by the role {policy.escalate_to!r} or a higher one; {operator.name!r} is {operator.role!r}.",
            hint="Ask somebody who has it.",
        )
