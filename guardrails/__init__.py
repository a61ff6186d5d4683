"""May it be done, and who must say so."""

from typing import TYPE_CHECKING

from ..core.doors import door

if TYPE_CHECKING:
    from .approvals import Answer, Approvals
    from .facts import FACTS, Fact, FactType
    from .gate import Guard
    from .killswitch import resume, stop
    from .lanes import judge, tightened
    from .policy import Policy, load_policy, parse_policy, shipped_policy
    from .provenance import authority_facts
    from .redaction import redact, restore
    from .review import check, explain
    from .screening import instructions_in_text

__all__ = [
    "FACTS",
    "Answer",
    "Approvals",
    "Fact",
    "FactType",
    "Guard",
    "Policy",
    "authority_facts",
    "check",
    "explain",
    "instructions_in_text",
    "judge",
    "load_policy",
    "parse_policy",
    "redact",
    "restore",
    "resume",
    "shipped_policy",
    "stop",
    "tightened",
]

__getattr__ = door(
    __name__,
    {
        "Answer": "approvals",
        "Approvals": "approvals",
        "FACTS": "facts",
        "Fact": "facts",
        "FactType": "facts",
        "Guard": "gate",
        "Policy": "policy",
        "authority_facts": "provenance",
        "check": "review",
        "explain": "review",
        "instructions_in_text": "screening",
        "judge": "lanes",
        "load_policy": "policy",
        "parse_policy": "policy",
        "redact": "redaction",
        "restore": "redaction",
        "resume": "killswitch",
        "shipped_policy": "policy",
        "stop": "killswitch",
        "tightened": "lanes",
    },
)
