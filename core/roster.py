"""The roster: who may decide in which role, whose signatures count, and how somebody signs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import Forbidden
from .keys import Keyring, Signer
from .noun import digest

Signing = Signer | Callable[[str], Signer]
"""One person's key, or the way to the key of whoever decides."""


@dataclass(frozen=True, slots=True)
class Roster:
    """The operators of an installation, and the keys it trusts."""

    operators: Mapping[str, str]
    """Role by name."""
    keyring: Keyring | None
    """None where the installation uses no signatures: whoever writes to the ledger then decides for anybody."""

    def fingerprint(self) -> str:
        """A digest of who decides, in which role, with which key; another one where any of it has changed."""
        ring = self.keyring
        keys = None if ring is None else {name: ring.public(name) for name in ring.names}
        return digest({"operators": self.operators, "keys": keys})


def signature(signing: Signing | None, name: str, purpose: str, statement: Mapping[str, Any]) -> str:
    """The signature of `name`, empty where nobody signs; raises Forbidden where the key at hand is another's."""
    if signing is None:
        return ""
    signer = signing if isinstance(signing, Signer) else signing(name)
    if signer.name != name:
        raise Forbidden(f"The key at hand is that of {signer.name!r}, not of {name!r}.", hint=f"Use --as {signer.name}.")
    return signer.sign(purpose, statement)
