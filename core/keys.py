"""Keys: who a person is to the ledger, proven by an Ed25519 signature that nobody can make by editing a row.

A workspace trusts the public keys in its folder `keys/`. Each person's secret key stays with that person, in the folder that
`SHIFTLEAD_KEYS` names or in the person's own configuration folder; the workspace's own key lies in its folder `.keys/`.
"""

import base64
import binascii
import os
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from .errors import Forbidden, NotFound, SettingsError
from .noun import canonical_json

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SECRETS = "SHIFTLEAD_KEYS"
"""The environment variable that names the folder with one's secret keys."""

LEDGER_KEY = "@ledger"
"""The name of the key that signs for the workspace itself: its audit checkpoints and exports."""

PUBLIC_FOLDER, OWN_FOLDER = "keys", ".keys"
_HEAD = "shiftlead-ed25519"
_LINE = re.compile(rf"^{_HEAD} (\S+) (.+)$")


class Signer:
    """Somebody who can sign."""

    def __init__(self, name: str, key: "Ed25519PrivateKey") -> None:
        self.name = name
        self._key = key

    @classmethod
    def fresh(cls, name: str) -> "Signer":
        """A new key for `name`, kept nowhere."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return cls(name, Ed25519PrivateKey.generate())

    def sign(self, purpose: str, statement: Mapping[str, Any]) -> str:
        """The signature on a statement made for one purpose, in base64; it proves nothing for any other purpose."""
        return base64.b64encode(self._key.sign(_bytes(purpose, statement))).decode()

    @property
    def public(self) -> str:
        """The public key in base64."""
        return base64.b64encode(self._key.public_key().public_bytes_raw()).decode()

    def secret_bytes(self) -> bytes:
        """The 32 secret bytes."""
        return self._key.private_bytes_raw()


class Keyring:
    """The public keys that are trusted, by name."""

    def __init__(self, keys: Mapping[str, str] | None = None) -> None:
        self._text = dict(keys or {})

    @classmethod
    def of(cls, signers: Iterable[Signer]) -> "Keyring":
        """The ring that trusts these signers."""
        return cls({one.name: one.public for one in signers})

    @property
    def names(self) -> tuple[str, ...]:
        """Whose keys are trusted."""
        return tuple(sorted(self._text))

    def public(self, name: str) -> str:
        """The public key of `name` in base64; empty where none is trusted."""
        return self._text.get(name, "")

    def holds(self, name: str, purpose: str, statement: Mapping[str, Any], signature: str) -> bool:
        """Whether `name` signed exactly this statement for this purpose; False for an unknown name and for a key that is none."""
        public = self._text.get(name, "")
        return bool(public and signature) and _verifies(public, signature, _bytes(purpose, statement))


class KeyFolder:
    """The keys of one workspace: the public ones it trusts, and the way to the secret ones."""

    def __init__(self, workspace: Path) -> None:
        self.public = workspace / PUBLIC_FOLDER
        self._own = workspace / OWN_FOLDER

    @property
    def secrets(self) -> Path:
        """The folder with the secret keys of whoever runs this process."""
        if named := os.environ.get(SECRETS):
            return Path(named)
        home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
        return Path(home) / "shiftlead" / "keys"

    def ring(self) -> Keyring:
        """The public keys that this workspace trusts; raises SettingsError where a file holds none."""
        return Keyring(dict(read_public(path) for path in sorted(self.public.glob("*.pub"))))

    def signer(self, name: str) -> Signer:
        """The secret key of `name`; raises NotFound where it is not here, Forbidden where others may read it or it is another's."""
        path = self._secret(name)
        if path is None:
            raise self._missing(name)
        if path.stat().st_mode & 0o077:
            raise Forbidden(f"Others may read the secret key {str(path)!r}.", hint=f"Run chmod 600 {str(path)!r}.")
        found = _read_secret(path, name)
        trusted = self.ring().public(name)
        if trusted != found.public:
            told = f"another key of {name!r} than the one in {str(path)!r}" if trusted else f"no key of {name!r}"
            make, restore = f"Run `shiftlead operator key {name}`.", f"Restore {str(self._public_file(name))!r}."
            raise Forbidden(f"The workspace trusts {told}.", hint=restore if name == LEDGER_KEY else make)
        return found

    def _missing(self, name: str) -> NotFound:
        if name == LEDGER_KEY:
            return NotFound(
                f"The workspace's own secret key is not in {str(self._own)!r}.",
                hint=f"Bring {_file(name)}.key there from the machine that has it, or from a backup.",
            )
        return NotFound(
            f"There is no secret key of {name!r} in {str(self.secrets)!r}.",
            hint=f"`shiftlead operator key {name}` makes one; {SECRETS} names another folder.",
        )

    def own(self) -> Signer | None:
        """The workspace's own key; None where it trusts none. Raises NotFound where it trusts one that is not here."""
        return self.signer(LEDGER_KEY) if LEDGER_KEY in self.ring().names else None

    def holds(self, name: str) -> bool:
        """Whether the secret key of `name` is at hand."""
        return self._secret(name) is not None

    def make(self, name: str, *, here: bool = False) -> Signer:
        """The key of `name`, made where there is none yet, and trusted from now on; `here` keeps its secret with the workspace.

        Raises Forbidden where the workspace trusts another key of that name already.
        """
        path, known = self._secret(name), self.ring().public(name)
        signer = _read_secret(path, name) if path else Signer.fresh(name)
        if known not in ("", signer.public):
            told = f"another key than the one in {str(path)!r}" if path else f"one that is not in {str(self.secrets)!r}"
            raise Forbidden(
                f"The workspace trusts a key of {name!r} already, {told}.",
                hint=f"Bring the secret key here. If it is lost, delete {str(self._public_file(name))!r}; what it signed then counts no more.",
            )
        if path is None:
            _write_secret((self._own if here else self.secrets) / f"{_file(name)}.key", signer)
        self.public.mkdir(parents=True, exist_ok=True)
        self._public_file(name).write_text(f"{_HEAD} {signer.public} {name}\n", encoding="utf-8")
        return signer

    def _secret(self, name: str) -> Path | None:
        places = (folder / f"{_file(name)}.key" for folder in (self.secrets, self._own))
        return next((path for path in places if path.is_file()), None)

    def _public_file(self, name: str) -> Path:
        return self.public / f"{_file(name)}.pub"


