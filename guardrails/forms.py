"""Normal forms: one value however it is written, and what an evasion hides.

Two measures of likeness, because a match with a record frees an action and a match with somebody's text only makes it stricter.
`normal` is narrow: Unicode form, case, spaces, the ways to write one number, account or telephone number. `loose` also folds
look-alike letters, so that `раypal` in Cyrillic never counts as the `paypal` of a record, but is found in the text it came from.
"""

import base64
import binascii
import html
import re
import unicodedata
from collections.abc import Iterable, Mapping
from decimal import Context, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from ..core.lookalikes import CAPITALS, CONFUSABLE, without_invisible
from ..core.noun import plain

_ACCOUNT = re.compile(r"^[a-z]{2}\d{2}(?:[ -]?[a-z0-9]){11,30}$")
_PHONE = re.compile(r"^\+?[\d\s()./-]{6,}$")
_NUMBER = re.compile(
    r"^[+-]?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:\.\d{3}){2,}|\d{1,3}(?: \d{3})+(?:[.,]\d+)?"
    r"|\d+(?:[.,]\d+)?)$"
)
_WORD = re.compile(r"[\w.,+@%-]+")
_BLOB = re.compile(r"(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/_-]{12,}={0,2}(?![A-Za-z0-9+/=_-])")
_HEX = re.compile(r"(?<![0-9A-Za-z])(?:0x)?((?:[0-9a-fA-F]{2}[ :]?){6,})(?![0-9A-Za-z])")
_BASE32 = re.compile(r"(?<![A-Za-z0-9])[A-Z2-7]{16,}={0,6}(?![A-Za-z0-9=])")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})")
_EITHER = re.compile(r"^[+-]?\d{1,3}\.\d{3}$")
_BETWEEN = re.compile(r"[\W_]+")
_DEEPEST = 3
"""How many encodings are undone that lie in each other."""

_DOMAIN = re.compile(r"(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}")
_AS_SEEN = (("rn", "m"), ("vv", "w"), ("cl", "d"), ("0", "o"), ("1", "l"), ("5", "s"), ("i", "l"))
"""Letters that are taken for each other in a domain."""


def leaves(value: Any) -> list[str]:
    """The single values in `value` as text, without what is empty or only true or false."""
    if isinstance(value, Mapping):
        return [leaf for one in value.values() for leaf in leaves(one)]
    if isinstance(value, list | tuple | set | frozenset):
        return [leaf for one in value for leaf in leaves(one)]
    if value is None or isinstance(value, bool) or value == "":
        return []
    return [str(plain(value))]


def spelled(value: Any) -> list[str]:
    """`leaves`, with the keys of mappings, where text may stand as well."""
    if isinstance(value, Mapping):
        return [leaf for key, one in value.items() for leaf in (*leaves(str(key)), *spelled(one))]
    if isinstance(value, list | tuple | set | frozenset):
        return [leaf for one in value for leaf in spelled(one)]
    return leaves(value)


@lru_cache(maxsize=4096)
def folded(text: str) -> str:
    """`text` without case, compatibility forms, invisible characters and doubled spaces."""
    if text.isascii():
        return " ".join(text.lower().split())
    return " ".join(without_invisible(unicodedata.normalize("NFKC", text)).casefold().split())


@lru_cache(maxsize=4096)
def loose(text: str) -> str:
    """`folded`, with look-alike letters as the Latin ones they pass for."""
    return folded(text if text.isascii() else text.translate(CAPITALS)).translate(CONFUSABLE)


def squeezed(text: str) -> str:
    """The letters and digits of `loose` with nothing between them."""
    return _BETWEEN.sub("", without_marks(loose(text)))


def without_marks(text: str) -> str:
    """`text` with each accented letter as the letter alone."""
    return text if text.isascii() else "".join(map(_unmarked, text))


@lru_cache(maxsize=4096)
def _unmarked(letter: str) -> str:
    parts = unicodedata.normalize("NFD", letter)
    return parts[0] if len(parts) > 1 and unicodedata.combining(parts[1]) else letter


def ambiguous(text: str) -> bool:
    """Whether a system may take `text` for another value than its normal form says.

    Compatibility letters (`ﬁ`, `Ⅳ`), invisible ones, `ß` for `ss`, and `1.000`, which is one here and a thousand there.
    """
    seen = " ".join(text.split())
    if seen.isascii():
        return bool(_EITHER.match(seen))
    seen = unicodedata.normalize("NFC", seen)
    known = unicodedata.normalize("NFKC", seen) == without_invisible(seen) == seen
    return not known or seen.casefold() != seen.lower() or bool(_EITHER.match(seen))


