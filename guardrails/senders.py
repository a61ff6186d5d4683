"""Senders: what a message tells about who sent it and how it presses, as risks to weigh and never as a verdict."""

import re
from collections.abc import Iterable, Mapping
from email.utils import parseaddr
from typing import Any

from .forms import folded

_URGENT = re.compile(
    r"\b(?:urgent(?:ly)?|immediate(?:ly)?|asap|as soon as possible|right away|at once|without delay|time[- ]sensitive"
    r"|(?:by|before) (?:noon|end of (?:day|business)|close of business|cob|eod)|final (?:notice|reminder)|last chance"
    r"|confidential(?:ly)?|keep (?:this|it) (?:between us|to yourself)|do not (?:call|phone|tell|discuss)"
    r"|dringend|eilt|sofort|umgehend|vertraulich|imm[ée]diat(?:ement)?|confidentiel(?:le)?|urgente(?:mente)?|subito)\b"
)


_ADDRESS = re.compile(r"(?<![^\s<>()\[\],;:\"'])[^\s<>()\[\],;:\"']+@[^\s<>()\[\],;:\"']*")


def sender_facts(payload: Mapping[str, Any], *, subject: str = "", known: Iterable[str] = ()) -> dict[str, Any]:
    """`reply_to_differs`, `first_seen_domain` and `urgent_words` of a ticket; `known` are addresses and domains on record.

    The payload says `from` or `requester`, `reply_to` and `body` or `note`. What came without a sender, such as an invoice from
    our own system, has none to be wary of.
    """
    said = payload.get("from") or payload.get("requester")
    sender = _address(said)
    seen = {_domain(_address(one)) for one in known} - {""}
    text = folded(" ".join(str(one) for one in (subject, payload.get("body", ""), payload.get("note", ""))))
    return {
        "reply_to_differs": not _every(payload.get("reply_to")) <= {sender},
        "first_seen_domain": bool(sender) and not {_domain(one) for one in _every(said)} <= seen,
        "urgent_words": _URGENT.search(text) is not None,
    }


def _every(raw: Any) -> set[str]:
    """Every address in a header, whichever of them a mail program would take."""
    text = folded(str(raw or ""))
    return set(_ADDRESS.findall(text)) or ({text} if text else set())


def _domain(address: str) -> str:
    return address.rpartition("@")[2]


def _address(raw: Any) -> str:
    text = folded(str(raw or ""))
    return parseaddr(text)[1] or text
