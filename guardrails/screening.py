"""Screening of untrusted text: does it try to give orders to whoever reads it.

Patterns alone never keep an attacker out (a new wording passes them), so they only make an action stricter; what picks the
recipient of money or mail is checked by provenance. They are written to stay silent on ordinary tickets and invoices.
"""

import base64
import binascii
import re
import unicodedata

from ..core.lookalikes import CAPITALS, CONFUSABLE, INVISIBLE, without_invisible
from ..core.noun import Noun


class Finding(Noun):
    """What in a text looks like an order to its reader."""

    kind: str
    """`override`, `role_marker`, `skip_control`, `secrecy`, `payment_directive`, `addressed_to_ai`, `hidden`, `encoded`."""
    quote: str
    """The words that were found, for the approver."""


_HARMLESS = re.compile("[\u00ad\u200d\u200c\ufe0e\ufe0f\ufeff]")
_BLOB = re.compile(r"(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/_-]{24,}={0,2}(?![A-Za-z0-9+/=_-])")

_RULES = r"(?:rules?|instructions?|prompts?|polic(?:y|ies)|guidelines?|directions?|orders?|constraints?|checks?|tolerances?|safeguards?)"
_PAST = r"(?:previous|prior|above|earlier|preceding|existing|former|all|any|of|your|the|these|those|my|other|system|price|match(?:ing)?)"
_CONTROL = (
    r"(?:three[- ]way |3[- ]way |two[- ]way |2[- ]way )?"
    r"(?:match(?:ing)?|approvals?|reviews?|verifications?|validations?|controls?|checks?|screening|authori[sz]ations?)"
)
_DO = r"(?:approve|post|pay|release|book|process|refund|transfer|send|forward|execute|confirm|mark|route|escalate|close|delete|write)"
_ORDER = re.compile(
    rf"\b{_DO}\b[^.!?\n]{{0,60}}\b(?:invoice|payment|refund|ticket|case|account|order|money|reply|mail)s?\b", re.IGNORECASE
)
_PATTERNS = tuple(
    (kind, re.compile(pattern, re.IGNORECASE | re.MULTILINE))
    for kind, pattern in (
        (
            "override",
            rf"\b(?:ignore|disregard|forget|override|bypass|overrule|do not follow|don't follow|stop following)\b(?:\W+{_PAST}){{1,4}}\W+(?:\w+\W+){{0,2}}?{_RULES}\b",
        ),
        ("override", r"\b(?:new|updated|revised|real|actual)\s+(?:system\s+)?(?:instructions?|prompt|task)\s*(?:for (?:you|the)\b|:)"),
        ("override", r"\b(?:ignoriere|vergiss|missachte)\w*\b.{0,30}\b(?:anweisungen|regeln|vorgaben|instruktionen)\b"),
        ("override", r"\b(?:ignorez|oubliez|ignora|ignore|olvida|dimentica)\b.{0,30}\b(?:instructions pr|instrucciones|istruzioni|reglas|regole)"),
        (
            "role_marker",
            r"(?:^|[\r\n>\]}.!?;|\"'])[^\S\r\n]{0,40}(?:#+\s*|\*\*|\[|<\|?(?:im_start\|>)?)?(?:system|assistant|developer)(?:\s+(?:prompt|message|note|override))?(?:\||\*\*|\])?>?\s*:",
        ),
        ("role_marker", r"<\|(?:im_start|im_end|system|assistant|user|endoftext)\|>|\[/?INST\]|<</?SYS>>|</?(?:system|instructions?|information)>"),
        ("skip_control", rf"\b{_DO}\b[^.!?\n]{{0,40}}\bwithout\b[^.!?\n]{{0,25}}\b{_CONTROL}\b"),
        ("skip_control", rf"\b(?:skip|bypass|circumvent|suppress|disable|waive|omit)\b(?:\W+\w+){{0,3}}?\W+{_CONTROL}\b"),
        ("skip_control", r"\b(?:pre-?approved|already approved|authori[sz]ed)\b[^.!?\n]{0,40}\b(?:post|pay|release|process)\b[^.!?\n]{0,30}\b(?:immediately|at once|now|directly|automatically)\b"),
        ("secrecy", r"\b(?:do not|don't|never|without)\s+(?:tell(?:ing)?|inform(?:ing)?|notify(?:ing)?|alert(?:ing)?|mention(?:ing)?|reveal(?:ing)?|flag(?:ging)?)\b[^.!?\n]{0,30}\b(?:user|anyone|anybody|operator|human|person|manager|supervisor|approver|reviewer|this to|it to)\b"),
        ("payment_directive", r"\b(?:pay|transfer|wire|remit|send)\b[^.!?\n]{0,60}\bto (?:the|this) (?:following|new|updated) (?:bank )?(?:account|iban)\b[^.!?\n]{0,60}\b(?:instead|immediately|from now on|only|at once|urgently)\b"),
        ("payment_directive", r"\b(?:pay|transfer|wire|remit) to the following (?:new )?(?:bank )?account\b"),
        ("role_marker", r"\[(?:system|assistant|developer)\]"),
        ("addressed_to_ai", r"\bautomation (?:note|notice|hint|message|instructions?)\s*:"),
        ("addressed_to_ai", r"\b(?:note|attention|message|instruction|instructions|hint|reminder|p\.?s\.?)\s+(?:to|for)\s+(?:the\s+|any\s+|all\s+)?(?:ai|a\.i\.|llm|bot|agent|assistant|chatbot|language model|model|automation|automated system)\b"),
        ("addressed_to_ai", rf"\b(?:ai|llm|language model|chatbot)\b(?:\W+(?:assistant|agent|system|model|worker|reader))?s?\s*(?:[,:]|\b(?:must|should|shall|please|reading this|processing this)\b)[^.!?\n]{{0,60}}\b(?:{_DO}|ignore)\b"),
        ("addressed_to_ai", r"\b(?:you are (?:now|no longer)|act as|pretend (?:to be|you are)|from now on,? you)\b[^.!?\n]{0,40}\b(?:ai|assistant|model|dan|admin(?:istrator)?|developer|unrestricted|agent|bot|system)\b"),
        ("addressed_to_ai", r"\b(?:automated|automatic|ai|software|virtual|llm)[ -]+(?:agents?|assistants?|bots?|systems?|models?|workers?|readers?)\s+(?:that\s+is\s+|which\s+is\s+)?(?:reading|processing|handling|parsing)\s+this\b"),
        ("addressed_to_ai", r"\b(?:reveal|print|repeat|output|show)\b[^.!?\n]{0,20}\b(?:system prompt|your (?:hidden |initial )?(?:instructions|prompt))\b"),
    )
)  # fmt: skip