@lru_cache(maxsize=256)
def _verifies(public: str, signature: str, message: bytes) -> bool:
    """Whether a signature is that of a public key on exactly these bytes; the executor and the quorum ask of one approval in turn."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public, validate=True))
        key.verify(base64.b64decode(signature, validate=True), message)
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


def _file(name: str) -> str:
    return quote(name, safe="@ ")


def _bytes(purpose: str, statement: Mapping[str, Any]) -> bytes:
    return f"shiftlead:{purpose}\n{canonical_json(statement)}".encode()


def read_public(path: Path) -> tuple[str, str]:
    """Name and key in a public key file; raises SettingsError where it holds none."""
    try:
        found = _LINE.match(path.read_text(encoding="utf-8").strip())
    except (OSError, ValueError):
        found = None
    if found and unquote(path.stem) == found[2] and public_in(found[1]):
        return found[2], found[1]
    raise SettingsError(f"{str(path)!r} holds no public key.", hint=f"It is one line: {_HEAD} KEY NAME, in a file NAME.pub.")


def public_in(line: str) -> str:
    """The public key in the line of a key file, or in what is nothing but the key; empty where there is none."""
    words = line.strip().removeprefix(f"{_HEAD} ").split()
    try:
        return words[0] if words and len(base64.b64decode(words[0], validate=True)) == 32 else ""
    except ValueError:
        return ""


def _read_secret(path: Path, name: str) -> Signer:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        raw = base64.b64decode(path.read_text(encoding="ascii").strip(), validate=True)
        return Signer(name, Ed25519PrivateKey.from_private_bytes(raw))
    except (OSError, ValueError, binascii.Error) as error:
        raise SettingsError(f"{str(path)!r} holds no secret key.", hint="Restore it, or make a new key.") from error


def _write_secret(path: Path, signer: Signer) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as target:
        target.write(base64.b64encode(signer.secret_bytes()).decode() + "\n")