@lru_cache(maxsize=16384)
def normal(text: str) -> str:
    """The one form of a number, an account, a telephone number or a word."""
    seen = folded(text)
    if _NUMBER.match(seen) and not seen.startswith("+"):
        return plain_number(seen)
    if _ACCOUNT.match(seen):
        return re.sub("[ -]", "", seen)
    if _PHONE.match(seen):
        return re.sub(r"\D", "", seen).lstrip("0")
    return seen


def words(text: str) -> set[str]:
    """The normal forms of the words and numbers in a text that is folded or `loose`."""
    return {normal(word.rstrip(".,")) for word in _WORD.findall(text)}


def is_number(text: str) -> bool:
    """Whether `text` is one number, in any of the ways to write it."""
    return bool(_NUMBER.match(folded(text)))


def plain_number(text: str) -> str:
    """`1.000,00`, `1,000.00` and `1 000` as `1000`."""
    text = text.replace(" ", "")
    comma, point = text.rfind(","), text.rfind(".")
    decimal_comma = comma > point and not re.fullmatch(r"[+-]?\d{1,3}(?:,\d{3})+", text)
    exact = text.replace(".", "").replace(",", ".") if decimal_comma else text.replace(",", "")
    if text.count(".") > 1 and not decimal_comma:
        exact = text.replace(".", "")
    try:
        number = Decimal(exact)
    except InvalidOperation:
        return text
    # As many digits as it has: rounded to fewer, two long numbers would be one.
    return format(number.normalize(Context(prec=max(1, len(exact)))), "f")


def decoded(text: str) -> tuple[str, ...]:
    """What is hidden in `text` as base64, hex, URL or HTML encoding, also one in another; without `text` itself."""
    found: dict[str, None] = {}
    fresh: list[str] = [text]
    for _ in range(_DEEPEST):
        fresh = [one for seen in fresh for one in _undone(seen) if one != text and one not in found]
        found |= dict.fromkeys(fresh)
    return tuple(found)


def _undone(text: str) -> Iterable[str]:
    if "%" in text and (plain_text := unquote(text)) != text:
        yield plain_text
    if "&" in text and (plain_text := html.unescape(text)) != text:
        yield plain_text
    if "\\" in text and (plain_text := _unescaped(text)) != text:
        yield plain_text
    for blob in _BLOB.findall(text):
        if plain_text := from_base64(blob):
            yield plain_text
    for blob in _BASE32.findall(text):
        if plain_text := _from_base32(blob):
            yield plain_text
    for blob in _HEX.findall(text):
        if plain_text := _readable(bytes.fromhex(re.sub("[ :]", "", blob))):
            yield plain_text


def _unescaped(text: str) -> str:
    seen = _ESCAPE.sub(lambda found: chr(int(found[1] or found[2], 16)), text)
    # Two escapes may make one letter; half of one is no letter and could not be written anywhere.
    return seen.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def from_base64(blob: str) -> str:
    """The text in a base64 blob, standard or URL-safe, padded or not; empty where it holds none."""
    standard = blob.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return _readable(base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True))
    except binascii.Error:
        return ""


def _from_base32(blob: str) -> str:
    bare = blob.rstrip("=")
    try:
        return _readable(base64.b32decode(bare + "=" * (-len(bare) % 8)))
    except binascii.Error:
        return ""


def _readable(data: bytes) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    return text if all(one.isprintable() or one.isspace() for one in text) else ""


def domains(text: str) -> set[str]:
    """The domains in `text`, of addresses and links, as they are read."""
    return {found.removeprefix("www.") for found in _DOMAIN.findall(folded(text))}


def lookalike(domain: str, known: Iterable[str]) -> str:
    """The known domain that `domain` could be taken for without being it; empty where there is none."""
    others = sorted(known)
    if domain in others:
        return ""
    seen = _as_seen(domain)
    return next((one for one in others if _as_seen(one) == seen or (len(one) >= 6 and near(domain, one))), "")


def _as_seen(domain: str) -> str:
    seen = loose(domain)
    for written, taken_for in _AS_SEEN:
        seen = seen.replace(written, taken_for)
    return seen


def near(one: str, other: str, most: int = 2) -> bool:
    """Whether at most `most` letters were put in, left out or changed (Levenshtein's distance)."""
    if abs(len(one) - len(other)) > most:
        return False
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, start=1):
        before, row[0] = row[0], at
        for place, against in enumerate(other, start=1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (letter != against))
        if min(row) > most:
            return False
    return row[-1] <= most