def instructions_in_text(text: str) -> Finding | None:
    """The first order to its reader in `text`, however it is spelled or hidden; None where there is none."""
    seen = unicodedata.normalize("NFKC", text)
    clear = without_invisible(seen)
    return _said(clear) or _commented(clear) or _encoded(clear) or _invisible(seen)


def _said(text: str) -> Finding | None:
    for spelled in dict.fromkeys((text, text.translate(CAPITALS).translate(CONFUSABLE))):
        for kind, pattern in _PATTERNS:
            if match := pattern.search(spelled):
                return Finding(kind=kind, quote=_quote(spelled, match.start(), match.end()))
    return None


def _commented(text: str) -> Finding | None:
    for part in text.split("<!--")[1:]:
        inside = part.partition("-->")[0].strip()
        if _said(inside) or _ORDER.search(inside):
            return Finding(kind="hidden", quote=inside[:160])
    return None


def _encoded(text: str) -> Finding | None:
    for blob in _BLOB.findall(text):
        if (plain := _decoded(blob)) and (said := _said(plain)):
            return Finding(kind="encoded", quote=said.quote)
    return None


def _decoded(blob: str) -> str:
    standard = blob.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _invisible(text: str) -> Finding | None:
    hidden = [one for one in INVISIBLE.findall(text) if not _HARMLESS.match(one)]
    tags = "".join(chr(ord(one) - 0xE0000) for one in hidden if 0xE0020 <= ord(one) <= 0xE007E)
    return Finding(kind="hidden", quote=tags or f"{len(hidden)} invisible characters") if len(hidden) >= 3 else None


def _quote(text: str, start: int, end: int) -> str:
    return " ".join(text[max(0, start - 20) : end + 40].split())[:160]
