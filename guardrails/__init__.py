"""May it be done, and who must say so."""

from typing import TYPE_CHECKING

from ..core.doors import door

if TYPE_CHECKING:
    from .approvals import Answer, Approvals
    from .betting import LaneTrial
    from .calibration import Calibrator
    from .certification import Certification, certify
    from .differences import compare
    from .enactment import in_force
    from .facts import FACTS, Fact, FactType
    from .gate import Guard
    from .killswitch import resume, stop
    from .lanes import judge, tightened
    from .policy import Policy, load_policy, parse_policy, shipped_policy
    from .provenance import authority_facts
    from .redaction import redact, restore
    from .replay import remembered, replayed
    from .review import check, explain
    from .screening import instructions_in_text
    from .theorems import house_theorems, prove
    from .toolguard import Question, Watch, guard

__all__ = [
    "FACTS",
    "Answer",
    "Approvals",
    "Calibrator",
    "Certification",
    "Fact",
    "FactType",
    "Guard",
    "LaneTrial",
    "Policy",
    "Question",
    "Watch",
    "authority_facts",
    "certify",
    "check",
    "compare",
    "explain",
    "guard",
    "house_theorems",
    "in_force",
    "instructions_in_text",
    "judge",
    "load_policy",
    "parse_policy",
    "prove",
    "redact",
    "remembered",
    "replayed",
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
        "Calibrator": "calibration",
        "Certification": "certification",
        "LaneTrial": "betting",
        "certify": "certification",
        "FACTS": "facts",
        "Fact": "facts",
        "FactType": "facts",
        "Guard": "gate",
        "Policy": "policy",
        "Question": "toolguard",
        "Watch": "toolguard",
        "authority_facts": "provenance",
        "check": "review",
        "compare": "differences",
        "explain": "review",
        "guard": "toolguard",
        "house_theorems": "theorems",
        "in_force": "enactment",
        "instructions_in_text": "screening",
        "judge": "lanes",
        "load_policy": "policy",
        "parse_policy": "policy",
        "prove": "theorems",
        "redact": "redaction",
        "remembered": "replay",
        "replayed": "replay",
        "restore": "redaction",
        "resume": "killswitch",
        "shipped_policy": "policy",
        "stop": "killswitch",
        "tightened": "lanes",
    },
)
