"""Provenance: whether what picks the recipient of money, mail or data occurs in a record, or only in somebody's text.

Values are compared after normalising spelling, never by meaning: Unicode form and case, spaces in account numbers, and the
ways to write one amount. A value that occurs nowhere is unknown, and its fact is missing.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from ..core.evidence import Evidence, Trust
from ..core.noun import Noun, plain
from .screening import without_invisible

RECIPIENTS = frozenset({"to", "cc", "bcc", "email", "phone", "iban", "account", "address", "agency", "url"})
"""Arguments that say where something goes; the other authority arguments say how much."""

AUTHORITY_FACTS = ("authority_from_records", "recipient_from_records", "tainted_arguments")
"""The facts that only the runtime tells; what a worker says about them does not count."""

_ACCOUNT = re.compile(r"^[a-z]{2}\d{2}(?:[ -]?[a-z0-9]){11,30}$")
_PHONE = re.compile(r"^\+?[\d\s()./-]{6,}$")
_NUMBER = re.compile(r"^[+-]?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:\.\d{3}){2,}|\d+(?:[.,]\d+)?)$")
_WORD = re.compile(r"[\w.,+@%-]+")


class Provenance(Noun):
    """Where the authority arguments of one action come from."""

    from_records: tuple[str, ...] = ()
    tainted: tuple[str, ...] = ()
    """Arguments whose value occurs only in untrusted text; an approver is told their names."""
    unknown: tuple[str, ...] = ()
    """Arguments whose value occurs in no evidence at all."""

    def facts(self) -> dict[str, Any]:
        """`authority_from_records`, `recipient_from_records` and `tainted_arguments`; what cannot be told is left out."""
        told: dict[str, Any] = {
            "tainted_arguments": ", ".join(self.tainted),
            "authority_from_records": self._told(lambda _: True),
            "recipient_from_records": self._told(lambda name: name in RECIPIENTS),
        }
        return {name: value for name, value in told.items() if value is not None}

    def _told(self, counts: Any) -> bool | None:
        if any(counts(name) for name in self.tainted):
            return False
        return None if any(counts(name) for name in self.unknown) else True


def provenance(authority: Sequence[str], arguments: Mapping[str, Any], evidence: Sequence[Evidence]) -> Provenance:
    """Where each argument that picks who gets money, mail or data comes from."""
    records = {form for one in evidence if one.trust is Trust.RECORD for form in _forms(one.value)}
    untrusted = [one.value for one in evidence if one.trust is Trust.UNTRUSTED]
    said = {form for value in untrusted for form in _forms(value)}
    texts = " ".join(_folded(leaf) for value in untrusted for leaf in _leaves(value))
    sorted_out: dict[str, list[str]] = {"from_records": [], "tainted": [], "unknown": []}
    for name in authority:
        values = [_forms(one) for one in _leaves(arguments.get(name))]
        if all(forms & records for forms in values):
            sorted_out["from_records"].append(name)
        elif any(_occurs(forms, said, texts) for forms in values if not forms & records):
            sorted_out["tainted"].append(name)
        else:
            sorted_out["unknown"].append(name)
    return Provenance(**{key: tuple(names) for key, names in sorted_out.items()})


def authority_facts(authority: Sequence[str], arguments: Mapping[str, Any], evidence: Sequence[Evidence]) -> dict[str, Any]:
    """The facts of `Provenance.facts` for the authority arguments of an operation."""
    return provenance(authority, arguments, evidence).facts()


def _leaves(value: Any) -> Iterable[str]:
    if isinstance(value, Mapping):
        return [leaf for one in value.values() for leaf in _leaves(one)]
    if isinstance(value, list | tuple | set | frozenset):
        return [leaf for one in value for leaf in _leaves(one)]
    if value is None or isinstance(value, bool) or value == "":
        return []
    return [str(plain(value))]


def _forms(value: Any) -> set[str]:
    return {_normal(leaf) for leaf in _leaves(value)} - {""}


def _folded(text: str) -> str:
    return " ".join(without_invisible(unicodedata.normalize("NFKC", text)).casefold().split())


def _normal(text: str) -> str:
    folded = _folded(text)
    if _NUMBER.match(folded) and not folded.startswith("+"):
        return _plain_number(folded)
    if _ACCOUNT.match(folded):
        return re.sub("[ -]", "", folded)
    if _PHONE.match(folded):
        return re.sub(r"\D", "", folded).lstrip("0")
    return folded


def _plain_number(text: str) -> str:
    comma, point = text.rfind(","), text.rfind(".")
    decimal_comma = comma > point and not re.fullmatch(r"[+-]?\d{1,3}(?:,\d{3})+", text)
    exact = text.replace(".", "").replace(",", ".") if decimal_comma else text.replace(",", "")
    if text.count(".") > 1 and not decimal_comma:
        exact = text.replace(".", "")
    try:
        number = Decimal(exact)
    except InvalidOperation:
        return text
    return format(number.normalize(), "f")


def _occurs(forms: set[str], said: set[str], texts: str) -> bool:
    if forms & said:
        return True
    words = {_normal(word.rstrip(".,")) for word in _WORD.findall(texts)}
    squeezed = re.sub(r"[\s()./-]", "", texts)
    return any(form in words or (len(form) >= 6 and form.replace(" ", "") in squeezed) for form in forms)
