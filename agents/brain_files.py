"""A brain on disk: a folder with `card.json` and the files that the card names, each under its SHA-256.

The card is canonical JSON. It tells what the brain is, lists the files by name with their hashes, and carries a hash of itself, so
that damage anywhere is noticed before a number is read. Folders are written whole or not at all, and never over something else.
"""

import hashlib
import io
import json
import os
import re
import shutil
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..core.errors import BadInput, Conflict
from ..core.noun import canonical_json, digest

CARD = "card.json"
"""The file that every brain has."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_]*\.(?:npz|json)")
_FILES, _SEAL = "files", "seal"
_MOST_BYTES = 1 << 30
_FIRST_MOMENT = (1980, 1, 1, 0, 0, 0)
"""Zip cannot say less; without a fixed one the same brain would pack into other bytes every time."""
_HINT = "Train it again with `shiftlead brain train`, or take the folder from its source again."


class BrainFolder(NamedTuple):
    """What a brain's folder holds."""

    card: dict[str, Any]
    """Without the hashes, which have been checked."""
    files: dict[str, bytes]
    """The other files by name."""

    @property
    def size_bytes(self) -> int:
        """Bytes on disk, the card included."""
        return len(_sealed(self.card, self.files)) + sum(map(len, self.files.values()))


def check_target(folder: Path) -> None:
    """Raise Conflict or BadInput unless a brain can be written to `folder`: an empty folder, or a new one in a folder that exists."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise Conflict(f"{folder} is there already and is no folder.", hint="Give an empty or a new folder.")
    try:
        taken = folder.is_dir() and any(folder.iterdir())
    except OSError as error:
        raise BadInput(f"{folder}: {error.strerror or error}.", hint="Give a folder that can be read.") from error
    if taken:
        raise Conflict(f"{folder} is not empty.", hint="Give an empty or a new folder; nothing is written over.")
    if not folder.absolute().parent.is_dir():
        raise BadInput(
            f"{folder}: there is no folder {folder.absolute().parent}.", hint="Make it first, or give another place."
        )


def write_folder(folder: Path, card: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
    """Write a brain to `folder`, whole or not at all; raises Conflict where something is there, BadInput where it cannot be written."""
    check_target(folder)
    part = folder.absolute().with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        part.mkdir()
        for name, data in {**_checked_names(files), CARD: _sealed(card, files)}.items():
            (part / name).write_bytes(data)
        if folder.is_dir():
            # Refuses a folder that somebody has filled in the meantime.
            folder.rmdir()
        part.rename(folder)
    except OSError as error:
        raise BadInput(f"{folder}: {error.strerror or error}.", hint="Give a folder that can be written.") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def read_folder(folder: Path) -> BrainFolder:
    """The brain in `folder`, every hash verified; raises BadInput where it is missing, damaged or no brain."""
    if not folder.exists():
        raise BadInput(f"{folder}: there is no such folder.", hint="Give the folder that `shiftlead brain train` wrote.")
    if not folder.is_dir():
        raise BadInput(f"{folder} is a file; a brain is a folder.", hint="Give the folder that `shiftlead brain train` wrote.")
    try:
        return _verified({path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}, str(folder))
    except OSError as error:
        raise BadInput(f"{folder}: {error.strerror or error}.", hint="Give a folder that can be read.") from error


def packed(folder: BrainFolder) -> bytes:
    """One file with the whole brain, such as the ledger keeps; the same brain gives the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, data in sorted({**folder.files, CARD: _sealed(folder.card, folder.files)}.items()):
            archive.writestr(zipfile.ZipInfo(name, _FIRST_MOMENT), data)
    return out.getvalue()


def unpacked(data: bytes, *, origin: str = "the packed brain") -> BrainFolder:
    """The brain that `packed` put into `data`; raises BadInput where it is damaged."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(one.file_size for one in archive.infolist()) > _MOST_BYTES:
                raise BadInput(f"{origin} is larger than a brain can be.", hint=_HINT)
            found = {one.filename: archive.read(one) for one in archive.infolist()}
    # A damaged zip fails in many ways, all of which mean the same to the reader.
    except (
        zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError, RuntimeError, struct.error, LookupError,
        OverflowError, MemoryError, zlib.error,
    ) as error:  # fmt: skip
        raise BadInput(f"{origin} is damaged ({type(error).__name__}).", hint=_HINT) from error
    return _verified(found, origin)


def _sealed(card: Mapping[str, Any], files: Mapping[str, bytes]) -> bytes:
    told = {**card, _FILES: {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}}
    return (canonical_json({**told, _SEAL: digest(told)}) + "\n").encode()


def _verified(found: dict[str, bytes], origin: str) -> BrainFolder:
    if CARD not in found:
        raise BadInput(f"{origin} is no brain: it has no {CARD}.", hint="Give the folder that `shiftlead brain train` wrote.")
    try:
        told = json.loads(found[CARD])
        seal, named = told.pop(_SEAL), dict(told[_FILES])
        whole = digest(told) == seal
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadInput(f"{origin}: {CARD} is damaged ({type(error).__name__}).", hint=_HINT) from error
    if not whole:
        raise BadInput(f"{origin}: {CARD} is damaged: its content does not match its own hash.", hint=_HINT)
    del told[_FILES]
    for name, expected in named.items():
        if name not in found or name == CARD:
            raise BadInput(f"{origin}: {name} is missing.", hint=_HINT)
        if hashlib.sha256(found[name]).hexdigest() != expected:
            raise BadInput(f"{origin}: {name} is damaged: it does not match its hash in {CARD}.", hint=_HINT)
    return BrainFolder(told, {name: found[name] for name in sorted(named)})


def _checked_names(files: Mapping[str, bytes]) -> Mapping[str, bytes]:
    for name in files:
        if not _NAME.fullmatch(name) or name == CARD:
            raise BadInput(f"{name!r} is no name for a file of a brain.", hint="Give lower-case words ending in .npz or .json.")
    return files
