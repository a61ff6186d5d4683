"""Recognisers: patterns with check digits, and the words around a name or an address.

A shape alone is only possible; a value whose check digits are right, an e-mail address and a phone number in international form
are certain. The libraries behind the checks are loaded when a text first looks as if it needed them.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from importlib import import_module
from ipaddress import ip_address

from ..core.iban import valid_iban
from .personal_data import Kind, Source, Span
from .spelling import Clear

_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ \u00a0.-]?[A-Za-z0-9]){11,30}(?![A-Za-z0-9])")
_CARD = re.compile(r"(?<![\dA-Za-z.,-])\d(?:[ -]?\d){11,18}(?![\d]|[.,-]\d)")
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+%-][\w.+%'-]{0,63}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w-])")
_EMAIL_IN_WORDS = re.compile(
    r"(?<![\w.+-])[\w.+-]{2,64}\s?[(\[{]\s?at\s?[)\]}]\s?[\w-]{1,63}(?:\s?(?:\.|[(\[{]\s?dot\s?[)\]}])\s?[\w-]{2,63}){1,4}",
    re.IGNORECASE,
)
_PHONE = re.compile(
    r"(?<![\w+./,#-])(?:\+|00|\()?\d(?:(?:[ \u00a0]?[()/-]{1,2}[ \u00a0]?|[ \u00a0]|\.)?\d){6,16}(?!\w|[.,-]\d)"
)
_SHAPED_PHONE = re.compile(r"(?:\+\d|\(\d{2,5}\)|0\d{1,4}[ /().-])|\d{3}[ .-]\d{3}[ .-]\d{4}$")
_DATE = re.compile(r"^(?:\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./]\d{2,4})(?:\D|$)")
_SSN = re.compile(r"(?<![\w-])\d{3}([- ])\d{2}\1\d{4}(?![\w-])")
_NINO = re.compile(r"(?<!\w)(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D](?!\w)")
_IP4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)")
_IP6 = re.compile(r"(?<![\w:])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])")
_NUMBERED = re.compile(r"(?:version|release|section|chapter|clause|\bv|\brev|§)[.: ]{0,2}$", re.IGNORECASE)
_BIC = re.compile(r"(?<!\w)[A-Z]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?(?!\w)")
_ACCOUNT = re.compile(
    r"\b(?:account|acct|a/c|konto|compte|conto|cuenta|routing|sort ?code|blz)[\w ./-]{0,20}?(?:no\.?|number|nr\.?|code|nummer)?[:# ]{1,3}"
    r"(\d(?:[ -]?\d){5,16})(?![\w]|[.,]\d)",
    re.IGNORECASE,
)
_VAT = re.compile(
    r"(?<![A-Za-z0-9])(?:AT|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|GB|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK|XI|CHE)"
    r"[ .-]?[A-Z0-9](?:[ .-]?[A-Z0-9+*]){6,12}(?![A-Za-z0-9])"
)
_NATIONAL = (
    (re.compile(r"(?<!\w)[A-Z]{6}[0-9LMNP-V]{2}[A-EHLMPR-T][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z](?!\w)", re.IGNORECASE), "it.codicefiscale"),
    (re.compile(r"(?<!\w)(?:\d{8}|[XYZKLM]\d{7})[ -]?[A-Z](?!\w)", re.IGNORECASE), "es.nif"),
    (re.compile(r"(?<![\w-])[12] ?\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}(?![\w-])"), "fr.nir"),
    (re.compile(r"(?<![\w,.-])[1-9]\d ?\d{3} ?\d{3} ?\d{3}(?![\w]|[.,-]\d)"), "de.idnr"),
    (re.compile(r"(?<![\w,.-])\d{3} \d{3} \d{4}(?![\w]|[.,-]\d)"), "gb.nhs"),
)  # fmt: skip
_TAX = frozenset({"it.codicefiscale", "es.nif", "de.idnr"})
_SPEAKS_OF_PHONES = re.compile(
    r"(?:phone|tel|call|mobil|cell|fax|whatsapp|ring|handy|anruf|appel|llam|chiam)\w*[^\d\n]{0,20}$", re.IGNORECASE
)
_SPEAKS_OF_PEOPLE = re.compile(
    r"(?:ssn|social security|national insurance|\bni\b|nino|nhs|insurance n|steuer|tax|identi|s[eé]curit[eé] sociale|codice fiscale|dni|nif)"
    r"[^\n]{0,25}$",
    re.IGNORECASE,
)
_SPEAKS_OF_BANKS = re.compile(r"(?:\bbic\b|swift)[^\n]{0,15}$", re.IGNORECASE)
_ISSUED = re.compile(r"^(?:3[0-9]|4|5[1-5]|6|2[2-7])")
_WORTH_A_LOOK = re.compile(r"[\d@＠(\[{:]|\bbic\b|swift", re.IGNORECASE)
_REGIONS = ("US", "GB", "DE", "FR", "ES", "IT")


class Patterns:
    """Numbers and addresses with a fixed shape: accounts, cards, mail, phones, tax and identity numbers."""

    def __init__(self, regions: Sequence[str] = _REGIONS) -> None:
        self._regions = tuple(regions) or _REGIONS
        """Countries whose way to write phone numbers is tried, as ISO codes."""

    def find(self, text: str) -> Iterator[Span]:
        """Every number and address in `text`."""
        if not _WORTH_A_LOOK.search(text):
            return
        seen = Clear(text)
        for kind, start, end, sure in self._found(seen.text):
            first, last = seen.original(start, end)
            yield Span(kind=kind, start=first, end=last, sure=sure, source=Source.PATTERN)

    def _found(self, text: str) -> Iterator[tuple[Kind, int, int, bool]]:
        yield from _mails(text)
        if any(one.isdigit() for one in text):
            for look in (_accounts, _cards, _identities, _addresses):
                yield from look(text)
            yield from self._phones(text)
        elif ":" in text:
            yield from _addresses(text)
        yield from _banks(text)

    def _phones(self, text: str) -> Iterator[tuple[Kind, int, int, bool]]:
        for found in _PHONE.finditer(text):
            digits = re.sub(r"\D", "", found[0])
            if (
                not 7 <= len(digits) <= 17
                or len(set(digits)) == 1
                or _DATE.match(found[0])
                or _IP4.fullmatch(found[0].strip("()"))
            ):
                continue
            named = bool(_SPEAKS_OF_PHONES.search(text, max(0, found.start() - 30), found.start()))
            shaped = bool(_SHAPED_PHONE.match(found[0]))
            apart = re.findall(r"[ \u00a0()./-]+", found[0])
            # Groups without a leading nought or sign: parts and bills are numbered like that too, but shorter or with mixed signs.
            if not (shaped or named or (len(digits) >= 9 and len(apart) >= 2 and len(set(apart)) == 1)):
                continue
            sure = _dials(found[0], self._regions)
            abroad = found[0].startswith(("+", "00"))
            if sure is not None and (sure or shaped or named):
                yield Kind.PHONE, found.start(), found.end(), sure and (abroad or named)


def _mails(text: str) -> Iterator[tuple[Kind, int, int, bool]]:
    if "@" in text:
        yield from ((Kind.EMAIL, found.start(), found.end(), True) for found in _EMAIL.finditer(text))
    if "(" in text or "[" in text or "{" in text:
        yield from ((Kind.EMAIL, found.start(), found.end(), True) for found in _EMAIL_IN_WORDS.finditer(text))


def _accounts(text: str) -> Iterator[tuple[Kind, int, int, bool]]:
    for found in _IBAN.finditer(text):
        if part := _iban_part(found[0]):
            yield Kind.IBAN, found.start(), found.start() + len(part), True
    for found in _ACCOUNT.finditer(text):
        yield Kind.ACCOUNT, found.start(1), found.end(1), False


def _banks(text: str) -> Iterator[tuple[Kind, int, int, bool]]:
    for found in _BIC.finditer(text):
        if _SPEAKS_OF_BANKS.search(text, max(0, found.start() - 25), found.start()) and _valid("bic", found[0]):
            yield Kind.BIC, found.start(), found.end(), False


def _cards(text: str) -> Iterator[tuple[Kind, int, int, bool]]:
    for found in _CARD.finditer(text):
        if valid_card(found[0]):
            yield Kind.CARD, found.start(), found.end(), bool(_ISSUED.match(found[0]))


def _identities(text: str) -> Iterator[tuple[Kind, int, int, bool]]:
    def named(found: re.Match[str]) -> bool:
        return bool(_SPEAKS_OF_PEOPLE.search(text, max(0, found.start() - 40), found.start()))

    for found in _VAT.finditer(text):
        if _vat(found[0]):
            yield Kind.TAXID, found.start(), found.end(), True
    for pattern, module in _NATIONAL:
        for found in pattern.finditer(text):
            plain = found[0].isdigit()
            # Eleven digits in a row are an order number as often as not.
            if _valid(module, found[0]) and (named(found) or not plain or module == "fr.nir"):
                sure = named(found) or module not in ("gb.nhs", "de.idnr")
                yield Kind.TAXID if module in _TAX else Kind.NATIONALID, found.start(), found.end(), sure
    for found in _SSN.finditer(text):
        if _valid("us.ssn", found[0].replace(" ", "-")):
            yield Kind.NATIONALID, found.start(), found.end(), named(found)
    for found in _NINO.finditer(text):
        yield Kind.NATIONALID, found.start(), found.end(), named(found)


def _addresses(text: str) -> Iterator[tuple[Kind, int, int, bool]]:
    for pattern in (_IP4, _IP6):
        for found in pattern.finditer(text):
            if found[0].strip(":0") and not _NUMBERED.search(text, max(0, found.start() - 12), found.start()):
                try:
                    ip_address(found[0])
                except ValueError:
                    continue
                yield Kind.IP, found.start(), found.end(), False


def valid_card(text: str) -> bool:
    """Whether `text` has 13 to 19 digits that pass the Luhn check, and not all alike."""
    digits = [int(one) for one in text if one.isdecimal()]
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    doubled = (digit if index % 2 == 0 else sum(divmod(2 * digit, 10)) for index, digit in enumerate(reversed(digits)))
    return sum(doubled) % 10 == 0


def _iban_part(found: str) -> str:
    """The longest beginning of `found` that is an IBAN: words that follow it are not part of it."""
    ends = (end for end in range(len(found), 14, -1) if end == len(found) or not found[end].isalnum())
    return next((found[:end] for end in ends if found[end - 1].isalnum() and valid_iban(found[:end].replace(".", ""))), "")


@lru_cache(maxsize=64)
def _checker(module: str) -> Callable[[str], bool]:
    return import_module(f"stdnum.{module}").is_valid  # type: ignore[no-any-return]


def _valid(module: str, text: str) -> bool:
    return bool(_checker(module)(text))


def _vat(text: str) -> bool:
    compact = re.sub(r"[ .-]", "", text)
    if compact.startswith("CHE"):
        return _valid("ch.uid", compact)
    if compact.startswith(("GB", "XI")):
        return _valid("gb.vat", compact.replace("XI", "GB"))
    return _valid("eu.vat", compact)


def _dials(text: str, regions: Sequence[str]) -> bool | None:
    """Whether `text` is a number that some region's exchange would take; None where it cannot be one anywhere."""
    import phonenumbers

    plain = re.sub(r"\(0\)", "", text)
    plain = "+" + plain[2:] if plain.startswith("00") else plain
    possible = None
    for region in (None,) if plain.startswith("+") else regions:
        try:
            number = phonenumbers.parse(plain, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return True
        possible = False
    return possible


_CAP = r"[^\W\d_a-zà-öø-ÿ][\w'’-]{0,40}(?<!['’-])"
_OF = r"(?:von|van|de|del|della|di|da|der|den|ten|le|la|bin|al)[ \u00a0]"
_NAMED = rf"(?:{_OF}){{0,2}}{_CAP}(?:[ \u00a0](?:{_OF}){{0,2}}{_CAP}|[ \u00a0][A-Z]\.){{0,3}}"
_TITLES = r"(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Sir|Herrn?|Frau|Monsieur|Madame|Mme|Mlle|Señora?|Sra?|Signora?|Sig|Sig\.ra|Dott)\.?"
_WORDINGS = (
    (Kind.NAME, re.compile(rf"\b{_TITLES}[ \u00a0](?:(?:Dr|Prof)\.?[ \u00a0])*({_NAMED})")),
    (Kind.NAME, re.compile(rf"(?:^|\n)[ \t]{{0,20}}(?:Dear|Hello|Hi|Hallo|Liebe[rs]?|Bonjour|Cher|Chère|Hola|Estimad[oa]|Ciao|Gentile|Caro|Cara)[ \u00a0](?!{_TITLES})({_NAMED})")),
    (Kind.NAME, re.compile(rf"(?i:\b(?:regards|sincerely|yours|thanks|cheers|grüßen?|gruss|cordialement|salutations|saludos|saluti))[ \t]{{0,20}}[,.!]?[ \t]{{0,20}}\r?\n[ \t\r\n]{{0,20}}({_NAMED})")),
    (Kind.NAME, re.compile(rf"(?i:\b(?:my name is|i am called|ich heiße|ich heisse|mein name ist|je m'appelle|je m’appelle|mi chiamo|me llamo|account holder:?|attn:?|z\.? ?hd\.?))[ \u00a0]({_NAMED})")),
    (Kind.ADDRESS, re.compile(r"(?<!\w)[^\W\d_][\w.-]{0,40}(?:stra(?:ß|ss)e|str\.|weg|platz|allee|gasse|ring|damm|ufer|steig|chaussee)[ \u00a0]+\d{1,4}[ ]?[a-zA-Z]?(?!\w)")),
    (Kind.ADDRESS, re.compile(rf"(?<![\w.,-])\d{{1,5}}[a-zA-Z]?[ \u00a0](?:{_CAP}[ \u00a0]){{1,3}}(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Court|Ct|Way|Close|Boulevard|Blvd|Square|Terrace|Crescent|Parkway)\b\.?")),
    (Kind.ADDRESS, re.compile(r"(?<![\w.,-])\d{1,4}(?:[ ]?bis|[ ]?ter)?,?[ \u00a0](?i:rue|avenue|boulevard|place|chemin|quai|impasse|allée)[ \u00a0](?:(?:de|du|des|la|le|les|l['’])[ \u00a0]?)*[^\W\d_][\w'’-]{1,40}(?:[ -][^\W\d_][\w'’-]{1,40}){0,3}")),
    (Kind.ADDRESS, re.compile(r"(?<!\w)(?i:via|viale|piazza|corso|vicolo|calle|avenida|avda\.?|plaza|paseo|c/)[ \u00a0](?:(?:de|del|la|los|las|della|dei|di|da)[ \u00a0])*[^\W\d_][\w'’.-]{1,40}(?:[ ][^\W\d_][\w'’.-]{1,40}){0,3},?[ \u00a0]\d{1,4}[a-zA-Z]?(?!\w)")),
    (Kind.ADDRESS, re.compile(r"(?<!\w)(?:[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2})(?!\w)")),
)  # fmt: skip
_PAIR = re.compile(rf"(?<![\w@.]){_CAP}[ \u00a0](?:[A-Z]\.[ \u00a0])?{_CAP}(?![\w@])")


class Wordings:
    """Names and addresses by the words around them: a greeting, a signature, a street's name."""

    def find(self, text: str) -> Iterable[Span]:
        """What a greeting, a signature or a street's name points to in `text`."""
        for kind, pattern in _WORDINGS:
            for found in pattern.finditer(text):
                start, end = found.span(found.lastindex or 0)
                yield Span(kind=kind, start=start, end=end, source=Source.WORDING)


class Guesses:
    """Two capitalised words in a row, which may be a name; it cries wolf, so that nothing counts as free of names too soon."""

    def find(self, text: str) -> Iterable[Span]:
        """Every pair of capitalised words in `text`."""
        for found in _PAIR.finditer(text):
            yield Span(kind=Kind.NAME, start=found.start(), end=found.end(), source=Source.GUESS)
