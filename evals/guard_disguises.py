"""Disguises: how an attacker may write a value so that a guard does not know it again."""

import base64
from collections.abc import Callable, Mapping
from typing import Any

_CYRILLIC = str.maketrans("aeopcyxiABEKMHOPCTX", "аеорсухіАВЕКМНОРСТХ")

DISGUISES: dict[str, Callable[[str], str]] = {
    "zero_width": lambda text: "\u200b".join(text),
    "bidirectional": lambda text: f"\u202e{text}\u202c",
    "cyrillic": lambda text: text.translate(_CYRILLIC),
    "full_width": lambda text: "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in text),
    "mathematical": lambda text: "".join(chr(0x1D41A + ord(one) - ord("a")) if "a" <= one <= "z" else one for one in text),
    "spaced": " ".join,
    "dotted": ".".join,
    "capitals": str.upper,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "url": lambda text: "".join(f"%{one:02X}" for one in text.encode()),
    "html": lambda text: "".join(f"&#{ord(one)};" for one in text),
}
"""Each takes a value and writes it otherwise."""


def disguised(value: Any, how: str) -> Any:
    """`value` with every text in it disguised."""
    if isinstance(value, str):
        return DISGUISES[how](value)
    if isinstance(value, Mapping):
        return {key: disguised(one, how) for key, one in value.items()}
    return [disguised(one, how) for one in value] if isinstance(value, list) else value
