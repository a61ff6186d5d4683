"""Redaction: account, card, e-mail and phone numbers in text become tokens that can be turned back.

Patterns with a checksum find what has a fixed shape; names and addresses they do not find, so a text without a token is not
a text without personal data.
"""

import re
from collections.abc import Callable, Mapping

from ..core.iban import valid_iban
from ..core.noun import Noun


class Redacted(Noun):
    """A text without what was found in it, and the tokens that stand for it."""

    text: str
    tokens: dict[str, str] = {}
    """Token to original: `<IBAN_1>` to the number as it was written."""


_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ \u00a0-]?[A-Za-z0-9]){11,30}(?![A-Za-z0-9])")
_CARD = re.compile(r"(?<![\dA-Za-z.,-])\d(?:[ -]?\d){11,18}(?![\d]|[.,-]\d)")
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+%-]{1,64}@(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w-])")
_PHONE = re.compile(
    r"(?<![\w+./-])(?:\+\d{1,3}[ ./-]?(?:\(0?\d{1,4}\)[ ./-]?)?|\(\d{2,5}\)[ ./-]?|0\d{2,4}[ /-])\d(?:[ ./-]?\d){5,11}(?!\w|[.-]\d)"
    r"|(?<![\w+./-])\d{3}[ .-]\d{3}[ .-]\d{4}(?!\w|[.-]\d)"
)
_TOKEN = re.compile(r"<(?:IBAN|CARD|EMAIL|PHONE)_\d+>")


def redact(text: str) -> Redacted:
    """`text` with a token for every account, card, e-mail and phone number; one value has one token throughout."""
    tokens: dict[str, str] = {one: one for one in _TOKEN.findall(text)}
    given: dict[tuple[str, str], str] = {}

    def put(kind: str, found: str) -> str:
        known = given.get((kind, found))
        if known is not None:
            return known
        number = 1 + sum(1 for token in tokens if token.startswith(f"<{kind}_"))
        while f"<{kind}_{number}>" in tokens:
            number += 1
        token = f"<{kind}_{number}>"
        given[kind, found] = token
        tokens[token] = found
        return token

    for kind, pattern, clean in _KINDS:
        text = pattern.sub(_replacer(kind, clean, put), text)
    return Redacted(text=text, tokens={token: value for token, value in tokens.items() if token != value})


def _replacer(kind: str, clean: Callable[[str], str], put: Callable[[str, str], str]) -> Callable[[re.Match[str]], str]:
    def replace(found: re.Match[str]) -> str:
        kept = clean(found[0])
        return put(kind, kept) + found[0][len(kept) :] if kept else found[0]

    return replace


def restore(text: str, tokens: Mapping[str, str]) -> str:
    """`text` with the originals in place of their tokens; an unknown token stays."""
    return _TOKEN.sub(lambda found: tokens.get(found[0], found[0]), text)


def valid_card(text: str) -> bool:
    """Whether `text` has 13 to 19 digits that pass the Luhn check, and not all alike."""
    digits = [int(one) for one in text if one.isdigit()]
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    doubled = (digit if index % 2 == 0 else sum(divmod(2 * digit, 10)) for index, digit in enumerate(reversed(digits)))
    return sum(doubled) % 10 == 0


def _iban_part(found: str) -> str:
    """The longest beginning of `found` that is an IBAN: words that follow it are not part of it."""
    ends = (end for end in range(len(found), 14, -1) if end == len(found) or not found[end].isalnum())
    return next((found[:end] for end in ends if found[end - 1].isalnum() and valid_iban(found[:end])), "")


def _card_part(found: str) -> str:
    return found if valid_card(found) else ""


def _phone_part(found: str) -> str:
    digits = [one for one in found if one.isdigit()]
    return found if 7 <= len(digits) <= 15 and len(set(digits)) > 1 else ""


def _whole(found: str) -> str:
    return found


_KINDS: tuple[tuple[str, re.Pattern[str], Callable[[str], str]], ...] = (
    ("IBAN", _IBAN, _iban_part),
    ("EMAIL", _EMAIL, _whole),
    ("CARD", _CARD, _card_part),
    ("PHONE", _PHONE, _phone_part),
)
